/* SPDX-License-Identifier: MIT */
/* Shell: vmas PID, rmap PFN, pagecache, dropcaches. */
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "mm/fault.h"
#include "mm/filemap.h"
#include "mm/internal.h"
#include "mm/migrate.h"
#include "mm/page_owner.h"
#include "mm/readahead.h"
#include "mm/rmap.h"
#include "mm/writeback.h"

static void vma_rights(const struct vm_area_struct *vma, char out[5])
{
	u64 f = vma->vm_flags;

	out[0] = f & VM_READ ? 'r' : '-';
	out[1] = f & VM_WRITE ? 'w' : '-';
	out[2] = f & VM_EXEC ? 'x' : '-';
	out[3] = f & VM_SHARED ? 's' : 'p';
	out[4] = 0;
}

static const char *vma_name(const struct vm_area_struct *vma)
{
	struct address_space *m = vma->vm_mapping;

	if (m)
		return m->a_ops->name ? m->a_ops->name(m) : "[file]";
	if (vma->vm_flags & (VM_STACK | VM_GROWSDOWN))
		return "[stack]";
	return vma->vm_flags & VM_HEAP ? "[heap]" : "";
}

static int cmd_vmas(int argc, char **argv)
{
	struct vm_area_struct *vma;
	struct mm_struct *mm;
	char rights[5];
	u64 pid;

	(void)argc;
	if (shell_parse_u64("PID", argv[1], &pid))
		return -EINVAL;
	mm = upcall_mm_of_pid((u32)pid);
	if (!mm) {
		kprintf("vmas: no process %llu with an address space\n", pid);
		return -ESRCH;
	}
	mmap_read_lock(mm);
	for_each_vma(mm, vma) {
		vma_rights(vma, rights);
		kprintf("%012llx-%012llx %s %8llx %7llu pages %s\n",
			vma->vm_start, vma->vm_end, rights, vma->vm_pgoff,
			vma_pages(vma), vma_name(vma));
	}
	kprintf("%u vmas, %llu pages mapped, present: %lld anonymous, "
		"%lld file; %lld table pages\n", mm->map_count, mm->total_vm,
		atomic64_read(&mm->rss_anon), atomic64_read(&mm->rss_file),
		atomic64_read(&mm->pgt.nr_tables));
	mmap_read_unlock(mm);
	mmput(mm);
	return 0;
}
SHELL_CMD(vmas, "PID", "the mapped areas of a process", 1, 1, cmd_vmas);

static int print_mapping(struct page *p, struct vm_area_struct *vma,
			 vaddr_t va, void *arg)
{
	struct pt_pos pos;
	u32 *n = arg;
	pte_t e;

	if (!page_vma_mapped(p, vma, va, &pos)) {
		kprintf("  mm %u va %012llx: not (or no longer) this page\n",
			vma->vm_mm->id, va);
		return 0;
	}
	e = pte_read(pos.ptep);
	unlock_table(&pos);
	kprintf("  mm %u va %012llx entry %016llx%s%s%s%s\n", vma->vm_mm->id,
		va, e.val, pte_write(e) ? " writable" : " read-only",
		pte_young(e) ? " accessed" : "", pte_dirty(e) ? " dirty" : "",
		pte_protnone(e) ? " no access" : "");
	(*n)++;
	return 0;
}

static const char *frame_use(const struct page *p)
{
	if (page_test(p, PG_reserved))
		return "reserved";
	if (page_test(p, PG_table))
		return "a page table";
	if (page_test(p, PG_slab))
		return "slab memory";
	return page_count(p) ? NULL : "free or frozen";
}

static void print_rmap(struct page *p)
{
	struct address_space *m;
	u32 n = 0;

	lock_page(p);
	if (page_is_anon(p)) {
		kprintf("%s page%s, index %llx",
			page_is_ksm(p) ? "merged" : "anonymous",
			page_test(p, PG_anon_exclusive) ? ", exclusive" : "",
			p->index);
	} else {
		m = p->mapping;
		kprintf("page %llx of %s%s", p->index,
			!m ? "no file" : m->a_ops->name ? m->a_ops->name(m) :
			"a file", page_test(p, PG_dirty) ? ", dirty" : "");
	}
	kprintf(", count %d, mapped %d times\n", page_count(p) - 1,
		page_mapcount(p));
	rmap_walk(p, print_mapping, &n);
	unlock_page(p);
	kprintf("  %u found through the reverse map\n", n);
}

