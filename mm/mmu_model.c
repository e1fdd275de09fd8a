/* SPDX-License-Identifier: MIT */
/*
 * The software MMU model: leaf translations, and who reports what.
 *
 * QEMU's TCG forgets more than hardware must: it has no paging-structure
 * caches and drops everything on a CR3 write.  So a flush that is missing may
 * show nothing there.  The model keeps the books of the worst legal CPU:
 *
 * K1. A leaf that was cleared, narrowed or cleaned is assumed cached by every
 *     CPU that has the mm loaded, until that CPU flushes the address, flushes
 *     everything or loads a root.
 * K2. A frame must not be freed while a CPU may translate to it (K1), nor
 *     while a device's shadow entry names it.
 * K3. Tables: mmu_model_table.c.  Devices: mmu_model_device.c.
 *
 *	change of an entry, table locked	CPU c, irqs off
 *	(1) the entry changes			(A) CR3 load or INVLPG
 *	(2) record: every c in loaded[]		(B) drop c from the records
 *	(3) flush: IPIs
 * (B) before (2) for a root load: loaded[c] is not this mm any more, so (2)
 * leaves c out.  (B) before (2) for a flush: (3) is still to come, and asks c
 * again, since each flush has a generation of its own.
 *
 * The records are bounded: when full the oldest is dropped and counted, so the
 * model may miss a bug, and never invents one.
 *
 * Locks: model_lock (LOCK_MODEL), irqs off; nothing is taken inside it.
 * Reports are made after it is dropped.  Release builds: all of it vanishes.
 * Tests: tests/kt/kt_model.c
 */
#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/config.h"
#include "kernel/printk.h"
#include "kernel/report.h"
#include "kernel/thread.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/internal.h"
#include "mm/mmu_model_impl.h"
#include "mm/mmu_notifier.h"
#include "mm/tlb.h"

#define LEAVES		2048
#define LEAF_BUCKETS	1024

struct leaf {
	struct hlist_node hash;		/* by pfn */
	struct list_head live;		/* oldest first */
	struct mm_struct *mm;
	vaddr_t va;
	pfn_t pfn;
	u32 mm_id, level;
	pte_t old, new;
	struct model_who who;		/* changed the entry */
	struct cpumask holders;
};

DEFINE_SPINLOCK(model_lock, LOCK_MODEL);
struct mmu_model_stats model_stats;
struct mm_struct *model_loaded[NR_CPUS];

static struct leaf leaves[LEAVES] __unscanned;
static struct hlist_head leaf_hash[LEAF_BUCKETS] __unscanned;
static LIST_HEAD(leaf_live);
static struct leaf *leaf_free_list[LEAVES] __unscanned;
static u32 leaf_nr_free, leaf_next_fresh, leaf_nr_live;
static u32 told;			/* reports a test has asked about */

/*
 * Reports.
 */
void mmu_model_report(const char *fmt, ...)
{
	char text[REPORT_LEN - 16];
	va_list ap;

	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report_bug("mmu model: %s", text);
}

void model_note(struct model_who *w, const struct mm_struct *mm,
		const void *frame, enum place_from from)
{
	const struct thread *t = current();

	place_note(&w->at, frame, from);
	w->tid = t ? t->tid : 0;
	strlcpy(w->name, t ? t->name : "boot", sizeof(w->name));
	w->cpu = smp_processor_id();
	w->when = ktime_get();
	w->gen = (u64)atomic64_read(&mm->tlb_gen);
}

const char *model_who(const struct model_who *w, char *buf, size_t len)
{
	char at[PLACE_LEN];

	snprintf(buf, len, "thread %u (%s) on CPU %u at %s, %llu us ago",
		 w->tid, w->name, w->cpu, place_format(&w->at, at, sizeof(at)),
		 (ktime_get() - w->when) / 1000);
	return buf;
}

const char *model_owed(const struct model_who *w, u32 cpu, vaddr_t start,
		       u64 bytes, char *buf)
{
	snprintf(buf, MODEL_OWED_LEN,
		 "a flush of %llx-%llx after generation %llu on CPU %u, "
		 "which is at generation %llu",
		 start, start + bytes, w->gen, cpu,
		 READ_ONCE(cpu_tlb_state(cpu)->loaded_gen));
	return buf;
}

void mmu_model_expect(u32 on)
{
	if (!on) {
		report_expect_end();
		return;
	}
	told = 0;
	report_expect_begin();
}

u32 mmu_model_reports(void)
{
	u32 before = told;

	told = report_count();
	return told - before;
}

void mmu_model_stats(struct mmu_model_stats *s)
{
	u64 flags = spin_lock_irqsave(&model_lock);

	*s = model_stats;
	s->entries = leaf_nr_live + model_tables_live();
	spin_unlock_irqrestore(&model_lock, flags);
}

/*
 * Leaf records.  model_lock held.
 */
static struct hlist_head *leaf_bucket(pfn_t pfn)
{
	return &leaf_hash[(pfn * 0x9e3779b97f4a7c15ULL >> 40) % LEAF_BUCKETS];
}

static void leaf_drop(struct leaf *l)
{
	hlist_del(&l->hash);
	list_del(&l->live);
	leaf_free_list[leaf_nr_free++] = l;
	WRITE_ONCE(leaf_nr_live, leaf_nr_live - 1);
}

static struct leaf *leaf_new(pfn_t pfn)
{
	struct leaf *l;

