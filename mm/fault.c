/* SPDX-License-Identifier: MIT */
/*
 * Page faults: from an access that failed to an entry that allows it.
 *
 * X1. mmap_lock read or the vma's own lock keeps the vma; the table's lock
 *     keeps the entry.  Nothing
 *     is allocated or slept on under the table's lock: look, unlock, prepare,
 *     lock again, and go on only if the entry is still what was seen.
 * X2. A fault that finds its work done by another returns FAULT_DONE.
 * X3. A new entry that maps a page not mapped here before needs no notifier
 *     section (none -> present).  Repointing one does: cow.c.
 * X4. A file page is locked and still in its file, below its end, when its
 *     entry is set: truncate locks it before it lets it go, and unmaps it
 *     again under that lock.
 *
 *	fault				truncate
 *	(1) page found, locked		(A) size cut; unmap_mapping_range
 *	(2) mapping and size checked	(B) lock page; unmap it if mapped
 *	(3) entry set, unlock		(C) drop it from the cache
 * (2) before (A) is undone by (A) or (B); (2) after (A) sees the new size.
 *
 * Locks: mmap_lock or vm_lock, page lock, then table.  Tests: tests/kt/kt_fault.c
 */
#include "arch/cpu.h"
#include "arch/mmu.h"
#include "arch/percpu.h"
#include "kernel/racepoint.h"
#include "lib/err.h"
#include "mm/cow.h"
#include "mm/filemap.h"
#include "mm/page_alloc.h"
#include "mm/readahead.h"
#include "mm/rmap.h"
#include "mm/swapops.h"
#include "mm/writeback.h"

DEFINE_PER_CPU(struct fault_stats, fault_counts);
struct page *zero_page;

void fault_init(void)
{
	zero_page = alloc_page(ALLOC_ZERO);
	if (!zero_page)
		panic("no memory for the zero page");
	page_set(zero_page, PG_zero);
}

void fault_stats(struct fault_stats *s)
{
	const u64 *from;
	u64 *to = (u64 *)s;

	*s = (struct fault_stats){ 0 };
	for (u32 cpu = 0; cpu < NR_CPUS; cpu++) {
		if (cpu && !__per_cpu_offset[cpu])
			continue;
		from = (const u64 *)per_cpu_ptr(&fault_counts, cpu);
		for (u32 i = 0; i < sizeof(*s) / sizeof(u64); i++)
			to[i] += READ_ONCE(from[i]);
	}
}

/* Set e at va if the entry there is still none.  FAULT_OOM: no table. */
static enum fault_result set_none(struct fault_ctx *f, pte_t e)
{
	struct pt_pos pos;

	if (lock_table_alloc(&f->mm->pgt, f->va, 1, &pos))
		return FAULT_OOM;
	if (pte_none(pte_read(pos.ptep)) && !mm_is_reaped(f->mm))
		pte_set(&pos, e);
	unlock_table(&pos);
	return mm_is_reaped(f->mm) ? FAULT_SIGBUS : FAULT_DONE;
}

/*
 * Map p (with a reference that becomes the entry's) where nothing is mapped.
 * A page that is not needed after all is put.
 */
static enum fault_result map_page(struct fault_ctx *f, struct page *p,
				  u64 prot, int anon)
{
	struct pt_pos pos;

	RACE_POINT("fault:before_map");
	if (lock_table_alloc(&f->mm->pgt, f->va, 1, &pos)) {
		put_page(p);
		return FAULT_OOM;
	}
	if (!pte_none(pte_read(pos.ptep)) || (anon && mm_is_reaped(f->mm))) {
		unlock_table(&pos);			/* X2 */
		put_page(p);
		return mm_is_reaped(f->mm) ? FAULT_SIGBUS : FAULT_DONE;
	}
	if (anon)
		page_add_new_anon_rmap(p, f->vma, f->va);
	else
		page_add_file_rmap(p, f->vma);
	pte_set(&pos, pte_make(page_to_pfn(p), prot));
	unlock_table(&pos);
	return FAULT_DONE;
}

static enum fault_result anon_fault(struct fault_ctx *f)
{
	u64 prot = vma_pte_flags(f->vma->vm_flags) | PTE_A;
	struct page *p;

	if (!(f->flags & FAULT_WRITE)) {
		this_cpu_inc(fault_counts.zero);
		prot = (prot & ~PTE_W) | PTE_SPECIAL;
		return set_none(f, pte_make(page_to_pfn(zero_page), prot));
	}
	if (anon_vma_prepare(f->vma))
		return FAULT_OOM;
	p = alloc_page(ALLOC_ZERO | ALLOC_RECLAIM);
	if (!p)
		return FAULT_OOM;
	this_cpu_inc(fault_counts.anon);
	return map_page(f, p, prot | PTE_WRITTEN, MAP_ANON_PAGE);
}

/* The page, locked (X4) and referenced, or NULL with the result in *res. */
static struct page *lock_file_page(struct fault_ctx *f, enum fault_result *res)
{
	struct address_space *m = f->vma->vm_mapping;
	u64 index = linear_page_index(f->vma, f->va);
	struct page *p;