static int cmd_rmap(int argc, char **argv)
{
	struct page *p = shell_frame(argv[1]);
	u64 pfn;

	(void)argc;
	if (!p)
		return -EINVAL;
	pfn = page_to_pfn(p);
	if (frame_use(p) || !get_page_unless_zero(p)) {
		kprintf("frame %llx is %s\n", pfn, frame_use(p) ?: "free");
		return 0;
	}
	if (p == zero_page)
		kprintf("frame %llx is the zero page: not counted\n", pfn);
	else if (page_is_anon(p) || READ_ONCE(p->mapping))
		print_rmap(p);
	else
		kprintf("frame %llx is in use by the kernel\n", pfn);
	put_page(p);
	return 0;
}
SHELL_CMD(rmap, "PFN", "every page-table entry that maps a frame", 1, 1,
	  cmd_rmap);

static void print_one_mapping(struct address_space *m, void *arg)
{
	u64 *shown = arg;

	if (!READ_ONCE(m->nrpages) && !READ_ONCE(m->nrswapped))
		return;
	(*shown)++;
	kprintf("%8llu pages %8llu in swap %10llu bytes  %s\n", m->nrpages,
		m->nrswapped, m->size, m->a_ops->name ? m->a_ops->name(m) : "?");
}

static int cmd_pagecache(int argc, char **argv)
{
	struct readahead_stats r;
	struct writeback_stats w;
	struct filemap_stats s;
	u64 shown = 0;

	(void)argc;
	(void)argv;
	for_each_mapping(print_one_mapping, &shown);
	filemap_stats(&s);
	kprintf("%llu files with pages, %llu pages\n", shown, nr_cache_pages());
	kprintf("look-ups %llu, retries %llu (count was zero) + %llu (slot had "
		"changed), removals given up %llu\n", s.lookups, s.retry_zero,
		s.retry_moved, s.freeze_failed);
	kprintf("pages added %llu, removed %llu, read %llu\n", s.added,
		s.removed, s.reads);
	writeback_stats(&w);
	readahead_stats(&r);
	kprintf("dirty %llu, written back %llu, failed %llu, dirtied again "
		"meanwhile %llu, writers waited %llu times\n",
		nr_dirty_pages(), w.written, w.errors, w.redirtied,
		w.throttled);
	kprintf("read ahead %llu pages in %llu windows, %llu before they were "
		"missed\n", r.pages, r.windows, r.marks);
	return 0;
}
SHELL_CMD(pagecache, "", "cached files and look-up counters", 0, 0,
	  cmd_pagecache);

static int cmd_dropcaches(int argc, char **argv)
{
	u64 dropped = filemap_drop_clean();

	(void)argc;
	(void)argv;
	kprintf("%llu clean pages dropped, %llu stay\n", dropped,
		nr_cache_pages());
	return 0;
}
SHELL_CMD(dropcaches, "", "drop every clean page-cache page", 0, 0,
	  cmd_dropcaches);

static int cmd_faults(int argc, char **argv)
{
	struct migrate_stats m;
	struct fault_stats s;

	(void)argc;
	(void)argv;
	migrate_stats(&m);
	fault_stats(&s);
	kprintf("faults %llu: anonymous %llu, zero page %llu, file %llu, "
		"copied %llu, reused %llu, spurious %llu, failed %llu, "
		"mapped around %llu; under a vma's lock %llu, under "
		"mmap_lock %llu\n",
		s.total, s.anon, s.zero, s.file, s.cow, s.cow_reuse,
		s.spurious, s.failed, s.around, s.vma_lock, s.mmap_lock);
	kprintf("pages moved %llu, tried again %llu, given up %llu\n", m.moved,
		m.retried, m.busy);
	return 0;
}
SHELL_CMD(faults, "", "counters of page faults and moved pages", 0, 0, cmd_faults);
