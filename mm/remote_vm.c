/* SPDX-License-Identifier: MIT */
/*
 * The kernel reads and writes another address space through the direct map.
 *
 * mmap_lock is held over each copy: a fork in between would leave the page,
 * which we still write to, to the child, when the parent copies it.
 * Tests: tests/kt/kt_gup.c, tests/kt/kt_review.c
 */
#include "kernel/racepoint.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/gup.h"
#include "mm/internal.h"

static void copy_part(struct page *p, u64 offset, void *buf, u64 n, u32 foll)
{
	char *at = (char *)page_address(p) + offset;

	if (!(foll & FOLL_WRITE)) {
		memcpy(buf, at, n);
		return;
	}
	RACE_POINT("copy_to_mm:before_copy");
	memcpy(at, buf, n);
	set_page_dirty(p);
}

u64 access_remote_vm(struct mm_struct *mm, vaddr_t addr, void *buf, u64 n,
		     u32 foll)
{
	u64 done = 0, part, offset;
	struct page *p;
	bool writable;
	int err = 0;

	while (done < n && !err) {
		offset = (addr + done) & ~PAGE_MASK;
		part = min(n - done, PAGE_SIZE - offset);
		mmap_read_lock(mm);
		err = get_user_page_locked(mm, addr + done, foll, &p,
					   &writable);
		if (!err) {
			copy_part(p, offset, (char *)buf + done, part, foll);
			put_page(p);
			done += part;
		}
		mmap_read_unlock(mm);
	}
	return done;
}

u64 copy_to_mm(struct mm_struct *mm, vaddr_t to, const void *from, u64 n)
{
	return n - access_remote_vm(mm, to, (void *)(u64)from, n, FOLL_WRITE);
}

u64 copy_from_mm(struct mm_struct *mm, void *to, vaddr_t from, u64 n)
{
	return n - access_remote_vm(mm, from, to, n, 0);
}
