#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A program that knows what every byte of its memory must be, under way on
several CPUs while its page tables are moved and everything is counted; with
plenty of memory, and with 24 MiB over a disk."""
import os
import re
import tempfile

from rewalk import Vm, run

OPERATIONS = int(os.environ.get("OPERATIONS", "20000"))
SEED = os.environ.get("SEED", "1")
END = r"stress: seed .*\n"


def pids(vm):
    return [m.group(1) for m in
            re.finditer(r"(?m)^ *(\d+) .*\bstress\b", vm.command("ps"))]


def torture(tap, mem, pages, operations, **machine):
    name = "%s, %d pages each" % (mem, pages)
    with Vm(build="build/lab", mem=mem, **machine) as vm:
        vm.boot()
        vm.command("run stress -n %d -s %s -m %d &" % (operations, SEED, pages))
        moved = checks = 0
        bad = ""
        while pids(vm):
            for pid in pids(vm):
                for mode in ("live", "stop"):
                    said = vm.command("relocate %s %s 2" % (pid, mode))
                    moved += "relocated 2 times" in said
            said = vm.command("check")
            checks += 1
            if " 0 problems" not in said:
                bad += said
        out = "".join(vm.log) + vm.command("")
        tap.has(out, r"stress: seed .*: every byte right",
                name + ": every byte right")
        tap.lacks(out, r"WRONG|warning at|panic|out of memory",
                  name + ": nothing else to say")
        tap.ok(moved > 4, "%s: tables were moved meanwhile, %d times" %
               (name, moved), out)
        tap.ok(checks > 1 and not bad, "%s: %d checks meanwhile" %
               (name, checks), bad)
        tap.has(vm.command("check"), r"\b0 problems",
                name + ": check, afterwards")


def over_a_disk(tap):
    with tempfile.NamedTemporaryFile(suffix=".img") as disk:
        disk.truncate(256 << 20)
        torture(tap, "24M", 4000, OPERATIONS // 10, smp=2, append="swap=vda",
                extra=["-drive", "file=%s,if=none,id=s0,format=raw" % disk.name,
                       "-device", "virtio-blk-pci,drive=s0,disable-legacy=on"])


def body(tap):
    torture(tap, "128M", 128, OPERATIONS, smp=4)
    over_a_disk(tap)


run(body)
