/* SPDX-License-Identifier: MIT */
/*
 * What every class of secondary MMU owes, by the same tests: `selftest gru`
 * runs those of one class.
 */
#include "drivers/shadow/internal.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "mm/mmu_notifier.h"
#include "mm/ptmigrate.h"
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_shadow.h"
#include "tests/kt/kt_util.h"

/* Words, fills, sums, swaps; on pages touched and not. */
static void operations(struct kt *t, const char *kind)
{
	struct shadow_req prog[] = {
		{ .op = SHADOW_READ, .va = KT_BASE },
		{ .op = SHADOW_WRITE, .va = KT_BASE + 8, .val = 12 },
		{ .op = SHADOW_WRITE, .va = KT_BASE + 0x3000, .val = 13 },
		{ .op = SHADOW_FILL, .va = KT_BASE + 0xff0, .len = 0x1020,
		  .val = 3 },
		{ .op = SHADOW_SUM, .va = KT_BASE + 0xff0, .len = 0x1020 },
		{ .op = SHADOW_CMPXCHG, .va = KT_BASE, .old = 11, .val = 20 },
		{ .op = SHADOW_CMPXCHG, .va = KT_BASE, .old = 11, .val = 21 },
	};
	struct shadow_stats s;
	struct kt_shadow k;

	if (!kt_shadow_begin(t, &k, kind, 4))
		return;
	kt_poke(k.mm, KT_BASE, 11);
	KT_EQ(t, shadow_run(k.d, prog, ARRAY_SIZE(prog)), ARRAY_SIZE(prog));
	KT_EQ(t, prog[0].val, 11);
	KT_EQ(t, kt_peek(k.mm, KT_BASE + 8), 12);
	KT_EQ(t, kt_peek(k.mm, KT_BASE + 0x3000), 13);
	KT_EQ(t, kt_peek(k.mm, KT_BASE + 0xff0), 3);
	KT_EQ(t, kt_peek(k.mm, KT_BASE + 0x2008), 3);
	KT_EQ(t, kt_peek(k.mm, KT_BASE + 0x2010), 0);
	KT_EQ(t, prog[4].val, 3 * 0x1020 / 8);
	KT_EQ(t, prog[5].val, 11);
	KT_EQ(t, prog[6].val, 20);
	KT_EQ(t, kt_peek(k.mm, KT_BASE), 20);
	shadow_get_stats(k.d, &s);
	KT_EXPECT(t, s.faults && s.installs && s.accesses && !s.stale);
	KT_EQ(t, s.entries, 4);
	kt_shadow_end(t, &k);
}
KTEST(kvm, operations) { operations(t, "kvm"); }
KTEST(gru, operations) { operations(t, "gru"); }
KTEST(sva, operations) { operations(t, "sva"); }
KTEST(xpmem, operations) { operations(t, "xpmem"); }

/* A program stops at its first failure, and says how far it came. */
static void errors(struct kt *t, const char *kind)
{
	struct shadow_req prog[] = {
		{ .op = SHADOW_WRITE, .va = KT_BASE, .val = 1 },
		{ .op = SHADOW_READ, .va = KT_BASE + PAGE_SIZE },
		{ .op = SHADOW_WRITE, .va = KT_BASE, .val = 2 },
	};
	struct kt_shadow k;

	if (!kt_shadow_begin(t, &k, kind, 1))
		return;
	KT_EQ(t, shadow_run(k.d, prog, 3), 1);
	KT_EQ(t, prog[1].result, -EFAULT);
	KT_EQ(t, kt_peek(k.mm, KT_BASE), 1);
	KT_EQ(t, kt_dev_write(k.d, KT_BASE + 4, 1), -EINVAL);
	KT_EQ(t, kt_dev_write(k.d, USER_END, 1), -EINVAL);
	KT_EQ(t, kt_dev_write(k.d, ~7ULL, 1), -EINVAL);
	do_mprotect(k.mm, KT_BASE, 0x1000, PROT_READ);
	KT_EQ(t, kt_dev_write(k.d, KT_BASE, 1), -EFAULT);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), 1);
	do_mprotect(k.mm, KT_BASE, 0x1000, PROT_NONE);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), KT_NONE);
	kt_shadow_end(t, &k);
}
KTEST(kvm, errors) { errors(t, "kvm"); }
KTEST(gru, errors) { errors(t, "gru"); }
KTEST(sva, errors) { errors(t, "sva"); }
KTEST(xpmem, errors) { errors(t, "xpmem"); }

