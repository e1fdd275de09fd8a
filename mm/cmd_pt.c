/* SPDX-License-Identifier: MIT */
/*
 * Shell commands about page tables: pt, notifiers, relocate.
 * Tests: tests/drive/shell.py
 */
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/check.h"
#include "mm/internal.h"
#include "mm/mmu_notifier.h"
#include "mm/ptmigrate.h"
#include "mm/swapops.h"

/* The mm of the process named by text, with a reference; NULL: said why. */
static struct mm_struct *mm_of_arg(const char *text)
{
	struct mm_struct *mm;
	u64 pid;

	if (shell_parse_u64("PID", text, &pid))
		return NULL;
	mm = pid <= U32_MAX ? upcall_mm_of_pid((u32)pid) : NULL;
	if (!mm)
		kprintf("no process %llu\n", pid);
	return mm;
}

static void print_flags(pte_t e, int level)
{
	static const struct { u64 bit; char c; } names[] = {
		{ PTE_P, 'P' }, { PTE_W, 'W' }, { PTE_U, 'U' },
		{ PTE_A, 'A' }, { PTE_D, 'D' }, { PTE_NX, 'N' },
	};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		kprintf("%c", e.val & names[i].bit ? names[i].c : '-');
	if (level > 1 && (e.val & PTE_PS))
		kprintf(" large");
	if (pte_protnone(e))
		kprintf(" PROT_NONE");
	if (pte_special(e))
		kprintf(" zero-page");
}

static void print_entry(const struct pt_path *path, int level, vaddr_t va)
{
	pte_t e = path->entry[level];

	kprintf("%-4s table %012llx [%3u] = %016llx  ", pt_level_name[level],
		virt_to_phys(path->where[level]) & PAGE_MASK,
		pt_index(va, level), e.val);
	if (pte_none(e)) {
		kprintf("none\n");
		return;
	}
	if (level == 1 && pte_nonpresent(e)) {
		kprintf("%s %u, %llx\n",
			pte_is_swap(e) ? "swap device" : "migration type",
			pte_swp_type(e), pte_migration_pfn(e));
		return;
	}
	print_flags(e, level);
	kprintf("  -> %s %llx\n", pte_table(e, level) ? "table" : "frame",
		pte_pfn(e));
}

static int cmd_pt(int argc, char **argv)
{
	struct mm_struct *mm;
	struct pt_path path;
	int end;
	u64 va;

	(void)argc;
	if (shell_parse_u64("VA", argv[2], &va))
		return -EINVAL;
	if (va >= USER_END) {
		kprintf("%llx is not a user address\n", va);
		return -EINVAL;
	}
	mm = mm_of_arg(argv[1]);
	if (!mm)
		return -ESRCH;
	rcu_read_lock();
	pgtable_read(&mm->pgt, va, &end, &path);
	rcu_read_unlock();
	for (int level = PT_LEVELS; level >= end; level--)
		print_entry(&path, level, va);
	mmput(mm);
	return 0;
}
SHELL_CMD(pt, "PID VA", "the four-level walk of one address", 2, 2, cmd_pt);

static void print_notifier(struct mmu_notifier *mn, void *arg)
{
	const struct mmu_notifier_ops *o = mn->ops;

	++*(u32 *)arg;
	kprintf("%-16s%s%s%s%s%s%s\n", mn->name ? mn->name : "?",
		o->release ? " release" : "",
		o->invalidate_range_start ? " range" : "",
		o->clear_flush_young ? " young" : "",
		o->change_pte ? " change_pte" : "",
		o->arch_invalidate_secondary_tlbs ? " secondary_tlbs" : "",
		o->tables_moved ? " tables_moved" : "");
}

static int cmd_notifiers(int argc, char **argv)
{
	struct mm_struct *mm = mm_of_arg(argv[1]);
	u32 n = 0;

	(void)argc;
	if (!mm)
		return -ESRCH;
	mmu_notifier_for_each(mm, print_notifier, &n);
	if (!n)
		kprintf("no subscribers\n");
	mmput(mm);
	return 0;
}
SHELL_CMD(notifiers, "PID", "who is told of changes to a process's memory", 1,
	  1, cmd_notifiers);

struct relocate_args { enum ptmigrate_mode mode; u64 times; };

/* [live|stop|park] [TIMES] */
static int parse_relocate(int argc, char **argv, struct relocate_args *a)
{
	static const char *const modes[] = {
		[PTMIGRATE_LIVE] = "live", [PTMIGRATE_STOP] = "stop",
		[PTMIGRATE_PARK] = "park",
	};
	int i = 2;

	*a = (struct relocate_args){ PTMIGRATE_LIVE, 1 };
	for (u32 m = 0; argc > 2 && m < ARRAY_SIZE(modes); m++) {
		if (!strcmp(argv[2], modes[m])) {
			a->mode = (enum ptmigrate_mode)m;
			i = 3;
		}
	}
	if (i < argc && shell_parse_u64("TIMES", argv[i++], &a->times))
		return -EINVAL;
	if (i < argc || !a->times) {
		kprintf("usage: relocate PID [live|stop|park] [TIMES]\n");
		return -EINVAL;
	}
	return 0;
}

static void add_result(struct ptmigrate_result *sum,
		       const struct ptmigrate_result *r)
{
	for (int level = 1; level <= PT_LEVELS; level++)
		sum->moved[level] += r->moved[level];
	sum->flushes += r->flushes;
	sum->ipis += r->ipis;
	sum->harvested += r->harvested;
}

static int cmd_relocate(int argc, char **argv)
{
	struct ptmigrate_result sum = { 0 }, r;
	struct relocate_args a;
	struct mm_struct *mm;
	int err = parse_relocate(argc, argv, &a);
	u64 done = 0;

	if (err)
		return err;
	mm = mm_of_arg(argv[1]);
	if (!mm)
		return -ESRCH;
	while (!err && done < a.times && !shell_interrupted()) {
		err = mm_relocate_tables(mm, a.mode, &r);
		add_result(&sum, &r);
		done += !err;
	}
	mmput(mm);
	kprintf("relocated %llu times: %llu pte, %llu pmd, %llu pud, %llu pgd "
		"tables;\n%llu flushes, %llu IPIs, %llu entries with late A/D\n",
		done, sum.moved[1], sum.moved[2], sum.moved[3], sum.moved[4],
		sum.flushes, sum.ipis, sum.harvested);
	if (err)
		kprintf("relocate: %s\n", errname(err));
	return err;
}
SHELL_CMD(relocate, "PID [live|stop|park] [TIMES]",
	  "move all page tables of a running process", 1, 3, cmd_relocate);
