/* SPDX-License-Identifier: MIT */
/*
 * The kernel command line.  Words are separated by blanks; a value may stand
 * in single or double quotes (run="help; cpus"), as may parts of a word.
 * A word that means nothing to us is reported and ignored.
 */
#include "kernel/cmdline.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "lib/err.h"
#include "lib/limits.h"
#include "lib/string.h"

extern const struct boot_param __params_start[], __params_end[];

u32 boot_max_cpus;

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * Takes the next word off *line, quotes removed, in place.  NULL at the end.
 * *unclosed: its last quote has no end.
 */
static char *next_word(char **line, bool *unclosed)
{
	char *in = *line, *out, *word, quote = 0;

	*unclosed = false;
	while (blank(*in))
		in++;
	if (!*in)
		return NULL;
	for (word = out = in; *in && (quote || !blank(*in)); in++) {
		if (quote && *in == quote)
			quote = 0;
		else if (!quote && (*in == '"' || *in == '\''))
			quote = *in;
		else
			*out++ = *in;
	}
	*unclosed = quote;
	*line = *in ? in + 1 : in;
	*out = 0;
	return word;
}

static const struct boot_param *find(const char *name)
{
	for (const struct boot_param *p = __params_start;
	     p < __params_end; p++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

static void handle(char *word)
{
	char *value = strchr(word, '=');
	const struct boot_param *p;

	if (value)
		*value++ = 0;
	p = find(word);
	if (!p)
		pr_warn("unknown option \"%s\" ignored\n", word);
	else if (p->fn(value))
		pr_warn("option %s: bad value \"%s\" ignored (%s)\n", word,
			value ? value : "", p->help);
}

/* QEMU names the kernel's file in front, GRUB does not. */
static bool names_a_file(const char *word)
{
	const char *dot = strrchr(word, '.');

	if (strchr(word, '='))
		return false;
	return strchr(word, '/') || (dot && !strcmp(dot, ".elf")) ||
	       !strcmp(word, "kernel");
}

void cmdline_parse(char *line)
{
	bool first = true, unclosed;
	char *word;

	while ((word = next_word(&line, &unclosed))) {
		if (unclosed)
			pr_warn("command line: a quote is not closed\n");
		if (!first || !names_a_file(word))
			handle(word);
		first = false;
	}
}

static int param_loglevel(const char *value)
{
	u64 n;

	if (!value || strtou64(value, 10, &n) || n > 8)
		return -EINVAL;
	console_loglevel = (int)n;
	return 0;
}
PARAM(loglevel, param_loglevel, "0 to 8: messages below it are shown");

static int param_smp(const char *value)
{
	u64 n;

	if (!value || strtou64(value, 10, &n) || !n || n > NR_CPUS)
		return -EINVAL;
	boot_max_cpus = (u32)n;
	return 0;
}
PARAM(smp, param_smp, "number of CPUs to use");

static int param_run(const char *value)
{
	if (!value)
		return -EINVAL;
	shell_queue_startup(value);
	return 0;
}
PARAM(run, param_run, "commands to type after boot: \"CMD; CMD\"");

static int param_panic(const char *value)
{
	static const char *const names[] = { "shell", "exit", "halt" };

	for (u32 i = 0; value && i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]))
			continue;
		panic_action = i;
		return 0;
	}
	return -EINVAL;
}
PARAM(panic, param_panic, "shell, exit or halt");