static void attach_no_memory(struct kt *t, const char *kind)
{
	struct mm_struct *mm = mm_alloc();
	struct shadow_dev *d;
	u32 n = 0;

	KT_ASSERT(t, mm && CONFIG_LAB);
	do {
		alloc_fail_nth(++n);
		d = shadow_attach(mm, kind);
		alloc_fail_nth(0);
		KT_ASSERT(t, n < 100);
	} while (IS_ERR(d));
	KT_EXPECT(t, n > 2);
	shadow_detach(d);
	mmput(mm);
}
KTEST_FLAGS(kvm, attach_no_memory, KTF_LAB_ONLY) { attach_no_memory(t, "kvm"); }
KTEST_FLAGS(gru, attach_no_memory, KTF_LAB_ONLY) { attach_no_memory(t, "gru"); }
KTEST_FLAGS(sva, attach_no_memory, KTF_LAB_ONLY) { attach_no_memory(t, "sva"); }
KTEST_FLAGS(xpmem, attach_no_memory, KTF_LAB_ONLY)
{
	attach_no_memory(t, "xpmem");
}

/* Rows of the order table: whatever the process does, the device follows. */
static void follows_the_process(struct kt *t, const char *kind)
{
	struct mm_struct *child = mm_alloc();
	struct kt_shadow k;
	s64 moved;

	KT_ASSERT(t, child);
	if (!kt_shadow_begin(t, &k, kind, 4))
		return;
	for (u32 i = 0; i < 4; i++)
		KT_EQ(t, kt_dev_write(k.d, KT_BASE + i * PAGE_SIZE, i + 1), 0);
	KT_EQ(t, dup_mmap(child, k.mm), 0);
	KT_EQ(t, kt_dev_write(k.d, KT_BASE, 10), 0);
	KT_EQ(t, kt_peek(child, KT_BASE), 1);
	KT_EQ(t, kt_peek(k.mm, KT_BASE), 10);
	do_madvise_dontneed(k.mm, KT_BASE, 0x1000);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), 0);
	do_mprotect(k.mm, KT_BASE + 0x1000, 0x1000, PROT_READ);
	KT_EQ(t, kt_dev_write(k.d, KT_BASE + 0x1000, 5), -EFAULT);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE + 0x1000), 2);
	do_munmap(k.mm, KT_BASE + 0x2000, 0x1000);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE + 0x2000), KT_NONE);
	moved = kt_mremap(k.mm, KT_BASE + 0x3000, 0x1000, 0x1000,
			  KT_BASE + 0x100000);
	KT_EQ(t, moved, KT_BASE + 0x100000);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE + 0x3000), KT_NONE);
	KT_EQ(t, kt_dev_read(k.d, (vaddr_t)moved), 4);
	kt_shadow_end(t, &k);
	mmput(child);
}
KTEST(kvm, follows_the_process) { follows_the_process(t, "kvm"); }
KTEST(gru, follows_the_process) { follows_the_process(t, "gru"); }
KTEST(sva, follows_the_process) { follows_the_process(t, "sva"); }
KTEST(xpmem, follows_the_process) { follows_the_process(t, "xpmem"); }

/* A copy on write, by the CPU or by the device, which may only read at first. */
static void follows_a_copy(struct kt *t, const char *kind)
{
	struct mm_struct *child = mm_alloc();
	struct kt_shadow k;

	KT_ASSERT(t, child);
	if (!kt_shadow_begin(t, &k, kind, 2))
		return;
	kt_poke(k.mm, KT_BASE, 1);
	kt_poke(k.mm, KT_BASE + PAGE_SIZE, 5);
	KT_EQ(t, dup_mmap(child, k.mm), 0);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE + PAGE_SIZE), 5);
	KT_EQ(t, kt_dev_write(k.d, KT_BASE + PAGE_SIZE, 6), 0);
	KT_EQ(t, kt_peek(k.mm, KT_BASE + PAGE_SIZE), 6);
	KT_EQ(t, kt_peek(child, KT_BASE + PAGE_SIZE), 5);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), 1);
	kt_poke(k.mm, KT_BASE, 2);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), 2);
	KT_EQ(t, kt_peek(child, KT_BASE), 1);
	mmput(child);
	kt_shadow_end(t, &k);
}
KTEST(kvm, follows_a_copy) { follows_a_copy(t, "kvm"); }
KTEST(gru, follows_a_copy) { follows_a_copy(t, "gru"); }
KTEST(sva, follows_a_copy) { follows_a_copy(t, "sva"); }
KTEST(xpmem, follows_a_copy) { follows_a_copy(t, "xpmem"); }

