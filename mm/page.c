/* SPDX-License-Identifier: MIT */
/*
 * References and the page lock.
 *
 * S1  get and put mean the same whatever a frame is used for at the moment: a
 *     stale speculative getter may hold a reference on a page that is by now
 *     something else, and its put may be the last one.  So put_page() frees
 *     by what the page is now.
 * S2  count 0: free, frozen, or a table; get_page_unless_zero() fails.
 * S4  freeze: from then on only the owner touches the page's identity.
 *
 *	lookup				remover
 *	(1) p = slot or PTE		(A) page_ref_freeze(p, expected)
 *	(2) get_page_unless_zero(p)	(B) remove the slot
 *	(3) slot still p? else put	(C) free, or page_ref_unfreeze
 *
 * (2) and (A) are atomic operations on one word: one of them loses.
 *
 * PG_locked sleeps on one of a few hashed wait queues.  Waker and sleeper:
 * unlock clears the bit, full barrier, looks for waiters; a sleeper queues
 * itself, full barrier, looks at the bit.
 * Tests: tests/kt/kt_page_alloc.c
 */
#include "mm/page.h"
#include "arch/string_ops.h"
#include "kernel/lockdep.h"
#include "kernel/wait.h"
#include "mm/kasan.h"
#include "mm/ksm.h"
#include "mm/lru.h"
#include "mm/page_alloc.h"

#define NR_PAGE_QUEUES	64

#define Q4(n)	QUEUE(n), QUEUE(n + 1), QUEUE(n + 2), QUEUE(n + 3)
#define Q16(n)	Q4(n), Q4(n + 4), Q4(n + 8), Q4(n + 12)
#define QUEUE(n) WAIT_QUEUE_HEAD_INIT(page_queues[n])
static struct wait_queue_head page_queues[NR_PAGE_QUEUES] = {
	Q16(0), Q16(16), Q16(32), Q16(48),
};

static struct wait_queue_head *page_queue(const struct page *p)
{
	return &page_queues[page_to_pfn(p) % NR_PAGE_QUEUES];
}

void get_page(struct page *p)
{
	KASSERT(page_count(p) > 0);
	atomic_inc(&p->_refcount);
}

bool get_page_unless_zero(struct page *p)
{
	return atomic_inc_not_zero(&p->_refcount);
}

/* C1: nothing may know the page any more. */
static void check_last_put(const struct page *p)
{
	if (page_mapcount(p))
		panic("pfn %llx: last reference dropped, but mapped %d times",
		      page_to_pfn(p), page_mapcount(p));
	if (p->mapping && !page_is_anon(p))
		panic("pfn %llx: last reference dropped, but in the page cache",
		      page_to_pfn(p));
	if (page_test(p, PG_swapcache))
		panic("pfn %llx: last reference dropped, but in the swap cache",
		      page_to_pfn(p));
	if (page_test(p, PG_reserved))
		panic("pfn %llx: last reference of a reserved page dropped",
		      page_to_pfn(p));
}

/* Half of what fits: so many may add at once before one of them looks. */
#define REF_MAX	(1 << 30)

bool page_ref_add_unless_zero(struct page *p, int n)
{
	int old = page_count(p);

	do {
		if (old <= 0 || old > REF_MAX)
			return false;
	} while (!try_cmpxchg(&p->_refcount.counter, &old, old + n));
	return true;
}

void put_page(struct page *p)
{
	page_put_refs(p, 1);
}

void page_put_refs(struct page *p, int n)
{
	KASSERT(page_count(p) >= n);
	if (atomic_sub_return(n, &p->_refcount))
		return;
	if (CONFIG_LAB)
		check_last_put(p);
	if (unlikely(page_is_ksm(p)))
		ksm_page_freed(p);
	lru_del(p);
	free_page(p);
}

bool page_ref_freeze(struct page *p, int expected)
{
	return atomic_cmpxchg(&p->_refcount, expected, 0) == expected;
}

/* RELEASE: who takes a reference sees what the owner did; partner: (2). */
void page_ref_unfreeze(struct page *p, int count)
{
	KASSERT(page_count(p) == 0 && count > 0);
	atomic_set_release(&p->_refcount, count);
}

bool trylock_page(struct page *p)
{
	return !test_and_set_bit_lock(PG_locked, (unsigned long *)&p->flags);
}

void lock_page(struct page *p)
{
	might_sleep();
	lockdep_acquire(p, LOCK_PAGE, LOCKDEP_WRITE);
	if (trylock_page(p))
		return;
	lockdep_waits(p);
	wait_event(page_queue(p), trylock_page(p));
	lockdep_waits(NULL);
}

void unlock_page(struct page *p)
{
	struct wait_queue_head *wq = page_queue(p);

	if (CONFIG_LAB && lockdep_is_held(p))
		lockdep_release(p);
	if (!page_test_clear(p, PG_locked))
		panic("pfn %llx is unlocked, but was not locked",
		      page_to_pfn(p));
	/* Full barrier above; partner: prepare_to_wait(). */
	if (!list_empty(&wq->head))
		wake_up_all(wq);
}

void wait_on_page_flag(struct page *p, enum page_flag f)
{
	might_sleep();
	if (page_test(p, f))
		wait_event(page_queue(p), !page_test(p, f));
}

void page_clear_wake(struct page *p, enum page_flag f)
{
	struct wait_queue_head *wq = page_queue(p);

	page_test_clear(p, f);
	/* Full barrier above; partner: prepare_to_wait(). */
	if (!list_empty(&wq->head))
		wake_up_all(wq);
}

void clear_page(void *page)
{
	kasan_check_write(page, PAGE_SIZE);
	rep_stosq(page, 0, PAGE_SIZE / 8);
}

void copy_page(void *to, const void *from)
{
	kasan_check_read(from, PAGE_SIZE);
	kasan_check_write(to, PAGE_SIZE);
	rep_movsq(to, from, PAGE_SIZE / 8);
}
