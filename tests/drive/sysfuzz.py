#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""200,000 system calls with arguments made to hurt (user/sysfuzz.c): children
may die of them; the kernel says nothing about itself, and its books are in
order afterwards. SYSFUZZ_SEED is the first seed, SYSFUZZ_CALLS how many."""
import os
import re

from rewalk import Vm, run

CALLS = int(os.environ.get("SYSFUZZ_CALLS", "200000"))
SEED = os.environ.get("SYSFUZZ_SEED", "1")
# What the kernel says about a program, not about itself.
ABOUT_PROGRAMS = re.compile(
    r"is not implemented|segfault at|bus error at|ip 0x[0-9a-f]+ sp 0x")


def body(tap):
    with Vm(build="build/lab") as vm:
        vm.boot()
        out = vm.command("run sysfuzz %d %s" % (CALLS, SEED), 280)
        ends = re.findall(r"^sysfuzz: (\d+) calls", out, re.M)
        tap.ok(sum(map(int, ends)) >= CALLS, "all calls were made", out)
        said = [l for l in out.splitlines() if re.match(r"\[ *\d+\.\d+\]", l)
                and not ABOUT_PROGRAMS.search(l)]
        tap.ok(not said, "no kernel message", "\n".join(said))
        tap.has(vm.command("check"), r"^check: 0 problems", "the auditor")
        tap.has(vm.command("run bench getppid"), r"exit status 0", "still alive")


run(body)
