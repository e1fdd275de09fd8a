/* SPDX-License-Identifier: MIT */
/*
 * ELF checks: see elf.h for what holds after them.
 *
 * X1. Numbers from the file are compared by subtraction from a known bound,
 *     never by a sum that could wrap.
 */
#include "lib/elf.h"
#include "lib/err.h"
#include "lib/string.h"

static int bad(const char **why, const char *text)
{
	*why = text;
	return -ENOEXEC;
}

static int check_ident(const u8 *id, const char **why)
{
	if (memcmp(id, ELFMAG, SELFMAG))
		return bad(why, "not an ELF file");
	if (id[EI_CLASS] != ELFCLASS64)
		return bad(why, "not a 64-bit ELF file");
	if (id[EI_DATA] != ELFDATA2LSB)
		return bad(why, "not little-endian");
	if (id[EI_VERSION] != EV_CURRENT)
		return bad(why, "unknown ELF version");
	return 0;
}

static int check_kind(const struct elf64_ehdr *eh, const char **why)
{
	if (eh->e_machine != EM_X86_64)
		return bad(why, "not for x86-64");
	if (eh->e_version != EV_CURRENT)
		return bad(why, "unknown ELF version");
	if (eh->e_type == ET_REL)
		return bad(why, "an object file, not linked");
	if (eh->e_type == ET_CORE)
		return bad(why, "a core dump, not a program");
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return bad(why, "not an executable");
	return 0;
}

static int check_table(const struct elf64_ehdr *eh, u64 file_size,
		       const char **why)
{
	u64 size = (u64)eh->e_phnum * sizeof(struct elf64_phdr);

	if (eh->e_ehsize != sizeof(*eh))
		return bad(why, "wrong ELF header size");
	if (eh->e_phnum == 0)
		return bad(why, "no program headers");
	if (eh->e_phentsize != sizeof(struct elf64_phdr))
		return bad(why, "wrong program header size");
	if (eh->e_phnum > ELF_MAX_PHNUM)
		return bad(why, "too many program headers");
	if (eh->e_phoff > file_size || size > file_size - eh->e_phoff)
		return bad(why, "program headers outside the file");
	return 0;
}

int elf_check(const void *ehdr_bytes, size_t len, u64 file_size,
	      const char **why)
{
	struct elf64_ehdr eh;
	int rc;

	if (len >= SELFMAG && memcmp(ehdr_bytes, ELFMAG, SELFMAG))
		return bad(why, "not an ELF file");
	if (len < sizeof(eh) || file_size < sizeof(eh))
		return bad(why, "shorter than an ELF header");
	memcpy(&eh, ehdr_bytes, sizeof(eh));
	rc = check_ident(eh.e_ident, why);
	if (!rc)
		rc = check_kind(&eh, why);
	if (!rc)
		rc = check_table(&eh, file_size, why);
	return rc;
}

static int check_in_file(const struct elf64_phdr *p, u64 file_size,
			 const char **why)
{
	if (p->p_filesz > p->p_memsz)
		return bad(why, "a segment is larger in the file than in memory");
	if (p->p_offset > file_size || p->p_filesz > file_size - p->p_offset)
		return bad(why, "a segment lies outside the file");
	return 0;
}

static int check_address(const struct elf64_phdr *p, u16 type,
			 const char **why)
{
	if (p->p_vaddr >= 1ULL << 47 && p->p_vaddr < ~0ULL << 47)
		return bad(why, "a segment's address is not canonical");
	if (p->p_vaddr >= 1ULL << 47)
		return bad(why, "a segment lies in the kernel's half");
	if (p->p_vaddr >= ELF_USER_TOP ||
	    p->p_memsz > ELF_USER_TOP - p->p_vaddr)
		return bad(why, "a segment reaches past the user address range");
	if (type == ET_EXEC && p->p_vaddr < ELF_MIN_VADDR)
		return bad(why, "a segment lies in the lowest 64 KiB");
	return 0;
}

static int check_load(const struct elf64_phdr *p, u16 type, u64 file_size,
		      const char **why)
{
	u64 align = max(p->p_align, 1ULL);
	int rc = check_in_file(p, file_size, why);

	if (!rc)
		rc = check_address(p, type, why);
	if (rc)
		return rc;
	if (!IS_POWER_OF_2(align))
		return bad(why, "a segment's alignment is no power of two");
	align = max(align, ELF_PAGE_SIZE);
	if ((p->p_vaddr ^ p->p_offset) & (align - 1))
		return bad(why, "a segment's address and offset are misaligned");
	if ((p->p_flags & ELF_PF_W) && (p->p_flags & ELF_PF_X))
		return bad(why, "a segment is writable and executable");
	return 0;
}

static int check_tls(const struct elf64_phdr *p, u64 file_size,
		     const char **why)
{
	if (p->p_memsz > ELF_MAX_TLS)
		return bad(why, "the thread-local segment is too large");
	return check_in_file(p, file_size, why);
}

static bool holds_entry(const struct elf64_phdr *p, u64 entry)
{
	return (p->p_flags & ELF_PF_X) && entry >= p->p_vaddr &&
	       entry - p->p_vaddr < p->p_memsz;
}

/* Everything but PT_LOAD. */
static int check_other(const struct elf64_phdr *p, u64 file_size,
		       const char **why)
{
	if (p->p_type == PT_INTERP)
		return bad(why, "needs a dynamic linker");
	if (p->p_type == PT_TLS)
		return check_tls(p, file_size, why);
	return 0;
}

int elf_check_phdrs(const struct elf64_ehdr *eh, const struct elf64_phdr *ph,
		    u64 file_size, const char **why)
{
	bool entry_ok = false, any = false;
	u64 end = 0;			/* of the last segment's pages */
	int rc;

	for (u32 i = 0; i < eh->e_phnum; i++, ph++) {
		if (ph->p_type != PT_LOAD) {
			rc = check_other(ph, file_size, why);
			if (rc)
				return rc;
			continue;
		}
		rc = check_load(ph, eh->e_type, file_size, why);
		if (rc)
			return rc;
		if (!ph->p_memsz)
			continue;
		if (any && ph->p_vaddr < end)
			return bad(why, "segments overlap or are out of order");
		any = true;
		end = ALIGN(ph->p_vaddr + ph->p_memsz, ELF_PAGE_SIZE);
		entry_ok |= holds_entry(ph, eh->e_entry);
	}
	if (!any)
		return bad(why, "no segment to load");
	if (!entry_ok)
		return bad(why, "the entry point is in no executable segment");
	return 0;
}
