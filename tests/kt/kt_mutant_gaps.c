/* SPDX-License-Identifier: MIT */
/*
 * What only a mutant (tests/mutants) has shown to be untested.  Where a thread
 * is held between two steps the test asks what must not have happened yet; it
 * waits a bounded time for the wrong thing, so it is never wrong itself.
 */
#include "kernel/racepoint.h"
#include "kernel/rcu.h"
#include "lib/string.h"
#include "mm/mmu_model.h"
#include "mm/mmu_notifier.h"
#include "mm/slab.h"
#include "tests/kt/kt_holder.h"
#include "tests/kt/kt_util.h"

#define WRONG_NS	30000000ULL	/* how long a bug may take to show */

/* Sleeps until cond, at most WRONG_NS.  Value: cond. */
#define shows(cond) ({							\
	u64 __end = ktime_get() + WRONG_NS;				\
	while (!(cond) && ktime_get() < __end)				\
		sleep_ms(1);						\
	!!(cond); })

/*
 * A file whose pages are filled only when the test says so.
 */
struct slow_file {
	struct address_space m;
	u32 reading, go;
	struct wait_queue_head wq;
};

static int slow_read_folio(struct address_space *m, struct page *page)
{
	struct slow_file *f = container_of(m, struct slow_file, m);

	WRITE_ONCE(f->reading, 1);
	wait_event(&f->wq, READ_ONCE(f->go));
	*(u64 *)page_address(page) = kt_word(5, page->index);
	return 0;
}

static const struct address_space_operations slow_ops = {
	.read_folio = slow_read_folio,
};

struct reader {
	struct address_space *m;
	struct page *page;
	u32 done;
};

static void read_thread(void *arg)
{
	struct reader *r = arg;

	r->page = read_cache_page(r->m, 0);
	WRITE_ONCE(r->done, 1);
}

KTEST(gaps, uptodate_means_filled)
{
	struct slow_file *f = kzalloc(sizeof(*f));
	struct reader r[2] = { { .m = &f->m }, { .m = &f->m } };
	struct kt_team team = { .nr = 0 };

	KT_ASSERT(t, f);
	address_space_init(&f->m, &slow_ops, NULL);
	f->m.size = PAGE_SIZE;
	init_waitqueue_head(&f->wq);
	kt_spawn(t, &team, -1, read_thread, &r[0]);
	KT_EXPECT(t, kt_wait_for(READ_ONCE(f->reading)));
	kt_spawn(t, &team, -1, read_thread, &r[1]);
	KT_EXPECT(t, !shows(READ_ONCE(r[1].done)));
	WRITE_ONCE(f->go, 1);
	wake_up_all(&f->wq);
	kt_join(&team);
	for (u32 i = 0; i < 2; i++) {
		KT_EQ(t, *(u64 *)page_address(r[i].page), kt_word(5, 0));
		put_page(r[i].page);
	}
	address_space_destroy(&f->m);
	kfree(f);
}

/*
 * A thread on another CPU stands in the look-up; a grace period must wait.
 */
static void look_thread(void *arg)
{
	struct reader *r = arg;

	r->page = find_get_page(r->m, 0);
}

static void sync_thread(void *arg)
{
	synchronize_rcu();
	WRITE_ONCE(*(u32 *)arg, 1);
}

static void lookup_is_read_section(struct kt *t)
{
	struct kt_file *f = kt_file_create(1, PAGE_SIZE);
	struct reader r = { .m = &f->m };
	struct kt_team team = { .nr = 0 };
	u32 over = 0;
	u64 w;

	kt_pin(0);
	filemap_read(&f->m, &w, 0, 8);
	race_arm("filemap:after_load", 1);
	kt_spawn(t, &team, (int)kt_other_cpu(), look_thread, &r);
	KT_EQ(t, race_wait_parked("filemap:after_load"), 0);
	kt_spawn(t, &team, 0, sync_thread, &over);
	KT_EXPECT(t, !shows(READ_ONCE(over)));
	race_release("filemap:after_load");
	kt_join(&team);
	KT_EXPECT(t, r.page && over);
	if (r.page)
		put_page(r.page);
	kt_unpin();
	kt_file_put(f);
}

