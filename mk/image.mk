# SPDX-License-Identifier: MIT
# Programs for ring 3, the archive that carries them, and the ISO.

INITRD ?= $(O)/initrd.cpio
ISO := $(O)/rewalk.iso
APPEND ?=
export APPEND

USER_SRC := $(sort $(wildcard user/*.c tests/abi/*.c))
USER_BIN := $(patsubst %.c,$(O)/user/%,$(notdir $(USER_SRC)))

# Some of them once more with the host's glibc, where it has a static one: its
# start-up code and threads ask for other calls than musl's.
GLIBC_CC ?= gcc
GLIBC_TESTS := threads signal pipe timer
ifneq ($(wildcard $(shell $(GLIBC_CC) -print-file-name=libc.a 2>/dev/null)),)
GLIBC_BIN := $(GLIBC_TESTS:%=$(O)/user/glibc_%)
USER_BIN += $(GLIBC_BIN)
endif

$(O)/user/glibc_%: tests/abi/t_%.c $(O)/.user-flags
	$(call say,GLIBC,$<)
	@mkdir -p $(@D)
	$(Q)$(GLIBC_CC) $(CFLAGS_USER) -MMD -MP -MF $@.d $< -o $@ -lrt

define user_rule
$(O)/user/$(basename $(notdir $(1))): $(1) $(O)/.user-flags
	$$(call say,USERCC,$(1))
	@mkdir -p $$(@D)
	$$(Q)$(USER_CC) $(CFLAGS_USER) -MMD -MP -MF $$@.d $(1) -o $$@
endef
$(foreach src,$(USER_SRC),$(eval $(call user_rule,$(src))))

$(O)/.user-flags: FORCE | $(O)/.rewalk-build
	@command -v $(firstword $(USER_CC)) >/dev/null || { \
		echo "$(USER_CC) is missing: 'make deps', or the package" \
		"musl-tools" >&2; exit 1; }
	@echo '$(USER_CC) $(CFLAGS_USER)' | cmp -s - $@ || \
		echo '$(USER_CC) $(CFLAGS_USER)' >$@

$(O)/.programs: FORCE | $(O)/.rewalk-build
	@echo '$(USER_BIN)' | cmp -s - $@ || echo '$(USER_BIN)' >$@

$(O)/initrd.cpio: $(USER_BIN) $(O)/.programs tools/mkinitrd.py
	$(call say,INITRD,$@)
	$(Q)$(PYTHON) tools/mkinitrd.py --busybox $(BUSYBOX) -o $@ $(USER_BIN)

-include $(addsuffix .d,$(USER_BIN))

# The command line is part of the ISO, so it is kept in a file as well.
$(O)/.append: FORCE | $(O)/.rewalk-build
	@printf '%s\n' "$$APPEND" | cmp -s - $@ || printf '%s\n' "$$APPEND" >$@

$(ISO): $(KERNEL) $(INITRD) iso/grub.cfg $(O)/.append tools/mkiso.sh
	$(call say,ISO,$@)
	$(Q)sh tools/mkiso.sh $(KERNEL) $(INITRD) $(O)/iso $@

.PHONY: iso initrd user
iso: $(ISO)
initrd: $(INITRD)
user: $(USER_BIN)
