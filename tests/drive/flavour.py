#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One quick boot of a flavour (mk/flavours.mk): nothing is reported, the
checker reports what its tests do on purpose, and a report nobody expected
turns a test red.

  flavour.py NAME    boots build/NAME
"""
import sys

from rewalk import Vm, run

# A little of everything that runs on many CPUs at once or frees memory late.
GROUPS = ("slab", "rcu", "race", "ptmigrate")


def body(tap):
    name = sys.argv[1]
    with Vm(build="build/" + name, append="panic=exit") as vm:
        vm.boot()
        quiet = r"^%s: 0 reports" % name
        tap.has(vm.command(name), quiet, "boots without a report")
        for group in (name,) + GROUPS:
            out = vm.command("selftest " + group, 200)
            tap.has(out, r"^# selftest: [1-9]\d* passed, 0 failed",
                    "the tests of %s pass" % group)
        tap.has(vm.command("run t_fork", 120), r"exit status 0",
                "a ring-3 program")
        tap.has(vm.command(name), quiet, "and still no report")
        fire(tap, vm, name)


def fire(tap, vm, name):
    """Last: a flavour may end the machine after a report."""
    out = vm.command("%s fire" % name)
    tap.has(out, r"warning at|KERNEL PANIC", "a report is seen")
    if "KERNEL PANIC" in out:
        tap.ok(vm.status() == 35, "and ends the machine as failed")
        return
    tap.has(vm.command(name), r"^%s: 1 reports?" % name, "and counted")


run(body)
