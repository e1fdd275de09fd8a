/* SPDX-License-Identifier: MIT */
/*
 * Time from the TSC, calibrated against the PIT, whose rate is known.
 *
 * C1  ktime_get() never goes back on a CPU, nor between CPUs whose TSCs agree
 *     (they do under QEMU, and on hardware with an invariant TSC).
 * C2  Before clock_calibrate(), ktime_get() is 0 and udelay() counts port
 *     accesses of about a microsecond.
 */
#include "arch/cpu.h"
#include "arch/internal.h"
#include "arch/io.h"
#include "arch/smp.h"
#include "arch/upcall.h"

#define PIT_HZ		1193182
#define PIT_CH2		0x42
#define PIT_MODE	0x43
#define PIT_GATE	0x61
#define PIT_CH2_ONESHOT	0xb0	/* channel 2, low then high byte, mode 0 */
#define GATE_ON		BIT(0)
#define GATE_SPEAKER	BIT(1)
#define GATE_OUT	BIT(5)
#define PIT_MAX_POLLS	1000000
#define PIT_POLL_TURNS	500	/* less than a microsecond each */

#define CALIBRATE_MS	10
#define DEFAULT_KHZ	1000000
#define NS_SHIFT	32

u64 tsc_khz;
static u64 tsc_start;
static u64 ns_mult;		/* ns per TSC tick << NS_SHIFT */

u64 pit_wait(u32 ms)
{
	u32 count = PIT_HZ / 1000 * ms;
	u8 gate = inb(PIT_GATE) & (u8)~GATE_SPEAKER;
	u64 start;

	outb(PIT_GATE, gate & (u8)~GATE_ON);
	outb(PIT_MODE, PIT_CH2_ONESHOT);
	outb(PIT_CH2, (u8)count);
	outb(PIT_CH2, (u8)(count >> 8));
	outb(PIT_GATE, gate | GATE_ON);
	start = rdtsc();
	for (u32 i = 0; i < PIT_MAX_POLLS; i++) {
		if (inb(PIT_GATE) & GATE_OUT)
			return rdtsc() - start;
		cpu_relax();
		cpu_spin(PIT_POLL_TURNS);
	}
	return 0;
}

/* The least of three: whatever disturbs us makes a measurement longer. */
void clock_calibrate(void)
{
	u64 best = U64_MAX;

	for (int i = 0; i < 3; i++) {
		u64 ticks = pit_wait(CALIBRATE_MS);

		if (ticks)
			best = min(best, ticks);
	}
	if (best == U64_MAX) {
		printk(MSG_WARN "clock: no PIT: the TSC is taken for 1 GHz\n");
		best = (u64)DEFAULT_KHZ * CALIBRATE_MS;
	}
	tsc_khz = max_t(u64, best / CALIBRATE_MS, 1);
	ns_mult = (1000000ULL << NS_SHIFT) / tsc_khz;
	tsc_start = rdtsc();
}

u64 ktime_get(void)
{
	u64 now;

	if (unlikely(!ns_mult))
		return 0;
	now = rdtsc();
	/* A CPU whose TSC is a little behind must not see a huge number. */
	if ((s64)(now - tsc_start) < 0)
		return 0;
	return (u64)((unsigned __int128)(now - tsc_start) * ns_mult >> NS_SHIFT);
}

void udelay(u64 us)
{
	u64 start, ticks, gone;

	if (!tsc_khz) {
		for (u64 i = 0; i < us; i++)
			outb(0x80, 0);
		return;
	}
	start = rdtsc();
	ticks = us * tsc_khz / 1000;
	/* Looks at the clock more often the nearer the end is. */
	while ((gone = rdtsc() - start) < ticks) {
		cpu_relax();
		cpu_spin((ticks - gone) / 8 + 1);
	}
}