KTEST_FLAGS(gaps, lookup_is_read_section, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	lookup_is_read_section(t);
}

/*
 * The only page of a file, and an mm that another CPU has loaded and through
 * which it has written the page.
 */
struct shared_page {
	struct kt_file *f;
	struct mm_struct *mm;
	struct page *page;
	struct holder h;
};

static bool shared_page_begin(struct kt *t, struct shared_page *s)
{
	s->f = kt_file_create(4, PAGE_SIZE);
	s->mm = mm_alloc();
	if (!KT_EXPECT(t, s->f && s->mm))
		return false;
	kt_map_file(s->mm, s->f, 0, PAGE_SIZE, MAP_SHARED);
	if (!holder_start(t, &s->h, s->mm, HOLD_ACTIVE))
		return false;
	holder_touch(&s->h, KT_BASE);
	s->page = find_get_page(&s->f->m, 0);
	return KT_EXPECT(t, s->page && page_mapped(s->page));
}

static void shared_page_end(struct shared_page *s)
{
	holder_stop(&s->h);
	mmput(s->mm);
	kt_file_put(s->f);
}

/* Reclaim: no CPU may have a translation when the page is freed. */
KTEST(gaps, unmapped_page_is_flushed)
{
	struct shared_page s;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	if (!shared_page_begin(t, &s))
		return;
	lock_page(s.page);
	KT_EXPECT(t, try_to_unmap(s.page, NULL));
	KT_EXPECT(t, page_test_clear(s.page, PG_dirty));
	KT_EQ(t, remove_mapping(s.page), 0);
	KT_EXPECT(t, pte_none(kt_pte(s.mm, KT_BASE)));
	shared_page_end(&s);
}

/* Write-back: the next write, by whatever CPU, is noticed. */
KTEST(gaps, cleaned_page_is_flushed)
{
	struct shared_page s;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	if (!shared_page_begin(t, &s))
		return;
	lock_page(s.page);
	KT_EXPECT(t, page_mkclean(s.page));
	page_clear(s.page, PG_dirty);
	unlock_page(s.page);
	holder_touch(&s.h, KT_BASE);
	KT_EXPECT(t, page_test(s.page, PG_dirty) ||
		     pte_dirty(kt_pte(s.mm, KT_BASE)));
	put_page(s.page);
	shared_page_end(&s);
}

/* After mprotect on a page of its own, fork's copies stay apart. */
KTEST(gaps, mprotect_after_fork)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, PAGE_SIZE, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, do_mprotect(child, KT_BASE, PAGE_SIZE, PROT_READ), 0);
	KT_EQ(t, do_mprotect(child, KT_BASE, PAGE_SIZE, PROT_RW), 0);
	KT_EXPECT(t, !pte_write(kt_pte(child, KT_BASE)));
	KT_EQ(t, kt_poke(child, KT_BASE, 2), 0);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	mmput(child);
	mmput(mm);
}

/* What was written before munmap or mremap is still to be written back. */
static void written_page(struct kt *t, vaddr_t move_to)
{
	struct kt_file *f = kt_file_create(4, PAGE_SIZE);
	struct mm_struct *mm = mm_alloc();
	struct page *p;

	KT_ASSERT(t, f && mm);
	kt_map_file(mm, f, 0, PAGE_SIZE, MAP_SHARED);
	KT_EQ(t, kt_fault(mm, KT_BASE, FAULT_WRITE), FAULT_DONE);
	KT_EXPECT(t, pte_dirty(kt_pte(mm, KT_BASE)));
	p = find_get_page(&f->m, 0);
	KT_ASSERT(t, p);
	page_clear(p, PG_dirty);	/* the entry alone knows now */
	if (move_to)
		kt_mremap(mm, KT_BASE, PAGE_SIZE, PAGE_SIZE, move_to);
	KT_EQ(t, do_munmap(mm, move_to ?: KT_BASE, PAGE_SIZE), 0);
	KT_EXPECT(t, page_test(p, PG_dirty));
	put_page(p);
	mmput(mm);
	kt_file_put(f);
}

