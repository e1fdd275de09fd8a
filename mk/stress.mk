# SPDX-License-Identifier: MIT
# Torture without end: tests/drive/stress.py with one seed after the other,
# from SEED on, until one fails or ctrl-c. `make test` has one short run.
# PART=devices: only the half with a device of every class, KSM and reclaim,
# four threads of OPERATIONS each on one address space.

SEED ?= 1
OPERATIONS ?= 200000
PART ?= alone disk devices

.PHONY: stress
ifeq ($(LAB),1)
stress: $(KERNEL) $(INITRD)
	@seed=$(SEED); \
	while SEED=$$seed OPERATIONS=$(OPERATIONS) PART="$(PART)" $(PYTHON) \
		tests/drive/stress.py >$(O)/stress.log; do \
		echo "seed $$seed: every byte right"; seed=$$((seed + 1)); \
	done; \
	cat $(O)/stress.log; \
	echo "again: make stress SEED=$$seed OPERATIONS=$(OPERATIONS)"; exit 1
else
stress:
	+@$(MAKE) LAB=1 stress
endif
