/* SPDX-License-Identifier: MIT */
/*
 * The software MMU model: pointers to tables (paging-structure caches, CR3).
 *
 * K4. A table that leaves the tree - relocated or freed - is assumed cached by
 *     every CPU with the mm loaded, lazy ones too, until that CPU flushes an
 *     address the table covers, or loads a root; a top table only until it
 *     loads another root.
 * K5. As long as it is cached, a CPU may set A, and D where W is set, in any
 *     present entry of it.  It does so at the worst moments: right after the
 *     copy, and last when it acknowledges the flush (the drain).  Each bit is
 *     recorded, and must stand in the new table once that is settled.
 * K6. When a relocation is settled no CPU caches the old table; when a table
 *     is freed none does either, and a grace period has passed.
 *
 *	migrator, tables locked		CPU c
 *	(1) copy T to T'		(a) sets A, D in T
 *	(2) moving: c recorded		(b) flush IPI: drains into T, then
 *	(3) switch the parent		    drops T
 *	(4) flush, wait			(c) walks T'
 *	(5) harvest T into T'
 *	(6) settled: nobody recorded, all bits of (a), (b) in T'
 *
 * Which entries are written is pseudo-random with a fixed seed.
 * Locks: model_lock.  Tests: tests/kt/kt_model.c, kt_ptmigrate.c
 */
#include "arch/smp.h"
#include "kernel/config.h"
#include "kernel/thread.h"
#include "lib/prng.h"
#include "mm/internal.h"
#include "mm/mmu_model_impl.h"

#define RECS		1024
#define REC_BUCKETS	256
#define AD_MAX		12
#define AD_PROBES	128

enum rec_state { REC_MOVING, REC_RETIRED };

struct ad_write { u16 index, bits; u32 cpu; };

struct table_rec {
	struct hlist_node hash;		/* by table */
	struct list_head live;
	struct page *table;
	struct mm_struct *mm;
	vaddr_t start;
	u64 span;			/* bytes the table covers */
	u64 gp;				/* grace periods done when retired */
	u32 mm_id;
	struct model_who who;		/* detached or moved it */
	u8 level, state, nr_ad;
	struct ad_write ad[AD_MAX];
	struct cpumask holders;
};

static struct table_rec recs[RECS] __unscanned;
static struct hlist_head rec_hash[REC_BUCKETS] __unscanned;
static LIST_HEAD(rec_live);
static struct table_rec *rec_free_list[RECS] __unscanned;
static u32 rec_nr_free, rec_next_fresh, rec_nr_live;
static struct prng prng = { 0x5eed };

u32 model_tables_live(void)
{
	return READ_ONCE(rec_nr_live);
}

static struct hlist_head *rec_bucket(const struct page *table)
{
	return &rec_hash[((u64)table >> 6) % REC_BUCKETS];
}

static struct table_rec *rec_find(const struct page *table)
{
	struct table_rec *r;

	hlist_for_each_entry(r, rec_bucket(table), hash)
		if (r->table == table)
			return r;
	return NULL;
}

static void rec_drop(struct table_rec *r)
{
	hlist_del(&r->hash);
	list_del(&r->live);
	rec_free_list[rec_nr_free++] = r;
	WRITE_ONCE(rec_nr_live, rec_nr_live - 1);
}

/* NULL when full: not tracked. */
static struct table_rec *rec_new(struct mm_struct *mm, struct page *table)
{
	struct table_rec *r = rec_find(table);

	if (r)
		rec_drop(r);
	if (!rec_nr_free && rec_next_fresh == RECS) {
		model_stats.dropped++;
		return NULL;
	}
	r = rec_nr_free ? rec_free_list[--rec_nr_free] :
			  &recs[rec_next_fresh++];
	*r = (struct table_rec){ .table = table, .mm = mm,
				 .start = table->pt_base,
				 .level = table->pt_level,
				 .span = pt_size(table->pt_level) * PT_ENTRIES,
				 .mm_id = mm->id };
	hlist_add_head(&r->hash, rec_bucket(table));
	list_add_tail(&r->live, &rec_live);
	WRITE_ONCE(rec_nr_live, rec_nr_live + 1);
	model_holders(mm, &r->holders);
	return r;
}

