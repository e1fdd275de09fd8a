/* SPDX-License-Identifier: MIT */
/* lib/err: numbers and names as the C library has them; error pointers. */
#define _GNU_SOURCE
#include <string.h>

#include "tests/host/tap.h"
#include "lib/err.h"
#include "lib/string.h"

#undef strerrorname_np
extern const char *strerrorname_np(int err);

static void test_names(void)
{
	for (int i = 1; i <= 140; i++) {
		const char *ours = errname(i), *libs = strerrorname_np(i);

		if (libs && !strcmp(libs, "ENOTSUP"))
			libs = "EOPNOTSUPP";
		CHECKF(!ours == !libs, "%d", i);
		CHECKF(!ours || !libs || !strcmp(ours, libs), "%d: %s %s", i,
		       ours, libs);
		CHECK(errname(-i) == ours);
	}
	CHECK(!errname(0) && !errname(4095) && !errname(INT_MIN));
	CHECK(!strcmp(errname(-ERESTARTSYS), "ERESTARTSYS"));
}

static void test_pointers(void)
{
	int x;

	CHECK(IS_ERR(ERR_PTR(-1)) && IS_ERR(ERR_PTR(-MAX_ERRNO)));
	CHECK(!IS_ERR(ERR_PTR(-MAX_ERRNO - 1)));
	CHECK(!IS_ERR(NULL) && IS_ERR_OR_NULL(NULL) && !IS_ERR(&x));
	CHECK(PTR_ERR(ERR_PTR(-ENOMEM)) == -ENOMEM);
	CHECK(PTR_ERR_OR_ZERO(&x) == 0);
	CHECK(PTR_ERR_OR_ZERO(ERR_PTR(-EIO)) == -EIO);
}

int main(void)
{
	RUN(test_names);
	RUN(test_pointers);
	return tap_done();
}
