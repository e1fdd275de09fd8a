/* SPDX-License-Identifier: MIT */
/*
 * anon_vma: which vmas may map an anonymous page.
 *
 * A page's first write fault happens in one vma; its page->mapping names that
 * vma's anon_vma for ever.  Fork gives the child's vma a link (avc) to every
 * anon_vma of the parent's vma, so pages shared over the fork are found in
 * both, and an anon_vma of its own for the pages it will copy.
 *
 *	parent vma --avc-- P <--avc-- child vma --avc-- C	C->root == P
 *
 * N1. An avc is in its vma's chain and in its anon_vma's tree, or in neither.
 *     The chain has the newest first, so the root's comes last.
 * N2. All anon_vmas a vma links to have one root; only the root's rwsem is
 *     used.  It guards trees, chains (with mmap_lock), num_children, parent and
 *     num_active_vmas of the family.
 * N3. num_active_vmas counts vmas whose ->anon_vma this is; num_children the
 *     anon_vmas whose parent this is (a root is its own parent).
 * N4. An anon_vma may be taken over by a forked vma only if num_children < 2
 *     and num_active_vmas == 0: then no vma puts new pages in it.
 * N5. refcount: one for being linked, one per child for the root, one per
 *     rmap walker.  The struct is type-stable under RCU (its memory stays an
 *     anon_vma), so a walker that got it from a page re-checks the page.
 *
 * Locks: mmap_lock, then the root rwsem, then page_table_lock (first set).
 * Bug switches: anon_vma_degree (N4), anon_vma_early_publish.
 * Tests: tests/kt/kt_rmap.c, tests/race/race_anon_vma.c
 */
#include "kernel/racepoint.h"
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/rmap.h"
#include "mm/slab.h"

static struct kmem_cache *av_cache, *avc_cache;

static void anon_vma_ctor(void *obj)
{
	struct anon_vma *av = obj;

	atomic_set(&av->refcount, 0);
	rwsem_init(&av->rwsem, LOCK_ANON_VMA);
	av->rb_root = RB_ROOT;
	av->all_locks_mark = false;
}

void anon_vma_cache_init(void)
{
	av_cache = kmem_cache_create("anon_vma", sizeof(struct anon_vma), 16,
				     SLAB_TYPESAFE_BY_RCU, anon_vma_ctor);
	avc_cache = kmem_cache_create("anon_vma_chain",
				      sizeof(struct anon_vma_chain), 16,
				      SLAB_PLAIN, NULL);
}

static struct anon_vma *anon_vma_alloc(void)
{
	struct anon_vma *av = kmem_cache_alloc(av_cache);

	if (!av)
		return NULL;
	av->root = av;
	av->parent = av;
	av->num_children = 0;
	av->num_active_vmas = 0;
	atomic_set_release(&av->refcount, 1);
	return av;
}

static void anon_vma_free(struct anon_vma *av)
{
	/*
	 * A walker may still be between its last look at the tree and up_read:
	 * wait for it, the rwsem may be reused at once.
	 */
	if (rwsem_is_locked(&av->root->rwsem)) {
		down_write(&av->root->rwsem);
		up_write(&av->root->rwsem);
	}
	KASSERT(RB_EMPTY_ROOT(&av->rb_root));
	kmem_cache_free(av_cache, av);
}

void put_anon_vma(struct anon_vma *av)
{
	struct anon_vma *root;

	if (!atomic_dec_and_test(&av->refcount))
		return;
	/* Not earlier: a walker may have met av before fork set its root. */
	root = av->root;
	anon_vma_free(av);
	if (root != av && atomic_dec_and_test(&root->refcount))
		anon_vma_free(root);
}

/* Root rwsem held for write. */
static void avc_link(struct anon_vma_chain *avc, struct vm_area_struct *vma,
		     struct anon_vma *av)
{
	avc->vma = vma;
	avc->anon_vma = av;
	list_add(&avc->same_vma, &vma->anon_vma_chain);
	avc->node.start = vma->vm_pgoff;
	avc->node.last = vma->vm_pgoff + vma_pages(vma) - 1;
	interval_tree_insert(&avc->node, &av->rb_root);
}

/*
 *	reader (fault, mmap read)	writer (this, mmap read too)
 *	(1) av = vma->anon_vma		(A) avc linked, tree complete
 *	(2) page->mapping = av | 1	(B) store-release vma->anon_vma
 * (1) after (B) sees (A); the root's rwsem orders rmap walkers anyway.
 */
int anon_vma_prepare(struct vm_area_struct *vma)
{
	struct anon_vma *av, *fresh = NULL;
	struct anon_vma_chain *avc;
	bool early;

	if (likely(smp_load_acquire(&vma->anon_vma)))
		return 0;
	rwsem_assert_held(&vma->vm_mm->mmap_lock);
	avc = kmem_cache_alloc(avc_cache);
	if (!avc)
		return -ENOMEM;
	av = vma_neighbour_anon_vma(vma);
	if (!av) {
		av = fresh = anon_vma_alloc();
		if (!av) {
			kmem_cache_free(avc_cache, avc);
			return -ENOMEM;
		}
		av->num_children++;		/* N3: its own parent */
	}
	early = BUG_SWITCH("anon_vma_early_publish");
	if (early)				/* (B) before (A) */
		WRITE_ONCE(vma->anon_vma, av);
	RACE_POINT("anon_vma:allocated");
	down_write(&av->root->rwsem);
	spin_lock(&vma->vm_mm->pgt.root_lock);
	if (!vma->anon_vma || early) {
		avc_link(avc, vma, av);
		av->num_active_vmas++;
		smp_store_release(&vma->anon_vma, av);
		avc = NULL;
		fresh = NULL;
	}
	spin_unlock(&vma->vm_mm->pgt.root_lock);
	up_write(&av->root->rwsem);
	if (fresh)
		put_anon_vma(fresh);
	if (avc)
		kmem_cache_free(avc_cache, avc);
	return 0;
}