/* Bits that hardware could set in e now. */
static u64 ad_missing(pte_t e, int level)
{
	u64 bits = PTE_A;

	if (!pte_present(e))
		return 0;
	if (pte_leaf(e, level) && pte_write(e))
		bits |= PTE_D;
	return bits & ~e.val;
}

/* K5: one write by a CPU through the old table. */
static void ad_write(struct table_rec *r, u32 cpu)
{
	pte_t *t = page_address(r->table);
	u32 entries = r->level == PT_LEVELS ? PT_ENTRIES / 2 : PT_ENTRIES;
	u32 at = prng_u32(&prng);

	if (r->nr_ad == AD_MAX)
		return;
	for (u32 k = 0; k < AD_PROBES; k++, at++) {
		u32 i = at % entries;
		u64 bits = ad_missing(pte_read(&t[i]), r->level);

		if (!bits)
			continue;
		pte_or_raw(&t[i], bits);
		r->ad[r->nr_ad++] = (struct ad_write){ (u16)i, (u16)bits,
							   cpu };
		model_stats.ad_writes++;
		return;
	}
}

static void drain(struct table_rec *r, u32 cpu)
{
	if (!cpumask_test_cpu(cpu, &r->holders))
		return;
	if (r->state == REC_MOVING)
		ad_write(r, cpu);
	cpumask_clear_cpu(cpu, &r->holders);
	model_stats.drains++;
}

void model_tables_flush(u32 cpu, struct mm_struct *mm, vaddr_t start,
			vaddr_t end)
{
	struct table_rec *r;

	list_for_each_entry(r, &rec_live, live) {
		if ((mm && r->mm != mm) || r->level == PT_LEVELS ||
		    end <= r->start || start >= r->start + r->span)
			continue;
		drain(r, cpu);
	}
}

void model_tables_load_root(u32 cpu, const pte_t *root)
{
	struct table_rec *r;

	list_for_each_entry(r, &rec_live, live)
		if (r->level != PT_LEVELS || page_address(r->table) != root)
			drain(r, cpu);
}

void mmu_model_table_moving(struct mm_struct *mm, struct page *old,
			    struct page *new)
{
	struct table_rec *r;
	u64 flags;

	(void)new;
	if (!CONFIG_LAB)
		return;
	flags = spin_lock_irqsave(&model_lock);
	r = rec_new(mm, old);
	if (r) {
		model_note(&r->who, mm, __builtin_frame_address(0),
			   PLACE_CALL);
		r->state = REC_MOVING;
		if (!cpumask_empty(&r->holders))
			ad_write(r, cpumask_first(&r->holders)); /* (a) */
	}
	spin_unlock_irqrestore(&model_lock, flags);
}

/* The first recorded bit that is missing in new, or NULL. */
static const struct ad_write *lost_bit(const struct table_rec *r,
				       struct page *new)
{
	const pte_t *t = page_address(new);

	for (u32 i = 0; i < r->nr_ad; i++)
		if (r->ad[i].bits & ~pte_read(&t[r->ad[i].index]).val)
			return &r->ad[i];
	return NULL;
}

static void report_unsettled(const struct table_rec *r, const struct page *new,
			     u32 cpu)
{
	char who[MODEL_WHO_LEN], owed[MODEL_OWED_LEN];

	mmu_model_report("level %d table of %llx of mm %u settled, but CPU %u still uses the old "
			 "one (frame %llx, new %llx), moved by %s; owed: %s",
			 r->level, r->start, r->mm_id, cpu,
			 page_to_pfn(r->table), page_to_pfn(new),
			 model_who(&r->who, who, sizeof(who)),
			 model_owed(&r->who, cpu, r->start, r->span, owed));
}

