# SPDX-License-Identifier: MIT
# COVERAGE=1: a lab build that counts how often each line and branch of mm/ and
# kernel/ ran, in build/cov. `make coverage` builds it and runs the in-kernel
# tests and the ring-3 programs; tools/coverage.py takes the counters out of
# the machine's memory, so the kernel has no code for it.

ifeq ($(COVERAGE),1)

COUNTED := -fprofile-arcs -ftest-coverage -fprofile-info-section \
	-fprofile-update=atomic
$(O)/obj/mm/%.o $(O)/obj/kernel/%.o: CHECK_FLAGS := $(COUNTED)

# A mark of the counters in use; nothing in the kernel calls it.
LDFLAGS_K += --defsym=__gcov_merge_add=1

endif

.PHONY: coverage
ifeq ($(COVERAGE),1)
coverage: $(O)/kernel.elf $(O)/initrd.cpio
	@$(PYTHON) tools/coverage.py $(O)
else
coverage:
	+@$(MAKE) COVERAGE=1 coverage
endif
