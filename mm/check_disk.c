/* SPDX-License-Identifier: MIT */
/*
 * The auditor's command, and its look past the page cache, part of each audit:
 * every page that is clean equals its device, byte for byte.
 *
 * Each page is held still by its lock and compared with what the device says
 * now.  A page whose last write failed (PG_error) is known to differ.
 * Tests: tests/kt/kt_writeback.c, tests/drive/disk.py
 */
#include "kernel/init.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/bdev.h"
#include "mm/check.h"
#include "mm/filemap.h"
#include "mm/page_alloc.h"
#include "mm/swap_disk.h"

/* p locked, clean, uptodate.  1: it differs. */
static s64 compare_page(struct address_space *m, struct page *p, void *buf)
{
	u64 pos = p->index << PAGE_SHIFT;
	struct blk_seg seg = {
		virt_to_phys(buf), (u32)min(m->size - pos, PAGE_SIZE),
	};
	struct blk_request rq = {
		.op = BLK_READ, .segs = &seg, .nr_segs = 1,
		.sector = pos >> BLK_SECTOR_SHIFT,
	};
	int err = blk_submit_wait(mapping_bdev(m), &rq);

	if (err)
		return err;
	return memcmp(buf, page_address(p), seg.len) != 0;
}

static s64 check_page(struct address_space *m, struct page *p, void *buf)
{
	s64 bad = 0;

	lock_page(p);
	wait_on_page_flag(p, PG_writeback);
	if (READ_ONCE(p->mapping) == m && page_test(p, PG_uptodate) &&
	    !page_test(p, PG_dirty) && !page_test(p, PG_error))
		bad = compare_page(m, p, buf);
	/* A program may write through its mapping meanwhile: then it shows. */
	if (bad > 0 && page_test(p, PG_dirty))
		bad = 0;
	unlock_page(p);
	if (bad > 0)
		pr_err("audit: I8: page %llu of %s is clean and differs from "
		       "the device\n", p->index, mapping_bdev(m)->name);
	return bad;
}

/* The clean pages seen are counted in *seen. */
static s64 check_all(struct address_space *m, void *buf, u64 *seen)
{
	struct page *pages[GANG];
	u64 next = 0;
	s64 bad = 0;
	u32 n;

	while (next != U64_MAX) {
		n = find_get_pages(m, &next, pages);
		for (u32 i = 0; i < n; i++) {
			s64 ret = bad < 0 ? 0 : check_page(m, pages[i], buf);

			bad = ret < 0 ? ret : bad + ret;
			put_page(pages[i]);
		}
		*seen += n;
	}
	return bad;
}

s64 bdev_check(struct address_space *m, u64 *seen)
{
	struct page *buf = alloc_page(ALLOC_PLAIN);
	s64 bad;

	if (!buf)
		return -ENOMEM;
	bad = check_all(m, page_address(buf), seen);
	put_page(buf);
	return bad;
}

static int audit_disks(void)
{
	struct block_device *bd;
	s64 ret, bad = 0;
	u64 seen;

	for (bd = blkdev_next(NULL); bd; bd = blkdev_next(bd)) {
		if (!READ_ONCE(bd->mapping))
			continue;
		seen = 0;
		ret = bdev_check(bd->mapping, &seen);
		if (ret < 0)
			kprintf("%s: %pe\n", bd->name, ERR_PTR(ret));
		else
			kprintf("%s: %llu cached pages, %lld differ\n",
				bd->name, seen, ret);
		bad |= ret;
	}
	return bad ? -EIO : 0;
}

/* For mm_check().  A disk that cannot be read has told so elsewhere. */
static u32 count_differing(void)
{
	struct block_device *bd;
	u64 seen = 0;
	u32 bad = 0;

	for (bd = blkdev_next(NULL); bd; bd = blkdev_next(bd)) {
		s64 ret = 0;

		if (READ_ONCE(bd->mapping) && !disk_is_swap(bd))
			ret = bdev_check(bd->mapping, &seen);
		bad += ret > 0 ? (u32)ret : 0;
	}
	return bad;
}

static int check_disk_init(void)
{
	mm_check_register(count_differing);
	return 0;
}
INITCALL(check_disk_init);

static int cmd_check(int argc, char **argv)
{
	u32 problems;

	if (argc > 1 && !strcmp(argv[1], "disk"))
		return audit_disks();
	if (argc > 1) {
		kprintf("usage: check [disk]\n");
		return -EINVAL;
	}
	problems = mm_check();
	kprintf("check: %u problems\n", problems);
	return problems ? -EIO : 0;
}
SHELL_CMD(check, "[disk]",
	  "count everything anew and compare; clean pages with their disk", 0,
	  1, cmd_check);
