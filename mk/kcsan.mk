# SPDX-License-Identifier: MIT
# KCSAN=1: data races between CPUs. gcc calls a hook of kernel/kcsan_hooks.c
# for every access to memory that another CPU could see; kernel/kcsan.c
# watches some of them for a while. docs/kcsan.md.

kcsan_SRC := kernel/kcsan.c kernel/kcsan_hooks.c kernel/kcsan_report.c \
	tests/kt/kt_kcsan.c
kcsan_CONFIG := -DCONFIG_KCSAN_BUILD=1

# Volatile accesses have hooks of their own: READ_ONCE and WRITE_ONCE are
# volatile. -Wno-tsan: gcc's warning that a fence by itself means nothing to
# its own ThreadSanitizer. No sibling calls: a hook called last needs its frame.
kcsan_FLAGS := -fsanitize=thread --param tsan-distinguish-volatile=1 \
	--param tsan-instrument-func-entry-exit=0 -Wno-tsan \
	-fno-optimize-sibling-calls

# Not instrumented, and why:
#   kernel/kcsan*         the checker
#   kernel/printk, drivers/uart, drivers/vga, lib/printf
#                         run under the console's lock, which a report takes
#   kernel/spinlock, kernel/lockdep*
#                         the console's lock itself
#   arch/percpu           the hooks count in per-CPU memory, which it copies
#   arch/clock            read by the report, and by each event of the trace
#   boot/                 one CPU, before there is another
#   lib/string            copies word by word; memcpy and its kin call the
#                         checker once for the whole range instead
kcsan_PLAIN := kernel/kcsan kernel/kcsan_hooks kernel/kcsan_report \
	kernel/printk kernel/spinlock kernel/lockdep kernel/lockdep_usage \
	drivers/uart drivers/vga \
	lib/printf lib/string arch/percpu arch/clock \
	$(basename $(wildcard boot/*.c))
