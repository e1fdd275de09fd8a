/* SPDX-License-Identifier: MIT */
/* Tests of drivers/shadow: the device sees what the process sees, always. */
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "lib/prng.h"
#include "mm/mmu_notifier.h"
#include "mm/ptmigrate.h"
#include "tests/kt/kt_shadow.h"

bool kt_shadow_begin(struct kt *t, struct kt_shadow *k, const char *kind,
		     u32 pages)
{
	k->mm = mm_alloc();
	if (!KT_EXPECT(t, k->mm))
		return false;
	KT_EQ(t, kt_map(k->mm, 0, pages * PAGE_SIZE, PROT_RW), KT_BASE);
	k->d = shadow_attach(k->mm, kind);
	return KT_EXPECT(t, !IS_ERR(k->d));
}

void kt_shadow_end(struct kt *t, struct kt_shadow *k)
{
	struct shadow_stats s;

	shadow_get_stats(k->d, &s);
	KT_EQ(t, s.stale, 0);
	shadow_detach(k->d);
	mmput(k->mm);
}

static struct shadow_dev *attach(struct kt *t, struct mm_struct *mm)
{
	struct shadow_dev *d = shadow_attach(mm, "kvm");

	return KT_EXPECT(t, !IS_ERR(d)) ? d : NULL;
}

u64 kt_dev_read(struct shadow_dev *d, vaddr_t va)
{
	struct shadow_req r = { .op = SHADOW_READ, .va = va };

	return shadow_access(d, &r) ? KT_NONE : r.val;
}

int kt_dev_write(struct shadow_dev *d, vaddr_t va, u64 v)
{
	struct shadow_req r = { .op = SHADOW_WRITE, .va = va, .val = v };

	return shadow_access(d, &r);
}

void kt_poke_clean(struct mm_struct *mm, vaddr_t va, u64 word)
{
	struct pt_pos pos;

	(void)kt_poke(mm, va, word);
	lock_leaf(&mm->pgt, va, &pos);
	pte_write_raw(pos.ptep, pte_mkclean(pte_read(pos.ptep)));
	unlock_table(&pos);
}

u64 kt_dev_faults(struct shadow_dev *d)
{
	struct shadow_stats s;

	shadow_get_stats(d, &s);
	return s.faults;
}

static struct mm_struct *mm_mapped(struct kt *t, u64 len)
{
	struct mm_struct *mm = mm_alloc();

	if (KT_EXPECT(t, mm))
		KT_EQ(t, kt_map(mm, 0, len, PROT_RW), KT_BASE);
	return mm;
}

KTEST(shadow, operations)
{
	struct mm_struct *mm = mm_mapped(t, 0x4000);
	struct shadow_req r = { .op = SHADOW_FILL, .va = KT_BASE + 0xff0,
				.len = 0x1020, .val = 3 };
	struct shadow_dev *d;
	struct shadow_stats s;

	KT_ASSERT(t, mm);
	d = attach(t, mm);
	KT_ASSERT(t, d);
	kt_poke(mm, KT_BASE, 11);
	KT_EQ(t, kt_dev_read(d, KT_BASE), 11);
	KT_EQ(t, kt_dev_write(d, KT_BASE + 8, 12), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE + 8), 12);
	KT_EQ(t, kt_dev_write(d, KT_BASE + 0x3000, 13), 0); /* never touched */
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x3000), 13);
	KT_EQ(t, shadow_access(d, &r), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0xff0), 3);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x2008), 3);
	KT_EQ(t, kt_peek(mm, KT_BASE + 0x2010), 0);
	r.op = SHADOW_SUM;
	KT_EQ(t, shadow_access(d, &r), 0);
	KT_EQ(t, r.val, 3 * 0x1020 / 8);
	r = (struct shadow_req){ .op = SHADOW_CMPXCHG, .va = KT_BASE,
				 .old = 11, .val = 20 };
	KT_EQ(t, shadow_access(d, &r), 0);
	KT_EQ(t, r.val, 11);
	KT_EQ(t, kt_peek(mm, KT_BASE), 20);
	shadow_get_stats(d, &s);
	KT_EXPECT(t, s.faults && s.installs && s.accesses && !s.stale);
	KT_EQ(t, s.entries, 4);
	shadow_detach(d);
	mmput(mm);
}

