/* SPDX-License-Identifier: MIT */
/* Between mmu_model.c and mmu_model_table.c; nobody else includes it. */
#ifndef MM_MMU_MODEL_IMPL_H
#define MM_MMU_MODEL_IMPL_H

#include "kernel/lockdep.h"
#include "mm/mmu_model.h"

/* Who made a change, when, and what flush that leaves to be done. */
struct model_who {
	struct place at;
	u32 tid, cpu;
	u64 when;			/* ktime */
	u64 gen;			/* mm's: a later one must be flushed */
	char name[24];
};
#define MODEL_WHO_LEN	288
void model_note(struct model_who *w, const struct mm_struct *mm, const void *frame,
		enum place_from from);
/* "thread 3 (x) on CPU 1 at f < g, 12 us ago" into buf; returns buf. */
const char *model_who(const struct model_who *w, char *buf, size_t len);
/* "a flush of 1000-2000 on CPU 1 (at generation 3), after generation 4" */
const char *model_owed(const struct model_who *w, u32 cpu, vaddr_t start, u64 bytes, char *buf);
#define MODEL_OWED_LEN	160

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
/* mmu_model_device.c: reports a shadow entry that names pfn. */
void model_check_devices(pfn_t pfn);

#endif
