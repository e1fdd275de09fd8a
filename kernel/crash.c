/* SPDX-License-Identifier: MIT */
/*
 * `crash KIND`: the kernel's own mistakes, made on purpose, to see what each
 * protection says.  Every kind must end in a report that names the exception,
 * the CPU and the function; none may get past it.
 *
 * Tests: tests/drive/panic.py
 */
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "lib/err.h"
#include "lib/string.h"

extern char _text[];

/* Volatile: the compiler must not see through what we are about to do. */
static volatile u64 sink;
static char data[16];

static void crash_null(void)
{
	char *volatile p = NULL;

	sink = (u64)*(volatile char *)p;
}

static void crash_divide(void)
{
	volatile u64 zero = 0;

	sink = 100 / zero;
}

static void crash_opcode(void)
{
	__builtin_trap();
}

static noinline u64 recurse(u64 n)
{
	volatile u64 frame[32];

	frame[n % 32] = n;
	if (n == U64_MAX)
		return 0;
	return recurse(n + 1) + frame[n % 31];
}

/* Into the guard page below the stack: a double fault, on its own stack. */
static void crash_stack(void)
{
	sink = recurse(0);
}

/* Text is not writable, data is not executable. */
static void crash_text(void)
{
	*(volatile char *)_text = 0;
}

static void crash_data(void)
{
	void (*volatile fn)(void) = (void (*)(void))(void *)data;

	fn();
}

static void crash_assert(void)
{
	BUG_ON(data[0] == 0);
}

static const struct {
	const char *name;
	void (*fn)(void);
} kinds[] = {
	{ "null", crash_null },		{ "divide", crash_divide },
	{ "opcode", crash_opcode },	{ "stack", crash_stack },
	{ "text", crash_text },		{ "data", crash_data },
	{ "assert", crash_assert },
};

static int cmd_crash(int argc, char **argv)
{
	(void)argc;
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(argv[1], kinds[i].name))
			continue;
		kinds[i].fn();
		kprintf("crash: %s did no harm\n", argv[1]);
		return -EIO;
	}
	kprintf("crash: no kind \"%s\"\n", argv[1]);
	return -EINVAL;
}

static void complete_kind(int arg, const char *prefix,
			  void (*emit)(const char *))
{
	(void)prefix;
	for (u32 i = 0; arg == 1 && i < ARRAY_SIZE(kinds); i++)
		emit(kinds[i].name);
}

SHELL_CMD_FULL(crash, "KIND",
	       "null divide opcode stack text data assert: crash on purpose",
	       1, 1, 0, cmd_crash, complete_kind);