KTEST(shadow, errors)
{
	struct mm_struct *mm = mm_mapped(t, 0x1000);
	struct shadow_dev *d;

	KT_ASSERT(t, mm);
	KT_EQ(t, PTR_ERR(shadow_attach(mm, "tpu")), -EINVAL);
	d = attach(t, mm);
	KT_ASSERT(t, d);
	KT_EQ(t, kt_dev_write(d, KT_BASE + 4, 1), -EINVAL);
	KT_EQ(t, kt_dev_write(d, KT_BASE + 0x1000, 1), -EFAULT);
	KT_EXPECT(t, kt_dev_write(d, USER_END, 1) < 0);
	KT_EXPECT(t, kt_dev_write(d, ~7ULL, 1) < 0);
	do_mprotect(mm, KT_BASE, 0x1000, PROT_READ);
	KT_EQ(t, kt_dev_write(d, KT_BASE, 1), -EFAULT);
	KT_EQ(t, kt_dev_read(d, KT_BASE), 0);
	shadow_detach(d);
	mmput(mm);
}

KTEST_FLAGS(shadow, attach_no_memory, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_mapped(t, 0x1000);
	struct shadow_dev *d;
	u32 n = 0;

	KT_ASSERT(t, mm);
	do {
		alloc_fail_nth(++n);
		d = shadow_attach(mm, "kvm");
		alloc_fail_nth(0);
		KT_ASSERT(t, n < 50);
	} while (IS_ERR(d));
	KT_EXPECT(t, n > 3);
	shadow_detach(d);
	mmput(mm);
}

/* Whatever the process does to its memory, the device follows. */
KTEST(shadow, follows_the_process)
{
	const struct mremap_request mv = {
		KT_BASE + 0x3000, 0x1000, 0x1000,
		MREMAP_MAYMOVE | MREMAP_FIXED, KT_BASE + 0x100000,
	};
	struct mm_struct *mm = mm_mapped(t, 0x4000), *child = mm_alloc();
	struct shadow_dev *d;
	s64 moved;

	KT_ASSERT(t, mm && child);
	d = attach(t, mm);
	KT_ASSERT(t, d);
	for (u32 i = 0; i < 4; i++)
		KT_EQ(t, kt_dev_write(d, KT_BASE + i * PAGE_SIZE, i + 1), 0);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, kt_dev_write(d, KT_BASE, 10), 0);
	KT_EQ(t, kt_peek(child, KT_BASE), 1);
	KT_EQ(t, kt_peek(mm, KT_BASE), 10);
	do_madvise_dontneed(mm, KT_BASE, 0x1000);
	KT_EQ(t, kt_dev_read(d, KT_BASE), 0);
	do_mprotect(mm, KT_BASE + 0x1000, 0x1000, PROT_READ);
	KT_EQ(t, kt_dev_write(d, KT_BASE + 0x1000, 5), -EFAULT);
	KT_EQ(t, kt_dev_read(d, KT_BASE + 0x1000), 2);
	do_munmap(mm, KT_BASE + 0x2000, 0x1000);
	KT_EQ(t, kt_dev_read(d, KT_BASE + 0x2000), KT_NONE);
	moved = do_mremap(mm, &mv);
	KT_EQ(t, moved, KT_BASE + 0x100000);
	KT_EQ(t, kt_dev_read(d, KT_BASE + 0x3000), KT_NONE);
	KT_EQ(t, kt_dev_read(d, (vaddr_t)moved), 4);
	shadow_detach(d);
	mmput(mm);
	mmput(child);
}

/* change_pte at work: a copy made by the CPU costs the device no fault. */
KTEST(shadow, cow_without_refault)
{
	struct mm_struct *mm = mm_mapped(t, 0x1000), *child = mm_alloc();
	struct shadow_dev *d;
	u64 faults;

	KT_ASSERT(t, mm && child);
	kt_poke(mm, KT_BASE, 1);
	d = attach(t, mm);
	KT_ASSERT(t, d);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, kt_dev_read(d, KT_BASE), 1);
	faults = kt_dev_faults(d);
	kt_poke(mm, KT_BASE, 2);
	KT_EQ(t, kt_dev_read(d, KT_BASE), 2);
	KT_EQ(t, kt_dev_faults(d), faults);
	shadow_detach(d);
	mmput(mm);
	mmput(child);
}

