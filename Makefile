# SPDX-License-Identifier: MIT
# Rewalk: one kernel, one initrd, one ISO. `make help` lists the targets.
#
# Several goals on one command line run one after the other, each in a make
# of its own: in `make deps run` the second goal must look for the tools only
# after the first has installed them, with -j too.

MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:

# One job per CPU unless the caller says otherwise; only the outermost make
# decides.
ifndef REWALK_JOBS
export REWALK_JOBS := $(shell nproc 2>/dev/null || echo 1)
MAKEFLAGS += -j$(REWALK_JOBS)
endif

ifneq ($(word 2,$(MAKECMDGOALS)),)

FIRST_GOAL := $(firstword $(MAKECMDGOALS))
OTHER_GOALS := $(filter-out $(FIRST_GOAL),$(MAKECMDGOALS))

.PHONY: $(FIRST_GOAL) $(OTHER_GOALS)
$(FIRST_GOAL):
	@set -e; for goal in $(MAKECMDGOALS); do $(MAKE) $$goal; done
$(OTHER_GOALS): $(FIRST_GOAL)
	@:

else

include mk/config.mk
include mk/soak.mk
include mk/race.mk
include mk/kernel.mk
include mk/image.mk
include mk/qemu.mk
include mk/abi.mk
include mk/mutants.mk
include mk/stress.mk
include mk/models.mk
include $(wildcard tests/host/*.mk)

.DEFAULT_GOAL := all

.PHONY: all help deps doctor clean lint test check
all: $(KERNEL) $(INITRD)

help:
	@sed -n 's/^#: \{0,1\}//p' mk/help.txt

deps:
	@sh tools/deps.sh

doctor:
	@CC="$(CC)" LD="$(LD)" QEMU="$(QEMU)" PYTHON="$(PYTHON)" \
		USER_CC="$(USER_CC)" BUSYBOX="$(BUSYBOX)" sh tools/doctor.sh

lint:
	$(Q)$(PYTHON) tools/lint.py

# The host's tests without running them; tests/host/build.mk names them.
.PHONY: host-test-build
host-test-build: $(HOST_BINS)

# With X=1, only what says something about that build: mk/flavours.mk.
test check:
	+@MAKE="$(MAKE)" PYTHON="$(PYTHON)" FLAVOUR="$(FLAVOUR)" \
		FLAVOURS="$(FLAVOURS)" sh tools/test.sh

.PHONY: coverage
ifeq ($(COVERAGE),1)
coverage: $(KERNEL) $(INITRD)
	@$(PYTHON) tools/coverage.py $(O)
else
coverage: all
	+@$(MAKE) COVERAGE=1 coverage
endif

# Only a folder that a build of ours has made is ever removed.
clean:
	@if [ -e "$(O)/.rewalk-build" ]; then \
		echo "  CLEAN   $(O)"; rm -rf "$(O)"; \
	elif [ -e "$(O)" ]; then \
		echo "make clean: $(O) is not a build folder of ours: left" >&2; \
		exit 1; \
	fi
	@rm -f compile_commands.json

endif
