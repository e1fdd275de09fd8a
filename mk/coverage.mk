# SPDX-License-Identifier: MIT
# COVERAGE=1: counts how often each line and branch of mm/ and kernel/ ran.
# `make coverage` builds it and runs the in-kernel tests and the ring-3 programs;
# tools/coverage.py takes the counters out of the machine's memory, so the kernel
# has no code for it. (build/coverage is the page with the figures.)

coverage_O := build/cov

coverage_FLAGS := -fprofile-arcs -ftest-coverage -fprofile-info-section \
	-fprofile-update=atomic
# Only these are counted.
coverage_ONLY := mm kernel
# A mark of the counters in use; nothing in the kernel calls it.
coverage_LDFLAGS := --defsym=__gcov_merge_add=1
