/* SPDX-License-Identifier: MIT */
/* Between mmu_model.c and mmu_model_table.c; nobody else includes it. */
#ifndef MM_MMU_MODEL_IMPL_H
#define MM_MMU_MODEL_IMPL_H

#include "mm/mmu_model.h"

extern spinlock_t model_lock;			/* all that follows */
extern struct mmu_model_stats model_stats;
/* The user mm each CPU has loaded (lazily too); NULL: init_mm. */
extern struct mm_struct *model_loaded[NR_CPUS];

/* Adds every CPU with mm loaded to mask; is there one? */
bool model_holders(struct mm_struct *mm, struct cpumask *mask);
/* cpu drains and drops table pointers; mm NULL: of any mm. */
void model_tables_flush(u32 cpu, struct mm_struct *mm, vaddr_t start,
			vaddr_t end);
void model_tables_load_root(u32 cpu, const pte_t *root);
u32 model_tables_live(void);

#endif
