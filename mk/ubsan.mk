# SPDX-License-Identifier: MIT
# UBSAN=1: a lab build in which gcc checks for undefined behaviour, in
# build/ubsan; kernel/ubsan.c has the handlers. In other builds those files
# are no part of the image.

UBSAN_SRC := kernel/ubsan.c tests/kt/kt_ubsan.c

# Not checked: what formats a report or runs under the console's lock, which a
# report takes. (lib/ is checked natively as well: tests/host.)
UBSAN_PLAIN := kernel/ubsan kernel/printk kernel/spinlock kernel/lockdep \
	drivers/uart drivers/vga lib/printf lib/string

ifeq ($(UBSAN),1)

# No alignment checks: ACPI tables, Multiboot tags and archive headers are read
# where the firmware and the loader put them; x86 reads at any address.
CHECK_FLAGS := -fsanitize=undefined -fno-sanitize=alignment
$(UBSAN_PLAIN:%=$(O)/obj/%.o): CHECK_FLAGS :=

else
LEFT_OUT := $(UBSAN_SRC)
endif

# The in-kernel tests, then the programs of ring 3.
.PHONY: ubsan-test
ifeq ($(UBSAN),1)
ubsan-test: $(O)/kernel.elf $(O)/initrd.cpio
	@rc=0; $(PYTHON) tools/run.py --name lab-ubsan --kernel $< --ktap \
		--smp $(SMP) --mem $(MEM) --cpu $(CPU) --timeout 400 \
		--type "selftest quick" --type ubsan --type poweroff --status 0 \
		--expect '^ubsan: 0 reports' --forbid 'warning at' \
		--log $(O)/ubsan-test.log || rc=$$?; \
	grep -a -E '^(# selftest|ubsan): [0-9]' $(O)/ubsan-test.log; exit $$rc
	@REWALK_BUILD=$(O) $(PYTHON) tests/drive/programs.py \
		>$(O)/ubsan-programs.log || \
		{ grep -A30 '^not ok' $(O)/ubsan-programs.log; exit 1; }
	@echo "# programs: $$(grep -c '^ok' $(O)/ubsan-programs.log) passed"
else
ubsan-test:
	+@$(MAKE) UBSAN=1 ubsan-test
endif
