/* SPDX-License-Identifier: MIT */
/*
 * Vmas: what a program may do at which address.  Here they are made, split,
 * merged and freed; mm/vma_tree.c finds them, mm/vma_lock.c holds them still.
 *
 * V1. The vmas of an mm are disjoint, page-aligned, non-empty, and below
 *     USER_END; the tree orders them by vm_start.
 * V2. A file's vma is in its mapping's i_mmap tree for as long as it is in the
 *     mm's, and at every moment in which it may have PTEs.
 * V3. Where two vmas share a page's place for a moment (split, merge), both
 *     are in the rmap trees: a walker may see a place twice, never not at all.
 * V4. A vma's range and offset change only between rmap_vma_detach and
 *     rmap_vma_attach, which hold both rmap locks, and while it is marked.
 *
 * Locks: mmap_lock, read for look-ups, write for changes; then i_mmap_rwsem,
 * then the anon_vma root.  A vma lives until a grace period after vma_free by
 * the writer that took it out of the tree; nobody keeps a pointer beyond
 * mmap_lock or its vm_lock.
 * Tests: tests/kt/kt_vma.c
 */
#include "lib/err.h"
#include "kernel/racepoint.h"
#include "mm/internal.h"
#include "mm/rmap.h"
#include "mm/slab.h"

static struct kmem_cache *vma_cache;

void vma_cache_init(void)
{
	vma_cache = kmem_cache_create("vm_area", sizeof(struct vm_area_struct),
				      64, SLAB_PLAIN, NULL);
}

u64 vma_pte_flags(u64 vm_flags)
{
	u64 f = PTE_P | PTE_U;

	if (!(vm_flags & (VM_READ | VM_WRITE | VM_EXEC)))
		return PTE_PROTNONE | PTE_NX;
	if (vm_flags & VM_WRITE)
		f |= PTE_W;
	if (!(vm_flags & VM_EXEC))
		f |= PTE_NX;
	return f;
}

struct vm_area_struct *vma_alloc(struct mm_struct *mm, vaddr_t start,
				 vaddr_t end, u64 flags)
{
	struct vm_area_struct *vma = kmem_cache_zalloc(vma_cache);

	if (!vma)
		return NULL;
	vma->vm_mm = mm;
	vma->vm_start = start;
	vma->vm_end = end;
	vma->vm_flags = flags | VM_SOFTDIRTY;
	vma->vm_pgoff = start >> PAGE_SHIFT;
	vma->vm_detached = true;
	rwsem_init(&vma->vm_lock, LOCK_VMA);
	INIT_LIST_HEAD(&vma->anon_vma_chain);
	return vma;
}

void vma_set_mapping(struct vm_area_struct *vma, struct address_space *m)
{
	if (m && m->a_ops->get)
		m->a_ops->get(m);
	vma->vm_mapping = m;
}

struct vm_area_struct *vma_dup(const struct vm_area_struct *src)
{
	struct vm_area_struct *vma;

	vma = vma_alloc(src->vm_mm, src->vm_start, src->vm_end, src->vm_flags);
	if (!vma)
		return NULL;
	vma->vm_flags = src->vm_flags;
	vma->vm_pgoff = src->vm_pgoff;
	vma_set_mapping(vma, src->vm_mapping);
	return vma;
}

static void free_vma_memory(struct rcu_head *head)
{
	kmem_cache_free(vma_cache,
			container_of(head, struct vm_area_struct, rcu));
}

void vma_free(struct vm_area_struct *vma)
{
	struct address_space *m = vma->vm_mapping;

	KASSERT(list_empty(&vma->anon_vma_chain) && vma->vm_detached);
	if (BUG_SWITCH("vma_free_now"))
		free_vma_memory(&vma->rcu);
	else
		call_rcu(&vma->rcu, free_vma_memory);		/* H3 */
	if (m && m->a_ops->put)
		m->a_ops->put(m);
}

void vma_i_mmap_insert(struct vm_area_struct *vma)
{
	vma->shared.start = vma->vm_pgoff;
	vma->shared.last = vma->vm_pgoff + vma_pages(vma) - 1;
	interval_tree_insert(&vma->shared, &vma->vm_mapping->i_mmap);
}

void vma_link(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct address_space *m = vma->vm_mapping;

	vma_tree_insert(mm, vma);
	mm->total_vm += vma_pages(vma);
	if (!m)
		return;
	down_write(&m->i_mmap_rwsem);
	vma_i_mmap_insert(vma);
	up_write(&m->i_mmap_rwsem);
}

void vma_unlink(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct address_space *m = vma->vm_mapping;

	vma_tree_erase(mm, vma);
	mm->total_vm -= vma_pages(vma);
	if (!m)
		return;
	down_write(&m->i_mmap_rwsem);
	interval_tree_remove(&vma->shared, &m->i_mmap);
	up_write(&m->i_mmap_rwsem);
}

