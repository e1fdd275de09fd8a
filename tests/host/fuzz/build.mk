# SPDX-License-Identifier: MIT
#
# Fuzzing of every parser.  A target is tests/host/fuzz/NAME.c (fuzz.h).  With
# gcc and driver.c it is build/host/asan/test_fuzz_NAME, one of the host tests;
# with clang's libFuzzer it is build/fuzz/NAME, run by `make fuzz`.  Included by
# tests/host/build.mk.
#
# What else a target needs: fuzz-src-NAME.  Files under kernel/ and arch/ that
# include hardware's headers are compiled as they are.

FUZZCC		?= clang
FUZZ_RUNS	?= 200000
FUZZ_SECONDS	?= 20
FUZZ_O		:= $(O)/fuzz
FUZZ_TARGETS	:= $(filter-out driver,\
		   $(patsubst tests/host/fuzz/%.c,%,$(wildcard tests/host/fuzz/*.c)))
FUZZ_FLAGS	:= $(filter-out -Werror,$(HOST_CFLAGS)) -Wno-unknown-pragmas \
		   -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all

fuzz-src-bootinfo_mb1	:= $(host-src-test_bootinfo)
fuzz-src-bootinfo_mb2	:= $(host-src-test_bootinfo)
fuzz-src-acpi_tables	:= arch/acpi_tables.c

fuzz-objs = $(patsubst %.c,$(1)/%.o,tests/host/fuzz/$(2).c $(HOST_LIB) \
	    $(fuzz-src-$(2)) $(3))

FUZZ_TESTS	:= $(FUZZ_TARGETS:%=$(HOST_O)/asan/test_fuzz_%)
FUZZ_BINS	:= $(FUZZ_TARGETS:%=$(FUZZ_O)/%)
HOST_BINS	+= $(FUZZ_TESTS)

define fuzz-binary
$(HOST_O)/asan/test_fuzz_$(1): $(call fuzz-objs,$(HOST_O)/asan,$(1),\
		tests/host/fuzz/driver.c)
	$$(call say,HOSTLD,$$@)
	$$(Q)$(HOSTCC) -no-pie -pthread $(HOST_ASAN) $$^ -o $$@

$(FUZZ_O)/$(1): $(call fuzz-objs,$(FUZZ_O)/obj,$(1))
	$$(call say,FUZZLD,$$@)
	$$(Q)$(FUZZCC) -no-pie $(FUZZ_FLAGS) $$^ -o $$@
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz-binary,$(t))))

$(FUZZ_O)/obj/%.o: %.c | $(O)/.rewalk-build
	@mkdir -p $(@D)
	$(call say,FUZZCC,$<)
	$(Q)$(FUZZCC) $(FUZZ_FLAGS) -c $< -o $@

.PHONY: fuzz fuzz-tools
fuzz-tools:
	@command -v $(FUZZCC) >/dev/null || { echo "$(FUZZCC) is missing:" \
		"the packages clang and libclang-rt-14-dev" >&2; exit 1; }

fuzz: fuzz-tools $(FUZZ_BINS) $(FUZZ_TESTS)
	@FUZZ_RUNS=$(FUZZ_RUNS) FUZZ_SECONDS=$(FUZZ_SECONDS) \
		sh tools/fuzz.sh $(O) $(FUZZ_TARGETS)

-include $(wildcard $(FUZZ_O)/obj/*/*.d $(FUZZ_O)/obj/*/*/*.d \
	$(FUZZ_O)/obj/*/*/*/*.d)
