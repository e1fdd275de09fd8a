/* SPDX-License-Identifier: MIT */
/*
 * What fork, unmapping and mprotect owe to leaf entries that are not present
 * but not none either (swapops.h).
 *
 * V1. Each swap entry is one count of its slot and one of mm->swap_ents.
 * V2. After fork neither copy of an entry is exclusive: the first write of
 *     either side copies.
 * V3. An entry comes back writable only where the vma allowed writing all the
 *     time since: mprotect makes writable migration entries readable.
 *
 * No flush is owed: no translation is made from an entry without P.
 * Locks: the table's; inside it the swap device's.  Tests: tests/kt/kt_swap.c
 */
#include "lib/err.h"
#include "mm/internal.h"
#include "mm/swap.h"

void nonpresent_drop(struct pt_pos *pos, struct vm_area_struct *vma)
{
	pte_t e = pte_clear(pos);

	if (!pte_is_swap(e)) {
		KASSERT(pte_is_migration(e));
		return;
	}
	atomic64_dec(&vma->vm_mm->swap_ents);			/* V1 */
	swap_free(pte_to_swp(e));
}

static pte_t shared_entry(pte_t e)				/* V2 */
{
	if (pte_is_swap(e))
		return pte_swp_clear_exclusive(e);
	return pte_migration_retype(e, SWP_MIGRATION_READ);
}

int nonpresent_dup(struct pt_pos *from, struct pt_pos *to,
		   struct vm_area_struct *child)
{
	pte_t e = pte_read(from->ptep), shared = e;

	if (is_cow_mapping(child->vm_flags))
		shared = shared_entry(e);
	if (pte_is_swap(e)) {
		if (!swap_duplicate(pte_to_swp(e)))
			return -ENOMEM;
		atomic64_inc(&child->vm_mm->swap_ents);		/* V1 */
	}
	if (!pte_same(e, shared))
		pte_replace(from, shared);
	pte_set(to, shared);
	return 0;
}

void nonpresent_protect(struct pt_pos *pos, struct vm_area_struct *vma)
{
	pte_t e = pte_read(pos->ptep);
	bool private = !(vma->vm_flags & VM_SHARED);

	if (pte_is_migration(e) && pte_migration_write(e))	/* V3 */
		pte_replace(pos, pte_migration_retype(e, private ?
					SWP_MIGRATION_READ_EXCLUSIVE :
					SWP_MIGRATION_READ));
}
