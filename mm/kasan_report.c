/* SPDX-License-Identifier: MIT */
/*
 * What KASAN says: which access, by whom, of what; who allocated it and who
 * freed it; the shadow around.  A report is a warning, so the running test
 * fails; the access then happens.
 *
 * Y1  One CPU reports at a time, interrupts off, and never inside a report:
 *     a bad access of the report itself is counted only.
 * Y2  After MAX_PRINTED reports they are counted only.
 *
 * Lock: `reporter`, a CPU's number + 1, innermost but for the console's.
 * Tests: tests/kt/kt_kasan.c
 */
#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/kasan_impl.h"
#include "mm/page_owner.h"
#include "mm/slab_def.h"

#define NOBODY		0U
#define MAX_PRINTED	20
#define SHADOW_AROUND	8

static u32 reporter = NOBODY;
static u64 reports;
static const struct thread *expecting;
static u32 expecting_all;
static struct kasan_seen seen;

u64 kasan_count(void)
{
	return READ_ONCE(reports);
}

void kasan_expect_begin(void)
{
	seen = (struct kasan_seen){ 0 };
	WRITE_ONCE(expecting, current());
}

void __kasan_expect_all(void)
{
	seen = (struct kasan_seen){ 0 };
	WRITE_ONCE(expecting_all, 1);
}

struct kasan_seen kasan_expect_end(void)
{
	WRITE_ONCE(expecting, NULL);
	WRITE_ONCE(expecting_all, 0);
	return seen;
}

static bool expected(const struct kasan_access *a, const char *what)
{
	const struct thread *t = READ_ONCE(expecting);

	if (!READ_ONCE(expecting_all) &&
	    (!t || t != current() || in_irq()))
		return false;
	seen.count++;
	seen.what = what;
	seen.addr = a->addr;
	seen.size = a->size;
	seen.write = a->write;
	return true;
}

/* Y1. */
static bool report_begin(void)
{
	u32 self = smp_processor_id() + 1, old;

	while ((old = cmpxchg(&reporter, NOBODY, self)) != NOBODY) {
		if (old == self)
			return false;
		cpu_relax();
	}
	return true;
}

/* A partly valid cell says nothing; the next one says why it ended. */
static const char *kind_of(u64 bad)
{
	u8 s = *kasan_shadow(bad);

	if (s < 8)
		s = *kasan_shadow(bad + 8);
	switch (s) {
	case KASAN_FREE_PAGE:
		return "use after free of a page";
	case KASAN_SLAB_FREE:
		return "use after free";
	case KASAN_GLOBAL_REDZONE:
		return "out of bounds of a global";
	default:
		return "out of bounds";
	}
}

static void print_shadow(u64 bad)
{
	u64 from = (bad & ~7UL) - SHADOW_AROUND * 8;

	kprintf("  shadow from %016llx:", from);
	for (u64 i = 0; i <= 2 * SHADOW_AROUND; i++, from += 8)
		if (kasan_covers(from))
			kprintf(i == SHADOW_AROUND ? " [%02x]" : " %02x",
				*kasan_shadow(from));
	kprintf("\n");
}

static void print_memory(u64 addr)
{
	char name[96];
	struct kmem_cache *c;
	const struct page *p;
	u32 i;

	if (addr >= KERNEL_VMA) {
		kprintf("  behind %s\n",
			ksym_format(addr, name, sizeof(name)));
		return;
	}
	p = virt_to_page((void *)addr);
	if (slab_find_object((void *)addr, &c, &i)) {
		slab_print_object((void *)addr);
		return;
	}
	kprintf("  frame %llx: %s\n", page_to_pfn(p), page_kind_name(p));
	page_owner_print(p);
}

static void report(const struct kasan_access *a, const char *what)
{
	static char text[192];		/* the reporter's */
	char name[96];
	u64 flags, n;

	if (expected(a, what))
		return;
	n = __atomic_fetch_add(&reports, 1, __ATOMIC_RELAXED);
	if (n >= MAX_PRINTED)
		return;
	flags = local_irq_save();
	if (report_begin()) {
		ksym_format(a->ip - 1, name, sizeof(name));
		if (a->size)
			snprintf(text, sizeof(text),
				 "%s: %s of %llu bytes at %016llx by %s", what,
				 a->write ? "write" : "read", a->size, a->addr,
				 name);
		else
			snprintf(text, sizeof(text), "%s of %016llx by %s",
				 what, a->addr, name);
		warn_at("kasan", (int)n + 1, text);
		print_memory(a->bad);
		print_shadow(a->bad);
		WRITE_ONCE(reporter, NOBODY);
	}
	local_irq_restore(flags);
}

void kasan_report(const struct kasan_access *a)
{
	report(a, kind_of(a->bad));
}

void kasan_report_free(const char *what, const void *obj, u64 ip)
{
	report(&(struct kasan_access){ (u64)obj, 0, (u64)obj, ip, false },
	       what);
}

/* `kasan fire` is a report that nothing expects: tests must turn red. */
static int cmd_kasan(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "fire"))
		return -EINVAL;
	if (argc > 1) {
		volatile char *p = kmalloc(13);

		if (!p)
			return -ENOMEM;
		kasan_check_read((const char *)p + 13, 1);
		kfree((const char *)p);
	}
	kprintf("kasan: %llu reports since boot\n", kasan_count());
	return kasan_count() ? -EIO : 0;
}
SHELL_CMD(kasan, "[fire]", "bad accesses seen since boot", 0, 1, cmd_kasan);
