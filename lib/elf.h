/* SPDX-License-Identifier: MIT */
/*
 * ELF64 structures and constants, and the check that a file is a program we
 * run: a static x86-64 executable (ET_EXEC, or ET_DYN without an interpreter).
 * Input may be hostile; tests/host/test_elf.c sweeps it.
 */
#ifndef LIB_ELF_H
#define LIB_ELF_H

#include "lib/types.h"
#include "lib/compiler.h"

#define EI_CLASS	4
#define EI_DATA		5
#define EI_VERSION	6
#define EI_OSABI	7
#define EI_NIDENT	16

#define ELFMAG		"\177ELF"
#define SELFMAG		4
#define ELFCLASS64	2
#define ELFDATA2LSB	1
#define EV_CURRENT	1
#define EM_X86_64	62

#define ET_REL		1
#define ET_EXEC		2
#define ET_DYN		3
#define ET_CORE		4

#define PT_NULL		0
#define PT_LOAD		1
#define PT_DYNAMIC	2
#define PT_INTERP	3
#define PT_NOTE		4
#define PT_PHDR		6
#define PT_TLS		7
#define PT_GNU_EH_FRAME	0x6474e550
#define PT_GNU_STACK	0x6474e551
#define PT_GNU_RELRO	0x6474e552
#define PT_GNU_PROPERTY	0x6474e553

#define ELF_PF_X	1
#define ELF_PF_W	2
#define ELF_PF_R	4

#define SHT_SYMTAB	2
#define SHT_STRTAB	3

/* Auxiliary vector. */
#define AT_NULL		0
#define AT_IGNORE	1
#define AT_PHDR		3
#define AT_PHENT	4
#define AT_PHNUM	5
#define AT_PAGESZ	6
#define AT_BASE		7
#define AT_FLAGS	8
#define AT_ENTRY	9
#define AT_UID		11
#define AT_EUID		12
#define AT_GID		13
#define AT_EGID		14
#define AT_PLATFORM	15
#define AT_HWCAP	16
#define AT_CLKTCK	17
#define AT_SECURE	23
#define AT_RANDOM	25
#define AT_HWCAP2	26
#define AT_EXECFN	31
#define AT_SYSINFO_EHDR	33

struct elf64_ehdr {
	u8 e_ident[EI_NIDENT];
	u16 e_type;
	u16 e_machine;
	u32 e_version;
	u64 e_entry;
	u64 e_phoff;
	u64 e_shoff;
	u32 e_flags;
	u16 e_ehsize;
	u16 e_phentsize;
	u16 e_phnum;
	u16 e_shentsize;
	u16 e_shnum;
	u16 e_shstrndx;
};

struct elf64_phdr {
	u32 p_type;
	u32 p_flags;
	u64 p_offset;
	u64 p_vaddr;
	u64 p_paddr;
	u64 p_filesz;
	u64 p_memsz;
	u64 p_align;
};

struct elf64_shdr {
	u32 sh_name;
	u32 sh_type;
	u64 sh_flags;
	u64 sh_addr;
	u64 sh_offset;
	u64 sh_size;
	u32 sh_link;
	u32 sh_info;
	u64 sh_addralign;
	u64 sh_entsize;
};

struct elf64_sym {
	u32 st_name;
	u8 st_info;
	u8 st_other;
	u16 st_shndx;
	u64 st_value;
	u64 st_size;
};

static_assert(sizeof(struct elf64_ehdr) == 64);
static_assert(sizeof(struct elf64_phdr) == 56);
static_assert(sizeof(struct elf64_shdr) == 64);
static_assert(sizeof(struct elf64_sym) == 24);

#define ELF_PAGE_SIZE	4096ULL
#define ELF_MAX_PHNUM	64		/* they fit in one page */
#define ELF_MIN_VADDR	0x10000ULL	/* ET_EXEC: page 0 stays unmapped */
#define ELF_USER_TOP	0x7ffffffff000ULL
#define ELF_MAX_TLS	(1ULL << 30)

/*
 * Checks the file's header: its first len bytes are at ehdr_bytes (any
 * alignment), the file has file_size bytes.  Returns 0 or -ENOEXEC with *why.
 * After 0, e_phnum is 1..ELF_MAX_PHNUM and the table lies inside the file.
 */
int elf_check(const void *ehdr_bytes, size_t len, u64 file_size,
	      const char **why);

/*
 * Checks the eh->e_phnum program headers at ph; eh has passed elf_check().
 * Returns 0 or -ENOEXEC with *why.  After 0: PT_LOAD segments ascend, share no
 * page, lie in user space and in the file, none is writable and executable,
 * p_vaddr and p_offset agree modulo the page, and the entry is executable.
 * Addresses of an ET_DYN file are relative to a base the caller chooses.
 */
int elf_check_phdrs(const struct elf64_ehdr *eh, const struct elf64_phdr *ph,
		    u64 file_size, const char **why);

#endif