/*
 * N4.  One count for children and vmas was not enough (CVE-2022-42703): a leaf
 * that forks have passed by has no child, and one vma more than was thought.
 */
static bool may_take_over(const struct anon_vma *av,
			  const struct vm_area_struct *src)
{
	u64 self = av->parent == av;

	if (BUG_SWITCH("anon_vma_degree"))
		return av != src->anon_vma &&
		       av->num_children - self + av->num_active_vmas < 2;
	return av->num_children < 2 && !av->num_active_vmas;
}

int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	struct anon_vma_chain *avc, *pavc;

	list_for_each_entry_reverse(pavc, &src->anon_vma_chain, same_vma) {
		struct anon_vma *av = pavc->anon_vma;

		avc = kmem_cache_alloc(avc_cache);
		if (!avc)
			goto undo;
		down_write(&av->root->rwsem);
		avc_link(avc, dst, av);
		if (!dst->anon_vma && src->anon_vma && may_take_over(av, src))
			dst->anon_vma = av;
		up_write(&av->root->rwsem);
	}
	if (dst->anon_vma) {
		down_write(&dst->anon_vma->root->rwsem);
		dst->anon_vma->num_active_vmas++;
		up_write(&dst->anon_vma->root->rwsem);
	}
	return 0;
undo:
	dst->anon_vma = NULL;		/* not counted in num_active_vmas yet */
	unlink_anon_vmas(dst);
	return -ENOMEM;
}

int anon_vma_fork(struct vm_area_struct *child, struct vm_area_struct *parent)
{
	struct anon_vma_chain *avc;
	struct anon_vma *av;

	if (!parent->anon_vma)
		return 0;
	child->anon_vma = NULL;
	if (anon_vma_clone(child, parent))
		return -ENOMEM;
	if (child->anon_vma)
		return 0;			/* took one over (N4) */
	av = anon_vma_alloc();
	if (!av)
		goto undo;
	avc = kmem_cache_alloc(avc_cache);
	if (!avc) {
		put_anon_vma(av);
		goto undo;
	}
	/* commit */
	av->root = parent->anon_vma->root;
	av->parent = parent->anon_vma;
	av->num_active_vmas = 1;
	atomic_inc(&av->root->refcount);
	down_write(&av->root->rwsem);
	av->parent->num_children++;
	avc_link(avc, child, av);
	child->anon_vma = av;
	up_write(&av->root->rwsem);
	return 0;
undo:
	unlink_anon_vmas(child);
	return -ENOMEM;
}

void unlink_anon_vmas(struct vm_area_struct *vma)
{
	struct anon_vma_chain *avc, *n;
	struct anon_vma *root;

	if (list_empty(&vma->anon_vma_chain))
		return;
	root = list_first_entry(&vma->anon_vma_chain, struct anon_vma_chain,
				same_vma)->anon_vma->root;
	down_write(&root->rwsem);
	list_for_each_entry_safe(avc, n, &vma->anon_vma_chain, same_vma) {
		struct anon_vma *av = avc->anon_vma;

		KASSERT(av->root == root);		/* N2 */
		interval_tree_remove(&avc->node, &av->rb_root);
		if (RB_EMPTY_ROOT(&av->rb_root)) {
			av->parent->num_children--;
			continue;	/* the second pass puts av, unlocked */
		}
		list_del(&avc->same_vma);
		kmem_cache_free(avc_cache, avc);
	}
	if (vma->anon_vma) {
		vma->anon_vma->num_active_vmas--;
		vma->anon_vma = NULL;
	}
	up_write(&root->rwsem);
	list_for_each_entry_safe(avc, n, &vma->anon_vma_chain, same_vma) {
		put_anon_vma(avc->anon_vma);
		list_del(&avc->same_vma);
		kmem_cache_free(avc_cache, avc);
	}
}

static struct anon_vma *chain_root(struct vm_area_struct *vma)
{
	if (list_empty(&vma->anon_vma_chain))
		return NULL;
	return list_first_entry(&vma->anon_vma_chain, struct anon_vma_chain,
				same_vma)->anon_vma->root;
}

void rmap_vma_detach(struct vm_area_struct *vma)
{
	struct address_space *m = vma->vm_mapping;
	struct anon_vma *root = chain_root(vma);
	struct anon_vma_chain *avc;

	KASSERT(vma_is_write_locked(vma) || BUG_SWITCH("vma_no_mark"));
	if (m) {
		down_write(&m->i_mmap_rwsem);
		interval_tree_remove(&vma->shared, &m->i_mmap);
	}
	if (!root)
		return;
	down_write(&root->rwsem);
	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		interval_tree_remove(&avc->node, &avc->anon_vma->rb_root);
}

void rmap_vma_attach(struct vm_area_struct *vma)
{
	struct address_space *m = vma->vm_mapping;
	struct anon_vma *root = chain_root(vma);
	struct anon_vma_chain *avc;

	if (root) {
		list_for_each_entry(avc, &vma->anon_vma_chain, same_vma) {
			avc->node.start = vma->vm_pgoff;
			avc->node.last = vma->vm_pgoff + vma_pages(vma) - 1;
			interval_tree_insert(&avc->node,
					     &avc->anon_vma->rb_root);
		}
		up_write(&root->rwsem);
	}
	if (m) {
		vma_i_mmap_insert(vma);
		up_write(&m->i_mmap_rwsem);
	}
}
