/* SPDX-License-Identifier: MIT */
/*
 * kernel/cmdline.c, as it is, with its own handlers: the file is included
 * because the table of handlers is a linker section.
 */
#include "kernel/cmdline.c"
#include "tests/host/fuzz/fuzz.h"

int console_loglevel;
enum panic_action panic_action;

const struct boot_param __params_start[4] = {
	{ "loglevel", param_loglevel, "" }, { "smp", param_smp, "" },
	{ "run", param_run, "" }, { "panic", param_panic, "" },
};
/* The end of the table: four entries of 24 bytes. */
static_assert(sizeof(__params_start) == 96);
__asm__(".globl __params_end\n.set __params_end, __params_start + 96");

static const char *line_start;
static size_t line_size;

int printk(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return 0;
}

void shell_queue_startup(const char *line)
{
	FUZZ_CHECK(line > line_start && line < line_start + line_size);
	FUZZ_CHECK(host_strlen(line) < line_size);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *line = fuzz_string(data, size);

	line_start = line;
	line_size = size + 1;
	console_loglevel = 7;
	boot_max_cpus = 0;
	panic_action = PANIC_SHELL;
	cmdline_parse(line);
	FUZZ_CHECK(console_loglevel >= 0 && console_loglevel <= 8);
	FUZZ_CHECK(boot_max_cpus <= NR_CPUS);
	FUZZ_CHECK(panic_action <= PANIC_HALT);
	free(line);
	return 0;
}

size_t fuzz_seed(u32 nr, u8 *buf)
{
	static const char *const seeds[] = {
		"build/kernel.elf run=\"help; cpus\" smp=2 loglevel=8",
		"smp=256 panic=halt run='a \"b\" c' unknown=1 word",
		"\"run=x y\" smp= =1 panic 'loglevel'=\"3\" smp=0x10",
		"kernel run=\"not closed",
	};

	return fuzz_text_seed(seeds, ARRAY_SIZE(seeds), nr, buf);
}
