/* SPDX-License-Identifier: MIT */
/*
 * The CMOS clock, read once at boot and taken for UTC.
 *
 * Z1  A reading counts when two in a row agree and no update was going on
 *     [MC146818A].
 */
#include "arch/cpu.h"
#include "arch/internal.h"
#include "arch/io.h"
#include "arch/smp.h"
#include "arch/upcall.h"
#include "lib/string.h"

#define CMOS_INDEX	0x70
#define CMOS_DATA	0x71
#define STATUS_A	0x0a
#define STATUS_B	0x0b
#define A_UPDATING	BIT(7)
#define B_BINARY	BIT(2)
#define B_24_HOURS	BIT(1)
#define HOUR_PM		0x80

struct cmos_time {
	u8 sec, min, hour, day, month, year;
};

static u64 boot_epoch;

static u8 cmos_read(u8 reg)
{
	outb(CMOS_INDEX, reg);
	return inb(CMOS_DATA);
}

static void read_once(struct cmos_time *t)
{
	for (int i = 0; i < 10000 && cmos_read(STATUS_A) & A_UPDATING; i++)
		cpu_relax();
	t->sec = cmos_read(0);
	t->min = cmos_read(2);
	t->hour = cmos_read(4);
	t->day = cmos_read(7);
	t->month = cmos_read(8);
	t->year = cmos_read(9);
}

static u8 from_bcd(u8 v)
{
	return (u8)((v >> 4) * 10 + (v & 15));
}

static void decode(struct cmos_time *t)
{
	u8 b = cmos_read(STATUS_B);
	u8 pm = t->hour & HOUR_PM;

	t->hour &= (u8)~HOUR_PM;
	if (!(b & B_BINARY)) {
		u8 *field = &t->sec;

		for (u32 i = 0; i < sizeof(*t); i++)
			field[i] = from_bcd(field[i]);
	}
	if (!(b & B_24_HOURS))
		t->hour = (u8)(t->hour % 12 + (pm ? 12 : 0));
}

/* Days from 1970-01-01; March is the first month, so leap days come last. */
static u64 days_from_civil(u32 year, u32 month, u32 day)
{
	u32 y = month <= 2 ? year - 1 : year;
	u32 m = month <= 2 ? month + 9 : month - 3;

	return 365ULL * y + y / 4 - y / 100 + y / 400 +
	       (153 * m + 2) / 5 + day - 1 - 719468;
}

void rtc_init(void)
{
	struct cmos_time t, again;
	u64 now;

	read_once(&t);
	for (int i = 0; i < 5; i++) {			/* Z1 */
		read_once(&again);
		if (!memcmp(&t, &again, sizeof(t)))
			break;
		t = again;
	}
	decode(&t);
	if (t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31 ||
	    t.hour > 23 || t.min > 59 || t.sec > 60) {
		printk(MSG_WARN "rtc: the clock shows no valid time\n");
		return;
	}
	now = days_from_civil(2000U + t.year, t.month, t.day) * 86400 +
	      t.hour * 3600U + t.min * 60U + t.sec;
	boot_epoch = now - ktime_get() / 1000000000;
}

u64 boot_epoch_seconds(void)
{
	return boot_epoch;
}