/* Translations do not change when tables move: not one device fault. */
KTEST(shadow, relocation_is_unseen)
{
	struct mm_struct *mm = mm_mapped(t, 0x40000);
	struct shadow_dev *d;
	struct ptmigrate_result r;
	struct shadow_stats a, b;

	KT_ASSERT(t, mm);
	d = attach(t, mm);
	KT_ASSERT(t, d);
	for (u32 i = 0; i < 64; i++)
		kt_dev_write(d, KT_BASE + i * PAGE_SIZE, i);
	shadow_get_stats(d, &a);
	for (u32 n = 0; n < 10; n++) {
		KT_EQ(t, mm_relocate_tables(mm, n & 1 ? PTMIGRATE_STOP :
					    PTMIGRATE_LIVE, &r), 0);
		for (u32 i = 0; i < 64; i += 9)
			KT_EQ(t, kt_dev_read(d, KT_BASE + i * PAGE_SIZE), i);
	}
	shadow_get_stats(d, &b);
	KT_EQ(t, b.faults, a.faults);
	KT_EQ(t, b.zaps, a.zaps);
	KT_EQ(t, b.retries, a.retries);
	shadow_detach(d);
	mmput(mm);
}

/* The device's writes and reads reach the page when its entry goes. */
KTEST(shadow, dirty_and_young)
{
	struct kt_file *f = kt_file_create(9, 0x2000);
	struct mm_struct *mm = mm_alloc();
	struct shadow_dev *d;
	struct page *p;

	KT_ASSERT(t, mm && f);
	kt_map_file(mm, f, 0, 0x2000, MAP_SHARED);
	d = attach(t, mm);
	KT_ASSERT(t, d);
	KT_EQ(t, kt_dev_read(d, KT_BASE), kt_word(9, 0));
	p = find_get_page(&f->m, 0);
	KT_ASSERT(t, p);
	lock_page(p);
	page_referenced(p, NULL);
	KT_EQ(t, page_referenced(p, NULL), 0);
	unlock_page(p);
	KT_EQ(t, kt_dev_read(d, KT_BASE + 16), kt_word(9, 0));
	lock_page(p);
	KT_EXPECT(t, page_referenced(p, NULL) > 0);			/* G6 */
	unlock_page(p);
	KT_EQ(t, kt_dev_write(d, KT_BASE + 8, 77), 0);
	page_clear(p, PG_dirty);
	do_munmap(mm, KT_BASE, 0x2000);
	KT_EXPECT(t, page_test(p, PG_dirty));
	KT_EQ(t, ((u64 *)page_address(p))[1], 77);
	put_page(p);
	shadow_detach(d);
	mmput(mm);
	kt_file_put(f);
}

/* What the device used, and nothing else, is young; looking changes nothing. */
KTEST(shadow, young_callbacks)
{
	const vaddr_t second = KT_BASE + PAGE_SIZE;
	struct mm_struct *mm = mm_mapped(t, 0x2000);
	struct shadow_dev *d;

	KT_ASSERT(t, mm);
	d = attach(t, mm);
	KT_ASSERT(t, d);
	KT_EQ(t, mmu_notifier_test_young(mm, KT_BASE), 0);
	KT_EQ(t, kt_dev_read(d, KT_BASE), 0);
	KT_EQ(t, mmu_notifier_test_young(mm, KT_BASE), 1);
	KT_EQ(t, mmu_notifier_test_young(mm, KT_BASE), 1);
	KT_EQ(t, mmu_notifier_test_young(mm, second), 0);
	KT_EQ(t, mmu_notifier_clear_young(mm, second, second + PAGE_SIZE), 0);
	KT_EQ(t, mmu_notifier_clear_young(mm, KT_BASE, second), 1);
	KT_EQ(t, mmu_notifier_test_young(mm, KT_BASE), 0);
	shadow_detach(d);
	mmput(mm);
}

KTEST(shadow, process_exits_first)
{
	struct mm_struct *mm = mm_mapped(t, 0x2000);
	struct shadow_dev *d, *e;
	struct shadow_stats s;

	KT_ASSERT(t, mm);
	d = attach(t, mm);
	e = attach(t, mm);
	KT_ASSERT(t, d && e);
	KT_EQ(t, kt_dev_write(d, KT_BASE, 1), 0);
	KT_EQ(t, kt_dev_read(e, KT_BASE), 1);
	mmput(mm);
	KT_EXPECT(t, kt_dev_write(d, KT_BASE, 2) < 0);
	shadow_get_stats(e, &s);
	KT_EQ(t, s.entries, 0);
	shadow_detach(d);
	shadow_detach(e);
}

