/* SPDX-License-Identifier: MIT */
/* Moving data pages to other frames while programs use them. */
#ifndef MM_MIGRATE_H
#define MM_MIGRATE_H

#include "mm/vma.h"

struct anon_vma;

/* Where pages go: a frame with one reference, or NULL.  arg: migrate_pages'. */
typedef struct page *new_page_fn(struct page *old, void *arg);
/* Any other frame. */
struct page *new_page_anywhere(struct page *old, void *arg);

/*
 * p is isolated from the LRU (its reference is the isolation's) and not
 * locked.  0: it is freed, its contents, mappings and place in its file are
 * another frame's.  -EBUSY: somebody holds it; -ENOMEM.  Then it is as it was,
 * and back on its list.  Sleeps; no mmap_lock, no page lock held.
 */
int migrate_page(struct page *p, new_page_fn *new_page, void *arg);

/*
 * move_pages(2) of one address: isolate the page mapped there.  ERR_PTR:
 * -EFAULT no vma or the zero page, -ENOENT nothing mapped, -EACCES mapped
 * elsewhere too and only SOLE asked for, -EBUSY on no list.  mmap_lock read.
 */
enum move_which { MOVE_SOLE, MOVE_SHARED };
struct page *isolate_mapped_page(struct mm_struct *mm, vaddr_t va, enum move_which which);
/* What is mapped at va: 0, or -EFAULT, -ENOENT as above.  mmap_lock read. */
int page_mapped_at(struct mm_struct *mm, vaddr_t va);

struct migrate_stats { u64 moved, retried, busy; };
void migrate_stats(struct migrate_stats *s);

/* migrate_rmap.c; old locked.  True: nothing maps old any more. */
bool try_to_migrate(struct page *old);
/*
 * Every migration entry for old becomes one that maps new (old itself: all is
 * as it was).  Both locked; av: an anonymous page's, referenced.
 */
void remove_migration_ptes(struct page *old, struct page *new, struct anon_vma *av);

#endif
