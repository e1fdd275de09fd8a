/* SPDX-License-Identifier: MIT */
/*
 * lib/printf.h: any format, into buffers of three sizes.  Every argument is
 * the same pointer to a string at a low address: as a width it is a number
 * that does not take for ever, and so it may be of every type.
 */
#include <sys/mman.h>

#include "tests/host/fuzz/fuzz.h"

#define TEXT_AT		0x20000UL
#define MAX_FORMAT	48		/* bytes: at most that many arguments */
#define MAX_STARS	4
#define MAX_DIGITS	4

#define ARG4		text, text, text, text
#define ARG16		ARG4, ARG4, ARG4, ARG4

static const char *text;

/* Not so wide that it takes seconds. */
static int is_quick(const char *f)
{
	u32 stars = 0, digits = 0;

	for (; *f; f++) {
		stars += *f == '*';
		digits = *f >= '0' && *f <= '9' ? digits + 1 : 0;
		if (stars > MAX_STARS || digits > MAX_DIGITS)
			return 0;
	}
	return 1;
}

#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static char *print(const char *fmt, size_t size, int *len)
{
	char *buf = malloc(size ? size : 1);

	*len = snprintf(buf, size, fmt, ARG16, ARG16, ARG16);
	FUZZ_CHECK(*len >= 0);
	FUZZ_CHECK(!size ||
		   host_strnlen(buf, size) <= min(size - 1, (size_t)*len));
	FUZZ_CHECK(!size || !buf[min(size - 1, (size_t)*len)]);
	return buf;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *fmt, *whole, *part;
	int len, again;

	if (!text) {
		text = mmap((void *)TEXT_AT, 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		FUZZ_CHECK(text == (char *)TEXT_AT);
		host_memcpy((char *)text, "some text", 10);
	}
	fmt = fuzz_string(data, min(size, (size_t)MAX_FORMAT));
	if (is_quick(fmt)) {
		free(print(fmt, 0, &len));
		whole = print(fmt, (size_t)len + 1, &again);
		FUZZ_CHECK(len == again);
		part = print(fmt, (size_t)len / 2 + 1, &again);
		FUZZ_CHECK(len == again);
		FUZZ_CHECK(!host_memcmp(whole, part, (size_t)len / 2));
		free(whole);
		free(part);
	}
	free(fmt);
	return 0;
}

size_t fuzz_seed(u32 nr, u8 *buf)
{
	static const char *const seeds[] = {
		"%d %-5u|%08x|%#o|%+i|% d", "%s|%-20s|%.3s|%20.2s|%c|%-3c",
		"%p %pe %20p %-20pe %%", "%lu %llx %zu %hhd %hu %tx %#X",
		"%.*s %.70d %030lx", "%q %", "% 0+-#12.7lld",
	};

	return fuzz_text_seed(seeds, ARRAY_SIZE(seeds), nr, buf);
}
