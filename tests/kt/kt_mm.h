/* SPDX-License-Identifier: MIT */
/*
 * Address spaces and files for tests: no process needed.  "User" accesses go
 * through get_user_page and the direct map.
 */
#ifndef TESTS_KT_MM_H
#define TESTS_KT_MM_H

#include "kernel/ktest.h"
#include "lib/err.h"
#include "mm/fault.h"
#include "mm/filemap.h"
#include "mm/gup.h"
#include "mm/internal.h"
#include "mm/mmap.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"

#define KT_BASE		0x40000000UL	/* where tests like to map */
#define PROT_RW		(PROT_READ | PROT_WRITE)

/* A file whose page i holds kt_word(tag, i) in every word. */
struct kt_file {
	struct address_space m;
	atomic_t refs;
	u32 tag;
	int fail;			/* read_folio returns this if not 0 */
	u32 reads;
};
struct kt_file *kt_file_create(u32 tag, u64 bytes);
void kt_file_put(struct kt_file *f);
static inline u64 kt_word(u32 tag, u64 index) { return (u64)tag << 32 | index; }

/* Anonymous private at KT_BASE + off.  The address or -Exxx. */
s64 kt_map(struct mm_struct *mm, u64 off, u64 len, int prot);
/* File at KT_BASE + off. */
s64 kt_map_file(struct mm_struct *mm, struct kt_file *f, u64 off, u64 len,
		int share);
s64 kt_mmap(struct mm_struct *mm, vaddr_t addr, u64 len, int prot, int flags);

/* `to`: an address, or one of these. */
#define KT_STAY		0UL
#define KT_ANYWHERE	1UL
s64 kt_mremap(struct mm_struct *mm, vaddr_t old, u64 old_len, u64 new_len,
	      vaddr_t to);

pte_t kt_pte(struct mm_struct *mm, vaddr_t va);
enum fault_result kt_fault(struct mm_struct *mm, vaddr_t va, u32 flags);
/* 0 or -EFAULT. */
int kt_poke(struct mm_struct *mm, vaddr_t va, u64 word);
/* The word, or KT_NONE when it cannot be read. */
#define KT_NONE 0xdeadbeefdeadbeefUL
u64 kt_peek(struct mm_struct *mm, vaddr_t va);
u32 kt_vmas(struct mm_struct *mm);
/* Give what is mapped at va another frame.  0 or -Exxx. */
int kt_move_page(struct mm_struct *mm, vaddr_t va);

/* Keep the test thread off a CPU on which another is parked. */
void kt_pin(u32 cpu);
void kt_unpin(void);
/* A CPU other than 0, or 0 when there is one only. */
u32 kt_other_cpu(void);
/* One more, or 0 when there are two only. */
u32 kt_third_cpu(void);

#endif
