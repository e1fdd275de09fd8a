/* SPDX-License-Identifier: MIT */
/*
 * lib/elf: good headers, then one thing wrong at a time with the reason
 * expected; cuts at every byte; random damage, where whatever is accepted must
 * hold what elf.h promises.
 */
#include "tests/host/tap.h"
#include "lib/compiler.h"
#include "lib/elf.h"
#include "lib/err.h"
#include "lib/prng.h"
#include "lib/string.h"

#define NR_PH		5
#define FILE_SIZE	0x5000ULL
#define IMAGE_LEN	(64 + NR_PH * 56)	/* headers, as in the file */

struct image {
	struct elf64_ehdr eh;
	struct elf64_phdr ph[ELF_MAX_PHNUM];	/* NR_PH are in use */
};

static struct image img;
static u64 file_size;

static void good_image(u16 type)
{
	u64 base = type == ET_EXEC ? 0x400000 : 0;

	host_memset(&img, 0, sizeof(img));
	host_memcpy(img.eh.e_ident, "\177ELF\2\1\1", 7);
	img.eh.e_type = type;
	img.eh.e_machine = EM_X86_64;
	img.eh.e_version = 1;
	img.eh.e_entry = base + 0x1010;
	img.eh.e_phoff = 64;
	img.eh.e_ehsize = 64;
	img.eh.e_phentsize = 56;
	img.eh.e_phnum = NR_PH;
	img.ph[0] = (struct elf64_phdr){ PT_LOAD, ELF_PF_R, 0, base, base, 0x200,
					 0x200, 0x1000 };
	img.ph[1] = (struct elf64_phdr){ PT_LOAD, ELF_PF_R | ELF_PF_X, 0x1000,
					 base + 0x1000, 0, 0x1800, 0x1800,
					 0x1000 };
	img.ph[2] = (struct elf64_phdr){ PT_LOAD, ELF_PF_R | ELF_PF_W, 0x3f10,
					 base + 0x4f10, 0, 0x400, 0x9000,
					 0x1000 };
	img.ph[3] = (struct elf64_phdr){ PT_TLS, ELF_PF_R, 0x3f10, base + 0x4f10,
					 0, 0x10, 0x40, 8 };
	img.ph[4] = (struct elf64_phdr){ PT_GNU_STACK, ELF_PF_R | ELF_PF_W, 0, 0, 0, 0,
					 0, 16 };
	file_size = FILE_SIZE;
}

static int check(const char **why)
{
	int rc;

	*why = NULL;
	rc = elf_check(&img, sizeof(img), file_size, why);
	if (!rc)
		rc = elf_check_phdrs(&img.eh, img.ph, file_size, why);
	CHECK(rc ? rc == -ENOEXEC && *why : !*why);
	return rc;
}

static void test_good(void)
{
	const char *why;

	good_image(ET_EXEC);
	CHECKF(check(&why) == 0, "%s", why);
	good_image(ET_DYN);
	CHECKF(check(&why) == 0, "%s", why);
	img.ph[1].p_align = 0;		/* means: none */
	CHECK(check(&why) == 0);
	img.ph[1].p_align = 1;
	CHECK(check(&why) == 0);
	img.ph[0].p_type = PT_NULL;
	CHECK(check(&why) == 0);
	img.ph[0] = img.ph[1];		/* an empty segment is no overlap */
	img.ph[0].p_filesz = img.ph[0].p_memsz = 0;
	CHECK(check(&why) == 0);
	good_image(ET_EXEC);
	img.ph[2].p_offset = file_size - img.ph[2].p_filesz - 0xf0;
	img.ph[2].p_vaddr = 0x500000 | (img.ph[2].p_offset & 0xfff);
	CHECKF(check(&why) == 0, "%s", why);
}

/* field = value in a good image must be refused with this reason. */
#define REFUSED(field, value, reason) do {				\
	const char *why_;						\
	good_image(ET_EXEC);						\
	img.field = (typeof(img.field))(value);				\
	CHECK(check(&why_) == -ENOEXEC);				\
	CHECKF(why_ && !strcmp(why_, reason), "%s", why_);		\
} while (0)

