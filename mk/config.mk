# SPDX-License-Identifier: MIT
# Tools, folders and flags. Everything may be set on make's command line.

# A flavour is a lab build with more checks in it: mk/flavours.mk.
LAB ?= 0
include mk/flavours.mk
ifneq ($(FLAVOUR),)
O ?= $(or $($(FLAVOUR)_O),build/$(FLAVOUR))
CONFIG_FLAGS := -DCONFIG_LAB_BUILD=1 $($(FLAVOUR)_CONFIG)
else ifeq ($(LAB),1)
O ?= build/lab
CONFIG_FLAGS := -DCONFIG_LAB_BUILD=1
else
O ?= build
CONFIG_FLAGS :=
endif

V ?= 0
ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
endif

# A cross toolchain where there is one, else the native one.
CROSS_COMPILE ?= $(shell for p in x86_64-elf- x86_64-linux-gnu-; do \
	if command -v $${p}gcc >/dev/null 2>&1; then echo $$p; break; fi; done)
ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc
endif
ifeq ($(origin LD),default)
LD := $(CROSS_COMPILE)ld
endif
NM ?= $(CROSS_COMPILE)nm
GDB ?= gdb
QEMU ?= qemu-system-x86_64
# Debian's python3: another one in PATH may lack python3-pexpect.
PYTHON ?= /usr/bin/python3
USER_CC ?= musl-gcc
BUSYBOX ?= /bin/busybox

WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wvla
WERROR ?= 0
ifeq ($(WERROR),1)
WARN += -Werror
LDWARN := --fatal-warnings
endif

CPPFLAGS_K := -I. $(CONFIG_FLAGS) -MMD -MP

# -fno-omit-frame-pointer     backtraces follow frame pointers
# -fno-asynchronous-unwind-tables  gdb reads .debug_frame; nothing in the image
# -malign-data=abi            no over-alignment: objects in a linker set lie
#                             side by side (linker.ld)
# -fno-delete-null-pointer-checks, -fno-strict-aliasing: as in every kernel
#                             that maps, copies and retypes memory
CFLAGS_K := -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-pie \
	-mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
	-fno-stack-protector -fcf-protection=none -fno-omit-frame-pointer \
	-fno-asynchronous-unwind-tables -fno-common -fno-strict-aliasing \
	-fno-delete-null-pointer-checks -malign-data=abi $(WARN) $(KCFLAGS)

# The plain lab build leaves OBJECT.ci beside each object: who calls whom with
# how much stack, for tools/stackdepth.py.
ifeq ($(LAB)$(FLAVOUR),1)
CFLAGS_K += -fcallgraph-info=su,da
endif
ASFLAGS_K := -g -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone $(WARN)
LDFLAGS_K := -m elf_x86_64 -nostdlib -static -z max-page-size=0x1000 \
	-z noexecstack --build-id=none --orphan-handling=warn $(LDWARN) \
	$($(FLAVOUR)_LDFLAGS)

CFLAGS_USER := -std=gnu11 -O2 -g -static -pthread -Wall -Wextra \
	$(if $(filter 1,$(WERROR)),-Werror) -iquote .
