/* SPDX-License-Identifier: MIT */
/*
 * A device fault whose look at the page table came before a change, and whose
 * shadow entry would come after it (drivers/shadow/kvm.c, steps (1)-(5)).
 */
#include "drivers/shadow/kvm.h"
#include "kernel/racepoint.h"
#include "kernel/scenario.h"
#include "kernel/thread.h"
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_util.h"

#define OLD_WORD 0x0ddUL

struct reader {
	struct shadow_dev *d;
	struct shadow_req r;
	u32 done;
};

static void read_thread(void *arg)
{
	struct reader *r = arg;

	shadow_access(r->d, &r->r);
	WRITE_ONCE(r->done, 1);
}

static void dontneed_thread(void *arg)
{
	do_madvise_dontneed(arg, KT_BASE, 0x1000);
}

struct stage {
	struct mm_struct *mm;
	struct page *page;		/* ours, so that it is never freed */
	struct reader rd;
	struct thread *th;
};

/* A page with OLD_WORD, and a device that has not looked at it. */
static bool stage_set_up(struct kt *t, struct stage *s)
{
	*s = (struct stage){ .mm = mm_alloc() };
	if (!KT_EXPECT(t, s->mm))
		return false;
	kt_map(s->mm, 0, 0x1000, PROT_RW);
	kt_poke(s->mm, KT_BASE, OLD_WORD);
	s->page = pte_page(kt_pte(s->mm, KT_BASE));
	get_page(s->page);
	s->rd.d = shadow_attach(s->mm, "kvm");
	if (!KT_EXPECT(t, !IS_ERR(s->rd.d)))
		return false;
	s->rd.r = (struct shadow_req){ .op = SHADOW_READ, .va = KT_BASE };
	return true;
}

static void stage_read(struct stage *s)
{
	s->th = kthread_run("reader", -1, read_thread, &s->rd);
}

/* The device has looked the page up and not installed it. */
static bool stage_begin(struct kt *t, struct stage *s)
{
	if (!stage_set_up(t, s))
		return false;
	race_arm("shadow:after_gup", 1);
	stage_read(s);
	KT_EQ(t, race_wait_parked("shadow:after_gup"), 0);
	return true;
}

/* Someone zaps the page and stands at the point. */
static struct thread *dontneed_to(struct kt *t, struct stage *s,
				  const char *point)
{
	struct thread *tz;

	race_arm(point, 1);
	tz = kthread_run("dontneed", -1, dontneed_thread, s->mm);
	KT_EQ(t, race_wait_parked(point), 0);
	return tz;
}

/* What a read through the device gives at the end. */
static u64 stage_end(struct kt *t, struct stage *s)
{
	struct shadow_req r = { .op = SHADOW_READ, .va = KT_BASE };

	thread_join(s->th);
	bug_clear_all();
	KT_EQ(t, s->rd.r.result, 0);
	KT_EQ(t, shadow_access(s->rd.d, &r), 0);
	shadow_detach(s->rd.d);
	KT_EQ(t, kt_peek(s->mm, KT_BASE), 0);
	mmput(s->mm);
	put_page(s->page);
	return r.val;
}

/* The whole section lies between look and install: the sequence count. */
static u64 whole_section(struct kt *t, u32 bug)
{
	struct shadow_stats st;
	struct stage s;

	if (!stage_begin(t, &s))
		return 0;
	bug_set("shadow_no_seq", bug);
	do_madvise_dontneed(s.mm, KT_BASE, 0x1000);
	scenario_now("a whole section has passed since the device's look; it installs");
	race_release("shadow:after_gup");
	while (!READ_ONCE(s.rd.done))
		yield();
	shadow_get_stats(s.rd.d, &st);
	KT_EQ(t, st.retries, !bug);
	return stage_end(t, &s);
}

KTEST_FLAGS(race, shadow_section_between, KTF_LAB_ONLY)
{
	KT_EQ(t, whole_section(t, 0), 0);
	KT_EQ(t, whole_section(t, 1), OLD_WORD);
}

