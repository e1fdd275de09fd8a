#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A program that knows what every byte of its memory must be, under way on
several CPUs while its page tables are moved and everything is counted; with
plenty of memory, with 24 MiB over a disk, and with a device of every class at
its memory, pages merged and reclaimed."""
import os
import re
import tempfile

from rewalk import Vm, run

OPERATIONS = int(os.environ.get("OPERATIONS", "0"))
SEED = os.environ.get("SEED", "1")
PARTS = os.environ.get("PART", "alone disk devices").split()
DEVICE_BASE, ARENA_BASE, DEVICE_PAGES, ARENA_PAGES = 3 << 44, 2 << 44, 64, 128


def pids(vm):
    return [m.group(1) for m in
            re.finditer(r"(?m)^ *(\d+) .*\bstress\b", vm.command("ps"))]


class Torture:
    """One run of the program, what is done to it, and what was seen."""

    def __init__(self, vm, name, options, operations):
        self.vm, self.name = vm, name
        self.moved = self.checks = 0
        self.bad = ""
        vm.command("run stress -n %d -s %s %s &" %
                   (operations, SEED, options))

    def relocate(self, pid):
        for mode in ("live", "stop", "park"):
            said = self.vm.command("relocate %s %s 2" % (pid, mode))
            self.moved += "relocated 2 times" in said

    def check(self):
        said = self.vm.command("check")
        self.checks += 1
        if " 0 problems" not in said:
            self.bad += said

    def report(self, tap):
        out = "".join(self.vm.log) + self.vm.command("")
        tap.has(out, r"stress: seed .*: every byte right",
                self.name + ": every byte right")
        tap.lacks(out, r"WRONG|warning at|panic|out of memory",
                  self.name + ": nothing else to say")
        tap.ok(self.moved > 4, "%s: tables were moved meanwhile, %d times" %
               (self.name, self.moved), out)
        tap.ok(self.checks > 1 and not self.bad, "%s: %d checks meanwhile" %
               (self.name, self.checks), self.bad)
        tap.has(self.vm.command("check"), r"\b0 problems",
                self.name + ": check, afterwards")


def alone(tap, mem, pages, operations, **machine):
    with Vm(build="build/lab", mem=mem, **machine) as vm:
        vm.boot()
        t = Torture(vm, "%s, %d pages each" % (mem, pages), "-m %d" % pages,
                    operations)
        while pids(vm):
            for pid in pids(vm):
                t.relocate(pid)
            t.check()
        t.report(tap)


def over_a_disk(tap):
    with tempfile.NamedTemporaryFile(suffix=".img") as disk:
        disk.truncate(256 << 20)
        alone(tap, "24M", 4000, OPERATIONS // 10 or 2000, smp=2,
              append="swap=vda",
              extra=["-drive", "file=%s,if=none,id=s0,format=raw" % disk.name,
                     "-device", "virtio-blk-pci,drive=s0,disable-legacy=on"])


def counts(said):
    """Of `hammer`: accesses, wrong, stale; and the same by class."""
    total = re.search(r"hammer: (\d+) accesses, (\d+) wrong, (\d+) stale", said)
    each = dict(re.findall(r"(?m)^(\w+) +shadow \d+: (\d+) accesses", said))
    return [int(n) for n in total.groups()], each


def with_devices(tap):
    """On one address space: every class of device, and everything else."""
    with Vm(build="build/lab", mem="128M", smp=4) as vm:
        vm.boot()
        vm.command("ksm sleep 1; ksm run")
        t = Torture(vm, "devices", "-p 1 -t 4 -m %d -D %d" %
                    (ARENA_PAGES, DEVICE_PAGES), OPERATIONS or 5000)
        found = pids(vm)
        while len(found) == 1:
            found = pids(vm)
        worker = found[1]
        vm.command("hammer %s %d %d %d %d" %
                   (worker, DEVICE_BASE, DEVICE_PAGES, ARENA_BASE, ARENA_PAGES))
        while worker in pids(vm):
            t.relocate(worker)
            vm.command("reclaim 300")
            t.check()
        said = vm.command("hammer stop")
        total, each = counts(said)
        tap.ok(each and all(int(n) > 100 for n in each.values()),
               "devices: all at work, %s" % each, said)
        tap.ok(total[1:] == [0, 0],
               "devices: %d accesses, no store lost, none stale" % total[0],
               said)
        merged = vm.command("ksm stop")
        tap.has(merged, r"merged [1-9]\d", "devices: pages were merged")
        t.report(tap)
        print("# %s# %s" % (said.replace("\n", "\n# "),
                            merged.replace("\n", "\n# ")))


def body(tap):
    if "alone" in PARTS:
        alone(tap, "128M", 128, OPERATIONS or 20000, smp=4)
    if "disk" in PARTS:
        over_a_disk(tap)
    if "devices" in PARTS:
        with_devices(tap)


run(body)
