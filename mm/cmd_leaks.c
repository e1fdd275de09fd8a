/* SPDX-License-Identifier: MIT */
/* The shell's `leaks` (mm/leaks.c). */
#include "kernel/config.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "lib/err.h"
#include "mm/leaks.h"

static int cmd_leaks(int argc, char **argv)
{
	u64 watch = 0;
	s32 n;

	if (!CONFIG_LAB) {
		kprintf("leaks: only lab builds know who owns what\n");
		return -EOPNOTSUPP;
	}
	if (argc > 1) {
		if (shell_parse_u64("ADDRESS", argv[1], &watch))
			return -EINVAL;
		watch = ~watch;
	}
	n = leaks_scan(watch);
	if (n < 0) {
		kprintf("leaks: cannot look now (error %d)\n", n);
		return n;
	}
	if (watch) {
		leaks_print_referrers();
		return 0;
	}
	leaks_print();
	kprintf("leaks: %d objects or frames that nothing leads to\n", n);
	return n ? -EIO : 0;
}
SHELL_CMD(leaks, "[ADDRESS]",
	  "lab: what is in use and cannot be reached, or who leads to ADDRESS",
	  0, 1, cmd_leaks);
