/* SPDX-License-Identifier: MIT */
/*
 * Devices of every class: attach, detach, the list of all, counters, and the
 * auditor's look at them.
 *
 * Lifetime: shadow_attach() .. shadow_detach().  The process may exit between:
 * release drops all translations, and every later access is -ESRCH.  The
 * subscription holds the mm structure until the device is detached.
 *
 * Locks: shadow_list_mutex for the list.  Tests: tests/kt/kt_shadow.c
 */
#include "arch/smp.h"
#include "drivers/shadow/internal.h"
#include "kernel/init.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/check.h"
#include "mm/slab.h"

DEFINE_MUTEX(shadow_list_mutex, LOCK_DEVLIST);
LIST_HEAD(shadow_list);
static atomic_t last_id = { -1 };

static const struct shadow_class *const classes[] = {
	&shadow_kvm, &shadow_gru, &shadow_sva, &shadow_xpmem,
};

const char *shadow_class_name(u32 n)
{
	return n < ARRAY_SIZE(classes) ? classes[n]->name : NULL;
}

const struct shadow_class *shadow_class_of(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(classes); i++)
		if (!strcmp(classes[i]->name, name))
			return classes[i];
	return NULL;
}

static void free_memory(struct shadow_dev *d)
{
	if (d->class->free)
		d->class->free(d);
	else
		kfree(d);
}

static struct shadow_dev *dev_alloc(const struct shadow_class *class,
				    struct mm_struct *mm,
				    const struct shadow_window *w)
{
	struct shadow_dev *d = kzalloc(class->size);
	int err;

	if (!d)
		return ERR_PTR(-ENOMEM);
	d->class = class;
	d->id = (u32)atomic_inc_return(&last_id);
	d->mm = mm;
	d->count = w && w->count ? w->count : d->own_count;
	d->mn.ops = class->mn_ops;
	d->mn.name = class->node;
	spin_lock_init(&d->tlb_lock, LOCK_SHADOW_TLB);
	mutex_init(&d->req_mutex, LOCK_SHADOW_DEV);
	init_waitqueue_head(&d->wait);
	err = class->init ? class->init(d, w) : 0;
	if (!err)
		return d;
	free_memory(d);
	return ERR_PTR(err);
}

static void dev_free(struct shadow_dev *d)
{
	if (d->class->exit)
		d->class->exit(d);
	free_memory(d);
}

/* The last CPU for the first class and down: programs fill the others first. */
static int engine_cpu(const struct shadow_class *class)
{
	u32 cpus = cpumask_weight(&cpu_online_mask), n = 0;

	while (classes[n] != class)
		n++;
	return (int)(cpus - 1 - n % cpus);
}

static void list_enter(struct shadow_dev *d)
{
	mutex_lock(&shadow_list_mutex);
	list_add_tail(&d->link, &shadow_list);
	mutex_unlock(&shadow_list_mutex);
}

static void list_leave(struct shadow_dev *d)
{
	mutex_lock(&shadow_list_mutex);
	list_del(&d->link);
	mutex_unlock(&shadow_list_mutex);
}

struct shadow_dev *shadow_attach_window(struct mm_struct *mm,
					const struct shadow_class *class,
					const struct shadow_window *w)
{
	struct shadow_dev *d = dev_alloc(class, mm, w);
	int err;

	if (IS_ERR(d))
		return d;
	err = mmu_notifier_register(&d->mn, mm);
	if (err)
		goto fail;
	if (class->start)
		class->start(d);
	d->engine = kthread_run("shadow", engine_cpu(class), shadow_engine, d);
	if (!IS_ERR(d->engine)) {
		list_enter(d);
		return d;
	}
	err = PTR_ERR(d->engine);
	mmu_notifier_unregister(&d->mn, mm);
fail:
	dev_free(d);
	return ERR_PTR(err);
}

struct shadow_dev *shadow_attach(struct mm_struct *mm, const char *kind)
{
	const struct shadow_class *class = shadow_class_of(kind);

	return class ? shadow_attach_window(mm, class, NULL) :
		       ERR_PTR(-EINVAL);
}

void shadow_detach(struct shadow_dev *d)
{
	list_leave(d);
	mutex_lock(&d->req_mutex);		/* the last program ends */
	WRITE_ONCE(d->stop, true);
	wake_up_all(&d->wait);
	mutex_unlock(&d->req_mutex);
	thread_join(d->engine);
	mmu_notifier_unregister(&d->mn, d->mm);
	dev_free(d);
}

struct shadow_dev *shadow_find(u32 id)
{
	struct shadow_dev *d;

	list_for_each_entry(d, &shadow_list, link)
		if (d->id == id)
			return d;
	return NULL;
}

void shadow_get_stats(struct shadow_dev *d, struct shadow_stats *s)
{
	u64 n[SHADOW_NR_COUNTERS];

	for (u32 i = 0; i < SHADOW_NR_COUNTERS; i++)
		n[i] = (u64)atomic64_read(&d->count[i]);
	*s = (struct shadow_stats){
		.faults = n[SHADOW_FAULTS], .retries = n[SHADOW_RETRIES],
		.installs = n[SHADOW_INSTALLS], .zaps = n[SHADOW_ZAPS],
		.accesses = n[SHADOW_ACCESSES], .flushes = n[SHADOW_FLUSHES],
		.stale = n[SHADOW_STALE], .entries = n[SHADOW_ENTRIES],
		.tables = d->class->tables ? d->class->tables(d) : 0,
	};
}

u32 shadow_dev_id(const struct shadow_dev *d)
{
	return d->id;
}

bool shadow_within_primary(struct shadow_dev *d, vaddr_t va, pte_t e)
{
	pte_t primary;
	int level;

	rcu_read_lock();
	primary = pgtable_read(&d->mm->pgt, va, &level, NULL);
	rcu_read_unlock();
	return level == 1 && pte_present(primary) &&
		pte_pfn(primary) == pte_pfn(e) &&
		(!pte_write(e) || pte_write(primary));
}

static u32 check_all(void)
{
	struct shadow_dev *d;
	u32 bad = 0;

	mutex_lock(&shadow_list_mutex);
	list_for_each_entry(d, &shadow_list, link)
		if (d->class->check)
			bad += d->class->check(d);
	mutex_unlock(&shadow_list_mutex);
	return bad;
}

static int shadow_init(void)
{
	mm_check_register(check_all);
	return 0;
}
INITCALL(shadow_init);
