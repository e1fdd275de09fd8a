/* SPDX-License-Identifier: MIT */
/*
 * Which pages are known: KSM pages by their bytes (the stable tree), others
 * that did not change lately (the unstable tree), and where KSM pages are
 * mapped.
 *
 * T1. The stable tree is in order for ever: its pages cannot be written.
 * T2. The unstable tree need not be in order: its pages may be written at any
 *     time.  So it is only a way to guess; it begins anew with each pass, and
 *     what it finds is compared again when it cannot change any more.
 * T3. A node has no reference on its page.  The page's last put says so in
 *     node->page, and queues the node to be freed by the next ksm_reap().
 * T4. A place is a pair (anon_vma, index), as an ordinary anonymous page has
 *     one: fork, mremap, split and merge keep its vmas in the anon_vma's tree
 *     at that index, so whatever they do to the entry, the walk of the place
 *     finds it.  A KSM page has one for each page that was merged into it, and
 *     keeps it for as long as some vma there maps it.  A walk may come to a
 *     mapping twice, by the anon_vmas of a parent and of its child.
 * T5. Places which nothing maps any more are dropped when there are twice as
 *     many as mappings: so adding costs O(log n) on the average.
 *
 *	look-up (ksm_mutex)		last put		migrator
 *	(1) p = node->page		(A) count 0		(a) count 0
 *	(2) get_page_unless_zero	(B) mapping = NULL	(b) node->page = new
 *	(3) mapping still the node?	(C) node->page = NULL	(c) new unlocked
 * (2) after (A) fails, and is tried again until (C) or (b) has happened.  (2)
 * takes the page's next life: (B) was before, so (3) sees another mapping.
 *
 * Places of a mapped page change under ksm_mutex, the page's lock, and some
 * mmap_lock or inside the gate of motion.h, so the auditor finds them still.
 *
 * Locks: ksm_mutex, for places also the page's lock.  Tests: tests/kt/kt_ksm.c
 */
#include "kernel/lockdep.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "mm/ksm_impl.h"
#include "mm/slab.h"

static struct rb_root stable, unstable;		/* ksm_mutex */
static u64 pass = 1;				/* ksm_mutex */
static struct ksm_node *dead_nodes;		/* a */
atomic64_t ksm_nr_places;

/*
 * Bytes.
 */
int ksm_compare(const struct page *a, const struct page *b)
{
	const u64 *x = page_address(a), *y = page_address(b);

	for (u32 i = 0; i < PAGE_SIZE / 8; i++) {
		u64 v = READ_ONCE(x[i]), w = READ_ONCE(y[i]);

		if (v != w)
			return v < w ? -1 : 1;
	}
	return 0;
}

