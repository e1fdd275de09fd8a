/* SPDX-License-Identifier: MIT */
/*
 * The engine thread of a device: runs programs of accesses through the
 * device's translations only, and has its class resolve the faults it takes.
 *
 * One program at a time: the caller holds req_mutex, hands the program over
 * and sleeps until the engine has put prog back to NULL.  The caller holds no
 * lock of an mm: the engine's faults take mmap_lock.
 *
 * An access never moves data without a translation that stands at that moment
 * (V1), and looks what its frame is meanwhile: one that no process can own is
 * a stale access, which must not happen.
 *
 * Tests: tests/kt/kt_shadow.c, kt_shadow_class.c
 */
#include "drivers/shadow/internal.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "lib/err.h"
#include "mm/vma.h"

/* Is this frame something a process can own?  Judged during the access. */
static void check_stale(struct shadow_dev *d, pfn_t pfn)
{
	const struct page *p = pfn_to_page(pfn);

	if (page_count(p) == 0 || page_test(p, PG_buddy) || page_test(p, PG_pcp) ||
	    page_test(p, PG_slab) || page_test(p, PG_table))
		shadow_count(d, SHADOW_STALE, 1);
}

/* tlb_lock held: the words of one page, at most to the end of it. */
static void do_words(struct shadow_req *r, u64 *word, u64 n)
{
	u64 old = r->old;

	switch (r->op) {
	case SHADOW_READ:
		r->val = READ_ONCE(*word);
		break;
	case SHADOW_WRITE:
		WRITE_ONCE(*word, r->val);
		break;
	case SHADOW_CMPXCHG:
		try_cmpxchg(word, &old, r->val);
		r->val = old;
		break;
	case SHADOW_FILL:
		while (n--)
			WRITE_ONCE(*word++, r->val);
		break;
	case SHADOW_SUM:
		while (n--)
			r->val += READ_ONCE(*word++);
		break;
	}
}

static enum shadow_access access_of(const struct shadow_req *r)
{
	return r->op == SHADOW_READ || r->op == SHADOW_SUM ?
		SHADOW_ACCESS_READ : SHADOW_ACCESS_WRITE;
}

static int resolve(struct shadow_dev *d, vaddr_t va, enum shadow_access how)
{
	int err;

	va &= PAGE_MASK;
	if (!mmget_not_zero(d->mm))
		return -ESRCH;
	for (;;) {
		err = d->class->resolve(d, va, how);
		if (err != -EAGAIN)
			break;
		shadow_count(d, SHADOW_RETRIES, 1);
		yield();
	}
	shadow_count(d, SHADOW_FAULTS, 1);
	TRACE4(SHADOW_FAULT, d->id, va, how, err);
	mmput(d->mm);
	return err;
}

/* One page's share of the request; faults until it succeeds or cannot. */
static int access_page(struct shadow_dev *d, struct shadow_req *r, vaddr_t va,
		       u64 words)
{
	enum shadow_access how = access_of(r);
	pfn_t pfn;
	int err;

	for (;;) {
		spin_lock(&d->tlb_lock);
		if (shadow_translate(d, va, how, &pfn)) {
			check_stale(d, pfn);
			do_words(r, phys_to_virt((pfn << PAGE_SHIFT) +
						 (va & ~PAGE_MASK)), words);
			spin_unlock(&d->tlb_lock);
			shadow_count(d, SHADOW_ACCESSES, 1);
			TRACE4(SHADOW_ACCESS, d->id, va, how, pfn);
			return 0;
		}
		spin_unlock(&d->tlb_lock);
		err = resolve(d, va, how);
		if (err)
			return err;
	}
}

static int execute(struct shadow_dev *d, struct shadow_req *r)
{
	bool many = r->op == SHADOW_FILL || r->op == SHADOW_SUM;
	u64 len = many ? r->len : sizeof(u64), n;
	vaddr_t va = r->va;
	int err = 0;

	if (r->op > SHADOW_SUM || (va | len) & (sizeof(u64) - 1) ||
	    va >= USER_END || len > USER_END - va)
		return -EINVAL;
	if (r->op == SHADOW_SUM)
		r->val = 0;
	for (; len && !err; va += n, len -= n) {
		n = min(len, PAGE_SIZE - (va & ~PAGE_MASK));
		err = access_page(d, r, va, n / sizeof(u64));
	}
	return err;
}

/* Up to the first request that fails. */
static void run_program(struct shadow_dev *d, struct shadow_program *p)
{
	struct shadow_req *r = p->req;

	for (p->done = 0; p->done < p->nr; p->done++, r++) {
		r->result = execute(d, r);
		if (r->result)
			return;
	}
}

void shadow_engine(void *dev)
{
	struct shadow_dev *d = dev;
	struct shadow_program *p;

	for (;;) {
		wait_event_idle(&d->wait, READ_ONCE(d->prog) || READ_ONCE(d->stop));
		p = smp_load_acquire(&d->prog);
		if (!p)
			return;
		run_program(d, p);
		/* The results before their announcement; partner: the caller. */
		smp_store_release(&d->prog, NULL);
		wake_up_all(&d->wait);
	}
}

u32 shadow_run(struct shadow_dev *d, struct shadow_req *req, u32 nr)
{
	struct shadow_program p = { .req = req, .nr = nr };

	mutex_lock(&d->req_mutex);
	smp_store_release(&d->prog, &p);
	wake_up_all(&d->wait);
	wait_event(&d->wait, !smp_load_acquire(&d->prog));
	mutex_unlock(&d->req_mutex);
	return p.done;
}

int shadow_access(struct shadow_dev *d, struct shadow_req *r)
{
	shadow_run(d, r, 1);
	return r->result;
}
