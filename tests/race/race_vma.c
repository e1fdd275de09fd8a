/* SPDX-License-Identifier: MIT */
/*
 * Faults that hold nothing but their vma's lock, and walkers of the tree that
 * hold nothing but an RCU section, against those who change the vma
 * (mm/vma_lock.c, mm/take_all_locks.c).
 */
#include "mm/kasan.h"
#include "mm/mmu_model.h"
#include "mm/mmu_notifier.h"
#include "mm/page_alloc.h"
#include "mm/ptmigrate.h"
#include "tests/kt/kt_device.h"
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_util.h"
#include "tests/race/race_util.h"

struct actor {
	struct mm_struct *mm;
	vaddr_t va;
	u32 done;
	s64 ret;
};

static void fault_thread(void *arg)
{
	struct actor *a = arg;

	a->ret = fault_user_address(a->mm, a->va, FAULT_WRITE | FAULT_REMOTE);
}

static void protect_thread(void *arg)
{
	struct actor *a = arg;

	a->ret = do_mprotect(a->mm, KT_BASE, 0x2000, PROT_READ);
	WRITE_ONCE(a->done, 1);
}

static void munmap_thread(void *arg)
{
	struct actor *a = arg;

	a->ret = do_munmap(a->mm, KT_BASE, 0x2000);
	WRITE_ONCE(a->done, 1);
}

static void lock_thread(void *arg)
{
	struct actor *a = arg;
	struct vm_area_struct *vma = lock_vma_under_rcu(a->mm, a->va);

	a->ret = vma != NULL;
	if (vma)
		vma_end_read(vma);
}

/* Two pages, the first written: the vma has its anon_vma. */
static struct mm_struct *mm_ready(void)
{
	struct mm_struct *mm = mm_alloc();

