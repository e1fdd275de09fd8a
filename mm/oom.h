/* SPDX-License-Identifier: MIT */
/* Out of memory: who is killed, and how its memory comes back at once. */
#ifndef MM_OOM_H
#define MM_OOM_H

#include "mm/mm_types.h"

/*
 * Picks a victim and has it killed, unless one is dying already; sleeps a
 * little, so that it can die.  False: there is nobody to kill.  No lock of
 * reclaim's is held.
 */
bool out_of_memory(void);
/* Current belongs to a victim: it may use the reserve, and should end. */
bool oom_victim_current(void);

/* sys/: sends SIGKILL to everybody who uses mm; writes a name into comm. */
struct oom_ops {
	void (*kill)(struct mm_struct *mm);
	/* pid (0: none has it) and name of a process with that mm. */
	u32 (*describe)(struct mm_struct *mm, char *comm, u32 size);
};
void oom_set_ops(const struct oom_ops *ops);

#endif
