/* SPDX-License-Identifier: MIT */
/*
 * From the trap to handle_mm_fault: which address space, may we sleep, does a
 * stack grow, and what becomes of a fault nobody can resolve.
 *
 * Y1. Refused (false, nothing touched): kernel addresses, faults with
 *     interrupts or preemption off, kernel code that touches user memory
 *     without having opened it (SMAP) or jumps there, threads without an mm.
 *     The caller then tries the exception table.
 * Y2. A reserved-bit fault means a broken table of ours: panic, with the walk.
 * Y3. A stack grows under mmap_lock write: the read lock is dropped, and the
 *     vma looked up again.
 * Y5. A fault tries with its vma's lock alone first (mm/vma_lock.c), and takes
 *     mmap_lock when the vma is not found or marked, or when the fault would
 *     need an anon_vma that is not there yet: making one looks at neighbours.
 * Y4. Out of memory for a table or a structure, which are not allocated with
 *     reclaim: that is made up for here, with no lock held, a few times,
 *     before the program dies for it.
 *
 * Tests: tests/kt/kt_fault.c, and every program
 */
#include "arch/cpu.h"
#include "arch/trap.h"
#include "arch/upcall.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "mm/cow.h"
#include "mm/rmap.h"
#include "mm/vmscan.h"

/* Linux's signal numbers and codes: what programs see. */
#define SIGBUS_NR	7
#define SIGKILL_NR	9
#define SIGSEGV_NR	11
#define SEGV_MAPERR	1
#define SEGV_ACCERR	2
#define BUS_ADRERR	2
#define SI_KERNEL	0x80

static bool stack_may_grow(struct vm_area_struct *vma, vaddr_t start)
{
	struct vm_area_struct *prev = vma_prev(vma);

	if (vma->vm_end - start > READ_ONCE(vma->vm_mm->limit_stack) ||
	     start < MMAP_MIN_ADDR)
		return false;
	if (vma_is_anon(vma) &&
	    vma->vm_pgoff < (vma->vm_start - start) >> PAGE_SHIFT)
		return false;
	return !prev || prev->vm_end + STACK_GUARD_GAP <= start;
}

/* mmap_lock write held.  Grows the stack above va down to it, if it may. */
static void grow_stack(struct mm_struct *mm, vaddr_t va)
{
	struct vm_area_struct *vma = find_vma(mm, va);
	vaddr_t start = va & PAGE_MASK;
	u64 pages;

	if (!vma || vma->vm_start <= va || !(vma->vm_flags & VM_GROWSDOWN) ||
	    !stack_may_grow(vma, start))
		return;
	pages = (vma->vm_start - start) >> PAGE_SHIFT;
	if (!mm_may_map(mm, pages))
		return;
	vma_start_write(vma);
	rmap_vma_detach(vma);
	vma->vm_pgoff -= pages;
	WRITE_ONCE(vma->vm_start, start);
	rmap_vma_attach(vma);
	vma_tree_moved(vma);
	mm->total_vm += pages;
}

struct vm_area_struct *fault_find_vma(struct mm_struct *mm, vaddr_t va)
{
	struct vm_area_struct *vma = find_vma(mm, va);

	if (!vma || vma->vm_start <= va)
		return vma;
	if (!(vma->vm_flags & VM_GROWSDOWN))
		return NULL;
	mmap_read_unlock(mm);				/* Y3 */
	mmap_write_lock(mm);
	grow_stack(mm, va);
	mmap_write_downgrade(mm);
	return vma_lookup(mm, va);
}

static void refuse_reserved_bit(struct mm_struct *mm, vaddr_t addr, u64 err)
{
	struct pt_path path = { 0 };
	int level;

	rcu_read_lock();
	pgtable_read(&mm->pgt, addr, &level, &path);
	rcu_read_unlock();
	for (int l = PT_LEVELS; l >= level; l--)
		pr_err("  %s %p: %016llx\n", pt_level_name[l], path.where[l],
		       path.entry[l].val);
	panic("reserved bit set in a page table: address %llx error %llx",
	      addr, err);
}

