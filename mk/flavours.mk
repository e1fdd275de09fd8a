# SPDX-License-Identifier: MIT
# Flavours: lab builds in which the compiler adds checks, one at a time.
#
#   make X=1 [all]     the kernel, in build/<x>
#   make X=1 test      the in-kernel matrix and the ring-3 programs on it
#   make test          boots each flavour of FLAVOURS once, for a few tests
#
# A flavour X is named here and described in mk/<x>.mk by
#
#   <x>_SRC      its own sources: no other build has them (handlers, kt test)
#   <x>_FLAGS    flags for every .c file of the kernel but those of
#   <x>_PLAIN    sources without suffix that must not be instrumented
#   <x>_CONFIG   more -D for all files, for kernel/config.h
#   <x>_LDFLAGS  more for the linker
#   <x>_O        another build folder
#
# and what tests/drive/flavour.py and case.py ask of it in the kernel: a shell
# command <x> that prints "<x>: N reports since boot" and fails unless N is 0,
# `<x> fire`, which makes one report as if it were real, and a test group <x>
# that fires the checker on purpose.

FLAVOURS := UBSAN KASAN KCSAN
# Built the same way, but it checks nothing: `make coverage` runs it.
COUNTERS := COVERAGE

lower = $(shell echo $(1) | tr A-Z a-z)

$(foreach f,$(FLAVOURS) $(COUNTERS),$(eval $(f) ?= 0))
CHOSEN := $(foreach f,$(FLAVOURS) $(COUNTERS),$(if $(filter 1,$($(f))),$(f)))
ifneq ($(word 2,$(CHOSEN)),)
$(error one checker a build, not $(CHOSEN:%=%=1): each needs flags and \
	handlers that the others must not see)
endif
FLAVOUR := $(call lower,$(CHOSEN))

include $(foreach f,$(FLAVOURS) $(COUNTERS),mk/$(call lower,$(f)).mk)

LEFT_OUT := $(foreach f,$(filter-out $(FLAVOUR),$(call lower,$(FLAVOURS))),\
	$($(f)_SRC))