	if (!mm)
		return NULL;
	kt_map(mm, 0, 0x2000, PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	return mm;
}

/* True: a page of a read-only vma is writable afterwards. */
static bool writable_after_mprotect(struct kt *t, u32 bug)
{
	struct mm_struct *mm = mm_ready();
	struct actor f = { .mm = mm, .va = KT_BASE + 0x1000 };
	struct actor p = { .mm = mm };
	struct thread *tf, *tp;
	bool writable;

	if (!KT_EXPECT(t, mm))
		return false;
	bug_set("vma_no_mark", bug);
	tf = race_park(t, "fault:before_map", -1, fault_thread, &f);
	tp = kthread_run("mprotect", -1, protect_thread, &p);
	KT_EQ(t, kt_gets_done(&p.done, bug), bug);	/* waits for the fault */
	race_release("fault:before_map");
	thread_join(tf);
	thread_join(tp);
	bug_set("vma_no_mark", 0);
	KT_EQ(t, f.ret, FAULT_DONE);
	writable = pte_write(kt_pte(mm, KT_BASE + 0x1000));
	mmput(mm);
	return writable;
}

KTEST_FLAGS(race, vma_fault_vs_mprotect, KTF_LAB_ONLY)
{
	KT_EXPECT(t, !writable_after_mprotect(t, 0));
	KT_EXPECT(t, writable_after_mprotect(t, 1));
}

static void fork_thread(void *arg)
{
	struct actor *a = arg;
	struct mm_struct *child = mm_alloc();

	a->ret = child ? dup_mmap(child, a->mm) : -ENOMEM;
	WRITE_ONCE(a->done, 1);
	if (child)
		mmput(child);
}

static void mremap_thread(void *arg)
{
	struct actor *a = arg;

	a->ret = kt_mremap(a->mm, KT_BASE, 0x2000, 0x2000, KT_BASE + 0x10000);
	WRITE_ONCE(a->done, 1);
}

struct fork_again {
	struct mm_struct *mm, *child;
	struct list_head eaten;
	int ret;
};

/* Every frame that an allocation which may not reclaim can have. */
static void eat_memory(struct list_head *eaten)
{
	struct page *p;

	while ((p = alloc_page(ALLOC_PLAIN)))
		list_add(&p->lru, eaten);
}

static void give_back(struct list_head *eaten)
{
	struct page *p, *n;

	list_for_each_entry_safe(p, n, eaten, lru) {
		list_del(&p->lru);
		put_page(p);
	}
}

static void fork_hungry_thread(void *arg)
{
	struct fork_again *f = arg;

	eat_memory(&f->eaten);
	f->ret = dup_mmap(f->child, f->mm);
}

/* It lets go of the section, waits for a frame, and goes on. */
KTEST_FLAGS(race, fork_waits_for_memory, KTF_LAB_ONLY | KTF_SLOW)
{
	struct mm_struct *mm = mm_ready();
	struct fork_again f = { .mm = mm, .child = mm_alloc() };
	struct thread *th;

	KT_ASSERT(t, mm && f.child);
	INIT_LIST_HEAD(&f.eaten);
	kt_poke(mm, KT_BASE, 77);
	th = race_park(t, "reclaim:for_retry", -1, fork_hungry_thread, &f);
	give_back(&f.eaten);
	race_let_go("reclaim:for_retry", th);
	KT_EQ(t, f.ret, 0);
	KT_EQ(t, kt_peek(f.child, KT_BASE), 77);
	mmput(f.child);
	mmput(mm);
}

/* Whoever changes the vma or its entries waits for the fault inside. */
static void fault_against(struct kt *t, void (*change)(void *), s64 ret)
{
	struct mm_struct *mm = mm_ready();
	struct actor f = { .mm = mm, .va = KT_BASE + 0x1000 };
	struct actor c = { .mm = mm };
	struct thread *tf, *tc;

	KT_ASSERT(t, mm);
	tf = race_park(t, "fault:before_map", -1, fault_thread, &f);
	tc = kthread_run("change", -1, change, &c);
	sleep_ms(20);
	KT_EQ(t, READ_ONCE(c.done), 0);
	race_let_go("fault:before_map", tf);
	thread_join(tc);
	KT_EQ(t, f.ret, FAULT_DONE);
	KT_EQ(t, c.ret, ret);
	KT_EQ(t, atomic64_read(&mm->rss_anon), kt_vmas(mm) ? 2 : 0);
	mmput(mm);
}

KTEST_FLAGS(race, vma_fault_vs_munmap, KTF_LAB_ONLY)
{
	fault_against(t, munmap_thread, 0);
}

KTEST_FLAGS(race, vma_fault_vs_fork, KTF_LAB_ONLY)
{
	fault_against(t, fork_thread, 0);
}

KTEST_FLAGS(race, vma_fault_vs_mremap, KTF_LAB_ONLY)
{
	fault_against(t, mremap_thread, KT_BASE + 0x10000);
}

static void stop_thread(void *arg)
{
	struct ptmigrate_result res;
	struct actor *a = arg;

	a->ret = mm_relocate_tables(a->mm, PTMIGRATE_STOP, &res);
	WRITE_ONCE(a->done, 1);
}

/* A fault that will add a table: counted before STOP takes its frames. */
KTEST_FLAGS(race, vma_fault_vs_stop, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc();
	struct actor f = { .mm = mm, .va = KT_BASE + pt_size(2) };
	struct actor s = { .mm = mm };
	struct thread *tf, *ts;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 2 * pt_size(2), PROT_RW);
	kt_poke(mm, KT_BASE, 1);
	tf = race_park(t, "fault:before_map", -1, fault_thread, &f);
	ts = kthread_run("stop", -1, stop_thread, &s);
	sleep_ms(20);
	KT_EQ(t, READ_ONCE(s.done), 0);
	race_let_go("fault:before_map", tf);
	thread_join(ts);
	KT_EQ(t, f.ret, FAULT_DONE);
	KT_EQ(t, s.ret, 0);
	mmput(mm);
}