/* A truncated file: its pages are gone from the device too. */
static void follows_truncate(struct kt *t, const char *kind)
{
	struct kt_file *f = kt_file_create(9, 0x2000);
	struct mm_struct *mm = mm_alloc();
	struct shadow_dev *d;

	KT_ASSERT(t, mm && f);
	kt_map_file(mm, f, 0, 0x2000, MAP_SHARED);
	d = shadow_attach(mm, kind);
	KT_ASSERT(t, !IS_ERR(d));
	KT_EQ(t, kt_dev_read(d, KT_BASE + PAGE_SIZE), kt_word(9, 1));
	KT_EQ(t, kt_dev_write(d, KT_BASE + PAGE_SIZE, 1), 0);
	truncate_pagecache(&f->m, PAGE_SIZE);
	KT_EQ(t, kt_dev_read(d, KT_BASE + PAGE_SIZE), KT_NONE);
	KT_EQ(t, kt_dev_read(d, KT_BASE), kt_word(9, 0));
	shadow_detach(d);
	mmput(mm);
	kt_file_put(f);
}
KTEST(kvm, follows_truncate) { follows_truncate(t, "kvm"); }
KTEST(gru, follows_truncate) { follows_truncate(t, "gru"); }
KTEST(sva, follows_truncate) { follows_truncate(t, "sva"); }
KTEST(xpmem, follows_truncate) { follows_truncate(t, "xpmem"); }

/* What the device wrote is dirty, at the latest when its entry goes. */
static void dirty_reaches_the_page(struct kt *t, const char *kind)
{
	struct kt_file *f = kt_file_create(9, 0x2000);
	struct mm_struct *mm = mm_alloc();
	struct shadow_dev *d;
	struct page *p;

	KT_ASSERT(t, mm && f);
	kt_map_file(mm, f, 0, 0x2000, MAP_SHARED);
	d = shadow_attach(mm, kind);
	KT_ASSERT(t, !IS_ERR(d));
	kt_poke_clean(mm, KT_BASE, 1);
	p = find_get_page(&f->m, 0);
	KT_ASSERT(t, p);
	page_clear(p, PG_dirty);
	KT_EQ(t, kt_dev_write(d, KT_BASE + 8, 77), 0);
	do_munmap(mm, KT_BASE, 0x2000);
	KT_EXPECT(t, page_test(p, PG_dirty));
	KT_EQ(t, ((u64 *)page_address(p))[1], 77);
	put_page(p);
	shadow_detach(d);
	mmput(mm);
	kt_file_put(f);
}
KTEST(kvm, dirty_reaches_the_page) { dirty_reaches_the_page(t, "kvm"); }
KTEST(gru, dirty_reaches_the_page) { dirty_reaches_the_page(t, "gru"); }
KTEST(sva, dirty_reaches_the_page) { dirty_reaches_the_page(t, "sva"); }
KTEST(xpmem, dirty_reaches_the_page) { dirty_reaches_the_page(t, "xpmem"); }

/*
 * G6: a page only the device uses is young, and is so again after each use.
 * Pinned pages are not reclaimed, old or young.
 */
