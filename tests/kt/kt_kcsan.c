/* SPDX-License-Identifier: MIT */
/*
 * Races on purpose: two threads on two CPUs, one access each, marked or not,
 * locked or not. Part of the image with KCSAN=1 only.
 */
#include "kernel/kcsan.h"
#include "kernel/panic.h"
#include "kernel/spinlock.h"
#include "tests/kt/kt_util.h"

#define ROUNDS_MAX	1000000U
/* In so many the races that there are were met dozens of times. */
#define ROUNDS_QUIET	5000U

/* What races; one object, so that one expectation covers it. */
static struct {
	u64 word, locked;
	atomic64_t counter;
	u8 bytes[64];
} target;
static u64 sink;
static DEFINE_SPINLOCK(target_lock, LOCK_TEST);

static noinline void plain_write(void)
{
	target.word++;
}

static noinline void plain_read(void)
{
	WRITE_ONCE(sink, target.word);
}

static noinline void marked_write(void)
{
	WRITE_ONCE(target.word, READ_ONCE(sink));
}

static noinline void marked_read(void)
{
	WRITE_ONCE(sink, READ_ONCE(target.word));
}

static noinline void locked_write(void)
{
	spin_lock(&target_lock);
	target.locked++;
	spin_unlock(&target_lock);
}

static noinline void atomic_write(void)
{
	atomic64_inc(&target.counter);
}

static noinline void dec_then_read(void)
{
	target.counter.counter--;
}

static noinline void ignored_read(void)
{
	/* Its value is for nobody. */
	WRITE_ONCE(sink, data_race(target.word));
}

static noinline void range_write(void)
{
	memset(target.bytes, 7, sizeof(target.bytes));
}

static noinline void byte_read(void)
{
	WRITE_ONCE(sink, target.bytes[33]);
}

static noinline void only_writer(void)
{
	ASSERT_EXCLUSIVE_WRITER(target.word);
}

static noinline void only_user(void)
{
	ASSERT_EXCLUSIVE_ACCESS(target.word);
}

struct racer {
	void (*step)(void);
	u32 rounds;
};

/* Until a race is seen, or for that many rounds. */
static noinline void run_steps(void *arg)
{
	const struct racer *r = arg;

	for (u32 i = 0; i < r->rounds && !kcsan_expected(); i++)
		r->step();
}

/* Returns the number of races seen, the last of them in *race. */
static u32 collide(struct kt *t, void (*a)(void), void (*b)(void), u32 rounds,
		   struct kcsan_race *race)
{
	struct racer two[2] = { { a, rounds }, { b, rounds } };
	struct kt_team team = { .nr = 0 };

	kcsan_expect_begin(&target, sizeof(target));
	for (u32 i = 0; i < 2; i++)
		kt_spawn(t, &team, (int)kt_cpu(i), run_steps, &two[i]);
	kt_join(&team);
	return kcsan_expect_end(race);
}

static bool in_stack(const struct kcsan_side *s, void (*fn)(void))
{
	char name[96], want[96];
	u64 len;

	ksym_format((u64)fn, want, sizeof(want));
	len = strlen(want) - 3;		/* up to the plus of "+0x0" */
	for (u32 i = 0; i < s->nr; i++) {
		ksym_format(s->pcs[i] - 1, name, sizeof(name));
		if (!strncmp(name, want, len))
			return true;
	}
	return false;
}

static bool one_each(const struct kcsan_race *r, void (*a)(void),
		     void (*b)(void))
{
	return in_stack(&r->watched, a) && in_stack(&r->other, b);
}

/* Reported, with both stacks, each of another function and CPU. */
static void races(struct kt *t, void (*a)(void), void (*b)(void))
{
	static struct kcsan_race race;
	u64 before = kcsan_count();

	if (kt_cpus() < 2)
		KT_SKIP(t, "needs two CPUs");
	KT_ASSERT(t, collide(t, a, b, ROUNDS_MAX, &race) > 0);
	KT_EXPECT(t, !race.unknown);
	KT_EXPECT(t, one_each(&race, a, b) || one_each(&race, b, a));
	KT_EXPECT(t, race.watched.cpu != race.other.cpu);
	KT_EXPECT(t, race.watched.tid != race.other.tid);
	KT_EQ(t, kcsan_count(), before);
}

static void no_races(struct kt *t, void (*a)(void), void (*b)(void))
{
	u64 before = kcsan_count();

	if (kt_cpus() < 2)
		KT_SKIP(t, "needs two CPUs");
	KT_EQ(t, collide(t, a, b, ROUNDS_QUIET, NULL), 0);
	KT_EQ(t, kcsan_count(), before);
}

KTEST(kcsan, plain_plain)
{
	races(t, plain_write, plain_read);
}

KTEST(kcsan, write_write)
{
	races(t, plain_write, plain_write);
}

/* One side alone is marked: still a race. */
KTEST(kcsan, plain_write_marked_read)
{
	races(t, plain_write, marked_read);
}

KTEST(kcsan, plain_read_marked_write)
{
	races(t, plain_read, marked_write);
}

KTEST(kcsan, plain_dec_atomic_inc)
{
	races(t, dec_then_read, atomic_write);
}

KTEST(kcsan, range)
{
	races(t, range_write, byte_read);
}

KTEST(kcsan, assert_writer)
{
	races(t, only_writer, marked_write);
}

KTEST(kcsan, assert_access)
{
	races(t, only_user, marked_read);
}

KTEST(kcsan, no_reads)
{
	no_races(t, plain_read, plain_read);
}

KTEST(kcsan, no_marked)
{
	no_races(t, marked_write, marked_read);
}

KTEST(kcsan, no_locked)
{
	no_races(t, locked_write, locked_write);
}

KTEST(kcsan, no_atomic)
{
	no_races(t, atomic_write, atomic_write);
}

KTEST(kcsan, no_data_race)
{
	no_races(t, marked_write, ignored_read);
}

KTEST(kcsan, no_assert_reader)
{
	no_races(t, only_writer, marked_read);
}

/* Boot and all tests before this one. */
KTEST(kcsan, none_yet)
{
	KT_EQ(t, kcsan_count(), 0);
}