KTEST(gaps, munmap_keeps_dirty)
{
	written_page(t, 0);
}

KTEST(gaps, mremap_keeps_dirty)
{
	written_page(t, KT_BASE + 0x200000);
}

/* A copy that ends early: the count is exact, the rest is zeros. */
KTEST(gaps, partial_copy_is_zeroed)
{
	struct mm_struct *mm = mm_alloc();
	u8 buf[64];
	u32 bad = 0;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, PAGE_SIZE, PROT_RW);
	activate_mm(mm);
	for (u64 n = 0; n < sizeof(buf); n++) {
		memset(buf, 0xee, sizeof(buf));
		bad += copy_from_user(buf, KT_BASE + PAGE_SIZE - n,
				      sizeof(buf)) != sizeof(buf) - n;
		for (u32 i = 0; i < sizeof(buf); i++)
			bad += buf[i] != 0;
		bad += copy_to_user(KT_BASE + PAGE_SIZE - n, buf,
				    sizeof(buf)) != sizeof(buf) - n;
	}
	KT_EQ(t, bad, 0);
	deactivate_mm();
	mmput(mm);
}

/* SMAP: outside the copies, user memory is closed to the kernel. */
static bool user_open(void)
{
	u64 flags = local_irq_save();

	local_irq_restore(flags);
	return flags & RFLAGS_AC;
}

KTEST(gaps, user_access_is_closed)
{
	struct mm_struct *mm = mm_alloc();
	u64 word = 1;
	u32 old = 0;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, PAGE_SIZE, PROT_RW);
	activate_mm(mm);
	KT_EQ(t, copy_to_user(KT_BASE, &word, 8), 0);
	KT_EXPECT(t, !user_open());
	KT_EQ(t, copy_from_user(&word, KT_BASE + PAGE_SIZE, 8), 8);
	KT_EXPECT(t, !user_open());
	KT_EQ(t, clear_user(KT_BASE, 8), 0);
	KT_EXPECT(t, !user_open());
	KT_EQ(t, user_load_u32(KT_BASE, &old), 0);
	KT_EXPECT(t, !user_open());
	KT_EQ(t, user_load_u32(KT_BASE + PAGE_SIZE, &old), -EFAULT);
	KT_EXPECT(t, !user_open());
	KT_EQ(t, user_cmpxchg_u32(KT_BASE, &old, 1), 0);
	KT_EXPECT(t, !user_open());
	KT_EXPECT(t, strncpy_from_user((char *)&word, KT_BASE, 8) >= 0);
	KT_EXPECT(t, !user_open());
	deactivate_mm();
	mmput(mm);
}

/* A section that was opened is closed again. */
static u64 open_sections(void)
{
	return mmu_sections_open();
}
KT_GATE(open_sections, open_sections);

/*
 * The other CPU has the page writable in its TLB when fork or mremap takes it
 * away: what it writes next must not arrive there.
 */
static void stale_writer(struct kt *t, vaddr_t move_to)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();
	struct holder h;

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, 2 * PAGE_SIZE, PROT_RW);
	if (!holder_start(t, &h, mm, HOLD_ACTIVE))
		return;
	holder_touch(&h, KT_BASE);
	holder_touch(&h, KT_BASE + PAGE_SIZE);	/* keeps the table */
	KT_EQ(t, kt_poke(mm, KT_BASE, 5), 0);
	if (move_to) {
		kt_mremap(mm, KT_BASE, PAGE_SIZE, PAGE_SIZE, move_to);
		kt_map(mm, 0, PAGE_SIZE, PROT_RW);
	} else {
		KT_EQ(t, dup_mmap(child, mm), 0);
	}
	holder_touch(&h, KT_BASE);
	KT_EQ(t, kt_peek(move_to ? mm : child, move_to ?: KT_BASE), 5);
	KT_EQ(t, kt_peek(mm, KT_BASE), 1);
	holder_stop(&h);
	mmput(child);
	mmput(mm);
}

