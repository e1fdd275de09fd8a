#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every script of tools/gdb/scenarios stops at its critical step, with the
line and without it; and level 0 of the notifiers does harm as it is booted."""
import glob
import os
import re
import subprocess

from rewalk import ROOT, Vm, run

SCRIPTS = sorted(glob.glob(os.path.join(ROOT, "tools/gdb/scenarios/F*.gdb")))


def number(script):
    with open(script) as f:
        return re.search(r"^scenario-stop (\S+)", f.read(), re.M).group(1)


def in_gdb(vm, port):
    """One session, one script after the other."""
    cmd = ["gdb", "-q", "-batch", "build/lab/kernel.elf", "-x",
           "tools/gdb/rewalk.gdb", "-ex", "target remote 127.0.0.1:%d" % port,
           "-ex", "thbreak boot_main", "-ex", "continue"]
    for script in SCRIPTS:
        cmd += ["-x", os.path.relpath(script, ROOT)]
    # Nobody waits at a breakpoint any more: what is left runs alone.
    cmd += ["-ex", "detach"]
    out = subprocess.run(cmd, cwd=ROOT, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, timeout=280)
    return out.stdout.decode(errors="replace")


def gdb(tap):
    port = 20000 + os.getpid() % 5000
    numbers = [number(s) for s in SCRIPTS]
    vm = Vm("build/lab", append='run="%s; poweroff"' % "; ".join(
        "scenario " + n for n in numbers),
        extra=["-S", "-gdb", "tcp:127.0.0.1:%d" % port])
    text = in_gdb(vm, port)
    for n in numbers:
        stops = re.split(r"^%s: .*$" % n, text, flags=re.M)[1:]
        tap.ok(len(stops) == 2, n + ": gdb stops with the line and without it",
               text)
        tap.ok(all("scenario_now" in s and re.search(r"\$\d+ = ", s)
                   for s in stops), n + ": who stands where, and the state",
               text)
    log = vm.read_to("%s with .*harm" % numbers[-1])
    for n in numbers:
        tap.has(log, r"^%s without \S+: no harm" % n, n + ": as it is")
        tap.has(log, r"^%s with \S+: harm" % n, n + ": without the line")


def booted(tap):
    vm = Vm("build/lab", append='notifier=minimal run="scenario F1 booted; '
            'scenario F2 booted; poweroff"')
    log = vm.read_to(r"F2 with.*harm\s")
    for n in ("F1", "F2"):
        tap.has(log, r"^%s with notifier=minimal: harm" % n,
                n + ": as level 0 was booted")
    vm = Vm("build/lab", append='run="scenario F1 booted; '
            'scenario F2 booted; poweroff"')
    log = vm.read_to(r"F2 with.*harm\s")
    for n in ("F1", "F2"):
        tap.has(log, r"^%s without notifier=minimal: no harm" % n,
                n + ": on the full chain")


def scenarios(tap):
    gdb(tap)
    booted(tap)


run(scenarios)
