/* SPDX-License-Identifier: MIT */
/*
 * A static ELF64 program becomes an address space.
 *
 * E1. Nothing of the file is believed before elf_check() and
 *     elf_check_phdrs(); afterwards segments ascend, share no page and lie in
 *     user space, so mapping them cannot replace anything.
 * E2. Segments are private mappings of the file's page cache; zeros behind a
 *     segment's data come from its last page's tail, written here, and from
 *     anonymous memory.
 * E3. Addresses are the same in every run: no randomisation.
 *
 * The stack, from the top: strings, "x86_64", 16 random bytes, the auxiliary
 * vector, envp, argv, argc.
 * Tests: tests/drive/badinput.py, programs.py
 */
#include "arch/cpu.h"
#include "arch/layout.h"
#include "kernel/upcall.h"
#include "lib/elf.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/gup.h"
#include "mm/mmap.h"
#include "mm/vma.h"
#include "sys/exec.h"
#include "sys/fs.h"
#include "sys/random.h"

#define PIE_BASE	0x555555554000UL
#define STACK_TOP	(USER_END - PAGE_SIZE)
#define STACK_EXTRA	(128UL << 10)
#define HWCAP2_FSGSBASE	2
#define VM_MAYALL	(VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)
#define AUXV_MAX	20

static int prot_of(const struct elf64_phdr *ph)
{
	return (ph->p_flags & ELF_PF_R ? PROT_READ : 0) |
	       (ph->p_flags & ELF_PF_W ? PROT_WRITE : 0) |
	       (ph->p_flags & ELF_PF_X ? PROT_EXEC : 0);
}

static int map(struct exec *x, const struct mmap_request *rq)
{
	s64 ret = do_mmap(x->mm, rq);

	return ret < 0 ? (int)ret : 0;
}

/* [from, to) of the last page of a segment's data becomes zeros. */
static int clear_tail(struct exec *x, vaddr_t from, vaddr_t to)
{
	u64 n = to - from;
	void *zeros;
	int err = 0;

	if (!n)
		return 0;
	zeros = kzalloc(n);
	if (!zeros)
		return -ENOMEM;
	if (copy_to_mm(x->mm, from, zeros, n))
		err = -ENOMEM;
	kfree(zeros);
	return err;
}

static int map_segment(struct exec *x, const struct elf64_phdr *ph, u64 bias)
{
	vaddr_t va = ph->p_vaddr + bias, start = va & PAGE_MASK;
	vaddr_t file_end = va + ph->p_filesz, end = va + ph->p_memsz;
	struct mmap_request rq = {
		.addr = start, .len = file_end - start, .prot = prot_of(ph),
		.flags = MAP_PRIVATE | MAP_FIXED, .may = VM_MAYALL,
		.mapping = &x->inode->mapping,
		.pgoff = (ph->p_offset - (va - start)) >> PAGE_SHIFT,
	};
	int err = 0;

	if (ph->p_filesz) {
		err = map(x, &rq);
		start = PAGE_ALIGN(file_end);
		if (!err && end > file_end && (ph->p_flags & ELF_PF_W))
			err = clear_tail(x, file_end, min(start, end));
	}
	if (!err && end > start) {
		rq.addr = start;
		rq.len = end - start;
		rq.flags |= MAP_ANONYMOUS;
		rq.mapping = NULL;
		rq.pgoff = 0;
		err = map(x, &rq);
	}
	x->brk = max(x->brk, (vaddr_t)PAGE_ALIGN(end));
	return err;
}

static int map_segments(struct exec *x, const struct elf64_ehdr *eh,
			const struct elf64_phdr *ph)
{
	u64 bias = eh->e_type == ET_DYN ? PIE_BASE : 0;
	int err = 0;

	x->elf_entry = eh->e_entry + bias;
	x->phnum = eh->e_phnum;
	for (u32 i = 0; i < eh->e_phnum && !err; i++) {
		const struct elf64_phdr *p = &ph[i];

		if (p->p_type != PT_LOAD || !p->p_memsz)
			continue;
		if (eh->e_phoff >= p->p_offset &&
		    eh->e_phoff - p->p_offset < p->p_filesz)
			x->phdr = p->p_vaddr + bias + eh->e_phoff - p->p_offset;
		err = map_segment(x, p, bias);
	}
	x->mm->start_brk = x->mm->brk = x->brk;
	return err;
}

/* u64 words, first the vector's pointers, then the auxiliary vector. */
struct words {
	u64 *w;
	u32 n;
};

/* Pointers to n strings from *off on; *off is moved behind them. */
static void push_strings(struct words *out, const struct exec *x, vaddr_t base,
			 u64 *off, u32 n)
{
	while (n--) {
		out->w[out->n++] = base + *off;
		*off += strlen(x->args.buf + *off) + 1;
	}
	out->w[out->n++] = 0;
}

