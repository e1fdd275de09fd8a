/* SPDX-License-Identifier: MIT */
/*
 * Which swap there is: the kernel parameter swap=, and shell commands.
 *
 *	swap=zram (default)	compressed memory, up to six times the RAM
 *	swap=vdb		a disk, whole; zram when there is none of that name
 *	swap=none
 */
#include "kernel/cmdline.h"
#include "kernel/init.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/init.h"
#include "mm/page_alloc.h"
#include "mm/swap.h"
#include "mm/swap_disk.h"
#include "mm/vmscan.h"
#include "mm/vmstat.h"
#include "mm/zpool.h"
#include "mm/zram.h"

#define KIB(frames)	((frames) << (PAGE_SHIFT - 10))
#define ZRAM_MAX	(1UL << (30 - PAGE_SHIFT))	/* 1 GiB */
#define ZRAM_PRIO	0
#define DISK_PRIO	-1		/* slower */
#define NAME_LEN	16

static char wanted[NAME_LEN] = "zram";

static int param_swap(const char *value)
{
	if (!value || strlen(value) >= NAME_LEN)
		return -EINVAL;
	strlcpy(wanted, value, NAME_LEN);
	return 0;
}
PARAM(swap, param_swap, "where pages go: zram (default), a disk, none");

static int swapon_name(const char *name)
{
	struct page_stats ps;

	if (strcmp(name, "zram"))
		return disk_swapon(name, DISK_PRIO);
	page_alloc_stats(&ps);
	return zram_swapon(name, min(ps.total * 6, ZRAM_MAX), ZRAM_PRIO);
}

static int swap_init(void)
{
	int type;

	if (!strcmp(wanted, "none"))
		return 0;
	type = swapon_name(wanted);
	if (type < 0 && strcmp(wanted, "zram")) {
		pr_warn("swap: %s: %pe\n", wanted, ERR_PTR(type));
		type = swapon_name("zram");
	}
	return type < 0 ? type : 0;
}
INITCALL_LEVEL(3, swap_init);

static void print_devices(void)
{
	for (u32 i = 1; i <= MAX_SWAPFILES; i++) {
		const struct swap_info *si = &swap_devs[i];

		if (READ_ONCE(si->state) == SWAP_OFF)
			continue;
		kprintf("%u %-12s %-18s %10llu KiB, %llu used, priority %d%s\n",
			i, si->name, si->ops->name, KIB(si->slots),
			KIB(READ_ONCE(si->inuse)), si->prio,
			si->state == SWAP_LEAVING ? ", leaving" : "");
	}
}

static int swap_off_name(const char *name)
{
	for (u32 i = 1; i <= MAX_SWAPFILES; i++)
		if (READ_ONCE(swap_devs[i].state) == SWAP_ON &&
		    !strcmp(swap_devs[i].name, name))
			return swapoff(i);
	return -ENOENT;
}

static int cmd_swap(int argc, char **argv)
{
	struct swap_stats s;
	int ret = 0;

	if (argc == 3 && !strcmp(argv[1], "on")) {
		ret = swapon_name(argv[2]);
	} else if (argc == 3 && !strcmp(argv[1], "off")) {
		ret = swap_off_name(argv[2]);
	} else if (argc != 1) {
		kprintf("usage: swap [on|off NAME]\n");
		return -EINVAL;
	}
	if (ret < 0) {
		kprintf("swap: %s: %pe\n", argv[2], ERR_PTR(ret));
		return ret;
	}
	print_devices();
	swap_stats(&s);
	kprintf("in %llu, out %llu, found in memory %llu, read ahead %llu, "
		"write errors %llu\n", s.in, s.out, s.hit, s.read_ahead,
		s.write_errors);
	kprintf("cached %llu KiB, compressed into %llu KiB\n", KIB(s.cached),
		KIB(zpool_pages()));
	return 0;
}
SHELL_CMD(swap, "[on|off NAME]", "swap devices and what went through them", 0,
	  2, cmd_swap);

static void print_one(const char *name, u64 value, void *arg)
{
	(void)arg;
	kprintf("%-24s %llu\n", name, value);
}

static int cmd_reclaim(int argc, char **argv)
{
	u64 want, got;

	if (argc > 1) {
		if (shell_parse_u64("PAGES", argv[1], &want))
			return -EINVAL;
		got = try_to_free_pages(want, RECLAIM_DIRECT);
		kprintf("%llu pages reclaimed\n", got);
	}
	kprintf("watermarks: min %llu, low %llu, high %llu frames\n",
		watermark(WMARK_MIN), watermark(WMARK_LOW),
		watermark(WMARK_HIGH));
	vmstat_for_each(print_one, NULL);
	return 0;
}
SHELL_CMD(reclaim, "[PAGES]", "reclaim pages now; what reclaim counts", 0, 1,
	  cmd_reclaim);
