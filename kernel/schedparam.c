/* SPDX-License-Identifier: MIT */
/*
 * The parameters of an exploration: race_seed, race_strategy, race_depth,
 * race_tick, race_keep, race_bug.  tools/race.py writes them.
 *
 * Written while the command line is parsed, read from then on.
 */
#include "kernel/cmdline.h"
#include "kernel/config.h"
#include "kernel/printk.h"
#include "kernel/racepoint.h"
#include "kernel/schedpoint.h"
#include "lib/err.h"
#include "lib/string.h"

#define MAX_KEEP	512
#define MAX_TICK_HZ	100000
#define DEFAULT_DEPTH	3

struct sched_plan sched_plan = { .depth = DEFAULT_DEPTH };
static struct sched_range keep[MAX_KEEP];
static char bug[32];

/* Digits from *s on, which is moved behind them.  -EINVAL without any. */
static int take_number(const char **s, u32 *out)
{
	u64 n = 0;

	if (**s < '0' || **s > '9')
		return -EINVAL;
	for (; **s >= '0' && **s <= '9'; (*s)++) {
		n = n * 10 + (u64)(**s - '0');
		if (n > U32_MAX)
			return -EINVAL;
	}
	*out = (u32)n;
	return 0;
}

static int number(const char *s, u32 max, u32 *out)
{
	u32 n;

	if (!s || take_number(&s, &n) || *s || n > max)
		return -EINVAL;
	*out = n;
	return 0;
}

static int set_seed(const char *value)
{
	u32 n;
	int err = number(value, U32_MAX, &n);

	if (err)
		return err;
	sched_plan.seed = n;
	sched_plan.seeded = 1;
	return 0;
}
PARAM(race_seed, set_seed, "a number");

static int set_strategy(const char *value)
{
	if (!value || (strcmp(value, "random") && strcmp(value, "pct")))
		return -EINVAL;
	sched_plan.strategy = strcmp(value, "pct") ? SCHED_RANDOM : SCHED_PCT;
	return 0;
}
PARAM(race_strategy, set_strategy, "random or pct");

static int set_depth(const char *value)
{
	return number(value, SCHED_MAX_DEPTH, &sched_plan.depth);
}
PARAM(race_depth, set_depth, "0 to 16");

static int set_tick(const char *value)
{
	u32 hz;
	int err = number(value, MAX_TICK_HZ, &hz);

	if (err || hz < CONFIG_HZ)
		return -EINVAL;
	sched_plan.tick_hz = hz;
	sched_plan.tick_given = 1;
	return 0;
}
PARAM(race_tick, set_tick, "100 to 100000 Hz");

/* "0.3" or "0.10-20": points of CPU 0.  *s is moved behind it. */
static int take_range(const char **s, struct sched_range *r)
{
	u32 cpu, last;

	if (take_number(s, &cpu) || cpu >= NR_CPUS || *(*s)++ != '.' ||
	    take_number(s, &r->first))
		return -EINVAL;
	last = r->first;
	if (**s == '-' && ((*s)++, take_number(s, &last)))
		return -EINVAL;
	if (last < r->first || last >> SCHED_KEY_BITS)
		return -EINVAL;
	r->first = SCHED_KEY(cpu, r->first);
	r->last = SCHED_KEY(cpu, last);
	return 0;
}

/* "0.3,0.10-20,2.44", ascending, or "none" */
static int set_keep(const char *s)
{
	u32 nr = 0, next = 0;

	if (!s)
		return -EINVAL;
	sched_plan.keep = keep;
	sched_plan.nr_keep = 0;
	sched_plan.keep_given = 1;
	if (!strcmp(s, "none"))
		return 0;
	for (;; s++) {
		if (nr == MAX_KEEP || take_range(&s, &keep[nr]) ||
		    keep[nr].first < next)
			return -EINVAL;
		next = keep[nr++].last + 1;
		if (*s != ',')
			break;
	}
	sched_plan.nr_keep = nr;
	return *s ? -EINVAL : 0;
}
PARAM(race_keep, set_keep, "points that may act: 0.3,1.10-20 or none");

static int set_bug(const char *value)
{
	if (!value || strlen(value) >= sizeof(bug))
		return -EINVAL;
	memcpy(bug, value, strlen(value) + 1);
	return 0;
}
PARAM(race_bug, set_bug, "a bug switch");

void sched_plan_set_bug(void)
{
	if (bug[0] && bug_set(bug, 1))
		pr_warn("race_bug: no bug switch is called \"%s\"\n", bug);
}
