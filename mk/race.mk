# SPDX-License-Identifier: MIT
# Interleavings chosen by seeds: docs/exploration.md. Only lab builds have the
# points.

ifeq ($(CONFIG_FLAGS),)
LEFT_OUT += kernel/schedpoint.c kernel/schedparam.c
endif

RACE = $(PYTHON) tools/race.py --kernel build/lab/kernel.elf
RACE_SOAK_SEEDS ?= 1..100

RACE_ARGS = --test "$(T)" --seeds "$(or $(SEEDS),$(SEED),1)" \
	$(if $(STRATEGY),--strategy "$(STRATEGY)") \
	$(if $(DEPTH),--depth "$(DEPTH)") $(if $(RACE_SMP),--smp "$(RACE_SMP)") \
	$(if $(TICK),--tick "$(TICK)") $(if $(KEEP),--keep "$(KEEP)") \
	$(if $(BUG),--bug "$(BUG)")

.PHONY: race race-list race-shrink race-core race-plain race-soak race-kernel
race-kernel:
	+@$(MAKE) --no-print-directory LAB=1 build/lab/kernel.elf

race: race-kernel
	@$(RACE) $(RACE_ARGS)

race-shrink: race-kernel
	@$(RACE) $(RACE_ARGS) --shrink

race-core: race-kernel
	@$(RACE) $(RACE_ARGS) --core build/race.core

# The same test without a seed, on CPUs that really run at once.
race-plain: race-kernel
	@$(RACE) $(RACE_ARGS) --plain "$(or $(TIMES),1000)"

race-list:
	@$(PYTHON) tools/race.py --list

# Every test, both strategies.
SOAK += race-soak
race-soak: race-kernel
	@rc=0; for strategy in random pct; do \
		for name in $$($(PYTHON) tools/race.py --list); do \
			$(RACE) --test $$name --seeds $(RACE_SOAK_SEEDS) \
				--strategy $$strategy || rc=1; \
		done; \
	done; exit $$rc
