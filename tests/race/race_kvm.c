/* SPDX-License-Identifier: MIT */
/*
 * A KVM-like device's fault against a change of its slots, and against so many
 * sections that a short sequence number comes round (drivers/shadow/kvm.c).
 */
#include "drivers/shadow/kvm.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "tests/kt/kt_shadow.h"

struct stage {
	struct kt_shadow k;
	struct thread *th;
	u64 val;
};

static void reader(void *arg)
{
	struct stage *s = arg;

	s->val = kt_dev_read(s->k.d, KT_BASE);
}

/* Two pages, 1 and 2; the fault for the first has looked it up. */
static bool stage_begin(struct kt *t, struct stage *s)
{
	if (!kt_shadow_begin(t, &s->k, "kvm", 2))
		return false;
	kt_poke(s->k.mm, KT_BASE, 1);
	kt_poke(s->k.mm, KT_BASE + PAGE_SIZE, 2);
	race_arm("shadow:after_gup", 1);
	s->th = kthread_run("reader", -1, reader, s);
	return KT_EQ(t, race_wait_parked("shadow:after_gup"), 0);
}

static u64 stage_end(struct kt *t, struct stage *s)
{
	u64 val;

	race_release("shadow:after_gup");
	thread_join(s->th);
	bug_clear_all();
	val = kt_dev_read(s->k.d, KT_BASE);
	KT_EQ(t, s->val, val);
	shadow_detach(s->k.d);
	mmput(s->k.mm);
	return val;
}

/* M2: the guest's address shows the second page by then. */
static u64 slot_between(struct kt *t, u32 bug)
{
	const struct kvm_slot to = { KT_BASE, PAGE_SIZE, KT_BASE + PAGE_SIZE };
	struct stage s;

	if (!stage_begin(t, &s))
		return 0;
	bug_set("kvm_slot_no_seq", bug);
	KT_EQ(t, kvm_set_slot(s.k.d, 0, &to), 0);
	return stage_end(t, &s);
}

KTEST_FLAGS(race, kvm_slot_between, KTF_LAB_ONLY)
{
	KT_EQ(t, slot_between(t, 0), 2);
	KT_EQ(t, slot_between(t, 1), 1);
}

/* F29: 256 sections, and a number of 8 bits is what it was. */
static u64 seq_comes_round(struct kt *t, u32 bug)
{
	struct stage s;
	struct page *page;
	u64 val;

	if (!stage_begin(t, &s))
		return 0;
	page = pte_page(kt_pte(s.k.mm, KT_BASE));
	get_page(page);			/* never freed */
	bug_set("shadow_seq_8bit", bug);
	for (u32 i = 0; i < 256; i++)
		do_madvise_dontneed(s.k.mm, KT_BASE, PAGE_SIZE);
	val = stage_end(t, &s);
	put_page(page);
	return val;
}

KTEST_FLAGS(race, kvm_seq_comes_round, KTF_LAB_ONLY)
{
	KT_EQ(t, seq_comes_round(t, 0), 0);
	KT_EQ(t, seq_comes_round(t, 1), 1);
}
