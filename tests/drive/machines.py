#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The edges of the machine matrix: 32 MiB, 16 GiB, 64 CPUs, UEFI, smp=."""
import os

from rewalk import ROOT, Vm, run


def body(tap):
    with Vm(mem="32M", smp=1, initrd="") as vm:
        tap.has(vm.boot(), r"rewalk> ", "32 MiB boots")
        tap.has(vm.command("selftest page_alloc"), r"0 failed", "and works")
    with Vm(mem="16G", smp=2) as vm:
        tap.has(vm.boot(), r"rewalk> ", "16 GiB boots")
        tap.has(vm.command("mem"), r"RAM +167\d{5} KiB",
                "and is all counted")
        tap.has(vm.command("run hello"), r"exit status 0", "and runs programs")
    with Vm(smp=64, mem="1G") as vm:
        tap.has(vm.boot(150), r"64 CPUs", "64 CPUs come up")
        tap.has(vm.command("run busybox echo hi"), r"^hi", "and run programs")
    with Vm(smp=4, append="smp=2") as vm:
        tap.has(vm.boot(), r"2 CPUs", "smp=2 limits the CPUs")
    for build in ("build", "build/lab"):
        with Vm(iso=build + "/rewalk.iso", uefi=True, smp=2) as vm:
            tap.has(vm.boot(120), r"rewalk> ", build + ": UEFI boots")
            tap.has(vm.command("run hello"), r"exit status 0",
                    build + ": UEFI runs programs")
    tap.ok(os.path.exists(ROOT + "/build/kernel.elf"), "kernel.elf is there")


run(body)