/* The install falls into the section, which stands at point: the counter. */
static u64 inside_section(struct kt *t, const char *point, const char *name,
			  u32 bug)
{
	struct thread *tz;
	struct stage s;

	if (!stage_begin(t, &s))
		return 0;
	bug_set(name, bug);
	tz = dontneed_to(t, &s, point);
	scenario_now("the entry is cleared, the section open; the device installs");
	race_release("shadow:after_gup");
	KT_EQ(t, kt_gets_done(&s.rd.done, bug), bug);	/* fenced until the end */
	race_release(point);
	thread_join(tz);
	return stage_end(t, &s);
}

static u64 before_end(struct kt *t, u32 bug)
{
	return inside_section(t, "zap:before_end", "shadow_no_counter", bug);
}

KTEST_FLAGS(race, shadow_inside_section, KTF_LAB_ONLY)
{
	KT_EQ(t, before_end(t, 0), 0);
	KT_EQ(t, before_end(t, 1), OLD_WORD);
}

/* The end has begun, and the sequence has not moved yet. */
static u64 inside_end(struct kt *t, u32 bug)
{
	return inside_section(t, "shadow:before_seq", "shadow_count_first",
			      bug);
}

/* M3: the section found no slot when it began, and nothing to zap. */
static u64 slot_inside_section(struct kt *t, u32 bug)
{
	const struct kvm_slot none = { 0 }, one = { KT_BASE, PAGE_SIZE, KT_BASE };
	struct thread *tz;
	struct stage s;

	if (!stage_set_up(t, &s))
		return 0;
	KT_EQ(t, kvm_set_slot(s.rd.d, 0, &none), 0);
	bug_set("shadow_fence_by_slot", bug);
	tz = dontneed_to(t, &s, "zap:after_start");
	KT_EQ(t, kvm_set_slot(s.rd.d, 0, &one), 0);
	scenario_now("the section began without a slot; the device faults in one");
	stage_read(&s);
	KT_EQ(t, kt_gets_done(&s.rd.done, bug), bug);
	race_release("zap:after_start");
	thread_join(tz);
	return stage_end(t, &s);
}

/* The mm goes away between look and install. */
KTEST_FLAGS(race, shadow_vs_exit, KTF_LAB_ONLY)
{
	struct shadow_req r = { .op = SHADOW_READ, .va = KT_BASE };
	struct stage s;

	if (!stage_begin(t, &s))
		return;
	mmput(s.mm);			/* the engine's fault pins it */
	race_release("shadow:after_gup");
	thread_join(s.th);
	KT_EXPECT(t, s.rd.r.result == 0 || s.rd.r.result == -ESRCH);
	KT_EXPECT(t, shadow_access(s.rd.d, &r) < 0);
	shadow_detach(s.rd.d);
	put_page(s.page);
}

static bool stale_after_section(struct kt *t, u32 bug)
{
	return whole_section(t, bug) == OLD_WORD;
}

SCENARIO(F8, .year = 2022, .fix = "47b0c2e4c220", .bug = "shadow_no_seq",
	 .title = "an entry from a look before the section is made after it",
	 .point = "shadow:after_gup", .harm = stale_after_section)

static bool stale_inside_section(struct kt *t, u32 bug)
{
	return before_end(t, bug) == OLD_WORD;
}

SCENARIO(F8b, .year = 2008, .fix = "KVM's first", .bug = "shadow_no_counter",
	 .title = "an entry is made inside the section that forbids it",
	 .point = "zap:before_end", .harm = stale_inside_section)

static bool stale_inside_end(struct kt *t, u32 bug)
{
	return inside_end(t, bug) == OLD_WORD;
}

SCENARIO(F8c, .year = 2008, .fix = "KVM's first", .bug = "shadow_count_first",
	 .title = "an entry is made after the count and before the sequence",
	 .point = "shadow:before_seq", .harm = stale_inside_end)

static bool stale_in_new_slot(struct kt *t, u32 bug)
{
	return slot_inside_section(t, bug) == OLD_WORD;
}

SCENARIO(F8d, .year = 2021, .fix = "52ac8b358b0c",
	 .bug = "shadow_fence_by_slot",
	 .title = "a section does not cover a slot that came after its start",
	 .point = "zap:after_start", .harm = stale_in_new_slot)
