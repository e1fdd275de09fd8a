/* SPDX-License-Identifier: MIT */
/* What mm/ counts, by the names that Linux gives it.  Tests: kt_vmscan.c */
#include "mm/vmstat.h"
#include "lib/bitmap.h"
#include "arch/smp.h"
#include "mm/fault.h"
#include "mm/filemap.h"
#include "mm/lru.h"
#include "mm/page_alloc.h"
#include "mm/pgtable.h"
#include "mm/swap.h"
#include "mm/zpool.h"

DEFINE_PER_CPU(struct vm_event_counts, vm_events);

static const char *const event_name[NR_VM_EVENTS] = {
#define X(id, name) [id] = #name,
	VM_EVENTS(X)
#undef X
};

u64 vm_event_sum(enum vm_event e)
{
	u64 n = 0;
	u32 cpu;

	for_each_cpu(cpu, &cpu_online_mask)
		n += READ_ONCE(per_cpu_ptr(&vm_events, cpu)->n[e]);
	return n;
}

static void lists(void (*fn)(const char *name, u64 value, void *arg), void *arg)
{
	static const char *const name[NR_LRU_LISTS] = {
		"nr_inactive_anon", "nr_active_anon", "nr_inactive_file",
		"nr_active_file", "nr_unevictable",
	};

	for (int i = 0; i < NR_LRU_LISTS; i++)
		fn(name[i], lru_pages((enum lru_list)i), arg);
}

void vmstat_for_each(void (*fn)(const char *name, u64 value, void *arg),
		     void *arg)
{
	struct fault_stats f;
	struct swap_stats s;

	fault_stats(&f);
	swap_stats(&s);
	fn("nr_free_pages", nr_free_pages(), arg);
	lists(fn, arg);
	fn("nr_file_pages", nr_cache_pages(), arg);
	fn("nr_page_table_pages", nr_table_pages(), arg);
	fn("nr_swapcached", s.cached, arg);
	fn("nr_zspages", zpool_pages(), arg);
	fn("pgfault", f.total, arg);
	for (int i = 0; i < NR_VM_EVENTS; i++)
		fn(event_name[i], vm_event_sum((enum vm_event)i), arg);
}
