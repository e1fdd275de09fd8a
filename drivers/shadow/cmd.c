/* SPDX-License-Identifier: MIT */
/* The shell's `shadow` command: list, attach, detach, read, write. */
#include "drivers/shadow/internal.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/vma.h"

static int cmd_list(void)
{
	struct shadow_stats s;
	struct shadow_dev *d;

	mutex_lock(&shadow_list_mutex);
	if (list_empty(&shadow_list))
		kprintf("no shadow devices; `shadow attach PID CLASS` makes one\n");
	list_for_each_entry(d, &shadow_list, link) {
		shadow_get_stats(d, &s);
		kprintf("shadow %u: %s of mm %u%s, %llu entries in %llu tables, "
			"%llu accesses, %llu faults, %llu retries, %llu zaps, "
			"%llu flushes, %llu stale\n", d->id, d->class->name,
			d->mm->id, READ_ONCE(d->dead) ? " (exited)" : "",
			s.entries, s.tables, s.accesses, s.faults, s.retries,
			s.zaps, s.flushes, s.stale);
	}
	mutex_unlock(&shadow_list_mutex);
	return 0;
}

static int cmd_attach(const char *text, const char *class)
{
	struct mm_struct *mm;
	struct shadow_dev *d;
	u64 pid;

	if (shell_parse_u64("PID", text, &pid))
		return -EINVAL;
	mm = upcall_mm_of_pid((u32)pid);
	if (!mm) {
		kprintf("shadow: no process %llu\n", pid);
		return -ESRCH;
	}
	d = shadow_attach(mm, class);
	mmput(mm);
	if (IS_ERR(d)) {
		kprintf("shadow: cannot attach: %pe\n", d);
		return PTR_ERR(d);
	}
	kprintf("shadow %u (%s) attached to process %llu\n", d->id, class, pid);
	return 0;
}

/*
 * The shell runs one command at a time and is the only one that detaches what
 * it attached, so the device stays between the look-up and its use.
 */
static struct shadow_dev *device(const char *text)
{
	struct shadow_dev *d;
	u64 id;

	if (shell_parse_u64("device", text, &id))
		return NULL;
	mutex_lock(&shadow_list_mutex);
	d = shadow_find((u32)id);
	mutex_unlock(&shadow_list_mutex);
	if (!d)
		kprintf("shadow: no device %llu\n", id);
	return d;
}

static int cmd_detach(const char *text)
{
	struct shadow_dev *d = device(text);

	if (!d)
		return -ENODEV;
	shadow_detach(d);
	return 0;
}

static int cmd_access(int argc, char **argv, enum shadow_op op)
{
	struct shadow_req r = { .op = op };
	struct shadow_dev *d = device(argv[2]);

	if (!d || shell_parse_u64("address", argv[3], &r.va) ||
	    (argc > 4 && shell_parse_u64("value", argv[4], &r.val)))
		return -EINVAL;
	if (shadow_access(d, &r))
		kprintf("shadow: %llx: %pe\n", r.va, ERR_PTR(r.result));
	else
		kprintf("%llx: %016llx\n", r.va, r.val);
	return r.result;
}

static int cmd_shadow(int argc, char **argv)
{
	if (argc == 1)
		return cmd_list();
	if (argc >= 3 && argc <= 4 && !strcmp(argv[1], "attach"))
		return cmd_attach(argv[2], argc == 4 ? argv[3] : "kvm");
	if (argc == 3 && !strcmp(argv[1], "detach"))
		return cmd_detach(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "read"))
		return cmd_access(argc, argv, SHADOW_READ);
	if (argc == 5 && !strcmp(argv[1], "write"))
		return cmd_access(argc, argv, SHADOW_WRITE);
	kprintf("usage: shadow [attach PID [CLASS] | detach N | read N VA | "
		"write N VA VALUE]\n");
	return -EINVAL;
}

static void complete_shadow(int arg, const char *prefix,
			    void (*emit)(const char *))
{
	static const char *const words[] = { "attach", "detach", "read", "write" };

	(void)prefix;
	for (u32 i = 0; arg == 1 && i < ARRAY_SIZE(words); i++)
		emit(words[i]);
	for (u32 i = 0; arg == 3 && shadow_class_name(i); i++)
		emit(shadow_class_name(i));
}

SHELL_CMD_FULL(shadow, "[attach PID [CLASS] | detach N | read N VA | write N VA VALUE]",
	       "list the shadow devices and drive them", 0, 4, 0, cmd_shadow,
	       complete_shadow);
