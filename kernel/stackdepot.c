/* SPDX-License-Identifier: MIT */
/*
 * The stack depot: who allocated and who freed, at four bytes an object.
 *
 * An open hash table of traces that only grows.  A handle is an index + 1.
 *
 * D1  An entry belongs to whoever changed its key from 0; its frames never
 *     change after `ready`, so equal handles mean equal traces.
 * D2  A trace is bounded by the stack it starts on: a frame pointer that a
 *     program left in %rbp leads nowhere.
 *
 *	writer				reader or second writer of the trace
 *	(1) cmpxchg(key, 0, hash)	(A) key == hash?
 *	(2) frames			(B) ready? (acquire) else next entry
 *	(3) ready = 1 (release)		(C) frames equal? else next entry
 *
 * (B) between (1) and (3) makes a duplicate of the trace, which costs an entry
 * and nothing else.
 * Tests: tests/kt/kt_owner.c
 */
#include "kernel/stackdepot.h"
#include "arch/layout.h"
#include "arch/uaccess.h"
#include "kernel/config.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "lib/atomic.h"

#define NR_TRACES	(CONFIG_LAB ? 16384U : 1U)
#define PROBES		32
#define STACK_BYTES	(CONFIG_STACK_PAGES * PAGE_SIZE)

struct trace {
	u32 key;				/* a: hash, 0: free */
	u32 ready;				/* a */
	u32 frame[STACKDEPOT_FRAMES];		/* low half: all are code */
};

struct frame { u64 rbp, ret; };

static struct trace traces[NR_TRACES] __unscanned;
static u32 nr_traces;

/* D2: the end of the thread's stack, 0 when `frame` is not on it. */
static u64 stack_end(u64 frame)
{
	const struct thread *t = current();
	u64 base = t ? (u64)t->stack : 0;

	return base && frame - base < STACK_BYTES ? base + STACK_BYTES : 0;
}

static bool read_frame(struct frame *f, u64 rbp, u64 end)
{
	if (!end)
		return !copy_nofault(f, (const void *)rbp, sizeof(*f));
	if (rbp > end - sizeof(*f))
		return false;
	*f = *(const struct frame *)rbp;
	return true;
}

static u32 collect(u32 *out, u64 rbp)
{
	u64 end = stack_end(rbp), start = rbp;
	struct frame f;
	u32 n = 0;

	while (n < STACKDEPOT_FRAMES && rbp % 8 == 0 &&
	       rbp - start < STACK_BYTES && read_frame(&f, rbp, end)) {
		if (f.ret < KERNEL_VMA)
			break;
		out[n++] = (u32)f.ret;
		if (f.rbp <= rbp)
			break;
		rbp = f.rbp;
	}
	for (u32 i = n; i < STACKDEPOT_FRAMES; i++)
		out[i] = 0;
	return n;
}

static u32 hash_of(const u32 *frame)
{
	u32 h = 2166136261U;

	for (u32 i = 0; i < STACKDEPOT_FRAMES; i++)
		h = (h ^ frame[i]) * 0x9e3779b1U;
	return (h ^ h >> 15) | 1;
}

static bool same(const struct trace *t, const u32 *frame)
{
	if (!smp_load_acquire(&t->ready))			/* (B) */
		return false;
	for (u32 i = 0; i < STACKDEPOT_FRAMES; i++)
		if (t->frame[i] != frame[i])
			return false;
	return true;
}

static bool claim(struct trace *t, const u32 *frame, u32 key)
{
	if (READ_ONCE(t->key) || cmpxchg(&t->key, 0, key))	/* (1) */
		return false;
	for (u32 i = 0; i < STACKDEPOT_FRAMES; i++)		/* (2) */
		t->frame[i] = frame[i];
	smp_store_release(&t->ready, 1);			/* (3) */
	__atomic_fetch_add(&nr_traces, 1, __ATOMIC_RELAXED);
	return true;
}

u32 stackdepot_save(const void *frame)
{
	u32 addr[STACKDEPOT_FRAMES], key;

	if (!CONFIG_LAB || !collect(addr, (u64)frame))
		return 0;
	key = hash_of(addr);
	for (u32 i = 0; i < PROBES; i++) {
		u32 at = (key + i) % NR_TRACES;
		struct trace *t = &traces[at];

		if (READ_ONCE(t->key) == key && same(t, addr))	/* (A) */
			return at + 1;
		if (claim(t, addr, key))
			return at + 1;
	}
	return 0;
}

u32 stackdepot_count(void)
{
	return READ_ONCE(nr_traces);
}

u64 stackdepot_frame(u32 handle, u32 i)
{
	if (!handle || handle > NR_TRACES || i >= STACKDEPOT_FRAMES ||
	    !traces[handle - 1].frame[i])
		return 0;
	return (u64)(s64)(s32)traces[handle - 1].frame[i];
}

void stackdepot_print(u32 handle)
{
	char name[96];
	u64 ret;

	if (!stackdepot_frame(handle, 0))
		kprintf("    (not recorded)\n");
	for (u32 i = 0; (ret = stackdepot_frame(handle, i)); i++)
		kprintf("    %016llx  %s\n", ret,
			ksym_format(ret - 1, name, sizeof(name)));
}