int vma_split(struct vm_area_struct *vma, vaddr_t addr)
{
	if (vma->vm_mm->map_count >= MAX_MAP_COUNT)
		return -ENOMEM;
	return vma_split_unlimited(vma, addr);
}

int vma_split_unlimited(struct vm_area_struct *vma, vaddr_t addr)
{
	struct mm_struct *mm = vma->vm_mm;
	struct vm_area_struct *new;

	KASSERT(addr > vma->vm_start && addr < vma->vm_end);
	new = vma_dup(vma);
	if (!new)
		return -ENOMEM;
	new->vm_start = addr;
	new->vm_pgoff = linear_page_index(vma, addr);
	new->anon_vma = vma->anon_vma;
	if (anon_vma_clone(new, vma)) {
		vma_free(new);
		return -ENOMEM;
	}
	/* commit: new is in the anon trees already (V3) */
	vma_start_write(vma);
	rmap_vma_detach(vma);
	WRITE_ONCE(vma->vm_end, addr);
	if (new->vm_mapping)
		vma_i_mmap_insert(new);
	rmap_vma_attach(vma);
	vma_tree_insert(mm, new);
	return 0;
}

/* Could one anon_vma serve both?  Equal, or one has none and the other's
 * chain is its own alone (then a fork stands between no pages of the two). */
static bool anon_vmas_agree(const struct vm_area_struct *a,
			    const struct vm_area_struct *b)
{
	if (a->anon_vma == b->anon_vma)
		return true;
	if (a->anon_vma && b->anon_vma)
		return false;
	return list_is_singular(a->anon_vma ? &a->anon_vma_chain :
					      &b->anon_vma_chain);
}

static bool vmas_adjoin(const struct vm_area_struct *a,
			const struct vm_area_struct *b)
{
	return a->vm_end == b->vm_start && a->vm_mapping == b->vm_mapping &&
	       a->vm_pgoff + vma_pages(a) == b->vm_pgoff;
}

/* a grows over b, which goes away. */
static bool merge_into(struct vm_area_struct *a, struct vm_area_struct *b)
{
	struct mm_struct *mm = a->vm_mm;
	u64 pages = vma_pages(b);

	if (!vmas_adjoin(a, b) ||
	    ((a->vm_flags ^ b->vm_flags) & ~VM_SOFTDIRTY) ||
	    !anon_vmas_agree(a, b))
		return false;
	vma_start_write(a);
	vma_start_write(b);
	if (!a->anon_vma && b->anon_vma) {
		a->anon_vma = b->anon_vma;
		if (anon_vma_clone(a, b))
			return false;
	}
	/* commit */
	rmap_vma_detach(a);
	WRITE_ONCE(a->vm_end, b->vm_end);
	a->vm_flags |= b->vm_flags & VM_SOFTDIRTY;
	rmap_vma_attach(a);
	vma_unlink(mm, b);
	mm->total_vm += pages;
	unlink_anon_vmas(b);
	vma_free(b);
	return true;
}

struct vm_area_struct *vma_merge(struct vm_area_struct *vma)
{
	struct vm_area_struct *prev = vma_prev(vma), *next;

	rwsem_assert_held_write(&vma->vm_mm->mmap_lock);
	if (prev && merge_into(prev, vma))
		vma = prev;
	next = vma_next(vma);
	if (next)
		merge_into(vma, next);
	return vma;
}

struct vm_area_struct *vma_isolate(struct vm_area_struct *vma, vaddr_t start,
				   vaddr_t end)
{
	if (start > vma->vm_start) {
		if (vma_split(vma, start))
			return NULL;
		vma = vma_next(vma);
	}
	if (end < vma->vm_end && vma_split(vma, end)) {
		vma_merge(vma);
		return NULL;
	}
	return vma;
}

#define VM_ACCESS_FLAGS	(VM_READ | VM_WRITE | VM_EXEC)

static struct anon_vma *reusable(struct vm_area_struct *near,
				 struct vm_area_struct *a,
				 struct vm_area_struct *b)
{
	struct anon_vma *av = smp_load_acquire(&near->anon_vma);

	/* The acquire pairs with anon_vma_prepare: av set, chain complete. */
	if (!av || !vmas_adjoin(a, b) ||
	    ((a->vm_flags ^ b->vm_flags) &
	     ~(VM_ACCESS_FLAGS | VM_SOFTDIRTY)) ||
	    !list_is_singular(&near->anon_vma_chain))
		return NULL;
	return av;
}

struct anon_vma *vma_neighbour_anon_vma(struct vm_area_struct *vma)
{
	struct vm_area_struct *next = vma_next(vma), *prev = vma_prev(vma);
	struct anon_vma *av = NULL;

	if (next)
		av = reusable(next, vma, next);
	if (!av && prev)
		av = reusable(prev, prev, vma);
	return av;
}
