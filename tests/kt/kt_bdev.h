/* SPDX-License-Identifier: MIT */
/* A misbehaving disk with its page cache, which the flusher does not know. */
#ifndef TESTS_KT_KT_BDEV_H
#define TESTS_KT_KT_BDEV_H

#include "mm/bdev.h"
#include "mm/writeback.h"
#include "tests/kt/kt_disk.h"
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_util.h"

struct kt_bdev {
	struct kt_disk *d;
	struct address_space *m;
};

/* Pages of zeros.  False, and a failure noted, without memory. */
static inline bool kt_bdev_create(struct kt *t, struct kt_bdev *b, u64 sectors)
{
	b->d = kt_disk_create(sectors);
	b->m = b->d ? bdev_mapping_create(&b->d->bd) : NULL;
	return KT_EXPECT(t, b->m);
}

static inline void kt_bdev_free(struct kt_bdev *b)
{
	if (b->m)
		bdev_mapping_destroy(b->m);
	if (b->d)
		kt_disk_free(b->d);
}

/* One word at the start of page `index`: in the cache, and on the device. */
static inline void kt_bdev_write(struct kt *t, struct kt_bdev *b, u64 index,
				 u64 word)
{
	KT_EQ(t, filemap_write(b->m, &word, index << PAGE_SHIFT, sizeof(word)),
	      sizeof(word));
}

static inline u64 kt_bdev_disk_word(struct kt_bdev *b, u64 index)
{
	return *(volatile u64 *)(b->d->data + (index << PAGE_SHIFT));
}

static inline bool kt_bdev_tagged(struct kt_bdev *b, u64 index,
				  enum page_tag tag)
{
	bool is;

	spin_lock(&b->m->i_pages_lock);
	is = radix_tree_tag_get(&b->m->i_pages, index, tag);
	spin_unlock(&b->m->i_pages_lock);
	return is;
}

/* fsync of an observer. */
static inline int kt_bdev_sync(struct kt_bdev *b, errseq_t *since)
{
	const struct wb_range r = WB_WHOLE(b->m, WB_ALL);

	return sync_mapping(&r, since);
}

/* I8: clean pages that differ from the device. */
static inline s64 kt_bdev_check(struct kt_bdev *b)
{
	u64 seen = 0;

	return bdev_check(b->m, &seen);
}

static inline s64 kt_bdev_map(struct mm_struct *mm, struct kt_bdev *b, u64 len,
			      int share)
{
	const struct mmap_request rq = {
		.addr = KT_BASE, .len = len, .prot = PROT_RW,
		.flags = share | MAP_FIXED, .mapping = b->m,
		.may = VM_MAYREAD | VM_MAYWRITE,
	};

	return do_mmap(mm, &rq);
}

#endif
