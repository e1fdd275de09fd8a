/* SPDX-License-Identifier: MIT */
/*
 * Dirty pages of files with a device behind them, and how they get there.
 *
 * A page is dirty when its bytes may differ from the device's: PG_dirty says
 * so, and the tag DIRTY in the tree finds it.  Write-back cleans it first,
 * starts the write, and ends it; who dirties the page meanwhile dirties it
 * again, and it is written again.
 */
#ifndef MM_WRITEBACK_H
#define MM_WRITEBACK_H

#include "mm/filemap.h"
#include "mm/vma.h"

static inline bool mapping_can_writeback(const struct address_space *m)
{
	return m->a_ops->writepages;
}
/*
 * Its shared writable pages are mapped read-only until written: W4, and where
 * soft-dirty pages are looked for.
 */
static inline bool vma_wants_writenotify(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & VM_SHARED) && vma->vm_mapping &&
	       (vma_soft_dirty_enabled(vma) ||
		mapping_can_writeback(vma->vm_mapping));
}

/* NONE skips pages that are under write-back, ALL waits for them. */
enum wb_mode { WB_NONE, WB_ALL };
struct wb_range {
	struct address_space *mapping;
	u64 first, last;		/* pages, both included */
	enum wb_mode mode;
};
#define WB_WHOLE(m, how)	((struct wb_range){ (m), 0, U64_MAX, (how) })

/*
 * Starts the write-back of the dirty pages of r, at most `max` of them; with
 * WB_ALL every page that was dirty at the call.  Sleeps.  Pages started.
 */
u64 write_mapping_pages(const struct wb_range *r, u64 max);
/* Waits for all writes of the range that are under way. */
void wait_mapping_pages(struct address_space *m, u64 first, u64 last);
/*
 * All of r's dirty bytes are on the medium afterwards, FLUSH included.  0, or
 * an error of a write since *since, which moves on.  Sleeps.
 */
int sync_mapping(const struct wb_range *r, errseq_t *since);
/* The same, its errors left for the next fsync. */
void settle_mapping(const struct wb_range *r);
/*
 * A locked dirty page that the reclaimer wants clean: its write is started, or
 * it turned out clean.  Unlocks it.
 */
void write_one_page(struct page *p);

/*
 * p locked.  Its mappings become read-only and clean; true when it was dirty:
 * the caller must now write it.
 */
bool clear_page_dirty_for_io(struct page *p);
/* p locked, just cleaned; takes a reference that end_page_writeback() drops. */
void set_page_writeback(struct page *p);
/* The write is over, err 0 or -Exxx.  Thread context, no lock held. */
void end_page_writeback(struct page *p, int err);
/* The page and its tag are not dirty any more; page locked, mapping m. */
void cancel_dirty_page(struct address_space *m, struct page *p);

/*
 * Up to max referenced pages with the tag, at *index up to last; *index moves
 * behind them.  A page may have lost the tag by now.
 */
struct tag_batch { struct page **pages; u32 max; enum page_tag tag; };
u32 find_get_pages_tag(struct address_space *m, u64 *index, u64 last,
		       const struct tag_batch *b);

/* A file with a device comes and goes: the flusher's list. */
void writeback_register(struct address_space *m);
void writeback_unregister(struct address_space *m);	/* sleeps */
/* For a writer, no lock held: waits while too much is dirty. */
void balance_dirty_pages(void);
u64 writeback_throttled(void);		/* how often a writer had to wait */
/* Asks the flusher to write everything that is dirty now.  Does not wait. */
void flusher_wake(void);
/* Pages tagged DIRTY, in all files. */
u64 nr_dirty_pages(void);
void account_dirty(s64 pages);		/* i_pages_lock held */
/* Pages whose write is under way; wakes writers that wait for fewer. */
void account_writeback(s64 pages);
/* Tests: writers wait above so many pages, dirty or being written; 0: default */
void writeback_set_limit(u64 pages);
/* All files with a device, their errors left for fsync.  Sleeps. */
void sync_all_mappings(void);

/* mm/msync.c.  0, -ENOMEM for a hole, -EIO; arguments are checked already. */
#define MS_ASYNC	1
#define MS_INVALIDATE	2
#define MS_SYNC		4
int do_msync(struct mm_struct *mm, vaddr_t start, u64 len, u32 flags);

struct writeback_stats { u64 written, errors, redirtied, throttled; };
void writeback_stats(struct writeback_stats *s);

#endif
