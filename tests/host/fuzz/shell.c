/* SPDX-License-Identifier: MIT */
/*
 * kernel/shell.c, as it is: the splitter of lines, completion, and numbers.
 * The file is included for its static functions; run_line() is where
 * shell_run_line() goes once it has the mutex.
 */
#include "kernel/shell.c"
#include "tests/host/fuzz/fuzz.h"

struct thread *current_thread;
void (*console_intr_hook)(void);

static const char *line_start, *line_end;
static u32 commands, in_panic;

static int cmd_take(int argc, char **argv)
{
	u64 v;

	FUZZ_CHECK(argc >= 1 && argc <= MAX_ARGS && !argv[argc]);
	for (int i = 0; i < argc; i++) {
		FUZZ_CHECK(argv[i] >= line_start && argv[i] < line_end);
		FUZZ_CHECK(argv[i] + host_strlen(argv[i]) < line_end);
		FUZZ_CHECK(!i || argv[i] > argv[i - 1] +
			   host_strlen(argv[i - 1]));
		shell_parse_u64("take", argv[i], &v);
	}
	commands++;
	return 0;
}

static void complete_take(int arg, const char *prefix,
			  void (*emit)(const char *))
{
	FUZZ_CHECK(arg > 0 && host_strlen(prefix) < 64);
	emit(prefix);
}

const struct shell_cmd __shellcmds_start[2] = {
	{ "a", "[X]...", "", 0, -1, SHELL_PANIC_OK, cmd_take, complete_take },
	{ "b", "X Y", "", 2, 2, 0, cmd_take, complete_take },
};
/* The end of the table: two entries of 56 bytes. */
static_assert(sizeof(__shellcmds_start) == 112);
__asm__(".globl __shellcmds_end\n"
	".set __shellcmds_end, __shellcmds_start + 112");

static int format(const char *fmt, va_list ap)
{
	char text[128];

	return vsnprintf(text, sizeof(text), fmt, ap);
}

int kprintf(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = format(fmt, ap);
	va_end(ap);
	return n;
}

int printk(const char *fmt, ...)
{
	(void)fmt;
	return 0;
}

bool panic_in_progress(void)
{
	return in_panic;
}

/* Never called: what shell.c needs to be linked. */
#define NEVER(ret, name, args) \
	ret name args { abort(); }
NEVER(int, console_getc, (void))
NEVER(int, console_getc_until, (u64 t __maybe_unused))
NEVER(int, console_poll_raw, (void))
NEVER(u64, ktime_get, (void))
NEVER(void, mutex_lock, (struct mutex *m __maybe_unused))
NEVER(void, mutex_unlock, (struct mutex *m __maybe_unused))
NEVER(void, thread_interrupt, (struct thread *t __maybe_unused))
NEVER(ssize_t, shell_read_line, (const struct shell_input *in __maybe_unused,
				 char *buf __maybe_unused,
				 size_t size __maybe_unused))

static void emit(const char *s)
{
	FUZZ_CHECK(s);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 *exact = fuzz_copy(data, size);
	size_t word = 0;
	char *line;

	shell_complete((const char *)exact, size, &word, emit);
	FUZZ_CHECK(word <= size);
	free(exact);
	line = fuzz_string(data, size);
	line_start = line;
	line_end = line + size + 1;
	in_panic = size & 1;
	run_line(line);
	free(line);
	return 0;
}

size_t fuzz_seed(u32 nr, u8 *buf)
{
	static const char *const seeds[] = {
		"a 0x10 077 18446744073709551615; b 1 2",
		"a 'x ; y' \"z\"\"w\" '' ; ; b \"1\" 2;a",
		"a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a",
		"a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a",
		"b 18446744073709551616 0xg \t;b \"open",
	};

	return fuzz_text_seed(seeds, ARRAY_SIZE(seeds), nr, buf);
}