static void report_lost(const struct table_rec *r, const struct page *new,
			const struct ad_write *w)
{
	vaddr_t va = r->start + w->index * pt_size(r->level);
	const pte_t *t = page_address(new);
	char who[MODEL_WHO_LEN];

	mmu_model_report("level %d table of %llx of mm %u: entry %u (%llx, now %llx) lost the "
			 "%s%s bit that CPU %u set through the old table, frame %llx; moved by "
			 "%s; owed: a harvest after the flush",
			 r->level, r->start, r->mm_id, w->index, va,
			 pte_read(&t[w->index]).val,
			 w->bits & PTE_A ? "A" : "", w->bits & PTE_D ? "D" : "",
			 w->cpu, page_to_pfn(r->table),
			 model_who(&r->who, who, sizeof(who)));
}

void mmu_model_table_settled(struct mm_struct *mm, struct page *old,
			     struct page *new)
{
	const struct ad_write *w = NULL;
	struct ad_write lost = { 0 };
	struct table_rec *r, copy = { .table = NULL };
	u32 cpu = NR_CPUS;
	u64 flags;

	(void)mm;
	if (!CONFIG_LAB)
		return;
	flags = spin_lock_irqsave(&model_lock);
	r = rec_find(old);
	if (r) {
		model_stats.checks++;
		cpu = cpumask_first(&r->holders);
		cpumask_clear(&r->holders);
		w = lost_bit(r, new);
		if (w)
			lost = *w;
		r->state = REC_RETIRED;
		r->gp = rcu_completed();
		copy = *r;
	}
	spin_unlock_irqrestore(&model_lock, flags);
	if (r && cpu != NR_CPUS)
		report_unsettled(&copy, new, cpu);
	if (w)
		report_lost(&copy, new, &lost);
}

void mmu_model_table_detached(struct mm_struct *mm, struct page *table)
{
	struct table_rec *r;
	u64 flags;

	if (!CONFIG_LAB || !mm)
		return;
	flags = spin_lock_irqsave(&model_lock);
	r = rec_new(mm, table);
	if (r) {
		model_note(&r->who, mm, __builtin_frame_address(0),
			   PLACE_CALL);
		r->state = REC_RETIRED;
		r->gp = rcu_completed();
	}
	spin_unlock_irqrestore(&model_lock, flags);
}

static void report_unflushed(const struct table_rec *r, u32 cpu)
{
	char who[MODEL_WHO_LEN], owed[MODEL_OWED_LEN];

	mmu_model_report("level %d table of %llx of mm %u (frame %llx) freed before flush: CPU %u "
			 "may still walk it; detached by %s; owed: %s",
			 r->level, r->start, r->mm_id, page_to_pfn(r->table),
			 cpu, model_who(&r->who, who, sizeof(who)),
			 model_owed(&r->who, cpu, r->start, r->span, owed));
}

static void report_early(const struct table_rec *r)
{
	char who[MODEL_WHO_LEN];

	mmu_model_report("level %d table of %llx of mm %u (frame %llx) freed before a grace "
			 "period has passed; detached by %s, when %llu had ended",
			 r->level, r->start, r->mm_id, page_to_pfn(r->table),
			 model_who(&r->who, who, sizeof(who)), r->gp);
}

void mmu_model_table_free(struct page *table)
{
	bool found, early = false;
	struct table_rec copy;
	struct table_rec *r;
	u32 cpu = NR_CPUS;
	u64 flags;

	if (!CONFIG_LAB || !READ_ONCE(rec_nr_live))
		return;
	flags = spin_lock_irqsave(&model_lock);
	r = rec_find(table);
	found = r;
	if (found) {
		model_stats.checks++;
		cpu = cpumask_first(&r->holders);
		early = r->state == REC_RETIRED && rcu_completed() == r->gp;
		copy = *r;
		rec_drop(r);
	}
	spin_unlock_irqrestore(&model_lock, flags);
	if (found && cpu != NR_CPUS)
		report_unflushed(&copy, cpu);
	if (early)
		report_early(&copy);
}
