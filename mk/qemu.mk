# SPDX-License-Identifier: MIT
# Running and debugging. The GDB port comes from the user's number, so that
# two people on one host do not meet.

SMP ?= 4
MEM ?= 512M
CPU ?= max
UEFI ?= 0
OVMF ?= /usr/share/ovmf/OVMF.fd
# Images for /dev/vda and /dev/vdb; tools/withdisks.sh checks and adds them.
DISK ?=
DISK2 ?=
export DISK DISK2
GDB_PORT ?= $(shell echo $$(($$(id -u) % 5000 + 25000)))

QEMU_FLAGS = -cpu $(CPU) -smp $(SMP) -m $(MEM) -display none -no-reboot \
	-device isa-debug-exit,iobase=0xf4,iosize=0x04 \
	$(if $(filter 1,$(UEFI)),-bios $(OVMF)) $(QEMU_EXTRA)
QEMU_RUN = sh tools/withdisks.sh "$(O)" $(QEMU)
QEMU_DIRECT = $(QEMU_RUN) $(QEMU_FLAGS) -kernel $(KERNEL) -initrd $(INITRD) \
	-append "$$APPEND"

# isa-debug-exit gives (v << 1) | 1; the kernel writes 0x10 when all is well.
qemu_status = rc=$$?; if [ $$rc -eq 33 ]; then rc=0; fi; exit $$rc

.PHONY: run qemu qemu-gdb gdb debug
run: $(ISO)
	@$(QEMU_RUN) $(QEMU_FLAGS) -serial mon:stdio -cdrom $(ISO) -boot d; \
	$(qemu_status)

qemu: $(KERNEL) $(INITRD)
	@$(QEMU_DIRECT) -serial mon:stdio; $(qemu_status)

qemu-gdb: $(KERNEL) $(INITRD)
	@echo "stopped; gdb stub on port $(GDB_PORT): now 'make gdb' elsewhere"
	@$(QEMU_DIRECT) -serial mon:stdio -S -gdb tcp:127.0.0.1:$(GDB_PORT); \
	$(qemu_status)

GDB_ARGS = -q -x tools/gdb/rewalk.gdb \
	-ex 'target remote 127.0.0.1:$(GDB_PORT)' \
	-ex 'thbreak boot_main' -ex 'continue' $(GDB_EXTRA)

gdb: $(KERNEL)
	@$(GDB) $(KERNEL) $(GDB_ARGS)

# QEMU in the background, its console in a file; it ends with gdb. A session
# of its own keeps the terminal's ctrl-c, which is for gdb, away from it.
debug: $(KERNEL) $(INITRD)
	@echo "console: $(O)/debug.log (tail -f it in another terminal)"
	@setsid $(QEMU_DIRECT) -serial file:$(O)/debug.log -monitor none \
		-S -gdb tcp:127.0.0.1:$(GDB_PORT) </dev/null & \
	qemu=$$!; trap 'kill $$qemu 2>/dev/null' EXIT; trap : INT; sleep 1; \
	$(GDB) $(KERNEL) $(GDB_ARGS)

# One CPU that counts instructions as nanoseconds: the same figures every time.
BENCH ?=
COUNTED = --cpu qemu64 --timeout 300 \
	--qemu-arg=-accel --qemu-arg=tcg,thread=single \
	--qemu-arg=-icount --qemu-arg=shift=0,sleep=off \
	--qemu-arg=-rtc --qemu-arg=base=2026-01-01,clock=vm
.PHONY: bench bench-notifier
bench: $(KERNEL) $(INITRD)
	@$(PYTHON) tools/run.py --name bench --kernel $(KERNEL) \
		--initrd $(INITRD) --smp 1 $(COUNTED) \
		--type "bench $(BENCH)" --type poweroff --status 0 \
		--expect '^exit status 0' --log $(O)/bench.log \
		>$(O)/bench.result || { cat $(O)/bench.result; exit 1; }
	@sed -n '/^operation/,/^exit status/p' $(O)/bench.log | \
		grep -v '^exit status'

# Of the notifier chain; with 8 CPUs that take turns, the ticks are the
# instructions of all of them.
bench-notifier: $(KERNEL) $(INITRD)
	@$(PYTHON) tools/run.py --name bench-notifier --kernel $(KERNEL) \
		--initrd $(INITRD) --smp 8 $(COUNTED) \
		--type notifierbench --type poweroff --status 0 \
		--expect '^munmap of 1 GiB' --log $(O)/bench.log \
		>$(O)/bench.result || { cat $(O)/bench.result; exit 1; }
	@sed -n '/^one registration/,/^munmap of/p' $(O)/bench.log
