/* SPDX-License-Identifier: MIT */
/* lib/elf.h: what is accepted holds what the header promises. */
#include "tests/host/fuzz/fuzz.h"
#include "lib/elf.h"

static void check_segments(const struct elf64_ehdr *eh,
			   const struct elf64_phdr *ph, u64 file_size)
{
	u64 last = 0;
	u32 entries = 0;

	for (u32 i = 0; i < eh->e_phnum; i++, ph++) {
		if (ph->p_type != PT_LOAD || !ph->p_memsz)
			continue;
		FUZZ_CHECK(ph->p_vaddr / ELF_PAGE_SIZE >= last);
		FUZZ_CHECK(ph->p_vaddr < ELF_USER_TOP);
		FUZZ_CHECK(ph->p_memsz <= ELF_USER_TOP - ph->p_vaddr);
		FUZZ_CHECK(ph->p_filesz <= ph->p_memsz);
		FUZZ_CHECK(ph->p_offset <= file_size);
		FUZZ_CHECK(ph->p_filesz <= file_size - ph->p_offset);
		FUZZ_CHECK((ph->p_vaddr - ph->p_offset) % ELF_PAGE_SIZE == 0);
		FUZZ_CHECK((~ph->p_flags & (ELF_PF_W | ELF_PF_X)) != 0);
		last = (ph->p_vaddr + ph->p_memsz - 1) / ELF_PAGE_SIZE + 1;
		if ((ph->p_flags & ELF_PF_X) && eh->e_entry >= ph->p_vaddr &&
		    eh->e_entry - ph->p_vaddr < ph->p_memsz)
			entries++;
	}
	FUZZ_CHECK(entries == 1);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 *exact = fuzz_copy(data, size);
	const char *why = NULL;
	struct elf64_phdr *ph;
	struct elf64_ehdr eh;

	if (elf_check(exact, size, size, &why)) {
		FUZZ_CHECK(why);
		free(exact);
		return 0;
	}
	host_memcpy(&eh, exact, sizeof(eh));
	FUZZ_CHECK(eh.e_phnum && eh.e_phnum <= ELF_MAX_PHNUM);
	FUZZ_CHECK(eh.e_phoff <= size);
	ph = fuzz_copy(exact + eh.e_phoff, eh.e_phnum * sizeof(*ph));
	if (elf_check_phdrs(&eh, ph, size, &why))
		FUZZ_CHECK(why);
	else
		check_segments(&eh, ph, size);
	free(ph);
	free(exact);
	return 0;
}

/* Text, data, thread-local data; a file of 512 bytes. */
size_t fuzz_seed(u32 nr, u8 *buf)
{
	u64 base = nr ? 0 : 0x400000;
	struct { struct elf64_ehdr eh; struct elf64_phdr ph[4]; } f = {
		.eh = { .e_ident = "\177ELF\2\1\1", .e_type = nr ? ET_DYN :
			ET_EXEC, .e_machine = EM_X86_64, .e_version = 1,
			.e_entry = base + 0x110, .e_phoff = 64, .e_ehsize = 64,
			.e_phentsize = 56, .e_phnum = 4 },
		.ph = {
			{ PT_LOAD, ELF_PF_R | ELF_PF_X, 0, base, base, 0x180,
			  0x180, 0x1000 },
			{ PT_LOAD, ELF_PF_R | ELF_PF_W, 0x180, base + 0x1180, 0,
			  0x80, 0x2000, 0x1000 },
			{ PT_TLS, ELF_PF_R, 0x180, base + 0x1180, 0, 0x10, 0x40,
			  8 },
			{ PT_GNU_STACK, ELF_PF_R | ELF_PF_W, 0, 0, 0, 0, 0, 16 },
		},
	};

	if (nr > 1)
		return 0;
	host_memset(buf, 0, 512);
	host_memcpy(buf, &f, sizeof(f));
	return 512;
}
