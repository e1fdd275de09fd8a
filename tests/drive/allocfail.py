#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every allocation of whole operations fails, each in turn (user/allocfail.c),
with little memory over swap on a disk: the kernel says who was killed and
nothing about itself, and its books are in order. With plenty of memory the
in-kernel tests run the same (alloc_fail)."""
import re
import tempfile

from rewalk import Vm, run

ABOUT_PROGRAMS = re.compile(r"out of memory")


def sweep(tap, name, **machine):
    with Vm(build="build/lab", **machine) as vm:
        vm.boot()
        out = vm.command("run allocfail", 280)
        tap.has(out, r"^allocfail: [1-9]\d\d+ children, 0 wrong",
                name + ": each failure is told, and changes nothing")
        said = [l for l in out.splitlines() if re.match(r"\[ *\d+\.\d+\]", l)
                and not ABOUT_PROGRAMS.search(l)]
        tap.ok(not said, name + ": no kernel message", "\n".join(said))
        tap.lacks(out, r"killing process", name + ": memory was there")
        tap.has(vm.command("check"), r"^check: 0 problems",
                name + ": the auditor")
        tap.has(vm.command("run hello"), r"exit status 0",
                name + ": still alive")


def body(tap):
    with tempfile.NamedTemporaryFile(suffix=".img") as disk:
        disk.truncate(64 << 20)
        extra = ["-drive", "file=%s,if=none,id=s0,format=raw" % disk.name,
                 "-device", "virtio-blk-pci,drive=s0,disable-legacy=on"]
        sweep(tap, "swap on a disk", smp=2, mem="24M", append="swap=vda",
              extra=extra)


run(body)