KTEST(gaps, forked_page_is_flushed)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	stale_writer(t, 0);
}

KTEST(gaps, moved_page_is_flushed)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	stale_writer(t, KT_BASE + 0x200000);
}

/* More pages than a gather holds, and more than one table. */
KTEST(gaps, big_munmap)
{
	u64 len = 0x300000;
	struct mm_struct *mm = mm_alloc();

	KT_ASSERT(t, mm);
	kt_map(mm, 0, len, PROT_RW);
	for (u64 i = 0; i < len; i += PAGE_SIZE)
		KT_EQ(t, kt_fault(mm, KT_BASE + i, FAULT_WRITE), FAULT_DONE);
	KT_EQ(t, do_munmap(mm, KT_BASE, len), 0);
	KT_EQ(t, atomic64_read(&mm->rss_anon), 0);
	mmput(mm);
}

/* A file opened for reading: its shared mapping never gets W. */
KTEST(gaps, mprotect_within_may)
{
	struct kt_file *f = kt_file_create(4, PAGE_SIZE);
	struct mm_struct *mm = mm_alloc();
	struct mmap_request rq = {
		.addr = KT_BASE, .len = PAGE_SIZE, .prot = PROT_READ,
		.flags = MAP_SHARED | MAP_FIXED, .may = VM_MAYREAD,
	};

	KT_ASSERT(t, f && mm);
	rq.mapping = &f->m;
	KT_EQ(t, do_mmap(mm, &rq), KT_BASE);
	KT_EQ(t, do_mprotect(mm, KT_BASE, PAGE_SIZE, PROT_RW), -EACCES);
	KT_EQ(t, do_mprotect(mm, KT_BASE, PAGE_SIZE, PROT_NONE), 0);
	mmput(mm);
	kt_file_put(f);
}

/* After a fork a copy has all of the page, not only what is written. */
KTEST(gaps, copy_is_whole)
{
	struct mm_struct *mm = mm_alloc(), *child = mm_alloc();

	KT_ASSERT(t, mm && child);
	kt_map(mm, 0, PAGE_SIZE, PROT_RW);
	kt_poke(mm, KT_BASE + PAGE_SIZE - 8, 7);
	KT_EQ(t, dup_mmap(child, mm), 0);
	KT_EQ(t, kt_poke(child, KT_BASE, 1), 0);
	KT_EQ(t, kt_peek(child, KT_BASE + PAGE_SIZE - 8), 7);
	mmput(child);
	mmput(mm);
}

static u32 getters;

static void get_and_put(void *arg)
{
	struct page *p = arg;

	__atomic_fetch_add(&getters, 1, __ATOMIC_SEQ_CST);
	kt_spin_for(READ_ONCE(getters) == 4 || kt_cpus() < 4);
	for (u32 i = 0; i < 300000; i++) {
		get_page(p);
		put_page(p);
	}
}

KTEST(gaps, references_are_atomic)
{
	struct page *p = alloc_page(ALLOC_ZERO);
	struct kt_team team = { .nr = 0 };

	KT_ASSERT(t, p);
	getters = 0;
	atomic_add(1000, &p->_refcount);	/* lost ones do not free it */
	for (u32 i = 0; i < 4; i++)
		kt_spawn(t, &team, (int)kt_cpu(i), get_and_put, p);
	kt_join(&team);
	KT_EQ(t, page_count(p), 1001);
	atomic_set(&p->_refcount, 1);
	put_page(p);
}

KTEST(gaps, blocks_are_zeroed)
{
	for (u32 order = 0; order < 4; order++) {
		struct page *p = alloc_pages(order, ALLOC_ZERO);
		const u64 *w = p ? page_address(p) : NULL;
		u64 or = 0;

		KT_ASSERT(t, p);
		for (u64 i = 0; i < PAGE_SIZE / 8 << order; i++)
			or |= w[i];
		KT_EQ(t, or, 0);
		atomic_set(&p->_refcount, 0);
		free_pages(p, order);
	}
}
