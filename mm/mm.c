/* SPDX-License-Identifier: MIT */
/*
 * The life of a user address space.
 *
 * M1. mm_users counts who may use the mappings.  Its last mmput tears them
 *     down (exit_mmap), so mappings and page tables below the root exist only
 *     while mm_users > 0 or that teardown runs.
 * M2. mm_count counts who may look at the structure and at the root table:
 *     one for all users, one for each lazy CPU, one for each notifier.  Its
 *     last mmdrop frees both.
 * M3. An mm is on mm_list from mm_alloc() until its teardown is complete;
 *     whoever finds it there gets in with mmget_not_zero only.
 *
 * M4. While mm_create_stop() is in force none enters the list.
 *
 * Locks: mm_list_lock guards the list alone; nothing is taken inside it.
 * Tests: tests/kt/kt_vma.c
 */
#include "kernel/lockdep.h"
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/init.h"
#include "mm/mmap.h"
#include "mm/mmu_notifier.h"
#include "mm/slab.h"

static struct kmem_cache *mm_cache;
static LIST_HEAD(mm_list);
static DEFINE_SPINLOCK(mm_list_lock, LOCK_PROC);
static struct rwsem mm_create_sem = RWSEM_INIT(mm_create_sem, LOCK_MM_CREATE);
static atomic_t last_id;

void mm_high_init(void)
{
	mm_cache = kmem_cache_create("mm_struct", sizeof(struct mm_struct), 64,
				     SLAB_PLAIN, NULL);
	vma_cache_init();
	anon_vma_cache_init();
	filemap_cache_init();
	fault_init();
}

struct mm_struct *mm_alloc(void)
{
	struct mm_struct *mm = kmem_cache_zalloc(mm_cache);

	if (!mm)
		return NULL;
	if (pgtable_init(&mm->pgt, mm, PGT_USER)) {
		kmem_cache_free(mm_cache, mm);
		return NULL;
	}
	/* commit */
	rwsem_init(&mm->mmap_lock, LOCK_MMAP);
	mutex_init(&mm->migrator, LOCK_MIGRATOR);
	mmu_notifier_mm_init(mm);
	mm->mm_rb = RB_ROOT;
	mm->mmap_base = MMAP_BASE;
	mm->limit_as = mm->limit_data = mm->limit_locked = ~0ULL;
	mm->limit_stack = STACK_LIMIT;
	mm->id = (u32)atomic_inc_return(&last_id);
	atomic_set(&mm->mm_users, 1);
	atomic_set(&mm->mm_count, 1);
	down_read(&mm_create_sem);				/* M4 */
	spin_lock(&mm_list_lock);
	list_add_tail(&mm->mm_list, &mm_list);
	spin_unlock(&mm_list_lock);
	up_read(&mm_create_sem);
	return mm;
}

void mmget(struct mm_struct *mm)
{
	KASSERT(atomic_read(&mm->mm_users) > 0);
	atomic_inc(&mm->mm_users);
}

bool mmget_not_zero(struct mm_struct *mm)
{
	return atomic_inc_not_zero(&mm->mm_users);
}

void mmgrab(struct mm_struct *mm)
{
	KASSERT(atomic_read(&mm->mm_count) > 0);
	atomic_inc(&mm->mm_count);
}

void mmdrop(struct mm_struct *mm)
{
	if (!atomic_dec_and_test(&mm->mm_count))
		return;
	KASSERT(!atomic_read(&mm->mm_users));
	mmu_notifier_subscriptions_destroy(mm);
	pgtable_destroy(&mm->pgt);
	kmem_cache_free(mm_cache, mm);
}

void mmput(struct mm_struct *mm)
{
	might_sleep();
	if (!atomic_dec_and_test(&mm->mm_users))
		return;
	exit_mmap(mm);
	spin_lock(&mm_list_lock);		/* M3 */
	list_del(&mm->mm_list);
	spin_unlock(&mm_list_lock);
	mmdrop(mm);
}

struct mm_struct *mm_next(struct mm_struct *prev)
{
	struct mm_struct *mm = NULL, *found = NULL;

	spin_lock(&mm_list_lock);
	mm = prev ? list_next_entry(prev, mm_list) :
		    list_first_entry(&mm_list, struct mm_struct, mm_list);
	while (&mm->mm_list != &mm_list) {
		if (mmget_not_zero(mm)) {
			found = mm;
			break;
		}
		mm = list_next_entry(mm, mm_list);
	}
	spin_unlock(&mm_list_lock);
	if (prev)
		mmput(prev);
	return found;
}

u32 mm_largest(struct mm_struct **out, u32 max,
	       u64 (*score)(const struct mm_struct *mm))
{
	struct mm_struct *mm;
	u32 n = 0, at;

	spin_lock(&mm_list_lock);
	list_for_each_entry(mm, &mm_list, mm_list) {
		if (!atomic_read(&mm->mm_users))
			continue;
		for (at = n; at && score(mm) > score(out[at - 1]); at--)
			if (at < max)
				out[at] = out[at - 1];
		if (at < max)
			out[at] = mm;
		n = min(n + 1, max);
	}
	for (at = 0; at < n; at++)
		mmgrab(out[at]);	/* M3: on the list, so not freed yet */
	spin_unlock(&mm_list_lock);
	return n;
}

u32 mm_create_stop(void)
{
	struct mm_struct *mm;
	u32 n = 0;

	down_write(&mm_create_sem);
	spin_lock(&mm_list_lock);
	list_for_each_entry(mm, &mm_list, mm_list)
		n++;
	spin_unlock(&mm_list_lock);
	return n;
}

void mm_create_start(void)
{
	up_write(&mm_create_sem);
}

bool mm_any_dying(void)
{
	struct mm_struct *mm;
	bool any = false;

	spin_lock(&mm_list_lock);
	list_for_each_entry(mm, &mm_list, mm_list)
		any |= !atomic_read(&mm->mm_users);
	spin_unlock(&mm_list_lock);
	return any;
}
