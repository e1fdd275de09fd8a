/* SPDX-License-Identifier: MIT */
/*
 * The exception table: instructions of the kernel that may fault, and where
 * to go on when they did and nobody could resolve it.  There are about twenty,
 * so a linear search is as good as any.
 */
#include "arch/internal.h"

struct extable_entry {
	u64 insn, fixup;
};

extern const struct extable_entry __extable_start[], __extable_end[];

static const struct extable_entry *extable_find(u64 rip)
{
	const struct extable_entry *e;

	for (e = __extable_start; e < __extable_end; e++) {
		if (e->insn == rip)
			return e;
	}
	return NULL;
}

bool extable_has(u64 rip)
{
	return extable_find(rip) != NULL;
}

bool extable_fixup(struct regs *r)
{
	const struct extable_entry *e = extable_find(r->rip);

	if (!e)
		return false;
	r->rip = e->fixup;
	return true;
}
