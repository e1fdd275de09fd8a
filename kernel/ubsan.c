/* SPDX-License-Identifier: MIT */
/*
 * What the compiler's checks for undefined behaviour call. Part of the image
 * with UBSAN=1 only (mk/ubsan.mk): gcc then tests operands before it uses them
 * and calls a handler of ours with a description of the place.
 *
 * U1  A place is reported once, by warn_at(): file, line, kind and values, and
 *     a backtrace. The count of warnings grows, so the running test fails.
 *     Every further time at the same place is counted only.
 * U2  A handler never recurses: a fault inside a report is counted, not
 *     reported. One CPU reports at a time, interrupts off.
 * U3  What runs under the console's lock, and what formats a report, is not
 *     instrumented (UBSAN_PLAIN in mk/ubsan.mk).
 *
 * The descriptions are the compiler's, in .data; the column doubles as the
 * "reported" mark of U1. Their layout is gcc's ABI (libubsan, version 1).
 * Locks: `reporter`, a CPU's number + 1, innermost but for the console's.
 * Tests: tests/kt/kt_ubsan.c
 */
#include "kernel/ubsan.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/thread.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"

#define NOBODY		0U
#define REPORTED	BIT(31)		/* in place.column */
#define KIND_INT	0
#define NUMBER_MAX	24

struct ub_site {
	const char *file;
	u32 line, column;
};

struct type {
	u16 kind;
	u16 info;		/* of integers: log2(bits) << 1 | is signed */
	char name[];		/* quoted by the compiler */
};

/* Of overflows, invalid values, array bounds: one type. Of shifts: both. */
struct ub_types {
	struct ub_site place;
	const struct type *type, *right;
};

struct ub_access {
	struct ub_site place;
	const struct type *type;
	u8 log_alignment, kind;
};

struct ub_place {
	struct ub_site place;
};

struct ub_arg {
	struct ub_site place, attribute;
	int index;
};

static u32 reporter = NOBODY;
static u64 reports, places;
static const struct thread *expecting;
static u32 nr_expected;

u64 ubsan_count(void)
{
	return READ_ONCE(reports);
}

void ubsan_expect_begin(void)
{
	WRITE_ONCE(nr_expected, 0);
	WRITE_ONCE(expecting, current());
}

u32 ubsan_expect_end(void)
{
	WRITE_ONCE(expecting, NULL);
	return READ_ONCE(nr_expected);
}

static bool expected(void)
{
	const struct thread *t = READ_ONCE(expecting);

	if (!t || t != current() || in_irq())
		return false;
	nr_expected++;
	return true;
}

/* U2: false when this CPU is inside a report already. */
static bool report_begin(void)
{
	u32 self = smp_processor_id() + 1, old;

	while ((old = cmpxchg(&reporter, NOBODY, self)) != NOBODY) {
		if (old == self)
			return false;
		cpu_relax();
	}
	return true;
}

static __printf(2, 3) void report(struct ub_site *p, const char *fmt, ...)
{
	static char text[192];		/* the reporter's */
	u64 flags;
	va_list ap;

	if (expected())
		return;
	__atomic_fetch_add(&reports, 1, __ATOMIC_RELAXED);
	if (__atomic_fetch_or(&p->column, REPORTED, __ATOMIC_RELAXED) &
	    REPORTED)
		return;
	flags = local_irq_save();
	if (report_begin()) {
		places++;
		va_start(ap, fmt);
		vscnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		warn_at(p->file, (int)p->line, text);
		WRITE_ONCE(reporter, NOBODY);
	}
	local_irq_restore(flags);
}

/* A value of up to 64 bits is the handle itself, sign bits or not. */
static const char *number(char *buf, const struct type *type, u64 handle)
{
	u32 bits = 1U << (type->info >> 1);

	if (type->kind != KIND_INT || bits > 64)
		snprintf(buf, NUMBER_MAX, "a value");
	else if (type->info & 1)
		snprintf(buf, NUMBER_MAX, "%lld",
			 (s64)(handle << (64 - bits)) >> (64 - bits));
	else
		snprintf(buf, NUMBER_MAX, "%llu",
			 handle << (64 - bits) >> (64 - bits));
	return buf;
}

