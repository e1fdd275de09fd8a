/* SPDX-License-Identifier: MIT */
/* The MMU primitive that is not one instruction, and the levels' names. */
#include "arch/mmu.h"
#include "arch/pte.h"

const char *const pt_level_name[PT_LEVELS + 1] = {
	"page", "pte", "pmd", "pud", "pgd",
};

/* A change of CR4.PGE drops all, global too [SDM 3A 4.10.4.1]. */
void mmu_flush_all(void)
{
	u64 flags = local_irq_save();
	u64 cr4 = read_cr4();

	write_cr4(cr4 ^ CR4_PGE);
	write_cr4(cr4);
	local_irq_restore(flags);
}