/* The other order: munmap has marked the vma, and the fault must wait. */
KTEST_FLAGS(race, vma_munmap_vs_fault, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_ready();
	struct actor f = { .mm = mm, .va = KT_BASE + 0x1000, .ret = -1 };
	struct actor u = { .mm = mm };
	struct thread *tf, *tu;

	KT_ASSERT(t, mm);
	tu = race_park(t, "munmap:marked", -1, munmap_thread, &u);
	tf = kthread_run("fault", -1, fault_thread, &f);
	sleep_ms(30);
	KT_EQ(t, READ_ONCE(f.ret), -1);
	race_let_go("munmap:marked", tf);
	thread_join(tu);
	KT_EQ(t, f.ret, FAULT_SIGSEGV_MAPERR);
	mmput(mm);
}

/* (1), then everything from (A) to (D), then (2): a is locked, or refused. */
static s64 lock_after(struct kt *t, vaddr_t va, void (*change)(void *mm))
{
	struct mm_struct *mm = mm_ready();
	struct actor a = { .mm = mm, .va = va };
	struct thread *th;

	if (!KT_EXPECT(t, mm))
		return -1;
	kt_pin(0);
	th = race_park(t, "vma:before_read", (int)kt_other_cpu(), lock_thread,
		       &a);
	change(mm);
	race_let_go("vma:before_read", th);
	kt_unpin();
	mmput(mm);
	return a.ret;
}

static void unmap_all(void *mm) { do_munmap(mm, KT_BASE, 0x2000); }
static void unmap_second(void *mm) { do_munmap(mm, KT_BASE + 0x1000, 0x1000); }
static void unmap_first(void *mm) { do_munmap(mm, KT_BASE, 0x1000); }

KTEST_FLAGS(race, vma_walk_vs_change, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	KT_EQ(t, lock_after(t, KT_BASE, unmap_all), 0);
	KT_EQ(t, lock_after(t, KT_BASE + 0x1000, unmap_second), 0);
	KT_EQ(t, lock_after(t, KT_BASE, unmap_first), 0);
	KT_EQ(t, lock_after(t, KT_BASE, unmap_second), 1);
}

/* (1), then (A) and (B), then (2): (3) sees the mark. */
KTEST_FLAGS(race, vma_mark_vs_read, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_ready();
	struct actor a = { .mm = mm, .va = KT_BASE, .ret = -1 };
	struct actor u = { .mm = mm };
	struct thread *tr, *tu;

	KT_ASSERT(t, mm);
	if (!kt_other_cpu()) {
		mmput(mm);
		KT_SKIP(t, "needs two CPUs");
	}
	kt_pin(0);
	race_arm("vma:before_read", 1);
	race_arm("munmap:marked", 1);
	tr = kthread_run("reader", (int)kt_other_cpu(), lock_thread, &a);
	KT_EQ(t, race_wait_parked("vma:before_read"), 0);
	tu = kthread_run("munmap", 0, munmap_thread, &u);
	KT_EQ(t, race_wait_parked("munmap:marked"), 0);
	race_let_go("vma:before_read", tr);
	KT_EQ(t, a.ret, 0);
	race_let_go("munmap:marked", tu);
	kt_unpin();
	mmput(mm);
}

/*
 * StackRot (CVE-2023-3269): a walker stands on a node that is taken out of the
 * tree and freed.  Reports: the node it went on from was freed memory.
 */
static u32 walk_over_freed(struct kt *t, u32 bug)
{
	struct mm_struct *mm = mm_ready();
	struct actor a = { .mm = mm, .va = KT_BASE };
	struct thread *th;

	if (!KT_EXPECT(t, mm))
		return 0;
	kt_pin(0);
	mmu_model_expect(1);
	mmu_model_reports();
	bug_set("vma_free_now", bug);
	if (bug)
		kasan_expect_all();
	th = race_park(t, "vma:walk", (int)kt_other_cpu(), lock_thread, &a);
	unmap_all(mm);
	race_let_go("vma:walk", th);
	bug_set("vma_free_now", 0);
	mmu_model_expect(0);
	if (bug)
		KT_EXPECT(t, kasan_expect_all_end() || !CONFIG_KASAN);
	kt_unpin();
	KT_EQ(t, a.ret, 0);
	mmput(mm);
	return mmu_model_reports();
}