static void test_bad_header(void)
{
	REFUSED(eh.e_ident[0], 0, "not an ELF file");
	REFUSED(eh.e_ident[3], 'G', "not an ELF file");
	REFUSED(eh.e_ident[EI_CLASS], 1, "not a 64-bit ELF file");
	REFUSED(eh.e_ident[EI_DATA], 2, "not little-endian");
	REFUSED(eh.e_ident[EI_VERSION], 0, "unknown ELF version");
	REFUSED(eh.e_version, 2, "unknown ELF version");
	REFUSED(eh.e_machine, 183, "not for x86-64");
	REFUSED(eh.e_type, ET_REL, "an object file, not linked");
	REFUSED(eh.e_type, ET_CORE, "a core dump, not a program");
	REFUSED(eh.e_type, 0xfe00, "not an executable");
	REFUSED(eh.e_ehsize, 52, "wrong ELF header size");
	REFUSED(eh.e_phnum, 0, "no program headers");
	REFUSED(eh.e_phnum, 65535, "too many program headers");
	REFUSED(eh.e_phnum, 10000, "too many program headers");
	REFUSED(eh.e_phnum, ELF_MAX_PHNUM + 1, "too many program headers");
	REFUSED(eh.e_phentsize, 32, "wrong program header size");
	REFUSED(eh.e_phentsize, 0, "wrong program header size");
	REFUSED(eh.e_phoff, FILE_SIZE, "program headers outside the file");
	REFUSED(eh.e_phoff, FILE_SIZE - NR_PH * 56 + 1,
		"program headers outside the file");
	REFUSED(eh.e_phoff, -8, "program headers outside the file");
}

static void test_bad_segment(void)
{
	REFUSED(ph[1].p_filesz, 0x1801,
		"a segment is larger in the file than in memory");
	REFUSED(ph[2].p_offset, 0x5f10, "a segment lies outside the file");
	REFUSED(ph[2].p_offset, -0xf0, "a segment lies outside the file");
	REFUSED(ph[2].p_offset, 0x4f10, "a segment lies outside the file");
	REFUSED(ph[2].p_vaddr, 0x800000000f10,
		"a segment's address is not canonical");
	REFUSED(ph[2].p_vaddr, 0xffff7ffffffff000,
		"a segment's address is not canonical");
	REFUSED(ph[2].p_vaddr, 0xffff800000000f10,
		"a segment lies in the kernel's half");
	REFUSED(ph[2].p_vaddr, 0xffffffff80100f10,
		"a segment lies in the kernel's half");
	REFUSED(ph[2].p_vaddr, 0x7ffffffff000,
		"a segment reaches past the user address range");
	REFUSED(ph[2].p_memsz, 1ULL << 47,
		"a segment reaches past the user address range");
	REFUSED(ph[2].p_memsz, U64_MAX,
		"a segment reaches past the user address range");
	REFUSED(ph[0].p_vaddr, 0, "a segment lies in the lowest 64 KiB");
	REFUSED(ph[0].p_vaddr, 0xf000, "a segment lies in the lowest 64 KiB");
	REFUSED(ph[1].p_align, 0x1800,
		"a segment's alignment is no power of two");
	REFUSED(ph[1].p_align, -1, "a segment's alignment is no power of two");
	REFUSED(ph[1].p_align, 0x800000,
		"a segment's address and offset are misaligned");
	REFUSED(ph[1].p_offset, 0x1008,
		"a segment's address and offset are misaligned");
	REFUSED(ph[1].p_flags, 7, "a segment is writable and executable");
	REFUSED(ph[2].p_flags, 7, "a segment is writable and executable");
}

