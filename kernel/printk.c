/* SPDX-License-Identifier: MIT */
/*
 * Messages and console output.
 *
 * K1  A line of printk() goes to the ring whole, with the time; it goes to
 *     the consoles when its level is below console_loglevel.
 * K2  Output of one call is not torn apart by another's: out_lock.
 * K3  After console_enter_panic() no lock is taken: one CPU runs.
 * K4  A CPU that dumps itself from an NMI takes no lock: who asked it holds
 *     out_lock, or has waited for it in vain.
 *
 * The ring keeps the last RING_SIZE bytes.  Locks: out_lock (LOCK_CONSOLE, the
 * innermost of all), irqsave.  Consoles are registered for ever.
 * Tests: every test reads its output; tests/kt/kt_panic.c for the level
 */
#include "kernel/printk.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/report.h"
#include "kernel/spinlock.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"

#define RING_SIZE	65536U	/* a power of two */
#define LINE_MAX	512
#define DEFAULT_LEVEL	6
#define HOLD_NS		200000000ULL

int console_loglevel = 7;

static DEFINE_SPINLOCK(out_lock, LOCK_CONSOLE);
static struct console *consoles;
static char ring[RING_SIZE];
static u64 ring_end;		/* bytes ever written */
static bool panicking;
static DEFINE_PER_CPU(u32, direct);	/* K4 */
static bool held;		/* console_hold() got the lock */

/* K4 */
static bool no_lock(void)
{
	return panicking || unlikely(this_cpu_read(direct));
}

static u64 out_begin(void)
{
	return no_lock() ? 0 : spin_lock_irqsave(&out_lock);
}

static void out_end(u64 flags)
{
	if (!no_lock())
		spin_unlock_irqrestore(&out_lock, flags);
}

void console_direct(enum console_how how)
{
	this_cpu_add(direct, how == CONSOLE_DIRECT ? 1U : -1U);
}

u64 console_hold(void)
{
	u64 flags = local_irq_save(), end = ktime_get() + HOLD_NS;
	bool got;

	while (!(got = spin_trylock(&out_lock)) && ktime_get() < end)
		cpu_relax();
	WRITE_ONCE(held, got);
	console_direct(CONSOLE_DIRECT);
	return flags;
}

void console_release(u64 flags)
{
	console_direct(CONSOLE_LOCKED);
	if (held)
		spin_unlock(&out_lock);
	local_irq_restore(flags);
}

static void emit(const char *s, size_t len)
{
	for (struct console *c = consoles; c; c = c->next)
		c->write(c, s, len);
}

static void ring_put(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ring[(ring_end + i) % RING_SIZE] = s[i];
	ring_end += len;
}

/* Writes [from, to) of the ring to c, or to all of them: NULL. */
static void ring_emit(struct console *c, u64 from, u64 to)
{
	while (from < to) {
		u64 off = from % RING_SIZE;
		u64 n = min_t(u64, to - from, RING_SIZE - off);

		if (c)
			c->write(c, &ring[off], n);
		else
			console_write(&ring[off], n);
		from += n;
	}
}

static int level_of(const char **fmt)
{
	const char *f = *fmt;

	if (f[0] != '\001' || f[1] < '0' || f[1] > '9')
		return DEFAULT_LEVEL;
	*fmt = f + 2;
	return f[1] - '0';
}

int printk(const char *fmt, ...)
{
	char buf[LINE_MAX];
	int level = level_of(&fmt), n, len;
	u64 now = ktime_get(), flags;
	va_list ap;

	n = scnprintf(buf, sizeof(buf), "[%5llu.%06llu] ", now / 1000000000,
		      now / 1000 % 1000000);
	va_start(ap, fmt);
	len = n + vscnprintf(buf + n, sizeof(buf) - (size_t)n, fmt, ap);
	va_end(ap);
	if (report_takes_output()) {
		report_keep(buf, (size_t)len);
		return len;
	}
	flags = out_begin();
	ring_put(buf, (size_t)len);
	if (level < console_loglevel)
		emit(buf, (size_t)len);
	out_end(flags);
	return len;
}

int kvprintf(const char *fmt, va_list ap)
{
	char buf[LINE_MAX];
	int len = vscnprintf(buf, sizeof(buf), fmt, ap);

	console_write(buf, (size_t)len);
	return len;
}

int kprintf(const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = kvprintf(fmt, ap);
	va_end(ap);
	return len;
}

void console_write(const char *s, size_t len)
{
	u64 flags;

	if (report_takes_output()) {
		report_keep(s, len);
		return;
	}
	flags = out_begin();
	emit(s, len);
	out_end(flags);
}

void console_register(struct console *c)
{
	u64 flags = out_begin();
	u64 from = ring_end > RING_SIZE ? ring_end - RING_SIZE : 0;

	/* The new one shows what was said before it came. */
	ring_emit(c, from, ring_end);
	c->next = consoles;
	WRITE_ONCE(consoles, c);	/* a panic looks without the lock */
	out_end(flags);
}

/* In pieces, so that interrupts are not off for the whole of it. */
void printk_dump_ring(void)
{
	u64 end = ring_end;
	u64 from = end > RING_SIZE ? end - RING_SIZE : 0;

	while (from < end) {
		u64 n = 0;

		while (from + n < end && n < LINE_MAX &&
		       ring[(from + n++) % RING_SIZE] != '\n')
			;
		ring_emit(NULL, from, from + n);
		from += n;
	}
}

int console_poll_raw(void)
{
	int ret = -ENODEV;

	for (struct console *c = consoles; c; c = c->next) {
		if (!c->poll)
			continue;
		ret = c->poll(c);
		if (ret >= 0)
			return ret;
	}
	return ret;
}

void console_enter_panic(void)
{
	panicking = true;
}
