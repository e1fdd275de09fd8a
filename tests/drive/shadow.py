#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Secondary MMUs from ring 3: user/shadow.c on each /dev/shadow-CLASS, with
malformed commands, and gone in every way with a device attached. Nothing is
left of it: no device, no problem for the auditor, no complaint of the kernel."""
import os
import re

from rewalk import Vm, run

CLASSES = "kvm gru sva xpmem".split()


def body(tap):
    with Vm(build=os.environ.get("REWALK_BUILD", "build/lab")) as vm:
        vm.boot()
        for what in CLASSES + ["bad"]:
            out = vm.command("run shadow " + what)
            bad = re.findall(r"^not ok.*", out, re.M)
            tap.ok(not bad and re.search(r"^1\.\.\d+", out, re.M) and
                   "exit status 0" in out, "shadow " + what, out)
            tap.has(vm.command("shadow"), r"no shadow devices",
                    "%s: closed with its program" % what)
        for kind in CLASSES:
            for how in "exit exec kill unmap".split():
                out = vm.command("run shadow leave %s %s" % (kind, how))
                want = {"exec": r"exit status 0", "kill": r"signal 9",
                        "unmap": r"signal 11"}.get(how, r"exit status 0")
                tap.has(out, want, "%s, %s" % (kind, how))
                tap.has(vm.command("shadow"), r"no shadow devices",
                        "nothing is left")
        vm.command("run pattern 900 16 &")
        pid = re.search(r"(\d+)\s.*pattern", vm.command("ps"))[1]
        for n, kind in enumerate(CLASSES):
            tap.has(vm.command("shadow attach %s %s" % (pid, kind)),
                    r"\(%s\) attached" % kind, "%s at the shell" % kind)
        out = vm.command("shadow")
        for dev, kind in re.findall(r"^shadow (\d+): (\w+) of", out, re.M):
            tap.has(vm.command("shadow read %s 0x100000000" % dev),
                    r"^100000000: [0-9a-f]{16}", "%s reads" % kind)
        out = vm.command("shadow")
        tap.ok(len(re.findall(r"\b0 stale", out)) == len(CLASSES),
               "four at once, nothing stale", out)
        tap.has(vm.command("check"), r"^check: 0 problems", "the auditor")
        vm.command("kill %s 9" % pid)
        vm.command("run busybox sleep 1")
        for dev in re.findall(r"^shadow (\d+):", out, re.M):
            vm.command("shadow detach " + dev)
        tap.has(vm.command("check"), r"^check: 0 problems", "and afterwards")
        tap.has(vm.command("shadow"), r"no shadow devices", "all detached")


run(body)
