#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The main job on real input: GRUB boots the ISO with 4 CPUs; a program's
tables are moved a hundred times while it and a device use its memory."""
from rewalk import Vm, run


def body(tap):
    with Vm(iso="build/rewalk.iso", smp=4, mem="512M") as vm:
        tap.has(vm.boot(), r"rewalk> ", "the ISO boots to the prompt")
        out = vm.command("demo", 200)
        tap.has(out, r"^demo: PASS", "demo passes")
        tap.has(out, r"64 MiB", "over 64 MiB")
        tap.has(out, r"\b100\b", "a hundred relocations")
        tap.lacks(out, r"FAIL|panic|BUG", "nothing failed")
        tap.has(vm.command("check"), r"(?i)\b0 problems|clean|ok",
                "the auditor finds nothing afterwards")
        tap.has(vm.command("ps"), r"(?i)pid", "and the shell goes on")


run(body)
