/* SPDX-License-Identifier: MIT */
/*
 * Doubly linked lists (list_head: a ring with its head in it) and hash chains
 * (hlist: a head of one pointer), under Linux's names.
 *
 * L1. In a ring next and prev always agree for the holder of the list's lock.
 * L2. _rcu writers publish an entry only after its own links are set, and
 *     leave a removed entry's forward link intact, so a reader standing on it
 *     walks on.  The entry is freed or reused after a grace period only.
 *
 * Reader (list_for_each_entry_rcu)     Writer (holds the list's lock)
 *  (1) load head->next                  (A) new->next = next, new->prev = prev
 *  (2) use the entry                    (B) release-store prev->next = new
 *  (3) load entry->next, go to (2)      (C) removal: prev->next = entry->next;
 *                                           entry->next stays (L2)
 * (1) after (B) sees (A): the acquire in (1)/(3) pairs with the release in (B).
 * (3) after (C) continues on the live list, because of L2.
 *
 * Tests: tests/host/test_list.c
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "lib/atomic.h"

/* What a removed entry's links hold: a wild pointer that faults when used. */
#define LIST_POISON1	((void *)0xdead000000000100UL)
#define LIST_POISON2	((void *)0xdead000000000122UL)

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }
#define LIST_HEAD(name)		struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *h)
{
	WRITE_ONCE(h->next, h);
	h->prev = h;
}

static inline void __list_insert(struct list_head *e, struct list_head *prev,
				 struct list_head *next)
{
	next->prev = e;
	e->next = next;
	e->prev = prev;
	WRITE_ONCE(prev->next, e);
}

/* Add after head: a stack.  Add before head: a queue. */
static inline void list_add(struct list_head *e, struct list_head *head)
{
	__list_insert(e, head, head->next);
}

static inline void list_add_tail(struct list_head *e, struct list_head *head)
{
	__list_insert(e, head->prev, head);
}

static inline void __list_unlink(struct list_head *prev,
				 struct list_head *next)
{
	next->prev = prev;
	WRITE_ONCE(prev->next, next);
}

static inline void list_del(struct list_head *e)
{
	__list_unlink(e->prev, e->next);
	e->next = LIST_POISON1;
	e->prev = LIST_POISON2;
}

static inline void list_del_init(struct list_head *e)
{
	__list_unlink(e->prev, e->next);
	INIT_LIST_HEAD(e);
}

/* new takes old's place; old's links are left dangling. */
static inline void list_replace(struct list_head *old, struct list_head *new)
{
	new->next = old->next;
	new->next->prev = new;
	new->prev = old->prev;
	new->prev->next = new;
}

static inline void list_replace_init(struct list_head *old,
				     struct list_head *new)
{
	list_replace(old, new);
	INIT_LIST_HEAD(old);
}

static inline void list_move(struct list_head *e, struct list_head *head)
{
	__list_unlink(e->prev, e->next);
	list_add(e, head);
}

static inline void list_move_tail(struct list_head *e, struct list_head *head)
{
	__list_unlink(e->prev, e->next);
	list_add_tail(e, head);
}

static inline bool list_empty(const struct list_head *h)
{
	return READ_ONCE(h->next) == h;
}

static inline bool list_is_singular(const struct list_head *h)
{
	return !list_empty(h) && h->next == h->prev;
}

static inline bool list_is_last(const struct list_head *e,
				const struct list_head *head)
{
	return e->next == head;
}

static inline void __list_splice(struct list_head *list,
				 struct list_head *prev,
				 struct list_head *next)
{
	struct list_head *first = list->next, *last = list->prev;

	first->prev = prev;
	prev->next = first;
	last->next = next;
	next->prev = last;
}

/* Moves all of list to the front of head; list itself is left stale. */
static inline void list_splice(struct list_head *list, struct list_head *head)
{
	if (!list_empty(list))
		__list_splice(list, head, head->next);
}