u64 ksm_checksum(const struct page *p)
{
	const u64 *w = page_address(p);
	u64 h = 0;

	for (u32 i = 0; i < PAGE_SIZE / 8; i++) {
		h = (h ^ READ_ONCE(w[i])) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	return h;
}

/*
 * Places.
 */
static int compare_place(const struct ksm_place *p, const struct anon_vma *av,
			 u64 index)
{
	if (p->av != av)
		return (u64)av < (u64)p->av ? -1 : 1;
	return index < p->index ? -1 : index > p->index;
}

/* The place, or NULL and where it would be. */
static struct ksm_place *find_place(struct rb_root *places,
				    const struct anon_vma *av, u64 index,
				    struct rb_node **parent,
				    struct rb_node ***link)
{
	struct rb_node **at = &places->rb_node;

	*parent = NULL;
	while (*at) {
		struct ksm_place *p = rb_entry(*at, struct ksm_place, rb);
		int order = compare_place(p, av, index);

		if (!order)
			return p;
		*parent = *at;
		at = order < 0 ? &(*at)->rb_left : &(*at)->rb_right;
	}
	*link = at;
	return NULL;
}

static void drop_place(struct ksm_node *node, struct ksm_place *place)
{
	rb_erase(&place->rb, &node->places);
	node->nr_places--;
	atomic64_dec(&ksm_nr_places);
	put_anon_vma(place->av);
	kfree(place);
}

static int is_mapped(struct page *p, struct vm_area_struct *vma, vaddr_t va,
		     void *arg)
{
	struct pt_pos pos;

	(void)arg;
	if (!page_vma_mapped(p, vma, va, &pos))
		return 0;
	unlock_table(&pos);
	return 1;
}

/* T5.  p is locked, so no entry of it is a migration entry. */
static void prune_places(struct ksm_node *node, struct page *p)
{
	struct rb_node *rb = rb_first(&node->places);

	while (rb) {
		struct ksm_place *place = rb_entry(rb, struct ksm_place, rb);

		rb = rb_next(rb);
		if (!rmap_walk_place(p, place->av, place->index, is_mapped,
				     NULL))
			drop_place(node, place);
	}
}

bool ksm_node_add(struct ksm_node *node, struct ksm_place *place,
		  struct anon_vma *av, u64 index)
{
	struct rb_node *parent, **link;

	mutex_assert_held(&ksm_mutex);
	KASSERT(page_test(node->page, PG_locked));
	if (node->nr_places >
	    2 * (u32)page_mapcount(node->page) + 8)
		prune_places(node, node->page);
	if (find_place(&node->places, av, index, &parent, &link))
		return false;
	KASSERT(atomic_read(&av->refcount) > 0);
	atomic_inc(&av->refcount);
	place->av = av;
	place->index = index;
	rb_link_node(&place->rb, parent, link);
	rb_insert_color(&place->rb, &node->places);
	node->nr_places++;
	atomic64_inc(&ksm_nr_places);
	return true;
}

void ksm_node_forget_places(struct ksm_node *node)
{
	struct rb_node *rb;

	while ((rb = rb_first(&node->places)))
		drop_place(node, rb_entry(rb, struct ksm_place, rb));
}

int ksm_rmap_walk(struct page *p, rmap_fn *fn, void *arg)
{
	struct ksm_node *node = ksm_node_of(p);
	struct rb_node *rb;
	int ret = 0;

	KASSERT(page_test(p, PG_locked));
	for (rb = rb_first(&node->places); rb && !ret; rb = rb_next(rb)) {
		struct ksm_place *place = rb_entry(rb, struct ksm_place, rb);

		ret = rmap_walk_place(p, place->av, place->index, fn, arg);
	}
	return ret;
}

bool ksm_rmap_finds(const struct page *p, const struct vm_area_struct *vma,
		    vaddr_t va)
{
	struct ksm_node *node = ksm_node_of(p);
	struct rb_node *parent, **link;
	struct anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		if (find_place(&node->places, avc->anon_vma,
			       linear_page_index(vma, va), &parent, &link))
			return true;
	return false;
}

/*
 * Nodes.
 */
void ksm_node_free(struct ksm_node *node)
{
	mutex_assert_held(&ksm_mutex);
	if (node->in_tree)
		rb_erase(&node->rb, &stable);
	ksm_node_forget_places(node);
	kfree(node);
}

void ksm_page_freed(struct page *p)
{
	struct ksm_node *node = ksm_node_of(p), *first;

	WRITE_ONCE(p->mapping, NULL);				/* (B) */
	WRITE_ONCE(node->page, NULL);				/* (C) */
	first = READ_ONCE(dead_nodes);
	do {
		node->next_dead = first;
	} while (!try_cmpxchg(&dead_nodes, &first, node));
}

static void reap_locked(void)
{
	struct ksm_node *node = xchg(&dead_nodes, NULL), *next;

	for (; node; node = next) {
		next = node->next_dead;
		ksm_node_free(node);
	}
}

void ksm_reap(void)
{
	if (!READ_ONCE(dead_nodes))
		return;
	mutex_lock(&ksm_mutex);
	reap_locked();
	mutex_unlock(&ksm_mutex);
}

void ksm_page_moved(struct page *old, struct page *new)
{
	struct ksm_node *node = ksm_node_of(old);

	KASSERT(page_count(old) == 0 && ksm_node_of(new) == node);
	WRITE_ONCE(node->page, new);				/* (b) */
	WRITE_ONCE(old->mapping, NULL);
}

struct page *ksm_node_page(struct ksm_node *node)
{
	struct page *p;

	while ((p = READ_ONCE(node->page))) {			/* (1) */
		if (!get_page_unless_zero(p)) {			/* (2) */
			yield();
			continue;
		}
		if (page_is_ksm(p) && ksm_node_of(p) == node)	/* (3) */
			return p;
		put_page(p);
	}
	return NULL;
}

/* Where p's bytes stand; *at NULL: not there.  False: a node died, again. */
static bool descend(const struct page *p, struct rb_node ***link,
		    struct rb_node **parent, struct page **found)
{
	struct rb_node **at = &stable.rb_node;

	*parent = NULL;
	*found = NULL;
	while (*at) {
		struct ksm_node *node = rb_entry(*at, struct ksm_node, rb);
		struct page *kpage = ksm_node_page(node);
		int order;

		if (!kpage)
			return false;
		order = ksm_compare(p, kpage);
		if (!order) {
			*found = kpage;
			return true;
		}
		put_page(kpage);
		*parent = *at;
		at = order < 0 ? &(*at)->rb_left : &(*at)->rb_right;
	}
	*link = at;
	return true;
}

struct page *ksm_stable_find(const struct page *p)
{
	struct rb_node **link, *parent;
	struct page *kpage;

	mutex_assert_held(&ksm_mutex);
	do {
		reap_locked();
	} while (!descend(p, &link, &parent, &kpage));
	return kpage;
}

/* An equal one may have come: then it stands beside it, and one is found. */
void ksm_stable_insert(struct ksm_node *node)
{
	struct rb_node **link, *parent;
	struct page *equal;

	do {
		reap_locked();
	} while (!descend(node->page, &link, &parent, &equal));
	if (equal) {
		struct ksm_node *twin = ksm_node_of(equal);

		parent = &twin->rb;
		link = &parent->rb_right;
		while (*link) {
			parent = *link;
			link = &parent->rb_left;
		}
		put_page(equal);
	}
	rb_link_node(&node->rb, parent, link);
	rb_insert_color(&node->rb, &stable);
	node->in_tree = true;
}

void ksm_count_nodes(struct ksm_stats *s)
{
	struct rb_node *rb;

	reap_locked();
	for (rb = rb_first(&stable); rb; rb = rb_next(rb)) {
		struct page *p = ksm_node_page(rb_entry(rb, struct ksm_node, rb));

		if (!p)
			continue;
		s->shared++;
		s->sharing += page_mapcount(p) ? (u64)page_mapcount(p) - 1 : 0;
		put_page(p);
	}
}

/* T1, T3 of every node. */
u32 ksm_check_nodes(void)
{
	struct page *p, *prev = NULL;
	struct rb_node *rb;
	u32 bad = 0;

	mutex_lock(&ksm_mutex);
	for (rb = rb_first(&stable); rb; rb = rb_next(rb)) {
		p = ksm_node_page(rb_entry(rb, struct ksm_node, rb));
		if (!p)
			continue;
		if (page_test(p, PG_anon_exclusive) ||
		    page_test(p, PG_swapcache) ||
		    (prev && ksm_compare(prev, p) > 0)) {
			pr_err("audit: KSM page %llx, flags %llx: out of order or not alone\n",
			       page_to_pfn(p), p->flags);
			bad++;
		}
		if (prev)
			put_page(prev);
		prev = p;
	}
	if (prev)
		put_page(prev);
	mutex_unlock(&ksm_mutex);
	return bad;
}

/*
 * The unstable tree.
 */
void ksm_unstable_new_pass(void)
{
	unstable = RB_ROOT;
	pass++;
}

void ksm_unstable_erase(struct ksm_item *item)
{
	if (item->pass == pass)
		rb_erase(&item->rb, &unstable);
	item->pass = 0;
}

/* The page that is at item's place now, with a reference; NULL. */
static struct page *item_page(const struct ksm_item *item)
{
	struct mm_struct *mm = item->slot->mm;
	struct page *p = NULL;
	struct pt_pos pos;

	if (!ksm_mmap_trylock(mm))
		return NULL;
	if (ksm_vma(mm, item->va)) {
		lock_leaf(&mm->pgt, item->va, &pos);
		if (pos.level == 1 && ksm_candidate(pte_read(pos.ptep))) {
			p = pte_page(pte_read(pos.ptep));
			get_page(p);
		}
		unlock_table(&pos);
	}
	mmap_read_unlock(mm);
	return p;
}

struct ksm_item *ksm_unstable_find(struct ksm_item *item, struct page *p,
				   struct page **page)
{
	struct rb_node **at = &unstable.rb_node, *parent = NULL;

	ksm_unstable_erase(item);
	while (*at) {
		struct ksm_item *other = rb_entry(*at, struct ksm_item, rb);
		struct page *q = item_page(other);
		int order;

		if (!q)
			return NULL;		/* T2: too little is known */
		order = ksm_compare(p, q);
		if (!order && q != p) {
			*page = q;
			return other;
		}
		put_page(q);
		if (q == p)
			return NULL;		/* forked: it is one already */
		parent = *at;
		at = order < 0 ? &(*at)->rb_left : &(*at)->rb_right;
	}
	rb_link_node(&item->rb, parent, at);
	rb_insert_color(&item->rb, &unstable);
	item->pass = pass;
	return NULL;
}
