# SPDX-License-Identifier: MIT
#
# Host tests: lib/ and other code without hardware in it, compiled natively
# under AddressSanitizer and UndefinedBehaviorSanitizer; those named in
# HOST_TSAN a second time under ThreadSanitizer.  Included by the Makefile from
# the root of the tree; O is the build folder.
#
# A test is tests/host/test_NAME.c and links with all of lib/.  What else it
# needs is named here:  host-src-test_NAME := boot/NAME.c

HOSTCC		?= gcc
PROVE		?= prove
HOST_O		:= $(O)/host
HOST_CFLAGS	:= -std=gnu11 -O1 -g -pthread -I. -include tests/host/host.h \
		   -fno-omit-frame-pointer -Wall -Wextra -Wshadow -Wvla \
		   -fno-builtin -MMD -MP $(if $(filter 1,$(WERROR)),-Werror)
HOST_ASAN	:= -fsanitize=address,undefined -fno-sanitize-recover=all
# Of fences ThreadSanitizer knows nothing, and the compiler warns of that.
HOST_TSAN_FLAGS	:= -fsanitize=thread -Wno-tsan

host-src-test_bootinfo	:= boot/bootinfo.c boot/bi_mem.c boot/bi_rsdp.c \
			   boot/mb1.c boot/mb2.c tests/host/bootinfo_fake.c
host-src-test_bootinfo_mb2 := $(host-src-test_bootinfo)

host-src-test_virtio_ring := drivers/virtio_ring.c

HOST_TESTS	:= $(patsubst tests/host/%.c,%,$(wildcard tests/host/test_*.c))
HOST_TSAN	:= test_atomic test_list test_radix_tree
HOST_LIB	:= $(wildcard lib/*.c)
HOST_BINS	:= $(HOST_TESTS:%=$(HOST_O)/asan/%) \
		   $(HOST_TSAN:%=$(HOST_O)/tsan/%)

define host-compile
@mkdir -p $(@D)
$(call say,HOSTCC,$<)
$(Q)$(HOSTCC) $(HOST_CFLAGS) $(1) -c $< -o $@
endef

$(HOST_O)/asan/%.o: %.c | $(O)/.rewalk-build
	$(call host-compile,$(HOST_ASAN))

$(HOST_O)/tsan/%.o: %.c | $(O)/.rewalk-build
	$(call host-compile,$(HOST_TSAN_FLAGS))

# host-objs KIND,TEST: the objects of one binary, each with its source.
host-objs = $(patsubst %.c,$(HOST_O)/$(1)/%.o,tests/host/$(2).c $(HOST_LIB) \
	    $(host-src-$(2)))

define host-binary
$(HOST_O)/$(1)/$(2): $(call host-objs,$(1),$(2))
	$$(call say,HOSTLD,$$@)
	$$(Q)$(HOSTCC) -pthread $(3) $$^ -o $$@
endef

$(foreach t,$(HOST_TESTS),\
	$(eval $(call host-binary,asan,$(t),$(HOST_ASAN))))
$(foreach t,$(HOST_TSAN),\
	$(eval $(call host-binary,tsan,$(t),$(HOST_TSAN_FLAGS))))

include tests/host/fuzz/build.mk

.PHONY: host-test
host-test: $(HOST_BINS)
	$(Q)$(PROVE) -e '' $(HOST_BINS)

-include $(wildcard $(HOST_O)/*/*/*.d $(HOST_O)/*/*/*/*.d \
	$(HOST_O)/*/*/*/*/*.d)
