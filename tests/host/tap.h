/* SPDX-License-Identifier: MIT */
/*
 * The harness of the host tests: each test is a function of CHECKs; RUN prints
 * its TAP line, tap_done() the plan.  A failed CHECK says where and goes on.
 */
#ifndef TESTS_HOST_TAP_H
#define TESTS_HOST_TAP_H

#include <stdarg.h>
#include <stdio.h>

static int tap_tests, tap_failed_tests, tap_failures;

/* How much of a long random test to run: TSan is slow, and is for threads. */
#ifdef __SANITIZE_THREAD__
#define TAP_LONG(n)	((n) / 10)
#else
#define TAP_LONG(n)	(n)
#endif

#define TAP_SHOWN	10	/* failures of one test that are spelled out */

#define CHECK(cond)							\
	do {								\
		if (!(cond) && tap_failures++ < TAP_SHOWN)		\
			printf("# %s:%d: %s: failed: %s\n", __FILE__,	\
			       __LINE__, __func__, #cond);		\
	} while (0)

/* The same, with values to show. */
#define CHECKF(cond, fmt, ...)						\
	do {								\
		if (!(cond) && tap_failures++ < TAP_SHOWN)		\
			printf("# %s:%d: %s: failed: %s: " fmt "\n",	\
			       __FILE__, __LINE__, __func__, #cond,	\
			       ##__VA_ARGS__);				\
	} while (0)

#define RUN(test)	tap_run(#test, test)

static inline void tap_run(const char *name, void (*test)(void))
{
	tap_failures = 0;
	test();
	tap_tests++;
	if (tap_failures)
		tap_failed_tests++;
	printf("%sok %d - %s\n", tap_failures ? "not " : "", tap_tests, name);
	if (tap_failures)
		printf("# %d checks failed\n", tap_failures);
	fflush(stdout);
}

/* For `return tap_done();` at the end of main(). */
static inline int tap_done(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failed_tests != 0;
}

#endif