static void used_is_young(struct kt *t, const char *kind)
{
	struct kt_file *f = kt_file_create(9, 0x1000);
	struct mm_struct *mm = mm_alloc();
	struct shadow_dev *d;
	struct page *p;

	KT_ASSERT(t, mm && f);
	kt_map_file(mm, f, 0, 0x1000, MAP_SHARED);
	d = shadow_attach(mm, kind);
	KT_ASSERT(t, !IS_ERR(d));
	KT_EQ(t, kt_dev_read(d, KT_BASE), kt_word(9, 0));
	p = find_get_page(&f->m, 0);
	KT_ASSERT(t, p);
	for (u32 n = 0; n < 3; n++) {
		lock_page(p);
		for (u32 k = 0; k < 3 && page_referenced(p, NULL); k++)
			;
		KT_EQ(t, page_referenced(p, NULL), 0);
		unlock_page(p);
		KT_EQ(t, kt_dev_read(d, KT_BASE + 16), kt_word(9, 0));
		lock_page(p);
		KT_EXPECT(t, page_referenced(p, NULL) > 0);
		unlock_page(p);
	}
	put_page(p);
	shadow_detach(d);
	mmput(mm);
	kt_file_put(f);
}
KTEST(kvm, used_is_young) { used_is_young(t, "kvm"); }
KTEST(gru, used_is_young) { used_is_young(t, "gru"); }
KTEST(sva, used_is_young) { used_is_young(t, "sva"); }

/* Relocated tables: what the device reads stays, whatever it caches. */
static void survives_relocation(struct kt *t, const char *kind)
{
	struct ptmigrate_result r;
	struct kt_shadow k;

	if (!kt_shadow_begin(t, &k, kind, 32))
		return;
	for (u32 i = 0; i < 32; i++)
		kt_dev_write(k.d, KT_BASE + i * PAGE_SIZE, i);
	for (u32 n = 0; n < 4; n++) {
		KT_EQ(t, mm_relocate_tables(k.mm, n & 1 ? PTMIGRATE_STOP :
					    PTMIGRATE_LIVE, &r), 0);
		for (u32 i = 0; i < 32; i += 3)
			KT_EQ(t, kt_dev_read(k.d, KT_BASE + i * PAGE_SIZE), i);
		KT_EQ(t, kt_dev_write(k.d, KT_BASE, 0), 0);
	}
	kt_shadow_end(t, &k);
}
KTEST(kvm, survives_relocation) { survives_relocation(t, "kvm"); }
KTEST(gru, survives_relocation) { survives_relocation(t, "gru"); }
KTEST(sva, survives_relocation) { survives_relocation(t, "sva"); }
KTEST(xpmem, survives_relocation) { survives_relocation(t, "xpmem"); }

/* G7, and death of the process with a device attached. */
static void process_exits_first(struct kt *t, const char *kind)
{
	struct shadow_stats s;
	struct kt_shadow k;

	if (!kt_shadow_begin(t, &k, kind, 2))
		return;
	KT_EQ(t, kt_dev_write(k.d, KT_BASE, 1), 0);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE + PAGE_SIZE), 0);
	mmput(k.mm);
	KT_EQ(t, kt_dev_write(k.d, KT_BASE, 2), -ESRCH);
	shadow_get_stats(k.d, &s);
	KT_EQ(t, s.entries, 0);
	KT_EQ(t, s.stale, 0);
	shadow_detach(k.d);
}
KTEST(kvm, process_exits_first) { process_exits_first(t, "kvm"); }
KTEST(gru, process_exits_first) { process_exits_first(t, "gru"); }
KTEST(sva, process_exits_first) { process_exits_first(t, "sva"); }
KTEST(xpmem, process_exits_first) { process_exits_first(t, "xpmem"); }

/* I3: an entry whose frame or right the process no longer has is reported. */
static void auditor_sees_excess(struct kt *t, const char *kind)
{
	struct kt_shadow k;
	struct pt_pos pos;
	pte_t e;

	if (!kt_shadow_begin(t, &k, kind, 1))
		return;
	KT_EQ(t, kt_dev_write(k.d, KT_BASE, 1), 0);
	KT_EQ(t, k.d->class->check(k.d), 0);
	lock_leaf(&k.mm->pgt, KT_BASE, &pos);
	e = pte_read(pos.ptep);
	pte_write_raw(pos.ptep, pte_wrprotect(e));
	unlock_table(&pos);
	KT_EXPECT(t, k.d->class->check(k.d) > 0);
	lock_leaf(&k.mm->pgt, KT_BASE, &pos);
	pte_write_raw(pos.ptep, e);
	unlock_table(&pos);
	KT_EQ(t, k.d->class->check(k.d), 0);
	kt_shadow_end(t, &k);
}
KTEST(kvm, auditor_sees_excess) { auditor_sees_excess(t, "kvm"); }
KTEST(gru, auditor_sees_excess) { auditor_sees_excess(t, "gru"); }
KTEST(sva, auditor_sees_excess) { auditor_sees_excess(t, "sva"); }
KTEST(xpmem, auditor_sees_excess) { auditor_sees_excess(t, "xpmem"); }