KTEST_FLAGS(race, vma_walk_vs_free, KTF_LAB_ONLY)
{
	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	KT_EQ(t, walk_over_freed(t, 0), 0);
	KT_EQ(t, walk_over_freed(t, 1), 1);
}

/* Two first faults both make an anon_vma: one is published, the other freed. */
KTEST_FLAGS(race, anon_vma_made_twice, KTF_LAB_ONLY)
{
	struct mm_struct *mm = mm_alloc();
	struct actor f = { .mm = mm, .va = KT_BASE };
	struct vm_area_struct *vma;
	struct anon_vma *av;
	struct thread *tf;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x2000, PROT_RW);
	tf = race_park(t, "anon_vma:allocated", -1, fault_thread, &f);
	KT_EQ(t, kt_poke(mm, KT_BASE + 0x1000, 1), 0);
	race_let_go("anon_vma:allocated", tf);
	KT_EQ(t, f.ret, FAULT_DONE);
	mmap_read_lock(mm);
	vma = vma_lookup(mm, KT_BASE);
	av = vma->anon_vma;
	KT_EXPECT(t, list_is_singular(&vma->anon_vma_chain));
	mmap_read_unlock(mm);
	for (vaddr_t va = KT_BASE; va < KT_BASE + 0x2000; va += PAGE_SIZE)
		KT_EQ(t, (u64)pte_page(kt_pte(mm, va))->mapping,
		      (u64)av | PAGE_MAPPING_ANON);
	mmput(mm);
}

/*
 * A copy under the vma's lock has opened its section when a device registers,
 * and maps the original.  Is it ever told of the copy?
 */
static bool misses_copy(struct kt *t, enum mmu_notifier_method way, u32 bug)
{
	const char *bugs[] = { [MN_DRAIN] = "no_drain",
			       [MN_LOCKS] = "all_locks_no_vmas" };
	struct mm_struct *mm, *child;
	struct actor f = { .va = KT_BASE };
	struct thread *tf, *tr;
	struct kt_device d;
	bool stale;

	mmu_notifier_set_method(way);
	f.mm = mm = mm_ready();
	child = mm_alloc();
	if (!KT_EXPECT(t, mm && child))
		return false;
	kt_device_init(&d, mm, KT_BASE);
	KT_EQ(t, dup_mmap(child, mm), 0);
	bug_set(bugs[way], bug);
	race_arm("cow:after_start", 1);
	tf = kthread_run("fault", -1, fault_thread, &f);
	KT_EQ(t, race_wait_parked("cow:after_start"), 0);
	tr = kthread_run("register", -1, kt_device_register_thread, &d);
	KT_EQ(t, kt_gets_done(&d.done, bug), bug);	/* waits for the fault */
	race_release("cow:after_start");
	thread_join(tf);
	thread_join(tr);
	bug_set(bugs[way], 0);
	mmu_notifier_set_method(MN_DRAIN);
	KT_EQ(t, f.ret, FAULT_DONE);
	KT_EQ(t, d.err, 0);
	stale = kt_device_stale(&d);
	mmu_notifier_unregister(&d.mn, mm);
	mmput(mm);
	mmput(child);
	return stale;
}

KTEST_FLAGS(race, register_vs_vma_fault, KTF_LAB_ONLY)
{
	KT_EXPECT(t, !misses_copy(t, MN_LOCKS, 0));
	KT_EXPECT(t, misses_copy(t, MN_LOCKS, 1));
}

KTEST_FLAGS(race, drain_vs_vma_fault, KTF_LAB_ONLY)
{
	KT_EXPECT(t, !misses_copy(t, MN_DRAIN, 0));
	KT_EXPECT(t, misses_copy(t, MN_DRAIN, 1));
}
