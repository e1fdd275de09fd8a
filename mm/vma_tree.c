/* SPDX-License-Identifier: MIT */
/*
 * The tree of vmas: by address, and by the free space below each.
 *
 * T1. In order of vm_start; the ranges are disjoint.
 * T2. vm_gap: the bytes between the end of the vma before (0 for the first)
 *     and what this one needs kept free below it (a stack's guard gap too).
 *     subtree_gap is the largest vm_gap of the node and all below it.
 * T3. Writers hold mmap_lock for write.  Readers hold it for read, or are in
 *     an RCU section: these see a tree that rotates under them, get at most
 *     MAX_DEPTH nodes far, and may miss what is there.  See mm/vma_lock.c for
 *     why that is enough, and why no node they meet is freed.
 * T4. From a vma to its neighbours only under mmap_lock: the links are followed
 *     upwards too, and parents are not published for readers.  Holding the
 *     vma itself still, by vm_lock or RCU, is not enough.
 *
 * A node is published by a release store after its fields are set; children
 * are read once each.  Links never form a cycle, in no order of the stores of
 * a rotation or an erasure (lib/rbtree.c), but a reader carried from one
 * subtree to another could go on for long: hence the bound.
 *
 * Finding room is one descent: a subtree whose subtree_gap is too small is not
 * entered, and the highest place that fits is taken.
 * Tests: tests/kt/kt_vma.c, tests/race/race_vma.c
 */
#include "kernel/racepoint.h"
#include "mm/internal.h"
#include "mm/mmu_model.h"

#define vma_of(rb_)	rb_entry_safe(rb_, struct vm_area_struct, vm_rb)

/* 2 log2(n + 1) for the most vmas there may be, and some. */
#define MAX_DEPTH	40

struct vm_area_struct *find_vma(struct mm_struct *mm, vaddr_t addr)
{
	struct rb_node *n = mm->mm_rb.rb_node;
	struct vm_area_struct *best = NULL;

	rwsem_assert_held(&mm->mmap_lock);
	while (n) {
		struct vm_area_struct *v = vma_of(n);

		if (v->vm_end <= addr) {
			n = n->rb_right;
			continue;
		}
		best = v;
		if (v->vm_start <= addr)
			break;
		n = n->rb_left;
	}
	return best;
}

/* A node of another mm, or no node at all: it was freed under us (H3). */
static bool node_alive(const struct mm_struct *mm,
		       const struct vm_area_struct *v)
{
	if (!CONFIG_LAB || READ_ONCE(v->vm_mm) == mm)
		return true;
	mmu_model_report("vma tree of mm %u: a reader met a freed node", mm->id);
	return false;
}

struct vm_area_struct *vma_walk_rcu(struct mm_struct *mm, vaddr_t addr)
{
	struct rb_node *n = rcu_dereference(mm->mm_rb.rb_node);

	KASSERT(rcu_read_lock_held());
	for (u32 depth = 0; n && depth < MAX_DEPTH; depth++) {
		struct vm_area_struct *v = vma_of(n);

		RACE_POINT("vma:walk");
		if (!node_alive(mm, v))
			return NULL;
		if (READ_ONCE(v->vm_end) <= addr)
			n = rcu_dereference(n->rb_right);
		else if (READ_ONCE(v->vm_start) <= addr)
			return v;
		else
			n = rcu_dereference(n->rb_left);
	}
	return NULL;
}

struct vm_area_struct *vma_lookup(struct mm_struct *mm, vaddr_t addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	return vma && vma->vm_start <= addr ? vma : NULL;
}

struct vm_area_struct *vma_first(struct mm_struct *mm)
{
	rwsem_assert_held(&mm->mmap_lock);
	return vma_of(rb_first(&mm->mm_rb));
}

struct vm_area_struct *vma_next(struct vm_area_struct *vma)
{
	rwsem_assert_held(&vma->vm_mm->mmap_lock);		/* T4 */
	return vma_of(rb_next(&vma->vm_rb));
}

struct vm_area_struct *vma_prev(struct vm_area_struct *vma)
{
	rwsem_assert_held(&vma->vm_mm->mmap_lock);		/* T4 */
	return vma_of(rb_prev(&vma->vm_rb));
}

vaddr_t vma_gap_start(const struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_GROWSDOWN))
		return vma->vm_start;
	return vma->vm_start > STACK_GUARD_GAP ?
	       vma->vm_start - STACK_GUARD_GAP : 0;
}