static void push_aux(struct words *out, u64 type, u64 val)
{
	out->w[out->n++] = type;
	out->w[out->n++] = val;
}

static void push_auxv(struct words *out, const struct exec *x, vaddr_t execfn,
		      vaddr_t below)
{
	u32 id[4];

	cpuid(1, 0, id);
	push_aux(out, AT_HWCAP, id[3]);
	push_aux(out, AT_PAGESZ, PAGE_SIZE);
	push_aux(out, AT_CLKTCK, HZ_USER);
	push_aux(out, AT_PHDR, x->phdr);
	push_aux(out, AT_PHENT, sizeof(struct elf64_phdr));
	push_aux(out, AT_PHNUM, x->phnum);
	push_aux(out, AT_BASE, 0);
	push_aux(out, AT_FLAGS, 0);
	push_aux(out, AT_ENTRY, x->elf_entry);
	push_aux(out, AT_UID, 0);
	push_aux(out, AT_EUID, 0);
	push_aux(out, AT_GID, 0);
	push_aux(out, AT_EGID, 0);
	push_aux(out, AT_SECURE, 0);
	push_aux(out, AT_RANDOM, below + 16);
	push_aux(out, AT_HWCAP2,
		 cpu_features.fsgsbase ? HWCAP2_FSGSBASE : 0);
	push_aux(out, AT_EXECFN, execfn);
	push_aux(out, AT_PLATFORM, below);
	push_aux(out, AT_NULL, 0);
}

static int write_stack(struct exec *x, struct words *out)
{
	vaddr_t base = (STACK_TOP - 8 - x->args.used) & ~15UL;
	vaddr_t below = base - 32;		/* platform, random bytes */
	char fixed[32] = "x86_64";
	u64 off = 0;

	random_fill(fixed + 16, 16);
	out->w[out->n++] = x->args.argc;
	push_strings(out, x, base, &off, x->args.argc);
	x->mm->arg_end = base + off;
	push_strings(out, x, base, &off, x->args.envc);
	push_auxv(out, x, base + off, below);
	x->sp = (below - out->n * sizeof(u64)) & ~15UL;
	x->mm->start_stack = x->sp;
	x->mm->arg_start = base;
	if (copy_to_mm(x->mm, base, x->args.buf, x->args.used) ||
	    copy_to_mm(x->mm, below, fixed, sizeof(fixed)) ||
	    copy_to_mm(x->mm, x->sp, out->w, out->n * sizeof(u64)))
		return -ENOMEM;
	return 0;
}

static int build_stack(struct exec *x)
{
	u64 nr = (u64)x->args.argc + x->args.envc + 3 + 2 * AUXV_MAX;
	u64 need = x->args.used + nr * sizeof(u64) + 64;
	struct mmap_request rq = {
		.len = PAGE_ALIGN(need + STACK_EXTRA),
		.prot = PROT_READ | PROT_WRITE, .extra = VM_STACK,
		.flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS |
			 MAP_GROWSDOWN,
	};
	struct words out = { NULL, 0 };
	int err;

	rq.addr = STACK_TOP - rq.len;
	err = map(x, &rq);
	if (err)
		return err;
	out.w = kmalloc(nr * sizeof(u64));
	if (!out.w)
		return -ENOMEM;
	err = write_stack(x, &out);
	kfree(out.w);
	return err;
}

/* The checked headers; *ph is for kfree.  0 or -Exxx. */
static int read_headers(struct exec *x, struct elf64_ehdr *eh,
			struct elf64_phdr **ph)
{
	struct address_space *m = &x->inode->mapping;
	u64 file_size = READ_ONCE(m->size), size;
	ssize_t n = filemap_read(m, eh, 0, sizeof(*eh));
	int err;

	if (n < 0)
		return (int)n;
	err = elf_check(eh, (size_t)n, file_size, &x->why);
	if (err)
		return err;
	size = eh->e_phnum * sizeof(struct elf64_phdr);
	*ph = kmalloc(size);
	if (!*ph)
		return -ENOMEM;
	n = filemap_read(m, *ph, eh->e_phoff, size);
	if (n != (ssize_t)size)
		err = n < 0 ? (int)n : -ENOEXEC;
	else
		err = elf_check_phdrs(eh, *ph, file_size, &x->why);
	if (err)
		kfree(*ph);
	return err;
}

int elf_load(struct exec *x)
{
	struct elf64_phdr *ph = NULL;
	struct elf64_ehdr eh;
	int err = read_headers(x, &eh, &ph);			/* E1 */

	if (err)
		return err;
	err = -ENOMEM;
	x->mm = mm_alloc();
	if (x->mm)
		err = map_segments(x, &eh, ph);
	if (!err)
		err = build_stack(x);
	x->entry = x->elf_entry;
	kfree(ph);
	if (err && x->mm) {
		mmput(x->mm);
		x->mm = NULL;
	}
	return err;
}
