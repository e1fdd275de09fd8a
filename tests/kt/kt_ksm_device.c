/* SPDX-License-Identifier: MIT */
/* Tests of mm/ksm_merge.c: pages that CPUs and devices have translations of. */
#include "drivers/shadow/shadow.h"
#include "kernel/racepoint.h"
#include "mm/ptmigrate.h"
#include "tests/kt/kt_holder.h"
#include "tests/kt/kt_ksm.h"

/* A CPU that writes through its old translation would write a shared page. */
KTEST(ksm, under_a_cpu)
{
	struct mm_struct *mm = kt_mergeable(t, 3, 1, 0);
	struct holder h;

	KT_ASSERT(t, mm);
	if (!kt_other_cpu()) {
		mmput(mm);
		KT_SKIP(t, "needs two CPUs");
	}
	if (!holder_start(t, &h, mm, HOLD_ACTIVE))
		return;
	for (u32 i = 0; i < 2; i++)
		holder_touch(&h, P(i));
	kt_merge();
	KT_EQ(t, page_mapcount(ksm_at(mm, P(0))), 3);
	holder_touch(&h, P(0) + 8);
	holder_touch(&h, P(1) + 16);
	KT_EQ(t, kt_peek(mm, P(2) + 8), 0);
	KT_EQ(t, kt_peek(mm, P(2) + 16), 0);
	KT_EQ(t, kt_peek(mm, P(0) + 8), 1);
	KT_EQ(t, kt_peek(mm, P(1) + 16), 1);
	holder_stop(&h);
	mmput(mm);
}

static u64 dev_word(struct kt *t, struct shadow_dev *d, vaddr_t va)
{
	struct shadow_req r = { .op = SHADOW_READ, .va = va };

	KT_EQ(t, shadow_access(d, &r), 0);
	return r.val;
}

static u64 dev_faults(struct shadow_dev *d)
{
	struct shadow_stats s;

	shadow_get_stats(d, &s);
	return s.faults;
}

/*
 * A5: pages that a device maps are write-protected, merged, and copied by write
 * faults; it reads what is right at each step.  Its faults meanwhile.
 */
static u64 refaults(struct kt *t)
{
	struct shadow_req w = { .op = SHADOW_WRITE, .va = P(0), .val = 7 };
	struct mm_struct *mm = kt_mergeable(t, 2, 7, 0);
	struct shadow_dev *d = shadow_attach(mm, "kvm");
	u64 faults;

	if (!KT_EXPECT(t, !IS_ERR(d)))
		return 0;
	KT_EQ(t, shadow_access(d, &w), 0);
	KT_EQ(t, dev_word(t, d, P(1)), 7);
	faults = dev_faults(d);
	kt_merge();
	KT_EXPECT(t, kt_merged(mm, P(0)) && kt_merged(mm, P(1)));
	KT_EQ(t, dev_word(t, d, P(0)), 7);
	KT_EQ(t, dev_word(t, d, P(1)), 7);
	KT_EQ(t, kt_poke(mm, P(0), 8), 0);
	KT_EQ(t, dev_word(t, d, P(0)), 8);
	KT_EQ(t, dev_word(t, d, P(1)), 7);
	KT_EQ(t, kt_poke(mm, P(1), 9), 0);
	KT_EQ(t, dev_word(t, d, P(1)), 9);
	faults = dev_faults(d) - faults;
	/* Its own store breaks the sharing, by a fault. */
	kt_poke(mm, P(0), 9);
	kt_merge();
	w.val = 10;
	KT_EQ(t, shadow_access(d, &w), 0);
	KT_EQ(t, kt_peek(mm, P(0)), 10);
	KT_EQ(t, kt_peek(mm, P(1)), 9);
	shadow_detach(d);
	mmput(mm);
	return faults;
}

KTEST(ksm, device_without_refault)
{
	KT_EQ(t, refaults(t), 0);
}

KTEST_FLAGS(ksm, device_refaults_without_flag, KTF_LAB_ONLY)
{
	bug_set("change_pte_no_flag", 1);
	KT_EXPECT(t, refaults(t) >= 1);
	bug_set("change_pte_no_flag", 0);
}

/*
 * D6: tables move under merged pages, and a device that has translations only
 * hears nothing at all.
 */
static void unseen_by(struct kt *t, const char *class)
{
	struct mm_struct *mm = kt_mergeable(t, 8, 7, 0);
	struct shadow_dev *d = shadow_attach(mm, class);
	struct shadow_stats before, after;
	struct ptmigrate_result r;

	if (!KT_EXPECT(t, !IS_ERR(d)))
		return;
	kt_merge();
	for (u32 i = 0; i < 8; i++)
		KT_EQ(t, dev_word(t, d, P(i)), 7);
	shadow_get_stats(d, &before);
	for (u32 n = 0; n < 10; n++) {
		KT_EQ(t, mm_relocate_tables(mm, n & 1 ? PTMIGRATE_STOP :
					    PTMIGRATE_LIVE, &r), 0);
		KT_EQ(t, dev_word(t, d, P(n % 8)), 7);
	}
	shadow_get_stats(d, &after);
	KT_EQ(t, after.faults, before.faults);
	KT_EQ(t, after.zaps, before.zaps);
	KT_EQ(t, after.flushes, before.flushes);
	KT_EQ(t, after.retries, before.retries);
	shadow_detach(d);
	KT_EQ(t, page_mapcount(ksm_at(mm, P(0))), 8);
	mmput(mm);
}

KTEST(ksm, relocation_unseen_by_devices)
{
	unseen_by(t, "kvm");
	unseen_by(t, "gru");
}
