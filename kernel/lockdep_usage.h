/* SPDX-License-Identifier: MIT */
/* What lock ranks are used for; between lockdep.c and lockdep_usage.c. */
#ifndef KERNEL_LOCKDEP_USAGE_H
#define KERNEL_LOCKDEP_USAGE_H

#include "kernel/lockdep.h"

#define FIRST_SPINNING	LOCK_NOTIFIER

enum lock_use { USE_IN_IRQ, USE_IRQS_ON, NR_USES };

/* A lock of this rank is taken at `at`: in an interrupt, or with them on? */
void lockdep_note_use(u32 rank, const struct place *at);
/* It is held, taken at `at`, and interrupts are on. */
void lockdep_note_irqs_on(u32 rank, const struct place *at);
/* `inner` is waited for while `outer` is held. */
void lockdep_note_inside(const struct held_lock *outer,
			 const struct held_lock *inner);

#endif
