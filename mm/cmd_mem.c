/* SPDX-License-Identifier: MIT */
/* Shell: where memory goes. */
#include "kernel/config.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/init.h"
#include "mm/internal_low.h"
#include "mm/mmu_model.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "mm/tlb.h"
#include "mm/vmalloc.h"

#define KIB(frames)	((frames) << (PAGE_SHIFT - 10))

static void print_frames(void)
{
	struct page_stats s;

	page_alloc_stats(&s);
	kprintf("RAM        %10llu KiB\n", mem_total_bytes >> 10);
	kprintf("managed    %10llu KiB\n", KIB(s.total));
	kprintf("free       %10llu KiB, at least %llu since boot\n",
		KIB(s.free), KIB(s.low_watermark));
	kprintf("  per CPU  %10llu KiB\n", KIB(s.percpu));
	kprintf("tables     %10llu KiB, the kernel's %lld\n",
		KIB(nr_table_pages()),
		(long long)KIB(atomic64_read(&init_mm.pgt.nr_tables)));
	kprintf("slabs      %10llu KiB, %llu objects\n", KIB(slab_pages()),
		slab_objects_inuse());
	kprintf("stacks etc %10llu KiB\n", KIB(vmalloc_pages_inuse()));
	kprintf("page cache %10llu KiB\n", KIB(nr_cache_pages()));
	kprintf("free blocks by order:");
	for (u32 o = 0; o < MAX_ORDER; o++)
		kprintf(" %llu", s.blocks[o]);
	kprintf("\n");
}

static void print_flushes(void)
{
	struct tlb_stats t;

	tlb_stats(&t);
	kprintf("flushes %llu, asked of other CPUs %llu: %llu pages, %llu full\n",
		t.flushes, t.ipis, t.pages, t.full);
	kprintf("lazy CPUs sent away %llu, roots reloaded %llu\n",
		t.lazy_left, t.root_reloads);
}

static void print_model(void)
{
	struct mmu_model_stats m;

	mmu_model_stats(&m);
	kprintf("MMU model: %llu entries, %llu prefills, %llu drains,",
		m.entries, m.prefills, m.drains);
	kprintf(" %llu checks, %llu A/D writes\n", m.checks, m.ad_writes);
}

static int cmd_mem(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "slab")) {
		slab_print();
		return 0;
	}
	if (argc > 1) {
		kprintf("usage: mem [slab]\n");
		return -EINVAL;
	}
	print_frames();
	print_flushes();
	if (CONFIG_LAB)
		print_model();
	return 0;
}

static void complete_mem(int arg, const char *prefix,
			 void (*emit)(const char *))
{
	if (arg == 1 && !strncmp("slab", prefix, strlen(prefix)))
		emit("slab");
}

SHELL_CMD_FULL(mem, "[slab]", "where memory goes; slab: by object size", 0, 1,
	       0, cmd_mem, complete_mem);