/* Y1. */
static bool may_handle(const struct regs *r, vaddr_t addr, u64 err)
{
	if (addr >= USER_END || !(r->rflags & RFLAGS_IF) ||
	    this_cpu_read(preempt_count) || !current()->mm)
		return false;
	if (user_mode(r))
		return true;
	if (err & PF_I)
		return false;
	return !cpu_features.smap || (r->rflags & RFLAGS_AC);
}

/* Y5. */
static bool wants_anon_vma(const struct vm_area_struct *vma, u32 flags)
{
	return (flags & FAULT_WRITE) && is_cow_mapping(vma->vm_flags) &&
	       !smp_load_acquire(&vma->anon_vma);	/* anon_vma_prepare */
}

/* False: take mmap_lock. */
static bool fault_with_vma_lock(struct mm_struct *mm, vaddr_t addr, u32 flags,
				enum fault_result *res)
{
	struct vm_area_struct *vma = lock_vma_under_rcu(mm, addr);
	bool done = false;

	if (vma) {
		done = !wants_anon_vma(vma, flags);
		if (done)
			*res = handle_mm_fault(vma, addr,
					       flags | FAULT_VMA_LOCK);
		vma_end_read(vma);
	}
	if (done)
		this_cpu_inc(fault_counts.vma_lock);
	else
		this_cpu_inc(fault_counts.mmap_lock);
	return done;
}

static enum fault_result fault_with_mmap_lock(struct mm_struct *mm,
					      vaddr_t addr, u32 flags)
{
	struct vm_area_struct *vma;
	enum fault_result res;

	mmap_read_lock(mm);
	vma = fault_find_vma(mm, addr);
	res = vma ? handle_mm_fault(vma, addr, flags) : FAULT_SIGSEGV_MAPERR;
	mmap_read_unlock(mm);
	return res;
}

enum fault_result fault_user_address(struct mm_struct *mm, vaddr_t addr,
				     u32 flags)
{
	enum fault_result res;
	u32 attempt = 0;

	might_lock(&mm->mmap_lock, LOCK_MMAP);
	do {
		if (!fault_with_vma_lock(mm, addr, flags, &res))
			res = fault_with_mmap_lock(mm, addr, flags);
		if (res == FAULT_OOM && reclaim_for_retry(attempt++))
			res = FAULT_RETRY;			/* Y4 */
	} while (res == FAULT_RETRY);
	return res;
}

static void fault_signal(enum fault_result res, int *sig, int *code)
{
	*sig = SIGSEGV_NR;
	*code = res == FAULT_SIGSEGV_ACCERR ? SEGV_ACCERR : SEGV_MAPERR;
	if (res == FAULT_SIGBUS) {
		*sig = SIGBUS_NR;
		*code = BUS_ADRERR;
	} else if (res == FAULT_OOM) {
		*sig = SIGKILL_NR;
		*code = SI_KERNEL;
	}
}

bool upcall_page_fault(struct regs *r, vaddr_t addr, u64 err, int *sig,
		       int *code)
{
	enum fault_result res;
	struct mm_struct *mm;
	u32 flags = 0;

	fault_signal(FAULT_SIGSEGV_MAPERR, sig, code);
	if (addr >= USER_END)		/* current may be what is broken */
		return false;
	mm = current()->mm;
	if (mm && addr < USER_END && (err & PF_RSVD))		/* Y2 */
		refuse_reserved_bit(mm, addr, err);
	if (!may_handle(r, addr, err))
		return false;
	flags |= err & PF_W ? FAULT_WRITE : 0;
	flags |= err & PF_U ? FAULT_USER : 0;
	flags |= err & PF_I ? FAULT_EXEC : 0;
	res = fault_user_address(mm, addr, flags);
	TRACE4(FAULT, mm->id, addr, err, res);
	if (res == FAULT_DONE) {
		current()->faults++;
		return true;
	}
	fault_signal(res, sig, code);
	if (res == FAULT_OOM && user_mode(r))	/* else the call says EFAULT */
		pr_err("out of memory: thread %u of mm %u killed at %llx\n",
		       current()->tid, mm->id, addr);
	return false;
}
