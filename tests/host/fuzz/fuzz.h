/* SPDX-License-Identifier: MIT */
/*
 * What a fuzz target and its two drivers share.  A target is one file with
 * the two functions below.  clang's libFuzzer drives it in `make fuzz`; plain
 * mutation (driver.c) in every `make test`, with gcc alone.
 *
 * F1. A target keeps nothing from one input that changes what the next does.
 * F2. Data lies in a heap block of its exact size, so one byte too far is a
 *     report of AddressSanitizer.
 * F3. What is accepted must hold what the parser's header promises: FUZZ_CHECK.
 */
#ifndef TESTS_HOST_FUZZ_FUZZ_H
#define TESTS_HOST_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "lib/types.h"
#include "lib/compiler.h"

#define FUZZ_MAX	4096	/* bytes of an input */

/* libFuzzer's name for it.  Returns 0; any fault ends the process. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
/* Seed number nr into buf (FUZZ_MAX bytes).  Its size; 0: there are no more. */
size_t fuzz_seed(u32 nr, u8 *buf);

#define FUZZ_CHECK(cond)						\
	do {								\
		if (!(cond)) {						\
			fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, \
				__LINE__, #cond);			\
			abort();					\
		}							\
	} while (0)

/* A heap copy of exactly size bytes; the caller frees it. */
static inline void *fuzz_copy(const void *data, size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		abort();
	host_memcpy(p, data, size);
	return p;
}

/* The same as a string. */
static inline char *fuzz_string(const void *data, size_t size)
{
	char *s = malloc(size + 1);

	if (!s)
		abort();
	host_memcpy(s, data, size);
	s[size] = 0;
	return s;
}

/* Text number nr of a list as a seed. */
static inline size_t fuzz_text_seed(const char *const *list, size_t n, u32 nr,
				    u8 *buf)
{
	size_t len;

	if (nr >= n)
		return 0;
	len = host_strlen(list[nr]);
	host_memcpy(buf, list[nr], len);
	return len;
}

#endif
