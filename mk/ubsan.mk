# SPDX-License-Identifier: MIT
# UBSAN=1: checks for undefined behaviour. kernel/ubsan.c has the handlers.

ubsan_SRC := kernel/ubsan.c tests/kt/kt_ubsan.c

# No alignment checks: ACPI tables, Multiboot tags and archive headers are read
# where the firmware and the loader put them; x86 reads at any address.
ubsan_FLAGS := -fsanitize=undefined -fno-sanitize=alignment

# What formats a report or runs under the console's lock, which a report
# takes. (lib/ is checked natively as well: tests/host.)
ubsan_PLAIN := kernel/ubsan kernel/printk kernel/spinlock kernel/lockdep \
	drivers/uart drivers/vga lib/printf lib/string
