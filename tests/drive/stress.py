#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A program that knows what every byte of its memory must be, under way on
four CPUs while its page tables are moved and everything is counted."""
import os
import re

from rewalk import Vm, run

OPERATIONS = os.environ.get("OPERATIONS", "20000")
SEED = os.environ.get("SEED", "1")
END = r"stress: seed .*\n"


def pids(vm):
    return [m.group(1) for m in
            re.finditer(r"(?m)^ *(\d+) .*\bstress\b", vm.command("ps"))]


def body(tap):
    with Vm(build="build/lab", mem="128M") as vm:
        vm.boot()
        out = vm.command("run stress -n %s -s %s -m 128 &" % (OPERATIONS, SEED))
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
        tap.has(out, r"stress: seed .*: every byte right", "every byte right")
        tap.lacks(out, r"WRONG|warning at|panic", "nothing else to say")
        tap.ok(moved > 4, "tables were moved meanwhile: %d times" % moved, out)
        tap.ok(checks > 1 and not bad, "%d checks meanwhile" % checks, bad)
        tap.has(vm.command("check"), r"\b0 problems", "check, afterwards")


run(body)
