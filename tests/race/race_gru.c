/* SPDX-License-Identifier: MIT */
/*
 * A GRU-like device's fault against a section (drivers/shadow/gru.c, steps
 * (1)-(4) and (A)-(C)).
 */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "tests/kt/kt_shadow.h"

#define OLD_WORD 0x0ddUL

struct stage {
	struct kt_shadow k;
	struct page *page;		/* ours, so that it is never freed */
	struct shadow_req r;
	struct thread *th;
	u32 done;
};

static void read_thread(void *arg)
{
	struct stage *s = arg;

	shadow_access(s->k.d, &s->r);
	WRITE_ONCE(s->done, 1);
}

/* A page with OLD_WORD; the device's fault stands at `point`. */
static bool stage_begin(struct kt *t, struct stage *s, const char *point)
{
	*s = (struct stage){ .r = { .op = SHADOW_READ, .va = KT_BASE } };
	if (!kt_shadow_begin(t, &s->k, "gru", 1))
		return false;
	kt_poke(s->k.mm, KT_BASE, OLD_WORD);
	s->page = pte_page(kt_pte(s->k.mm, KT_BASE));
	get_page(s->page);
	race_arm(point, 1);
	s->th = kthread_run("reader", -1, read_thread, s);
	KT_EQ(t, race_wait_parked(point), 0);
	return true;
}

/* What the device reads at the end, when the process has zeros there. */
static u64 stage_end(struct kt *t, struct stage *s)
{
	u64 seen;

	thread_join(s->th);
	bug_clear_all();
	KT_EQ(t, s->r.result, 0);
	seen = kt_dev_read(s->k.d, KT_BASE);
	KT_EQ(t, kt_peek(s->k.mm, KT_BASE), 0);
	kt_shadow_end(t, &s->k);
	put_page(s->page);
	return seen;
}

/* A late drop-in: a whole section between look-up and drop-in. */
static u64 late_drop_in(struct kt *t, u32 bug)
{
	struct shadow_stats st;
	struct stage s;

	if (!stage_begin(t, &s, "gru:before_drop_in"))
		return 0;
	bug_set("gru_no_cancel", bug);
	do_madvise_dontneed(s.k.mm, KT_BASE, 0x1000);
	race_release("gru:before_drop_in");
	while (!READ_ONCE(s.done))
		yield();
	shadow_get_stats(s.k.d, &st);
	KT_EQ(t, st.retries, !bug);
	return stage_end(t, &s);
}

KTEST_FLAGS(race, gru_late_drop_in, KTF_LAB_ONLY)
{
	KT_EQ(t, late_drop_in(t, 0), 0);
	KT_EQ(t, late_drop_in(t, 1), OLD_WORD);
}

static void dontneed_thread(void *arg)
{
	do_madvise_dontneed(arg, KT_BASE, 0x1000);
}

/*
 * The section is open and has flushed when the fault begins; its entries are
 * not cleared yet.  The fault waits for its end; one that does not finds the
 * old page, and its handle is valid, for no flush comes any more.
 */
static u64 inside_section(struct kt *t, u32 bug)
{
	struct stage s = { .r = { .op = SHADOW_READ, .va = KT_BASE } };
	struct thread *tz;

	if (!kt_shadow_begin(t, &s.k, "gru", 1))
		return 0;
	kt_poke(s.k.mm, KT_BASE, OLD_WORD);
	s.page = pte_page(kt_pte(s.k.mm, KT_BASE));
	get_page(s.page);
	bug_set("gru_no_wait", bug);
	race_arm("zap:after_start", 1);
	tz = kthread_run("dontneed", -1, dontneed_thread, s.k.mm);
	KT_EQ(t, race_wait_parked("zap:after_start"), 0);
	s.th = kthread_run("reader", -1, read_thread, &s);
	for (u32 i = 0; i < 5 && !READ_ONCE(s.done); i++)
		sleep_ms(1);
	KT_EQ(t, READ_ONCE(s.done), bug);
	race_release("zap:after_start");
	thread_join(tz);
	return stage_end(t, &s);
}

KTEST_FLAGS(race, gru_inside_section, KTF_LAB_ONLY)
{
	KT_EQ(t, inside_section(t, 0), 0);
	KT_EQ(t, inside_section(t, 1), OLD_WORD);
}

/* The mm goes away between look-up and drop-in. */
KTEST_FLAGS(race, gru_vs_exit, KTF_LAB_ONLY)
{
	struct stage s;

	if (!stage_begin(t, &s, "gru:before_drop_in"))
		return;
	mmput(s.k.mm);			/* the engine's fault pins it */
	race_release("gru:before_drop_in");
	thread_join(s.th);
	KT_EXPECT(t, s.r.result == 0 || s.r.result == -ESRCH);
	KT_EQ(t, kt_dev_read(s.k.d, KT_BASE), KT_NONE);
	shadow_detach(s.k.d);
	put_page(s.page);
}