	if (!leaf_nr_free && leaf_next_fresh == LEAVES) {
		model_stats.dropped++;
		leaf_drop(list_first_entry(&leaf_live, struct leaf, live));
	}
	l = leaf_nr_free ? leaf_free_list[--leaf_nr_free] :
			   &leaves[leaf_next_fresh++];
	hlist_add_head(&l->hash, leaf_bucket(pfn));
	list_add_tail(&l->live, &leaf_live);
	WRITE_ONCE(leaf_nr_live, leaf_nr_live + 1);
	l->pfn = pfn;
	cpumask_clear(&l->holders);
	return l;
}

bool model_holders(struct mm_struct *mm, struct cpumask *mask)
{
	bool any = false;

	for (u32 cpu = 0; cpu < nr_cpus_present; cpu++) {
		if (model_loaded[cpu] != mm)
			continue;
		cpumask_set_cpu(cpu, mask);
		any = true;
	}
	return any;
}

void mmu_model_pte_changed(const struct pt_pos *pos, struct mm_struct *mm,
			   pte_t old, pte_t new)
{
	struct cpumask mask = CPUMASK_NONE;
	struct leaf *l;
	u64 flags;

	if (!CONFIG_LAB || !mm || mm == &init_mm || !pte_present(old))
		return;
	mmu_section_saw(mm, pos->va, old, new);
	flags = spin_lock_irqsave(&model_lock);
	if (model_holders(mm, &mask)) {
		l = leaf_new(pte_pfn(old));
		l->mm = mm;
		l->mm_id = mm->id;
		l->va = pos->va;
		l->level = (u32)pos->level;
		l->old = old;
		l->new = new;
		model_note(&l->who, mm, __builtin_frame_address(0),
			   PLACE_CALLER);
		l->holders = mask;
		model_stats.prefills++;
	}
	spin_unlock_irqrestore(&model_lock, flags);
}

/* K1: cpu holds nothing of mm (NULL: of any) in [start, end) any more. */
static void leaves_flush(u32 cpu, struct mm_struct *mm, vaddr_t start,
			 vaddr_t end)
{
	struct leaf *l, *n;

	list_for_each_entry_safe(l, n, &leaf_live, live) {
		if ((mm && l->mm != mm) || l->va < start || l->va >= end)
			continue;
		cpumask_clear_cpu(cpu, &l->holders);
		if (cpumask_empty(&l->holders))
			leaf_drop(l);
	}
}

void mmu_model_load_root(struct mm_struct *mm, const pte_t *root)
{
	u32 cpu = smp_processor_id();
	u64 flags;

	if (!CONFIG_LAB)
		return;
	flags = spin_lock_irqsave(&model_lock);
	model_loaded[cpu] = mm == &init_mm ? NULL : mm;
	leaves_flush(cpu, NULL, 0, ~0ULL);
	model_tables_load_root(cpu, root);
	spin_unlock_irqrestore(&model_lock, flags);
}

void mmu_model_flush_range(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	u32 cpu = smp_processor_id();
	u64 flags;

	if (!CONFIG_LAB)
		return;
	flags = spin_lock_irqsave(&model_lock);
	leaves_flush(cpu, mm, start, end);
	model_tables_flush(cpu, mm, start, end);
	spin_unlock_irqrestore(&model_lock, flags);
}

void mmu_model_flush_all(void)
{
	mmu_model_flush_range(NULL, 0, ~0ULL);
}

/*
 * K2.
 */
static bool leaf_find(pfn_t pfn, struct leaf *out)
{
	struct leaf *l;

	hlist_for_each_entry(l, leaf_bucket(pfn), hash) {
		if (l->pfn != pfn)
			continue;
		*out = *l;
		leaf_drop(l);
		return true;
	}
	return false;
}

static void report_leaf(const struct leaf *l)
{
	u32 cpu = cpumask_first(&l->holders);
	char who[MODEL_WHO_LEN], owed[MODEL_OWED_LEN];

	mmu_model_report("frame %llx freed before flush: CPU %u may still translate %llx of mm %u "
			 "to it by the level-%u entry %llx, which became %llx by %s; owed: %s",
			 l->pfn, cpu, l->va, l->mm_id, l->level, l->old.val,
			 l->new.val, model_who(&l->who, who, sizeof(who)),
			 model_owed(&l->who, cpu, l->va, pt_size((int)l->level),
				    owed));
}

static void check_leaves(pfn_t pfn)
{
	struct leaf l;
	bool found;
	u64 flags = spin_lock_irqsave(&model_lock);

	model_stats.checks++;
	found = leaf_find(pfn, &l);
	spin_unlock_irqrestore(&model_lock, flags);
	if (found)
		report_leaf(&l);
}

void mmu_model_page_free(struct page *p, u32 order)
{
	pfn_t first = page_to_pfn(p);

	if (!CONFIG_LAB)
		return;
	for (pfn_t pfn = first; pfn < first + (1ULL << order); pfn++) {
		if (READ_ONCE(leaf_nr_live))
			check_leaves(pfn);
		model_check_devices(pfn);
	}
}

u32 mmu_model_check(void)
{
	u64 flags = local_irq_save();
	u32 cpu = smp_processor_id();
	struct mm_struct *mm = cpu_tlb_state(cpu)->loaded_mm;
	bool same = model_loaded[cpu] == (mm == &init_mm ? NULL : mm);

	local_irq_restore(flags);
	if (!CONFIG_LAB || same)
		return 0;
	kprintf("# mmu model: CPU %u has loaded another mm than it was told\n",
		cpu);
	return 1;
}
