/* SPDX-License-Identifier: MIT */
/*
 * The leak gates of the lower half of mm/: read before and after each test.
 *
 * Frames are compared exactly.  What a test may legitimately leave behind is
 * counted as free: slabs (their objects have a gate of their own) and the
 * kernel's own tables (which never shrink).
 *
 * Reclaim may take a page at any time, so what it does must not show.  A page
 * of a file counts as free (its file can make it again; pages in the cache
 * have a gate of their own, with the clean ones dropped, and those in swap); of
 * a page that went to swap, the frame it gave back is taken off again for the
 * slot it took, and frames of compressed pages and of cached ones count as free.
 */
#include "kernel/ktest.h"
#include "kernel/rcu.h"
#include "mm/filemap.h"
#include "mm/internal_low.h"
#include "mm/page_alloc.h"
#include "mm/shmem.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/tlb.h"
#include "mm/vmalloc.h"
#include "mm/zpool.h"

static u64 kernel_tables(void)
{
	return (u64)atomic64_read(&init_mm.pgt.nr_tables);
}

/* Wherever they are. */
static u64 nr_file_pages(void)
{
	return nr_cache_pages() + nr_swapped_items();
}

static u64 sample_frames(void)
{
	struct swap_stats s;

	swap_stats(&s);
	return nr_free_pages() + slab_pages() + kernel_tables() +
	       nr_file_pages() + zpool_pages() + s.cached -
	       (s.total - s.free);
}

static u64 sample_tables(void)
{
	return nr_table_pages() - kernel_tables();
}

KT_GATE(free_frames, sample_frames);
KT_GATE(cache_pages, nr_file_pages);
KT_GATE(table_pages, sample_tables);
KT_GATE(slab_objects, slab_objects_inuse);
KT_GATE(vmalloc_pages, vmalloc_pages_inuse);

/*
 * A lazy CPU may hold the last reference of an mm, whose end queues tables,
 * whose slabs wait for one more grace period.
 */
static void settle(void)
{
	filemap_drop_clean();
	swap_cache_settle();
	tlb_leave_lazy_all();
	for (int i = 0; i < 3; i++)
		rcu_barrier();
	vmalloc_drain();
	slab_shrink_all();
	rcu_barrier();
	drain_pcp_all();
}
KT_SETTLE(mm_low, settle);
