/* SPDX-License-Identifier: MIT */
/*
 * The shell: takes lines apart, finds commands, runs them.
 *
 * A line is commands separated by `;`; words are separated by blanks; 'x' and
 * "x" keep blanks and `;` inside a word.  What is wrong is said in one line,
 * before the command has run.
 *
 * H1  One command runs at a time (shell_mutex); a command may call
 *     shell_run_line() itself.
 * H2  ^C while a command runs sets `interrupted` and ends the sleep of the
 *     thread that runs it, if the sleep is interruptible; the commands after
 *     it on the line are dropped.
 * H3  In the panic shell nothing sleeps and no lock is taken: input is polled
 *     and only SHELL_PANIC_OK commands run.
 *
 * Tests: tests/kt/kt_shell.c
 */
#include "kernel/shell.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/dev.h"
#include "kernel/mutex.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "lib/string.h"

#define MAX_ARGS	32

const char shell_prompt[] = "rewalk> ";

static DEFINE_MUTEX(shell_mutex, LOCK_SHELL);
static struct thread *shell_runner;	/* who runs a command now */
static u32 interrupted;			/* a */
static char startup[SHELL_LINE_MAX];
static bool startup_queued;

const struct shell_cmd *shell_find(const char *name)
{
	const struct shell_cmd *c;

	for (c = __shellcmds_start; c < __shellcmds_end; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

bool shell_interrupted(void)
{
	return READ_ONCE(interrupted);
}

int shell_parse_u64(const char *what, const char *text, u64 *out)
{
	if (!strtou64(text, 0, out))
		return 0;
	kprintf("%s: \"%s\" is not a number\n", what, text);
	return -EINVAL;
}

/* Interrupt context: the console's ^C. */
static void intr_hook(void)
{
	struct thread *t = READ_ONCE(shell_runner);

	WRITE_ONCE(interrupted, 1);
	if (t)
		thread_interrupt(t);
}

static int usage(const struct shell_cmd *c)
{
	kprintf("usage: %s%s%s\n", c->name, *c->args ? " " : "", c->args);
	return -EINVAL;
}

static int run_command(int argc, char **argv)
{
	const struct shell_cmd *c = shell_find(argv[0]);

	if (!c) {
		kprintf("unknown command \"%s\": try help\n", argv[0]);
		return -ENOENT;
	}
	if (panic_in_progress() && !(c->flags & SHELL_PANIC_OK)) {
		kprintf("%s: not after a panic\n", argv[0]);
		return -EPERM;
	}
	if (argc - 1 < c->min_args ||
	    (c->max_args >= 0 && argc - 1 > c->max_args))
		return usage(c);
	return c->fn(argc, argv);
}

enum { SPLIT_MORE, SPLIT_END, SPLIT_UNCLOSED, SPLIT_TOO_MANY };

/*
 * One word from *in to *out, quotes removed.  True when there was one; both
 * then stand behind it.
 */
static bool split_word(char **in, char **out, char *quote)
{
	char *p = *in, *o = *out;
	bool any = false;

	for (; *p; p++) {
		if (*quote ? *p == *quote : *p == '"' || *p == '\'') {
			*quote = *quote ? 0 : *p;
			any = true;
		} else if (!*quote && (*p == ' ' || *p == '\t' || *p == ';')) {
			break;
		} else {
			*o++ = *p;
			any = true;
		}
	}
	*in = p;
	*out = o;
	return any;
}

/* Words of the command at *line; *line moves behind its `;`. */
static int split(char **line, char **argv, int *argc)
{
	char *in = *line, *out = *line, quote = 0;

	*argc = 0;
	for (;;) {
		char *word, end;

		while (*in == ' ' || *in == '\t')
			in++;
		if (out > in)
			out = in;
		word = out;
		if (!split_word(&in, &out, &quote))
			break;
		if (quote)
			return SPLIT_UNCLOSED;
		if (*argc == MAX_ARGS)
			return SPLIT_TOO_MANY;
		argv[(*argc)++] = word;
		end = *in;
		*out++ = 0;
		if (end == ' ' || end == '\t') {
			in++;
			continue;
		}
		*line = end ? in + 1 : in;
		return end ? SPLIT_MORE : SPLIT_END;
	}
	*line = *in ? in + 1 : in;
	return *in ? SPLIT_MORE : SPLIT_END;
}

static int run_line(char *line)
{
	char *argv[MAX_ARGS + 1];
	int argc, how, ret = 0;

	do {
		how = split(&line, argv, &argc);
		if (how == SPLIT_UNCLOSED) {
			kprintf("a quote is not closed\n");
			return -EINVAL;
		}
		if (how == SPLIT_TOO_MANY) {
			kprintf("more than %d words\n", MAX_ARGS);
			return -E2BIG;
		}
		argv[argc] = NULL;
		if (argc)
			ret = run_command(argc, argv);
	} while (how == SPLIT_MORE && !shell_interrupted());
	return ret;
}

int shell_run_line(char *line)
{
	struct thread *t = current();
	int ret;

	if (panic_in_progress() || shell_runner == t)	/* H1, H3 */
		return run_line(line);
	mutex_lock(&shell_mutex);
	WRITE_ONCE(interrupted, 0);
	WRITE_ONCE(shell_runner, t);
	WRITE_ONCE(console_intr_hook, intr_hook);
	ret = run_line(line);
	WRITE_ONCE(console_intr_hook, NULL);
	WRITE_ONCE(shell_runner, NULL);
	if (shell_interrupted())
		kprintf("^C\n");
	WRITE_ONCE(interrupted, 0);
	WRITE_ONCE(t->interrupted, 0);
	mutex_unlock(&shell_mutex);
	return ret;
}

/* The start of the last word, and which argument of which command it is. */
struct word_pos {
	size_t cmd, word;
	int arg;
	char quote;
};

static struct word_pos locate(const char *line, size_t len)
{
	struct word_pos w = { 0, 0, 0, 0 };
	bool in_word = false;

	for (size_t i = 0; i < len; i++) {
		char c = line[i];

		if (w.quote ? c == w.quote : c == '"' || c == '\'')
			w.quote = w.quote ? 0 : c;
		if (!w.quote && c == ';') {
			w.cmd = w.word = i + 1;
			w.arg = 0;
			in_word = false;
		} else if (!w.quote && (c == ' ' || c == '\t')) {
			if (in_word)
				w.arg++;
			else if (w.cmd == i)
				w.cmd = i + 1;
			w.word = i + 1;
			in_word = false;
		} else {
			in_word = true;
		}
	}
	return w;
}

void shell_complete(const char *line, size_t len, size_t *word_start,
		    void (*emit)(const char *))
{
	struct word_pos w = locate(line, len);
	const struct shell_cmd *c;
	char name[32], prefix[64];
	size_t n = 0;

	*word_start = w.word;
	if (w.quote)
		return;
	if (!w.arg) {
		for (c = __shellcmds_start; c < __shellcmds_end; c++)
			emit(c->name);
		return;
	}
	while (w.cmd + n < len && n < sizeof(name) - 1 &&
	       line[w.cmd + n] != ' ' && line[w.cmd + n] != '\t') {
		name[n] = line[w.cmd + n];
		n++;
	}
	name[n] = 0;
	n = min(len - w.word, sizeof(prefix) - 1);
	memcpy(prefix, &line[w.word], n);
	prefix[n] = 0;
	c = shell_find(name);
	if (c && c->complete)
		c->complete(w.arg, prefix, emit);
}

void shell_queue_startup(const char *line)
{
	startup_queued = true;
	if (strlcpy(startup, line, sizeof(startup)) >= sizeof(startup))
		pr_warn("option run: cut to %d characters\n",
			(int)sizeof(startup) - 1);
}

void shell_main(void *arg)
{
	static const struct shell_input input = {
		.getc = console_getc, .getc_until = console_getc_until,
	};
	static char line[SHELL_LINE_MAX];

	(void)arg;
	if (startup_queued) {
		kprintf("%s%s\n", shell_prompt, startup);
		shell_run_line(startup);
	}
	for (;;) {
		ssize_t len = shell_read_line(&input, line, sizeof(line));

		WRITE_ONCE(current()->interrupted, 0);
		if (len > 0)
			shell_run_line(line);
	}
}

static int panic_getc_until(u64 deadline)
{
	int c;

	while ((c = console_poll_raw()) == -EAGAIN) {
		if (ktime_get() >= deadline)
			break;
		cpu_relax();
	}
	return c;
}

static int panic_getc(void)
{
	return panic_getc_until(U64_MAX);
}

void shell_panic_loop(void)
{
	static const struct shell_input input = {
		.getc = panic_getc, .getc_until = panic_getc_until,
	};
	static char line[SHELL_LINE_MAX];

	if (console_poll_raw() == -ENODEV)
		return;
	kprintf("panic shell; `help` lists what still works\n");
	WRITE_ONCE(interrupted, 0);
	for (;;)
		if (shell_read_line(&input, line, sizeof(line)) > 0)
			shell_run_line(line);
}