static inline void list_splice_tail(struct list_head *list,
				    struct list_head *head)
{
	if (!list_empty(list))
		__list_splice(list, head->prev, head);
}

static inline void list_splice_init(struct list_head *list,
				    struct list_head *head)
{
	list_splice(list, head);
	INIT_LIST_HEAD(list);
}

static inline void list_splice_tail_init(struct list_head *list,
					 struct list_head *head)
{
	list_splice_tail(list, head);
	INIT_LIST_HEAD(list);
}

#define list_entry(ptr, type, member)	container_of(ptr, type, member)
#define list_first_entry(head, type, member) \
	list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) \
	list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))
#define list_next_entry(pos, member) \
	list_entry((pos)->member.next, typeof(*(pos)), member)
#define list_prev_entry(pos, member) \
	list_entry((pos)->member.prev, typeof(*(pos)), member)

#define list_for_each(p, head) \
	for (p = (head)->next; p != (head); p = p->next)
#define list_for_each_safe(p, n, head)					\
	for (p = (head)->next, n = p->next; p != (head);		\
	     p = n, n = p->next)

#define list_for_each_entry(pos, head, member)				\
	for (pos = list_first_entry(head, typeof(*pos), member);	\
	     &pos->member != (head);					\
	     pos = list_next_entry(pos, member))
#define list_for_each_entry_reverse(pos, head, member)			\
	for (pos = list_last_entry(head, typeof(*pos), member);		\
	     &pos->member != (head);					\
	     pos = list_prev_entry(pos, member))
/* pos may be removed in the body. */
#define list_for_each_entry_safe(pos, n, head, member)			\
	for (pos = list_first_entry(head, typeof(*pos), member),	\
	     n = list_next_entry(pos, member);				\
	     &pos->member != (head);					\
	     pos = n, n = list_next_entry(n, member))
#define list_for_each_entry_safe_reverse(pos, n, head, member)		\
	for (pos = list_last_entry(head, typeof(*pos), member),		\
	     n = list_prev_entry(pos, member);				\
	     &pos->member != (head);					\
	     pos = n, n = list_prev_entry(n, member))
/* Goes on after pos. */
#define list_for_each_entry_continue(pos, head, member)			\
	for (pos = list_next_entry(pos, member);			\
	     &pos->member != (head);					\
	     pos = list_next_entry(pos, member))

/* Writers below hold the list's lock; readers only an RCU section. */
static inline void __list_insert_rcu(struct list_head *e,
				     struct list_head *prev,
				     struct list_head *next)
{
	e->next = next;
	e->prev = prev;
	rcu_assign_pointer(prev->next, e);	/* (B) */
	next->prev = e;
}

static inline void list_add_rcu(struct list_head *e, struct list_head *head)
{
	__list_insert_rcu(e, head, head->next);
}

static inline void list_add_tail_rcu(struct list_head *e,
				     struct list_head *head)
{
	__list_insert_rcu(e, head->prev, head);
}

static inline void list_del_rcu(struct list_head *e)
{
	__list_unlink(e->prev, e->next);	/* (C) */
	e->prev = LIST_POISON2;
}

static inline void list_replace_rcu(struct list_head *old,
				    struct list_head *new)
{
	new->next = old->next;
	new->prev = old->prev;
	rcu_assign_pointer(new->prev->next, new);
	new->next->prev = new;
	old->prev = LIST_POISON2;
}

#define list_entry_rcu(ptr, type, member) \
	container_of(rcu_dereference(ptr), type, member)
#define list_for_each_entry_rcu(pos, head, member)			\
	for (pos = list_entry_rcu((head)->next, typeof(*pos), member);	\
	     &pos->member != (head);					\
	     pos = list_entry_rcu(pos->member.next, typeof(*pos), member))

struct hlist_head {
	struct hlist_node *first;
};

struct hlist_node {
	struct hlist_node *next;
	struct hlist_node **pprev;	/* the pointer that points here */
};

