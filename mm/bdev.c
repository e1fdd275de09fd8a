/* SPDX-License-Identifier: MIT */
/*
 * Block devices as files of the page cache: byte n of the file is byte n of
 * the device.
 *
 * K1. One request carries pages with consecutive indices; a bio keeps them and
 *     its segments until the request is done.
 * K2. Nothing here fails for want of memory: without a bio the pages go one by
 *     one through a request on the stack, waited for.
 * K3. The device may end within its last page: the rest of that page reads as
 *     zeros and is never written.
 *
 * Lifetime: a device's mapping lives for ever, as the device does.  A bio is
 * freed by its own completion.
 * Tests: tests/kt/kt_writeback.c, tests/drive/disk.py
 */
#include "kernel/printk.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/bdev.h"
#include "mm/page_alloc.h"
#include "mm/writeback.h"

#define BIO_PAGES	32U

struct bio {
	struct blk_request rq;
	u32 nr;
	struct page *pages[BIO_PAGES];
	struct blk_seg segs[BIO_PAGES];
};

struct bdev_file {
	struct address_space mapping;
	struct block_device *bd;
	char path[8 + BLK_NAME_MAX];
};

static DEFINE_MUTEX(create_lock, LOCK_DEVLIST);

static struct block_device *bd_of(struct address_space *m)
{
	return container_of(m, struct bdev_file, mapping)->bd;
}

/* K3. */
static struct blk_seg page_seg(struct address_space *m, struct page *p)
{
	u64 left = m->size - (p->index << PAGE_SHIFT);

	return (struct blk_seg){
		page_to_phys(p), (u32)min(left, (u64)PAGE_SIZE),
	};
}

static u64 page_sector(const struct page *p)
{
	return p->index << (PAGE_SHIFT - BLK_SECTOR_SHIFT);
}

static void page_done(struct page *p, enum blk_op op, int err)
{
	if (op == BLK_READ)
		page_read_done(p, err);
	else
		end_page_writeback(p, err);
}

static int one_page(struct address_space *m, struct page *p, enum blk_op op)
{
	const struct blk_seg seg = page_seg(m, p);
	struct blk_request rq = {
		.op = op, .segs = &seg, .nr_segs = 1,
		.sector = page_sector(p),
	};

	return blk_submit_wait(bd_of(m), &rq);
}

static void bio_done(struct blk_request *rq)
{
	struct bio *bio = container_of(rq, struct bio, rq);

	for (u32 i = 0; i < bio->nr; i++)
		page_done(bio->pages[i], rq->op, rq->status);
	kfree(bio);
}

/* K1, K2. */
static void submit_pages(struct address_space *m, struct page **pages, u32 nr,
			 enum blk_op op)
{
	struct bio *bio = kmalloc(sizeof(*bio));

	if (!bio) {
		for (u32 i = 0; i < nr; i++)
			page_done(pages[i], op, one_page(m, pages[i], op));
		return;
	}
	bio->rq = (struct blk_request){
		.op = op, .segs = bio->segs, .nr_segs = nr,
		.sector = page_sector(pages[0]), .done = bio_done,
	};
	bio->nr = nr;
	for (u32 i = 0; i < nr; i++) {
		bio->pages[i] = pages[i];
		bio->segs[i] = page_seg(m, pages[i]);
	}
	blk_submit(bd_of(m), &bio->rq);
}

static void submit_all(struct address_space *m, struct page **pages, u32 nr,
		       enum blk_op op)
{
	u32 most = min(bd_of(m)->max_segs, BIO_PAGES), n;

	for (; nr; nr -= n, pages += n) {
		n = min(nr, most);
		submit_pages(m, pages, n, op);
	}
}

static void zero_rest(struct address_space *m, struct page *p)
{
	u32 len = page_seg(m, p).len;

	memset((char *)page_address(p) + len, 0, PAGE_SIZE - len);
}

static int bdev_read_folio(struct address_space *m, struct page *p)
{
	zero_rest(m, p);
	return one_page(m, p, BLK_READ);
}

static void bdev_readahead(struct address_space *m, struct page **pages,
			   u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		zero_rest(m, pages[i]);
	submit_all(m, pages, nr, BLK_READ);
}

static void bdev_writepages(struct address_space *m, struct page **pages,
			    u32 nr)
{
	submit_all(m, pages, nr, BLK_WRITE);
}

static int bdev_sync(struct address_space *m)
{
	return bd_of(m)->read_only ? 0 : blk_flush(bd_of(m));
}

/* The device stays, so there is nothing to count. */
static void bdev_ref(struct address_space *m)
{
	(void)m;
}

static const char *bdev_name(struct address_space *m)
{
	return container_of(m, struct bdev_file, mapping)->path;
}

static const struct address_space_operations bdev_aops = {
	.read_folio = bdev_read_folio,
	.readahead = bdev_readahead,
	.writepages = bdev_writepages,
	.sync = bdev_sync,
	.get = bdev_ref,
	.put = bdev_ref,
	.name = bdev_name,
};

struct address_space *bdev_mapping_create(struct block_device *bd)
{
	struct bdev_file *f = kzalloc(sizeof(*f));

	if (!f)
		return NULL;
	f->bd = bd;
	snprintf(f->path, sizeof(f->path), "/dev/%s", bd->name);
	address_space_init(&f->mapping, &bdev_aops, f);
	f->mapping.size = bd->nr_sectors << BLK_SECTOR_SHIFT;
	return &f->mapping;
}

void bdev_mapping_destroy(struct address_space *m)
{
	address_space_destroy(m);
	kfree(container_of(m, struct bdev_file, mapping));
}

struct address_space *bdev_mapping(struct block_device *bd)
{
	struct address_space *m = smp_load_acquire(&bd->mapping);

	if (m)
		return m;
	mutex_lock(&create_lock);
	m = bd->mapping;
	if (!m)
		m = bdev_mapping_create(bd);
	if (m && !bd->mapping) {
		writeback_register(m);
		smp_store_release(&bd->mapping, m);	/* partner: above */
	}
	mutex_unlock(&create_lock);
	return m;
}

struct block_device *mapping_bdev(struct address_space *m)
{
	return m->a_ops == &bdev_aops ? bd_of(m) : NULL;
}
