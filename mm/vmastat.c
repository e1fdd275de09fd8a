/* SPDX-License-Identifier: MIT */
/*
 * Looking at what is mapped without changing it.
 *
 * O1. Entries are read without their table's lock, under RCU: each is right
 *     for its moment, the whole is not a snapshot.  A page it names may be
 *     freed meanwhile; struct page is always there (S1), so at worst a count
 *     is stale.
 * Locks: mmap_lock read.  Tests: tests/kt/kt_vmastat.c, tests/abi/t_proc
 */
#include "lib/err.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/internal.h"
#include "mm/page.h"
#include "mm/swapops.h"
#include "mm/vmastat.h"

/* The entry of va; *next: where another may begin (O1). */
static pte_t look(struct mm_struct *mm, vaddr_t va, vaddr_t *next)
{
	int level;
	pte_t e;

	rcu_read_lock();
	e = pgtable_read(&mm->pgt, va, &level, NULL);
	rcu_read_unlock();
	*next = (va & ~(pt_size(level) - 1)) + pt_size(level);
	return e;
}

static void count_page(struct vma_stat *s, pte_t e)
{
	struct page *p = pte_special(e) ? NULL : pte_page(e);
	u64 shares = p ? (u64)max(page_mapcount(p), 1) : 1;
	bool dirty = pte_dirty(e) || (p && page_test(p, PG_dirty));

	if (!p)
		return;			/* the zero page is nobody's */
	s->rss++;
	s->anon += page_is_anon(p);
	s->referenced += pte_young(e);
	s->pss_bytes += PAGE_SIZE / shares;
	if (shares > 1 && dirty)
		s->shared_dirty++;
	else if (shares > 1)
		s->shared_clean++;
	else if (dirty)
		s->private_dirty++;
	else
		s->private_clean++;
}

void vma_stat(struct vm_area_struct *vma, struct vma_stat *s)
{
	vaddr_t va = vma->vm_start, next;
	pte_t e;

	memset(s, 0, sizeof(*s));
	for (; va < vma->vm_end; va = next) {
		e = look(vma->vm_mm, va, &next);
		if (pte_mapped(e))
			count_page(s, e);
		else if (pte_is_swap(e))
			s->swap++;
	}
}

static u64 pagemap_entry(const struct vm_area_struct *vma, pte_t e)
{
	bool soft_dirty = !vma_soft_dirty_enabled(vma) || pte_soft_dirty(e);
	u64 v = soft_dirty ? PAGEMAP_SOFT_DIRTY : 0;
	struct page *p;

	if (pte_is_swap(e))
		return v | PAGEMAP_SWAP | swp_type(pte_to_swp(e)) |
		       swp_offset(pte_to_swp(e)) << 5;
	if (!pte_mapped(e))
		return v;
	v |= PAGEMAP_PRESENT | pte_pfn(e);
	if (pte_special(e))
		return v;
	p = pte_page(e);
	if (!page_is_anon(p))
		v |= PAGEMAP_FILE;
	return page_mapcount(p) == 1 ? v | PAGEMAP_EXCLUSIVE : v;
}

void mm_pagemap(struct mm_struct *mm, vaddr_t va, u64 *entries, u64 nr)
{
	struct vm_area_struct *vma;
	vaddr_t next;

	mmap_read_lock(mm);
	for (u64 i = 0; i < nr; i++, va += PAGE_SIZE) {
		vma = vma_lookup(mm, va);
		entries[i] = vma ? pagemap_entry(vma, look(mm, va, &next)) : 0;
	}
	mmap_read_unlock(mm);
}

static bool in_core(struct vm_area_struct *vma, vaddr_t va)
{
	struct page *p;
	vaddr_t next;
	bool in;

	if (pte_mapped(look(vma->vm_mm, va, &next)))
		return true;
	if (vma_is_anon(vma))
		return false;
	p = find_get_page(vma->vm_mapping, linear_page_index(vma, va));
	in = p && page_test(p, PG_uptodate);
	if (p)
		put_page(p);
	return in;
}

int mm_mincore(struct mm_struct *mm, vaddr_t start, u8 *vec, u64 nr)
{
	struct vm_area_struct *vma;
	int err = 0;

	mmap_read_lock(mm);
	for (u64 i = 0; i < nr && !err; i++) {
		vma = vma_lookup(mm, start + i * PAGE_SIZE);
		if (vma)
			vec[i] = in_core(vma, start + i * PAGE_SIZE);
		else
			err = -ENOMEM;
	}
	mmap_read_unlock(mm);
	return err;
}