#define HLIST_HEAD_INIT		{ NULL }
#define HLIST_HEAD(name)	struct hlist_head name = HLIST_HEAD_INIT

static inline void INIT_HLIST_HEAD(struct hlist_head *h)
{
	h->first = NULL;
}

static inline void INIT_HLIST_NODE(struct hlist_node *n)
{
	n->next = NULL;
	n->pprev = NULL;
}

static inline bool hlist_unhashed(const struct hlist_node *n)
{
	return !READ_ONCE(n->pprev);
}

static inline bool hlist_empty(const struct hlist_head *h)
{
	return !READ_ONCE(h->first);
}

static inline void hlist_add_head(struct hlist_node *n, struct hlist_head *h)
{
	n->next = h->first;
	if (h->first)
		h->first->pprev = &n->next;
	WRITE_ONCE(h->first, n);
	WRITE_ONCE(n->pprev, &h->first);
}

static inline void __hlist_unlink(struct hlist_node *n)
{
	WRITE_ONCE(*n->pprev, n->next);
	if (n->next)
		n->next->pprev = n->pprev;
}

static inline void hlist_del(struct hlist_node *n)
{
	__hlist_unlink(n);
	n->next = LIST_POISON1;
	n->pprev = LIST_POISON2;
}

static inline void hlist_del_init(struct hlist_node *n)
{
	if (hlist_unhashed(n))
		return;
	__hlist_unlink(n);
	INIT_HLIST_NODE(n);
}

static inline void hlist_add_head_rcu(struct hlist_node *n,
				      struct hlist_head *h)
{
	struct hlist_node *first = h->first;

	n->next = first;
	WRITE_ONCE(n->pprev, &h->first);
	rcu_assign_pointer(h->first, n);
	if (first)
		first->pprev = &n->next;
}

static inline void hlist_del_rcu(struct hlist_node *n)
{
	__hlist_unlink(n);
	n->pprev = LIST_POISON2;
}

/* n reads as unhashed at once; its forward link stays for readers (L2). */
static inline void hlist_del_init_rcu(struct hlist_node *n)
{
	if (hlist_unhashed(n))
		return;
	__hlist_unlink(n);
	WRITE_ONCE(n->pprev, NULL);
}

#define hlist_entry(ptr, type, member)	container_of(ptr, type, member)
#define __hlist_entry_safe(n, type, member, u) ({			\
	struct hlist_node *u = (n);					\
	u ? hlist_entry(u, type, member) : NULL; })
#define hlist_entry_safe(n, type, member) \
	__hlist_entry_safe(n, type, member, __UNIQUE_ID(hn))
#define hlist_for_each_entry(pos, head, member)				\
	for (pos = hlist_entry_safe((head)->first, typeof(*pos), member); \
	     pos;							\
	     pos = hlist_entry_safe(pos->member.next, typeof(*pos), member))
/* n is a struct hlist_node *; pos may be removed in the body. */
#define hlist_for_each_entry_safe(pos, n, head, member)			\
	for (pos = hlist_entry_safe((head)->first, typeof(*pos), member); \
	     pos && (n = pos->member.next, 1);				\
	     pos = hlist_entry_safe(n, typeof(*pos), member))
#define hlist_for_each_entry_rcu(pos, head, member)			\
	for (pos = hlist_entry_safe(rcu_dereference((head)->first),	\
				    typeof(*pos), member);		\
	     pos;							\
	     pos = hlist_entry_safe(rcu_dereference(pos->member.next),	\
				    typeof(*pos), member))
/* c: the reader is in a section of the SRCU domain that protects the list. */
#define hlist_for_each_entry_srcu(pos, head, member, c)			\
	for (pos = hlist_entry_safe(rcu_dereference_check((head)->first, c), \
				    typeof(*pos), member);		\
	     pos;							\
	     pos = hlist_entry_safe(rcu_dereference_check(pos->member.next, c), \
				    typeof(*pos), member))

#endif
