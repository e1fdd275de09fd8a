/* SPDX-License-Identifier: MIT */
/*
 * move_pages: where the pages of a process are, and putting them elsewhere.
 *
 * There is one node, 0: asking gives 0 for every page that is there, and a
 * move to node 0 gives the page another frame, which the program cannot see.
 * Each page has a status of its own; what cannot be moved is told there and
 * the call goes on, as in Linux.
 *
 * Locks: mmap_lock read to find a page, none while it is moved.
 * Tests: tests/abi/t_movepages
 */
#include "arch/uaccess.h"
#include "lib/err.h"
#include "mm/migrate.h"
#include "sys/process.h"
#include "sys/syscall.h"

#define MPOL_MF_MOVE		2
#define MPOL_MF_MOVE_ALL	4

struct move_request {
	struct mm_struct *mm;
	vaddr_t pages, nodes, status;	/* user arrays; nodes may be NULL */
	enum move_which which;
};

/* The status of one page that is to be moved. */
static int move_one(const struct move_request *rq, vaddr_t va)
{
	struct page *p;

	mmap_read_lock(rq->mm);
	p = isolate_mapped_page(rq->mm, va, rq->which);
	mmap_read_unlock(rq->mm);
	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	return migrate_page(p, new_page_anywhere, NULL);
}

static int look_at(const struct move_request *rq, vaddr_t va)
{
	int status;

	mmap_read_lock(rq->mm);
	status = page_mapped_at(rq->mm, va);
	mmap_read_unlock(rq->mm);
	return status;
}

/* The i-th page.  0, or what ends the call. */
static s64 do_page(const struct move_request *rq, u64 i)
{
	int node = 0, status;
	vaddr_t va;

	if (get_user_val(va, rq->pages + i * sizeof(va)))
		return -EFAULT;
	if (!rq->nodes) {
		status = look_at(rq, va);
	} else {
		if (get_user_val(node, rq->nodes + i * sizeof(node)))
			return -EFAULT;
		if (node)
			return -ENODEV;
		status = move_one(rq, va);
	}
	return put_user_val(rq->status + i * sizeof(status), status);
}

static s64 do_pages(const struct move_request *rq, u64 nr)
{
	s64 err = 0;

	for (u64 i = 0; i < nr && !err; i++) {
		err = do_page(rq, i);
		if (!err && signal_pending())
			err = -EINTR;
	}
	return err;
}

SYSCALL_FN(move_pages)
{
	struct move_request rq = {
		.pages = s->a[2], .nodes = s->a[3], .status = s->a[4],
	};
	u32 pid = (u32)s->a[0], flags = (u32)s->a[5];
	s64 ret;

	if (flags & ~(u32)(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && READ_ONCE(cur_proc()->euid))
		return -EPERM;
	rq.which = flags & MPOL_MF_MOVE_ALL ? MOVE_SHARED : MOVE_SOLE;
	rq.mm = process_mm_access(pid ?: cur_proc()->pid);
	if (IS_ERR(rq.mm))
		return PTR_ERR(rq.mm);
	ret = do_pages(&rq, s->a[1]);
	mmput(rq.mm);
	return ret;
}
