# SPDX-License-Identifier: MIT
# KASAN=1: every access is checked against a shadow of memory. mm/kasan.c has
# the shadow and the checks, mm/kasan_report.c what is said about a bad one.

kasan_SRC := mm/kasan.c mm/kasan_report.c tests/kt/kt_kasan.c
kasan_CONFIG := -DCONFIG_KASAN_BUILD=1

# Calls, not inline checks: a call knows which addresses have a shadow at all.
# Locals are not covered: their checks write to the shadow without asking.
kasan_FLAGS := -fsanitize=kernel-address --param asan-stack=0 \
	--param asan-globals=1 \
	--param asan-instrumentation-with-call-threshold=0

# What touches free memory on purpose, what makes a report, what runs before
# there is memory, and the functions whose arguments are checked instead.
kasan_PLAIN := mm/kasan mm/kasan_report mm/slab mm/slab_debug mm/page_alloc \
	kernel/stackdepot kernel/backtrace kernel/printk \
	kernel/spinlock kernel/lockdep kernel/lockdep_usage kernel/panic \
	drivers/uart drivers/vga \
	lib/printf lib/string boot/%

# Calls of these go to __wrap_NAME in mm/kasan.c.
kasan_LDFLAGS := --wrap=memcpy --wrap=memmove --wrap=memset --wrap=memcmp
