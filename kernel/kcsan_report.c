/* SPDX-License-Identifier: MIT */
/*
 * Reports of data races: who, what, from where, both sides. Part of the image
 * with KCSAN=1 only.
 *
 * K10  A race between the same two places is printed once; the place of an
 *      access is where the hook was called, and who called that function.
 *      Every further one is counted. Each printed one is a warning, so the
 *      running test fails.
 * K11  One CPU prints at a time, interrupts off, and its own accesses are not
 *      checked meanwhile (K4 of kcsan.c).
 *
 * Locks: `reporter`, innermost but for the console's.
 * Tests: tests/kt/kt_kcsan.c
 */
#include "kernel/kcsan.h"
#include "arch/cpu.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "lib/string.h"

#define KNOWN_MAX	256U
#define EXPECTING_MEAN	16U

static u32 reporter;
static u64 reports;			/* a */
static u64 known[KNOWN_MAX];		/* the reporter's */
static u32 nr_known;

/* What a test expects; set while no watchpoint of it can stand. */
static u64 expected_from, expected_to;
static u32 nr_expected;			/* a */
static struct kcsan_race last_expected;	/* the reporter's */

u64 kcsan_count(void)
{
	return READ_ONCE(reports);
}

bool kcsan_expecting(u32 *mean)
{
	if (!READ_ONCE(expected_to))
		return false;
	*mean = EXPECTING_MEAN;
	return true;
}

void kcsan_record(struct kcsan_side *s, u64 fp)
{
	const struct thread *t = current();

	s->cpu = smp_processor_id();
	s->irq = in_irq();
	s->tid = t ? t->tid : 0;
	s->name[0] = 0;
	if (t)
		memcpy(s->name, t->name, sizeof(s->name));
	s->nr = backtrace_save(s->pcs, KCSAN_FRAMES, fp);
}

static u64 place(const struct kcsan_side *s)
{
	return s->nr < 2 ? 0 : s->pcs[0] * 31 + s->pcs[1];
}

/* K10 */
static bool is_known(const struct kcsan_race *r)
{
	u64 a = place(&r->watched), b = r->unknown ? 0 : place(&r->other);
	u64 both = a * b + a + b + 1;

	for (u32 i = 0; i < nr_known; i++)
		if (known[i] == both)
			return true;
	if (nr_known < KNOWN_MAX)
		known[nr_known++] = both;
	return false;
}

static const char *access_name(u32 type)
{
	static const char *const names[] = {
		"read", "write", "marked read", "marked write",
		"assertion that nobody writes", "assertion that nobody reads",
	};

	return names[type % ARRAY_SIZE(names)];
}

static void print_side(const struct kcsan_side *s)
{
	kprintf("%s of %u bytes at %016llx by thread %u (%s)%s on CPU %u:\n",
		access_name(s->type), s->size, s->addr, s->tid, s->name,
		s->irq ? ", in an interrupt," : "", s->cpu);
	backtrace_print(s->pcs, s->nr);
}

static void print_race(const struct kcsan_race *r)
{
	char a[64], b[64];

	ksym_format(r->watched.pcs[0], a, sizeof(a));
	if (r->unknown)
		kprintf("\nkcsan: warning at %s: data race with something "
			"unseen\n", a);
	else
		kprintf("\nkcsan: warning at %s: data race with %s\n", a,
			ksym_format(r->other.pcs[0], b, sizeof(b)));
	print_side(&r->watched);
	if (!r->unknown)
		print_side(&r->other);
	if (r->before != r->after)
		kprintf("the value went from 0x%llx to 0x%llx\n", r->before,
			r->after);
	kprintf("\n");
}

static bool is_expected(const struct kcsan_race *r)
{
	return r->watched.addr + r->watched.size > READ_ONCE(expected_from) &&
	       r->watched.addr < READ_ONCE(expected_to);
}

static void report_locked(const struct kcsan_race *r)
{
	if (is_expected(r)) {
		last_expected = *r;
		WRITE_ONCE(nr_expected, nr_expected + 1);
		return;
	}
	WRITE_ONCE(reports, reports + 1);
	if (is_known(r))
		return;
	print_race(r);
	warn_add();
}

/* Interrupts off. */
static void reporter_lock(void)
{
	while (xchg(&reporter, 1))
		cpu_relax();
}

static void reporter_unlock(void)
{
	smp_store_release(&reporter, 0);
}

void kcsan_report(struct kcsan_race *r)
{
	reporter_lock();
	report_locked(r);
	reporter_unlock();
}

void kcsan_expect_begin(const volatile void *p, u64 n)
{
	WRITE_ONCE(nr_expected, 0);
	WRITE_ONCE(expected_from, (u64)p);
	WRITE_ONCE(expected_to, (u64)p + n);
}

u32 kcsan_expected(void)
{
	return READ_ONCE(nr_expected);
}

u32 kcsan_expect_end(struct kcsan_race *last)
{
	u64 flags = local_irq_save();
	u32 n;

	reporter_lock();
	WRITE_ONCE(expected_to, 0);
	WRITE_ONCE(expected_from, 0);
	n = nr_expected;
	if (n && last)
		*last = last_expected;
	reporter_unlock();
	local_irq_restore(flags);
	return n;
}
