/* SPDX-License-Identifier: MIT */
/* lib/errseq: each observer hears of each error once. */
#include "tests/host/tap.h"
#include "lib/err.h"
#include "lib/errseq.h"

static void test_once_each(void)
{
	errseq_t e = 0, a = errseq_sample(&e), b = errseq_sample(&e);

	CHECK(errseq_check_and_advance(&e, &a) == 0);
	errseq_set(&e, -EIO);
	CHECK(errseq_check_and_advance(&e, &a) == -EIO);
	CHECK(errseq_check_and_advance(&e, &a) == 0);
	CHECK(errseq_check_and_advance(&e, &b) == -EIO);
	CHECK(errseq_check_and_advance(&e, &b) == 0);
	CHECK(errseq_check_and_advance(&e, &a) == 0);
}

static void test_again(void)
{
	errseq_t e = 0, a = 0;

	for (int i = 0; i < 5; i++) {
		errseq_set(&e, -EIO);
		errseq_set(&e, -EIO);		/* two failures, one report */
		CHECK(errseq_check_and_advance(&e, &a) == -EIO);
		CHECK(errseq_check_and_advance(&e, &a) == 0);
	}
	errseq_set(&e, -EIO);
	errseq_set(&e, -ENOSPC);
	CHECK(errseq_check_and_advance(&e, &a) == -ENOSPC);
}

static void test_new_observer(void)
{
	errseq_t e = 0, a = 0, b;

	errseq_set(&e, -EIO);
	b = errseq_sample(&e);			/* nobody has seen it: E2 */
	CHECK(errseq_check_and_advance(&e, &b) == -EIO);
	b = errseq_sample(&e);			/* somebody has */
	CHECK(errseq_check_and_advance(&e, &b) == 0);
	CHECK(errseq_check_and_advance(&e, &a) == -EIO);
}

int main(void)
{
	RUN(test_once_each);
	RUN(test_again);
	RUN(test_new_observer);
	return tap_done();
}