	for (;;) {
		*res = FAULT_SIGBUS;
		if (index >= DIV_ROUND_UP(READ_ONCE(m->size), PAGE_SIZE))
			return NULL;
		if (mapping_can_readahead(m))
			read_around(m, index);
		p = read_cache_page(m, index);
		if (IS_ERR(p)) {
			if (PTR_ERR(p) == -ENOMEM)
				*res = FAULT_OOM;
			return NULL;
		}
		lock_page(p);					/* (1) */
		if (READ_ONCE(p->mapping) == m)
			break;
		unlock_page(p);
		put_page(p);
		cpu_relax();
	}
	if (index < DIV_ROUND_UP(READ_ONCE(m->size), PAGE_SIZE))	/* (2) */
		return p;
	unlock_page(p);
	put_page(p);
	return NULL;
}

/* First write to a private file page: a copy, without mapping the original. */
static enum fault_result file_cow_fault(struct fault_ctx *f)
{
	u64 prot = vma_pte_flags(f->vma->vm_flags) | PTE_WRITTEN;
	enum fault_result res;
	struct page *p, *copy;

	if (anon_vma_prepare(f->vma))
		return FAULT_OOM;
	copy = alloc_page(ALLOC_RECLAIM);
	if (!copy)
		return FAULT_OOM;
	p = lock_file_page(f, &res);
	if (!p) {
		put_page(copy);
		return res;
	}
	copy_page(page_address(copy), page_address(p));
	res = map_page(f, copy, prot, MAP_ANON_PAGE);
	unlock_page(p);
	put_page(p);
	this_cpu_inc(fault_counts.cow);
	return res;
}

static enum fault_result file_fault(struct fault_ctx *f)
{
	u64 prot = vma_pte_flags(f->vma->vm_flags) | PTE_A;
	bool shared = f->vma->vm_flags & VM_SHARED;
	enum fault_result res;
	struct page *p;

	if ((f->flags & FAULT_WRITE) && !shared)
		return file_cow_fault(f);
	this_cpu_inc(fault_counts.file);
	if (!shared || (!(f->flags & FAULT_WRITE) &&
			vma_wants_writenotify(f->vma)))
		prot &= ~PTE_W;
	if (!(f->flags & FAULT_WRITE) && fault_around(f, prot))
		return FAULT_DONE;
	p = lock_file_page(f, &res);
	if (!p)
		return res;
	if (f->flags & FAULT_WRITE) {
		set_page_dirty(p);
		mapping_note_write(f->vma->vm_mapping);
		prot |= PTE_WRITTEN;
	}
	get_page(p);				/* the entry's */
	res = map_page(f, p, prot, MAP_FILE_PAGE);
	unlock_page(p);
	put_page(p);
	return res;
}

/* A mapping whose owner makes the entries. */
static enum fault_result owner_fault(struct fault_ctx *f)
{
	return f->vma->vm_mapping->a_ops->fault(f->vma, f->va, f->flags);
}

/* Something is mapped: is it what the access needs (by now)? */
static enum fault_result mapped_fault(struct fault_ctx *f, pte_t seen)
{
	if (pte_protnone(seen) && !(f->flags & FAULT_FORCE))
		return FAULT_SIGSEGV_ACCERR;
	if ((f->flags & FAULT_WRITE) && !pte_write(seen))
		return f->vma->vm_flags & VM_PFNMAP ? owner_fault(f) :
						      wp_fault(f, seen);
	if ((f->flags & FAULT_UNSHARE) && !pte_special(seen) &&
	    !pte_write(seen) && !(f->vma->vm_flags & VM_SHARED))
		return wp_fault(f, seen);
	/* Spurious: an upgrade this CPU had not seen, or another's fault. */
	this_cpu_inc(fault_counts.spurious);
	if (!(f->flags & FAULT_REMOTE))
		mmu_flush_page(f->va);
	return FAULT_DONE;
}

static bool access_allowed(u64 vm_flags, u32 flags)
{
	if (flags & FAULT_WRITE)
		return vm_flags & VM_WRITE;
	if (flags & FAULT_EXEC)
		return vm_flags & VM_EXEC;
	return vm_flags & (VM_READ | VM_WRITE | VM_EXEC);
}

enum fault_result handle_mm_fault(struct vm_area_struct *vma, vaddr_t va,
				  u32 flags)
{
	struct fault_ctx f = {
		.vma = vma, .mm = vma->vm_mm, .va = va & PAGE_MASK,
		.flags = flags,
	};
	enum fault_result res;
	pte_t seen;
	int level;

	rwsem_assert_held(flags & FAULT_VMA_LOCK ? &vma->vm_lock :
						    &f.mm->mmap_lock);
	this_cpu_inc(fault_counts.total);
	if (!(flags & FAULT_FORCE) && !access_allowed(vma->vm_flags, flags))
		return FAULT_SIGSEGV_ACCERR;
	rcu_read_lock();
	seen = pgtable_read(&f.mm->pgt, f.va, &level, NULL);
	rcu_read_unlock();
	if (level == 1 && pte_mapped(seen))
		res = mapped_fault(&f, seen);
	else if (level == 1 && pte_nonpresent(seen))
		res = nonpresent_fault(&f, seen);
	else if (vma_is_anon(vma))
		res = anon_fault(&f);
	else if (vma->vm_flags & VM_PFNMAP)
		res = owner_fault(&f);
	else
		res = file_fault(&f);
	if (unlikely(res != FAULT_DONE && res != FAULT_RETRY))
		this_cpu_inc(fault_counts.failed);
	return res;
}
