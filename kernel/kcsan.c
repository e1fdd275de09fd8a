/* SPDX-License-Identifier: MIT */
/*
 * Data races, by watching: part of the image with KCSAN=1 only (mk/kcsan.mk).
 *
 * Now and then an access is not just made but watched: its address goes into
 * a slot of a table that every access of every CPU is compared with, and the
 * accessor waits a little. Whoever comes by meanwhile, and may not, leaves
 * its name and backtrace in the slot. No lock is looked at and no order of
 * events assumed: two accesses that meet were not kept apart.
 *
 * K1  Two accesses race when they overlap, one of them is a write, and one of
 *     them is plain. Only plain ones are watched, so it is enough that one
 *     of the two comes by while the other stands.
 * K2  A slot is FREE, a watchpoint (its key), TAKEN or READY:
 *
 *	watcher				whoever comes by
 *	(1) FREE -> key			(A) key read, it overlaps
 *	(2) reads the bytes, waits	(B) key -> TAKEN
 *	    reads them again		(C) fills in `other`
 *	(3) key -> FREE: nobody came	(D) release-store READY
 *	(4) else acquire-reads READY,
 *	    takes `other`, -> FREE
 *
 *     (3) and (B) are exchanges of one word: one of them wins. (4) waits for
 *     (C), which runs with interrupts off and takes no lock.
 * K3  Bytes that change in (2) though nobody came by were written by what is
 *     not instrumented: assembler, a device, the MMU. That is a race too.
 * K4  While a CPU records or reports it checks nothing (`quiet`): reports may
 *     use instrumented code. Interrupts are off for that long.
 * K5  An interrupt's handler that comes by on the watcher's own CPU counts:
 *     watchpoints stand with interrupts as they are.
 * K6  Marked accesses are never read by the checker: they may be a device's.
 *
 * A watchpoint has at most 8 bytes and lies in one page; of a larger access
 * some 8 bytes are watched. Slots go by page.
 *
 * Locks: none.  Tests: tests/kt/kt_kcsan.c
 */
#include "kernel/kcsan.h"
#include "arch/cpu.h"
#include "arch/layout.h"
#include "kernel/init.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/preempt.h"
#include "kernel/shell.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "lib/string.h"

#define NR_SLOTS	64U
#define WATCH_MAX	8U

/* Plain accesses of a CPU from one watchpoint to the next, on average. */
#define SKIP_MEAN	4000U
/* PAUSEs that a watchpoint stands, on average. */
#define STAND_MEAN	80U

/* States of a slot; every other value is a key. */
#define FREE		0UL
#define TAKEN		1UL
#define READY		2UL

/* A key: the address without its upper bits, which are all ones. */
#define KEY_ADDR	GENMASK(47, 0)
#define KEY_SIZE_SHIFT	48
#define KEY_WRITE	BIT(51)
#define KEY_SET		BIT(52)

struct slot {
	u64 key;			/* a */
	struct kcsan_side other;	/* whoever made it TAKEN, until READY */
} __aligned(64);

u32 kcsan_standing;
DEFINE_PER_CPU(u32, kcsan_skip);
static DEFINE_PER_CPU(u32, quiet);
static DEFINE_PER_CPU(u32, random_state);
static struct slot slots[NR_SLOTS] __unscanned;
static u32 enabled, skip_mean = SKIP_MEAN, stand_mean = STAND_MEAN;
static u64 nr_watched;			/* a */

static struct slot *slot_of(u64 addr)
{
	return &slots[addr / PAGE_SIZE % NR_SLOTS];
}

static u64 make_key(u64 addr, u32 size, u32 type)
{
	return (addr & KEY_ADDR) | (u64)(size - 1) << KEY_SIZE_SHIFT |
	       (type & KCSAN_WRITE ? KEY_WRITE : 0) | KEY_SET;
}

static u64 key_addr(u64 key)
{
	return (key & KEY_ADDR) | ~KEY_ADDR;
}

static u32 key_size(u64 key)
{
	return (u32)(key >> KEY_SIZE_SHIFT & (WATCH_MAX - 1)) + 1;
}

/* Repeatable under icount; a step that an interrupt loses does no harm. */
static u32 random(u32 below)
{
	u32 x = this_cpu_read(random_state) + smp_processor_id();

	x = x * 1664525 + 1013904223;
	this_cpu_write(random_state, x);
	return (u32)((u64)(x ^ x >> 15) % below);
}

static bool checking(void)
{
	const struct thread *t = current();

	return READ_ONCE(enabled) && !this_cpu_read(quiet) &&
	       !(t && t->kcsan_off) && !panic_in_progress();
}

static void quiet_begin(u64 *flags)
{
	*flags = local_irq_save();
	this_cpu_add(quiet, 1);
}

static void quiet_end(u64 flags)
{
	this_cpu_add(quiet, -1);
	local_irq_restore(flags);
}

void kcsan_disable_current(void)
{
	struct thread *t = current();

	if (t)
		t->kcsan_off++;
	barrier();
}

void kcsan_enable_current(void)
{
	struct thread *t = current();

	barrier();
	if (t)
		t->kcsan_off--;
}

static void record(struct kcsan_side *s, u64 addr, u64 size, u32 type)
{
	s->addr = addr;
	s->size = (u32)size;
	s->type = type;
}

/* The part of [addr, addr + size) that lies in addr's page. */
static void hit_page(u64 addr, u64 size, u32 type, u64 fp)
{
	struct slot *s = slot_of(addr);
	u64 key = READ_ONCE(s->key), flags;			/* (A) */

	if (!(key & KEY_SET) || addr >= key_addr(key) + key_size(key) ||
	    key_addr(key) >= addr + size)
		return;
	if (!(key & KEY_WRITE) && !(type & KCSAN_WRITE))
		return;
	if (!checking())
		return;
	quiet_begin(&flags);
	if (cmpxchg(&s->key, key, TAKEN) == key) {		/* (B) */
		record(&s->other, addr, size, type);
		kcsan_record(&s->other, fp);			/* (C) */
		smp_store_release(&s->key, READY);		/* (D) */
	}
	quiet_end(flags);
}