/*
 * Gaps (T2).
 */
static vaddr_t end_before(struct vm_area_struct *vma)
{
	struct vm_area_struct *prev = vma_prev(vma);

	return prev ? prev->vm_end : 0;
}

static u64 gap_below(struct vm_area_struct *vma)
{
	vaddr_t end = vma_gap_start(vma), start = end_before(vma);

	return end > start ? end - start : 0;
}

static u64 subtree_gap(const struct rb_node *n)
{
	return n ? rb_entry(n, struct vm_area_struct, vm_rb)->subtree_gap : 0;
}

static u64 largest_gap(const struct vm_area_struct *vma)
{
	return max(vma->vm_gap, max(subtree_gap(vma->vm_rb.rb_left),
				    subtree_gap(vma->vm_rb.rb_right)));
}

static void update_gap(struct rb_node *n)
{
	struct vm_area_struct *vma = vma_of(n);

	vma->subtree_gap = largest_gap(vma);
}

static void gap_changed(struct vm_area_struct *vma)
{
	u64 gap = gap_below(vma);

	if (vma->vm_gap == gap)
		return;
	vma->vm_gap = gap;
	rb_augment_propagate(&vma->vm_rb, update_gap);
}

void vma_tree_moved(struct vm_area_struct *vma)
{
	struct vm_area_struct *next = vma_next(vma);

	gap_changed(vma);
	if (next)
		gap_changed(next);
}

void vma_tree_insert(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct rb_node **link = &mm->mm_rb.rb_node, *parent = NULL;

	rwsem_assert_held_write(&mm->mmap_lock);
	vma->vm_lock_seq = mm->mm_lock_seq;		/* marked (H2) */
	vma->vm_detached = false;
	while (*link) {
		parent = *link;
		if (vma->vm_start < vma_of(parent)->vm_start)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	vma->vm_gap = 0;
	rb_link_node_rcu(&vma->vm_rb, parent, link);
	rb_insert_augmented(&vma->vm_rb, &mm->mm_rb, update_gap);
	vma_tree_moved(vma);
	mm->map_count++;
}

void vma_tree_erase(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vm_area_struct *next = vma_next(vma);

	KASSERT(vma_is_write_locked(vma) || BUG_SWITCH("vma_no_mark"));
	vma->vm_detached = true;
	rb_erase_augmented(&vma->vm_rb, &mm->mm_rb, update_gap);
	if (next)
		gap_changed(next);
	mm->map_count--;
}

struct room { u64 len; vaddr_t low, top; };

/* The highest place in the gap [start, end), or 0. */
static vaddr_t place_in(const struct room *r, vaddr_t start, vaddr_t end)
{
	start = max(start, r->low);
	end = min(end, r->top);
	return end >= r->len && end - r->len >= start ? end - r->len : 0;
}

/* The same among the gaps of n's subtree. */
static vaddr_t highest_place(struct rb_node *n, const struct room *r)
{
	struct vm_area_struct *vma = vma_of(n);
	vaddr_t at = 0;

	if (!vma || vma->subtree_gap < r->len)
		return 0;
	if (vma->vm_end + r->len <= r->top)
		at = highest_place(n->rb_right, r);
	if (!at && vma->vm_gap >= r->len)
		at = place_in(r, end_before(vma), vma_gap_start(vma));
	return at ?: highest_place(n->rb_left, r);
}

vaddr_t vma_find_room(struct mm_struct *mm, u64 len, vaddr_t low, vaddr_t top)
{
	struct vm_area_struct *last = vma_of(rb_last(&mm->mm_rb));
	const struct room r = { len, low, top };
	vaddr_t at;

	rwsem_assert_held(&mm->mmap_lock);
	at = place_in(&r, last ? last->vm_end : 0, USER_END);
	return at ?: highest_place(mm->mm_rb.rb_node, &r);
}

u32 vma_tree_check(struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	vaddr_t end = 0;
	u32 bad = 0;

	for_each_vma(mm, vma) {
		bad += vma->vm_start < end || vma->vm_start >= vma->vm_end;
		bad += vma->vm_gap != gap_below(vma);
		bad += vma->subtree_gap != largest_gap(vma);
		bad += vma->vm_detached || vma->vm_mm != mm;
		end = vma->vm_end;
	}
	return bad;
}