static void overflow(struct ub_types *d, const char *op, u64 left, u64 right)
{
	char a[NUMBER_MAX], b[NUMBER_MAX];

	report(&d->place, "ubsan: %s %s %s leaves %s",
	       number(a, d->type, left), op, number(b, d->type, right),
	       d->type->name);
}

#define HANDLER(name, ...)						\
	void __ubsan_handle_##name(__VA_ARGS__);			\
	void __ubsan_handle_##name(__VA_ARGS__)

HANDLER(add_overflow, struct ub_types *d, u64 left, u64 right)
{
	overflow(d, "+", left, right);
}

HANDLER(sub_overflow, struct ub_types *d, u64 left, u64 right)
{
	overflow(d, "-", left, right);
}

HANDLER(mul_overflow, struct ub_types *d, u64 left, u64 right)
{
	overflow(d, "*", left, right);
}

HANDLER(negate_overflow, struct ub_types *d, u64 value)
{
	overflow(d, "-", 0, value);
}

/* A division by zero goes on to its exception. */
HANDLER(divrem_overflow, struct ub_types *d, u64 left, u64 right)
{
	overflow(d, "/", left, right);
}

HANDLER(shift_out_of_bounds, struct ub_types *d, u64 left, u64 right)
{
	char a[NUMBER_MAX], b[NUMBER_MAX];

	report(&d->place, "ubsan: shift of %s (%s) by %s",
	       number(a, d->type, left), d->type->name,
	       number(b, d->right, right));
}

HANDLER(out_of_bounds, struct ub_types *d, u64 index)
{
	char a[NUMBER_MAX];

	report(&d->place, "ubsan: index %s is outside of %s",
	       number(a, d->right, index), d->type->name);
}

HANDLER(load_invalid_value, struct ub_types *d, u64 value)
{
	report(&d->place, "ubsan: %s cannot be %llu", d->type->name,
	       value & 0xff);
}

HANDLER(vla_bound_not_positive, struct ub_types *d, u64 bound)
{
	char a[NUMBER_MAX];

	report(&d->place, "ubsan: an array of %s elements",
	       number(a, d->type, bound));
}

HANDLER(type_mismatch_v1, struct ub_access *d, u64 addr)
{
	static const char *const kinds[] = {
		"load of", "store to", "reference to", "member access in",
		"member call on", "constructor call on",
	};
	u64 mask = (1UL << d->log_alignment) - 1;

	report(&d->place, "ubsan: %s %s: %s 0x%llx",
	       d->kind < ARRAY_SIZE(kinds) ? kinds[d->kind] : "use of",
	       d->type->name, !addr ? "a null pointer," : addr & mask ?
	       "not aligned," : "the object is too small,", addr);
}

HANDLER(pointer_overflow, struct ub_place *d, u64 base, u64 result)
{
	report(&d->place, "ubsan: pointer 0x%llx moved to 0x%llx", base,
	       result);
}

HANDLER(nonnull_arg, struct ub_arg *d)
{
	report(&d->place, "ubsan: argument %d may not be null", d->index);
}

HANDLER(nonnull_return_v1, struct ub_place *d, struct ub_site *p)
{
	(void)d;
	report(p, "ubsan: null returned where it may not be");
}

HANDLER(invalid_builtin, struct ub_place *d)
{
	report(&d->place, "ubsan: zero given to a bit search");
}

/* The compiler has no code behind this. */
HANDLER(builtin_unreachable, struct ub_place *d)
{
	panic("ubsan: %s:%u was thought out of reach", d->place.file,
	      d->place.line);
}

/* `ubsan fire` is a report that nothing expects: tests must turn red. */
static int cmd_ubsan(int argc, char **argv)
{
	static struct ub_place here = { { __FILE__, __LINE__, 0 } };

	if (argc > 1 && strcmp(argv[1], "fire"))
		return -EINVAL;
	if (argc > 1)
		report(&here.place, "ubsan: fired by hand");
	kprintf("ubsan: %llu reports at %llu places\n", ubsan_count(),
		READ_ONCE(places));
	return ubsan_count() ? -EIO : 0;
}
SHELL_CMD(ubsan, "[fire]", "undefined behaviour seen since boot", 0, 1,
	  cmd_ubsan);
