/* SPDX-License-Identifier: MIT */
/*
 * The leak gates of the lower half of mm/: read before and after each test.
 *
 * Frames are compared exactly.  What a test may legitimately leave behind is
 * counted as free: slabs (their objects have a gate of their own) and the
 * kernel's own tables (which never shrink).
 */
#include "kernel/ktest.h"
#include "kernel/rcu.h"
#include "mm/internal_low.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "mm/tlb.h"
#include "mm/vmalloc.h"

static u64 kernel_tables(void)
{
	return (u64)atomic64_read(&init_mm.pgt.nr_tables);
}

static u64 sample_frames(void)
{
	return nr_free_pages() + slab_pages() + kernel_tables();
}

static u64 sample_tables(void)
{
	return nr_table_pages() - kernel_tables();
}

KT_GATE(free_frames, sample_frames);
KT_GATE(table_pages, sample_tables);
KT_GATE(slab_objects, slab_objects_inuse);
KT_GATE(vmalloc_pages, vmalloc_pages_inuse);

/*
 * A lazy CPU may hold the last reference of an mm, whose end queues tables,
 * whose slabs wait for one more grace period.
 */
static void settle(void)
{
	tlb_leave_lazy_all();
	for (int i = 0; i < 3; i++)
		rcu_barrier();
	vmalloc_drain();
	slab_shrink_all();
	rcu_barrier();
	drain_pcp_all();
}
KT_SETTLE(mm_low, settle);
