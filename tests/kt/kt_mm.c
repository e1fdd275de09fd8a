/* SPDX-License-Identifier: MIT */
/* Helpers of the mm tests: see kt_mm.h. */
#include "arch/smp.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/migrate.h"
#include "mm/slab.h"
#include "tests/kt/kt_mm.h"

static struct kt_file *file_of(struct address_space *m)
{
	return container_of(m, struct kt_file, m);
}

static int kt_read_folio(struct address_space *m, struct page *page)
{
	struct kt_file *f = file_of(m);
	u64 *words = page_address(page);

	f->reads++;
	if (f->fail)
		return f->fail;
	for (u32 i = 0; i < PAGE_SIZE / 8; i++)
		words[i] = kt_word(f->tag, page->index);
	return 0;
}

static void kt_get(struct address_space *m)
{
	atomic_inc(&file_of(m)->refs);
}

static void kt_put(struct address_space *m)
{
	kt_file_put(file_of(m));
}

static const char *kt_name(struct address_space *m)
{
	(void)m;
	return "[test file]";
}

static const struct address_space_operations kt_ops = {
	.read_folio = kt_read_folio,
	.get = kt_get,
	.put = kt_put,
	.name = kt_name,
};

struct kt_file *kt_file_create(u32 tag, u64 bytes)
{
	struct kt_file *f = kzalloc(sizeof(*f));

	if (!f)
		return NULL;
	address_space_init(&f->m, &kt_ops, f);
	f->m.size = bytes;
	f->tag = tag;
	atomic_set(&f->refs, 1);
	return f;
}

void kt_file_put(struct kt_file *f)
{
	if (!atomic_dec_and_test(&f->refs))
		return;
	address_space_destroy(&f->m);
	kfree(f);
}

s64 kt_mmap(struct mm_struct *mm, vaddr_t addr, u64 len, int prot, int flags)
{
	struct mmap_request rq = {
		.addr = addr, .len = len, .prot = prot, .flags = flags,
	};

	return do_mmap(mm, &rq);
}

s64 kt_map(struct mm_struct *mm, u64 off, u64 len, int prot)
{
	return kt_mmap(mm, KT_BASE + off, len, prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
}

s64 kt_map_file(struct mm_struct *mm, struct kt_file *f, u64 off, u64 len,
		int share)
{
	struct mmap_request rq = {
		.addr = KT_BASE + off, .len = len, .prot = PROT_RW,
		.flags = share | MAP_FIXED, .mapping = &f->m,
		.may = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
	};

	return do_mmap(mm, &rq);
}

s64 kt_mremap(struct mm_struct *mm, vaddr_t old, u64 old_len, u64 new_len,
	      vaddr_t to)
{
	struct mremap_request rq = {
		.old = old, .old_len = old_len, .new_len = new_len,
	};

	if (to != KT_STAY)
		rq.flags = MREMAP_MAYMOVE;
	if (to > KT_ANYWHERE) {
		rq.flags |= MREMAP_FIXED;
		rq.new_addr = to;
	}
	return do_mremap(mm, &rq);
}

pte_t kt_pte(struct mm_struct *mm, vaddr_t va)
{
	int level;
	pte_t e;

	rcu_read_lock();
	e = pgtable_read(&mm->pgt, va, &level, NULL);
	rcu_read_unlock();
	return level == 1 ? e : __pte(0);
}

enum fault_result kt_fault(struct mm_struct *mm, vaddr_t va, u32 flags)
{
	struct vm_area_struct *vma;
	enum fault_result res = FAULT_SIGSEGV_MAPERR;

	mmap_read_lock(mm);
	vma = fault_find_vma(mm, va);
	if (vma)
		res = handle_mm_fault(vma, va, flags | FAULT_REMOTE);
	mmap_read_unlock(mm);
	return res;
}

int kt_poke(struct mm_struct *mm, vaddr_t va, u64 word)
{
	return copy_to_mm(mm, va, &word, sizeof(word)) ? -EFAULT : 0;
}

u64 kt_peek(struct mm_struct *mm, vaddr_t va)
{
	u64 word;

	if (copy_from_mm(mm, &word, va, sizeof(word)))
		return KT_NONE;
	return word;
}

u32 kt_vmas(struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	u32 n = 0;

	mmap_read_lock(mm);
	for_each_vma(mm, vma)
		n++;
	if (n != mm->map_count)
		n = ~0U;
	mmap_read_unlock(mm);
	return n;
}

int kt_move_page(struct mm_struct *mm, vaddr_t va)
{
	struct page *p;

	mmap_read_lock(mm);
	p = isolate_mapped_page(mm, va, MOVE_SHARED);
	mmap_read_unlock(mm);
	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	return migrate_page(p, new_page_anywhere, NULL);
}

void kt_pin(u32 cpu)
{
	thread_migrate_self(cpu);
}

void kt_unpin(void)
{
	struct cpumask all;

	cpumask_setall(&all);
	thread_set_affinity(current(), &all);
}

u32 kt_other_cpu(void)
{
	u32 cpu = cpumask_next(0, &cpu_online_mask);

	return cpu < NR_CPUS ? cpu : 0;
}

u32 kt_third_cpu(void)
{
	u32 cpu = cpumask_next(kt_other_cpu(), &cpu_online_mask);

	return kt_other_cpu() && cpu < NR_CPUS ? cpu : 0;
}
