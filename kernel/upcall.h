/* SPDX-License-Identifier: MIT */
/*
 * What kernel/ calls above itself: prototypes here, implementations in mm/
 * and sys/.  kernel/ includes nothing of theirs.
 */
#ifndef KERNEL_UPCALL_H
#define KERNEL_UPCALL_H

#include "lib/types.h"
#include "lib/compiler.h"

struct thread;
struct mm_struct;

/* mm/slab.c.  Any context but irq; never sleep; NULL when out of memory. */
void *kmalloc(size_t size);
void *kzalloc(size_t size);
void kfree(const void *p);
/* mm/vmalloc.c.  Kernel stack with a guard page; lowest address, or NULL. */
void *kstack_alloc(void);
void kstack_free(void *stack);
/* mm/tlb.c.  From schedule(), irqs off, prev still current. */
void upcall_switch_mm(struct thread *prev, struct thread *next);
/* sys/: the last reference to a thread with ->user is going away. Sleepable. */
void upcall_thread_free(struct thread *t);
/* sys/: the address space of a process with a reference (mmput), or NULL. */
struct mm_struct *upcall_mm_of_pid(u32 pid);
/* mm/tlb.c: a dying thread's active_mm. Sleepable context (reaper). */
void upcall_thread_mm_drop(struct thread *t);
/* mm/flusher.c: every disk has what was written.  Sleeps. */
void upcall_sync(void);

#endif
