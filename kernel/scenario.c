/* SPDX-License-Identifier: MIT */
/*
 * Shell: scenario.  Without arguments the list; a number runs that one both
 * ways; `scenario NUMBER booted` once, as the system was booted.
 */
#include "kernel/config.h"
#include "kernel/printk.h"
#include "kernel/scenario.h"
#include "kernel/shell.h"
#include "lib/err.h"
#include "lib/string.h"

extern const struct scenario __scenarios_start[], __scenarios_end[];

static bool loud;

noinline void scenario_now(const char *what)
{
	if (READ_ONCE(loud))
		kprintf("  now: %s\n", what);
}

static const struct scenario *find(const char *number)
{
	for (const struct scenario *s = __scenarios_start;
	     s < __scenarios_end; s++)
		if (!strcmp(s->number, number))
			return s;
	return NULL;
}

/* F9 before F28. */
static void list(size_t len)
{
	for (const struct scenario *s = __scenarios_start;
	     s < __scenarios_end; s++)
		if (strlen(s->number) == len)
			kprintf("%-5s %u  %-16s %-24s %s\n", s->number,
				s->year, s->fix, s->bug, s->title);
}

/* Returns -EIO when it did not come out as `bug` says. */
static int run_one(const struct scenario *s, u32 bug)
{
	struct kt t = { .group = "scenario", .name = s->number };
	bool harm;

	WRITE_ONCE(loud, true);
	harm = s->harm(&t, bug);
	WRITE_ONCE(loud, false);
	kprintf("%s %s %s: %s\n", s->number, bug ? "with" : "without", s->bug,
		harm ? "harm" : "no harm");
	return harm == !!bug && !t.failures ? 0 : -EIO;
}

static int cmd_scenario(int argc, char **argv)
{
	const struct scenario *s;
	int err;

	if (argc == 1) {
		list(2);
		list(3);
		return 0;
	}
	s = find(argv[1]);
	if (!s)
		return -ENOENT;
	if (!CONFIG_LAB) {
		kprintf("lab builds only\n");
		return -EOPNOTSUPP;
	}
	if (cpumask_weight(&cpu_online_mask) < s->cpus) {
		kprintf("%s needs %u CPUs\n", s->number, s->cpus);
		return -ENODEV;
	}
	kprintf("%s, %u, %s\n%s\n", s->number, s->year, s->fix, s->title);
	if (argc == 3 && !strcmp(argv[2], "booted"))
		return run_one(s, s->booted && s->booted());
	err = run_one(s, 0);
	return run_one(s, 1) ?: err;
}
SHELL_CMD(scenario, "[NUMBER [booted]]", "bugs of history, staged", 0, 2,
	  cmd_scenario);