void kcsan_hit(u64 addr, u64 size, u32 type, u64 fp)
{
	while (size) {
		u64 n = min(size, PAGE_SIZE - addr % PAGE_SIZE);

		hit_page(addr, n, type, fp);
		addr += n;
		size -= n;
	}
}

static u64 read_bytes(u64 addr, u32 size)
{
	const volatile u8 *p = (const volatile u8 *)addr;
	u64 v = 0;

	switch (size) {
	case 8:
		return *(const volatile u64 *)p;
	case 4:
		return *(const volatile u32 *)p;
	case 2:
		return *(const volatile u16 *)p;
	}
	for (u32 i = 0; i < size; i++)
		v |= (u64)p[i] << (8 * i);
	return v;
}

static void stand(void)
{
	for (u32 n = random(2 * READ_ONCE(stand_mean)) + 1; n; n--)
		cpu_relax();
}

/* (4).  False: the machine panics, nobody will ever be ready. */
static bool take_other(struct slot *s, struct kcsan_side *other)
{
	while (smp_load_acquire(&s->key) != READY) {
		if (panic_in_progress())
			return false;
		cpu_relax();
	}
	memcpy(other, &s->other, sizeof(*other));
	smp_store_release(&s->key, FREE);
	return true;
}

static void report(struct kcsan_race *r, u64 fp)
{
	u64 flags;

	quiet_begin(&flags);
	kcsan_record(&r->watched, fp);
	kcsan_report(r);
	quiet_end(flags);
}

static void watch_bytes(u64 addr, u32 size, u32 type, u64 fp)
{
	struct slot *s = slot_of(addr);
	u64 key = make_key(addr, size, type);
	struct kcsan_race r;

	if (cmpxchg(&s->key, FREE, key) != FREE)		/* (1) */
		return;
	__atomic_fetch_add(&nr_watched, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&kcsan_standing, 1, __ATOMIC_SEQ_CST);
	r.before = read_bytes(addr, size);			/* (2) */
	stand();
	r.after = read_bytes(addr, size);
	__atomic_fetch_sub(&kcsan_standing, 1, __ATOMIC_SEQ_CST);
	r.unknown = cmpxchg(&s->key, key, FREE) == key;		/* (3) */
	if (r.unknown ? r.before == r.after : !take_other(s, &r.other))
		return;
	record(&r.watched, addr, size, type);
	report(&r, fp);
}

void kcsan_watch(u64 addr, u64 size, u32 type, u64 fp)
{
	u32 mean = READ_ONCE(skip_mean), n = (u32)min_t(u64, size, WATCH_MAX);

	kcsan_expecting(&mean);
	this_cpu_write(kcsan_skip, mean / 2 + random(mean));
	if (!n || addr < PAGE_OFFSET || !checking())
		return;
	if (size > WATCH_MAX)
		addr += random((u32)min_t(u64, size, PAGE_SIZE) - n);
	n = (u32)min_t(u64, n, PAGE_SIZE - addr % PAGE_SIZE);
	watch_bytes(addr, n, type, fp);
}

void kcsan_check(const volatile void *p, u64 n, u32 type)
{
	kcsan_access((u64)p, n, type);
}

static int kcsan_init(void)
{
	WRITE_ONCE(enabled, 1);
	return 0;
}
INITCALL_LEVEL(0, kcsan_init);

/* `kcsan fire` is a race that nothing expects: tests must turn red. */
static void fire(void)
{
	struct kcsan_race r = { .unknown = true, .after = 1 };

	record(&r.watched, (u64)&enabled, sizeof(enabled), KCSAN_READ);
	report(&r, (u64)__builtin_frame_address(0));
}

/* A number of 1 to a million; 0 after the line that says what is wrong. */
static u32 parse_mean(const char *text)
{
	u64 n;

	if (shell_parse_u64("kcsan", text, &n))
		return 0;
	if (!n || n > 1000000)
		kprintf("kcsan: a number of 1 to 1000000\n");
	return n <= 1000000 ? (u32)n : 0;
}

/* every N [M]: one access in N is watched, for M PAUSEs, on average. */
static int set_means(int argc, char **argv)
{
	u32 every = parse_mean(argv[0]);
	u32 pauses = argc > 1 ? parse_mean(argv[1]) : READ_ONCE(stand_mean);

	if (!every || !pauses)
		return -EINVAL;
	WRITE_ONCE(skip_mean, every);
	WRITE_ONCE(stand_mean, pauses);
	return 0;
}

static int cmd_kcsan(int argc, char **argv)
{
	int ret = 0;

	if (argc > 2 && !strcmp(argv[1], "every"))
		ret = set_means(argc - 2, argv + 2);
	else if (argc == 2 && !strcmp(argv[1], "fire"))
		fire();
	else if (argc > 1)
		ret = -EINVAL;
	kprintf("kcsan: %llu reports since boot\n"
		"%llu accesses were watched, now one in %u, for %u PAUSEs\n",
		kcsan_count(), __atomic_load_n(&nr_watched, __ATOMIC_RELAXED),
		READ_ONCE(skip_mean), READ_ONCE(stand_mean));
	return ret ? ret : kcsan_count() ? -EIO : 0;
}
SHELL_CMD(kcsan, "[fire|every N [M]]", "data races seen since boot", 0, 3,
	  cmd_kcsan);