/*
 * Everything at once: two devices count in their own words of the same pages
 * while these are shared by fork and copied, change rights, and the tables
 * move.
 */
#define TORTURE_PAGES	24

struct torture {
	struct mm_struct *mm;
	struct shadow_dev *d;
	u32 stop, slot;
	u64 wrong, rounds;
};

static void device_thread(void *arg)
{
	struct torture *w = arg;
	u64 seq = 0;

	while (!READ_ONCE(w->stop)) {
		for (u32 i = 0; i < TORTURE_PAGES; i++) {
			vaddr_t va = KT_BASE + i * PAGE_SIZE + w->slot * 8;

			if (seq && kt_dev_read(w->d, va) != seq)
				w->wrong++;
			if (kt_dev_write(w->d, va, seq + 1))
				w->wrong++;
		}
		seq++;
		WRITE_ONCE(w->rounds, seq);
	}
}

static void stir(struct kt *t, struct mm_struct *mm, u32 n)
{
	struct mm_struct *child = mm_alloc();
	struct ptmigrate_result r;

	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, mm_relocate_tables(mm, n % 3 ? PTMIGRATE_LIVE :
				    PTMIGRATE_STOP, &r), 0);
	for (u32 i = 0; i < TORTURE_PAGES; i++)
		(void)kt_move_page(mm, KT_BASE + i * PAGE_SIZE);
	/* Narrower, wider: each a section over all of it. */
	do_mprotect(mm, KT_BASE, 0x8000, PROT_RW | PROT_EXEC);
	do_mprotect(mm, KT_BASE, 0x8000, PROT_RW);
	mmput(child);
}

static void torture(struct kt *t, u32 times)
{
	struct mm_struct *mm = mm_mapped(t, TORTURE_PAGES * PAGE_SIZE);
	struct torture w[2];
	struct thread *th[2];
	struct shadow_stats s;

	KT_ASSERT(t, mm);
	for (u32 i = 0; i < 2; i++) {
		w[i] = (struct torture){ .mm = mm, .slot = i,
					 .d = attach(t, mm) };
		KT_ASSERT(t, w[i].d);
		th[i] = kthread_run("torture", -1, device_thread, &w[i]);
		while (!READ_ONCE(w[i].rounds))
			yield();
	}
	for (u32 n = 0; n < times; n++) {
		u64 seen = READ_ONCE(w[n & 1].rounds);

		stir(t, mm, n);
		for (u32 k = 0; k < 50 && seen == READ_ONCE(w[n & 1].rounds);
		     k++)
			yield();
	}
	for (u32 i = 0; i < 2; i++) {
		WRITE_ONCE(w[i].stop, 1);
		thread_join(th[i]);
		KT_EQ(t, w[i].wrong, 0);
		shadow_get_stats(w[i].d, &s);
		KT_EQ(t, s.stale, 0);
		shadow_detach(w[i].d);
	}
	mmput(mm);
}

/* A page that is moved: the device loses its entry, and its writes are kept. */
KTEST(shadow, follows_moved_page)
{
	struct mm_struct *mm = mm_mapped(t, 0x1000);
	struct shadow_dev *d;
	u64 faults;

	KT_ASSERT(t, mm);
	d = attach(t, mm);
	KT_ASSERT(t, d);
	kt_poke(mm, KT_BASE, 1);
	KT_EQ(t, kt_dev_write(d, KT_BASE + 8, 2), 0);
	faults = kt_dev_faults(d);
	KT_EQ(t, kt_move_page(mm, KT_BASE), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE + 8), 2);
	KT_EQ(t, kt_dev_write(d, KT_BASE, 3), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 3);
	KT_EQ(t, kt_dev_faults(d) - faults, 1);
	shadow_detach(d);
	mmput(mm);
}

KTEST(shadow, torture)
{
	torture(t, 8);
}

KTEST_FLAGS(shadow, torture_long, KTF_SLOW)
{
	torture(t, 500);
}