/*
 * G3 and the rest of A3: a section that must not block is one like others, but
 * for a device that has to sleep.
 */
static void nonblocking_section(struct kt *t, const char *kind)
{
	struct mmu_notifier_range r;
	struct kt_shadow k;

	if (!kt_shadow_begin(t, &k, kind, 1))
		return;
	KT_EQ(t, kt_dev_write(k.d, KT_BASE, 1), 0);
	mmu_notifier_range_init(&r, MMU_NOTIFY_CLEAR, k.mm, KT_BASE,
				KT_BASE + PAGE_SIZE);
	KT_EQ(t, mmu_notifier_invalidate_range_start_nonblock(&r), 0);
	mmu_notifier_invalidate_range_end(&r);
	KT_EQ(t, kt_dev_read(k.d, KT_BASE), 1);
	kt_shadow_end(t, &k);
}
KTEST(kvm, nonblocking_section) { nonblocking_section(t, "kvm"); }
KTEST(gru, nonblocking_section) { nonblocking_section(t, "gru"); }
KTEST(sva, nonblocking_section) { nonblocking_section(t, "sva"); }
KTEST(xpmem, nonblocking_section) { nonblocking_section(t, "xpmem"); }

/*
 * Everything at once: a device counts in its own word of each page while the
 * pages are shared by fork and copied, moved, lose and gain rights, and their
 * tables move.
 */
#define PAGES	12

struct torture {
	struct shadow_dev *d;
	u32 stop;
	u64 wrong, rounds;
};

static void device_thread(void *arg)
{
	struct torture *w = arg;
	u64 seq = 0;

	while (!READ_ONCE(w->stop)) {
		for (u32 i = 0; i < PAGES; i++) {
			vaddr_t va = KT_BASE + i * PAGE_SIZE + 8;

			if (seq && kt_dev_read(w->d, va) != seq)
				w->wrong++;
			if (kt_dev_write(w->d, va, seq + 1))
				w->wrong++;
		}
		WRITE_ONCE(w->rounds, ++seq);
	}
}

static void stir(struct kt *t, struct mm_struct *mm, u32 n)
{
	struct mm_struct *child = mm_alloc();
	struct ptmigrate_result r;

	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, mm_relocate_tables(mm, n & 1 ? PTMIGRATE_LIVE :
				    PTMIGRATE_STOP, &r), 0);
	/* Refused, after some patience, when it is pinned. */
	for (u32 i = 0; i < PAGES; i++)
		if (kt_move_page(mm, KT_BASE + i * PAGE_SIZE))
			break;
	do_mprotect(mm, KT_BASE, 0x4000, PROT_RW | PROT_EXEC);
	do_mprotect(mm, KT_BASE, 0x4000, PROT_RW);
	mmput(child);
}

static void torture(struct kt *t, const char *kind)
{
	struct torture w = { .stop = 0 };
	struct shadow_stats s;
	struct kt_shadow k;
	struct thread *th;

	if (!kt_shadow_begin(t, &k, kind, PAGES))
		return;
	w.d = k.d;
	th = kthread_run("torture", -1, device_thread, &w);
	for (u32 n = 0; n < 6; n++) {
		u64 seen = READ_ONCE(w.rounds);

		stir(t, k.mm, n);
		for (u32 i = 0; i < 50 && seen == READ_ONCE(w.rounds); i++)
			yield();
	}
	WRITE_ONCE(w.stop, 1);
	thread_join(th);
	KT_EQ(t, w.wrong, 0);
	shadow_get_stats(k.d, &s);
	KT_EQ(t, s.stale, 0);
	kt_shadow_end(t, &k);
}
KTEST(kvm, torture) { torture(t, "kvm"); }
KTEST(gru, torture) { torture(t, "gru"); }
KTEST(sva, torture) { torture(t, "sva"); }
KTEST(xpmem, torture) { torture(t, "xpmem"); }