static void test_bad_set(void)
{
	const char *why;

	REFUSED(ph[2].p_vaddr, 0x402f10,	/* shares a page with ph[1] */
		"segments overlap or are out of order");
	REFUSED(ph[2].p_vaddr, 0x300f10,
		"segments overlap or are out of order");
	REFUSED(ph[0].p_memsz, 0x1001, "segments overlap or are out of order");
	REFUSED(eh.e_entry, 0,
		"the entry point is in no executable segment");
	REFUSED(eh.e_entry, 0x402800,
		"the entry point is in no executable segment");
	REFUSED(eh.e_entry, 0x405000,		/* writable, not executable */
		"the entry point is in no executable segment");
	REFUSED(eh.e_entry, -1, "the entry point is in no executable segment");
	REFUSED(ph[4].p_type, PT_INTERP, "needs a dynamic linker");
	REFUSED(ph[3].p_memsz, ELF_MAX_TLS + 1,
		"the thread-local segment is too large");
	REFUSED(ph[3].p_filesz, 0x41,
		"a segment is larger in the file than in memory");
	REFUSED(ph[3].p_offset, FILE_SIZE - 0xf,
		"a segment lies outside the file");
	good_image(ET_EXEC);
	for (int i = 0; i < 3; i++)
		img.ph[i].p_type = PT_NOTE;
	CHECK(check(&why) == -ENOEXEC && !strcmp(why, "no segment to load"));
	good_image(ET_DYN);
	img.ph[4].p_type = PT_INTERP;
	CHECK(check(&why) == -ENOEXEC &&
	      !strcmp(why, "needs a dynamic linker"));
}

/* The file ends anywhere in the headers, in a buffer of exactly that size. */
static void test_cut_anywhere(void)
{
	const char *why;

	good_image(ET_EXEC);
	for (size_t len = 0; len < IMAGE_LEN; len++) {
		u8 *copy = malloc(len ? len : 1);

		host_memcpy(copy, &img, len);
		why = NULL;
		CHECKF(elf_check(copy, len, len, &why) == -ENOEXEC && why,
		       "%zu bytes", len);
		if (len < 64)
			CHECK(elf_check(copy, len, FILE_SIZE, &why) ==
			      -ENOEXEC);
		free(copy);
	}
	CHECK(elf_check("#!/bin/sh", 9, 9, &why) == -ENOEXEC &&
	      !strcmp(why, "not an ELF file"));
}

/* What elf.h promises after 0, said a second way. */
static void check_promises(void)
{
	u64 end = 0;
	int entry = 0;

	CHECK(img.eh.e_phnum >= 1 && img.eh.e_phnum <= ELF_MAX_PHNUM);
	for (u32 i = 0; i < img.eh.e_phnum; i++) {
		const struct elf64_phdr *p = &img.ph[i];
		u64 last = p->p_vaddr + p->p_memsz - 1;

		CHECK(p->p_type != PT_INTERP);
		if (p->p_type != PT_LOAD || !p->p_memsz)
			continue;
		CHECK(last >= p->p_vaddr && last < ELF_USER_TOP);
		CHECK(p->p_vaddr / 4096 * 4096 >= end);
		CHECK(p->p_filesz <= p->p_memsz && p->p_filesz <= file_size);
		CHECK(p->p_offset <= file_size - p->p_filesz);
		CHECK(p->p_vaddr % 4096 == p->p_offset % 4096);
		CHECK((p->p_flags & 3) != 3);
		end = (last / 4096 + 1) * 4096;
		entry |= (p->p_flags & ELF_PF_X) && img.eh.e_entry >= p->p_vaddr &&
			 img.eh.e_entry <= last;
	}
	CHECK(entry);
}

static void test_random_damage(void)
{
	static const u64 nasty[] = { 0, 1, 0xfff, 0x1000, 1ULL << 47,
				     U64_MAX, U64_MAX - 0xfff, 1ULL << 63 };
	int accepted = 0;
	struct prng rnd;
	const char *why;

	prng_seed(&rnd, 13);
	for (int i = 0; i < 300000; i++) {
		good_image(i & 1 ? ET_EXEC : ET_DYN);
		for (u64 k = 1 + prng_below(&rnd, 3); k--;) {
			u64 at = prng_below(&rnd, IMAGE_LEN);
			u64 v = nasty[prng_below(&rnd, ARRAY_SIZE(nasty))];

			if (prng_below(&rnd, 2))
				((u8 *)&img)[at] = (u8)prng_u64(&rnd);
			else
				host_memcpy((u8 *)&img + at / 8 * 8, &v, 8);
		}
		if (check(&why))
			continue;
		accepted++;
		check_promises();
	}
	CHECKF(accepted > 1000, "%d", accepted);
}

int main(void)
{
	RUN(test_good);
	RUN(test_bad_header);
	RUN(test_bad_segment);
	RUN(test_bad_set);
	RUN(test_cut_anywhere);
	RUN(test_random_damage);
	return tap_done();
}
