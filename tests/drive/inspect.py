#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The commands that show memory, on a program that runs meanwhile: what the
README promises to those who try it."""
import re
import time

from rewalk import Vm, run

VA = "0x100000000"


def tables(text):
    """Frame numbers of the four tables of a `pt` listing, top first."""
    return re.findall(r"^p\w\w +table ([0-9a-f]+)", text, re.M)


def pid_of(tap, vm, name):
    out = vm.command("ps")
    tap.has(out, r"^ *\d+ .*\b%s" % name, "ps lists " + name)
    return re.search(r"^ *(\d+) .*\b%s" % name, out, re.M)[1]


def walk(tap, vm, pid):
    before = ""
    for _ in range(200):        # ps lists it before it has touched a page
        before = vm.command("pt %s %s" % (pid, VA))
        if len(tables(before)) == 4:
            break
        time.sleep(0.1)
    tap.ok(len(tables(before)) == 4, "pt shows four levels", before)
    tap.has(before, r"^pte .*frame [0-9a-f]+", "and the frame")
    for mode in ("", " live", " stop", " park"):
        old = tables(vm.command("pt %s %s" % (pid, VA)))
        out = vm.command("relocate %s%s" % (pid, mode))
        tap.has(out, r"relocated \d+ times: \d+ pte, \d+ pmd, \d+ pud, "
                r"\d+ pgd", "relocate" + mode + " counts every level")
        new = tables(vm.command("pt %s %s" % (pid, VA)))
        tap.ok(len(new) == 4 and not set(old) & set(new),
               "relocate%s moved all four tables" % mode, "%s %s" % (old, new))


def device(tap, vm, pid):
    tap.has(vm.command("notifiers " + pid), r"no subscribers",
            "nobody listens at first")
    tap.has(vm.command("shadow attach " + pid), r"attached",
            "a shadow device attaches")
    tap.has(vm.command("notifiers " + pid), r"shadow", "and is listed")
    tap.has(vm.command("shadow read 0 " + VA), r"^%s: [0-9a-f]{16}" % VA[2:],
            "it reads the program's memory")
    tap.has(vm.command("shadow read 0 0x1000"), r"EFAULT",
            "and faults where the program has none")
    tap.has(vm.command("shadow"), r"[1-9]\d* faults.* 0 stale", "its counters")


def body(tap):
    with Vm() as vm:
        vm.boot()
        vm.command("run pattern 900 16 &")
        pid = pid_of(tap, vm, "pattern")
        out = vm.command("vmas " + pid)
        tap.has(out, r"\[stack\]", "vmas names the stack")
        tap.has(out, r"/data/pattern", "and the file")
        walk(tap, vm, pid)
        device(tap, vm, pid)
        out = vm.command("pt %s %s" % (pid, VA))
        frame = re.search(r"frame ([0-9a-f]+)", out)[1]
        tap.has(vm.command("rmap 0x" + frame), r"page|free|table",
                "rmap explains a frame")
        tap.has(vm.command("pagecache"), r"/data/pattern", "pagecache")
        tap.has(vm.command("check"), r"\b0 problems", "check, as it runs")
        vm.command("kill %s 9" % pid)
        vm.command("run busybox sleep 1")
        tap.has(vm.command("shadow"), r"exited", "the device saw the exit")
        vm.command("shadow detach 0")
        tap.has(vm.command("check"), r"\b0 problems", "check, afterwards")


run(body)
