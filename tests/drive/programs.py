#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Ring-3 programs, busybox unmodified among them; the ABI tests' output must
be what Linux gave (tests/abi/NAME.expected)."""
import glob
import os
import re
import time

from rewalk import ROOT, Vm, run


def body(tap):
    # `make X=1 test` runs this against another build.
    build = os.environ.get("REWALK_BUILD", "build")
    with Vm(build=build) as vm:
        vm.boot()
        busybox(tap, vm)
        vm.command("ksm sleep 5; ksm run")      # t_ksm; the others do not mind
        for path in sorted(glob.glob(ROOT + "/tests/abi/*.expected")):
            abi(tap, vm, path)
            other = os.path.basename(path).replace("t_", "glibc_", 1)
            if os.path.exists("%s/%s/user/%s" % (ROOT, build, other[:-9])):
                abi(tap, vm, path, other[:-9])
        tap.has(vm.command("ksm stop"), r"merged [1-9]\d\d",
                "pages were merged meanwhile")
        tap.has(vm.command("run hello"), r"exit status 0", "hello")
        tap.has(vm.command("bench getppid"),
                r"operation +ticks +ns\ngetppid +[1-9]\d* +[1-9]\d*\n",
                "a benchmark")
        tap.has(vm.command("bench nothing"),
                r"bench: no benchmark begins with 'nothing'",
                "a benchmark that is none")
        tap.has(vm.command("ps"), r"(?i)pid", "ps")
        vm.send("run busybox sleep 100\r")
        vm.read_to("sleep 100")
        vm.child.expect("\n", timeout=5)
        time.sleep(1)
        vm.send("\x03")
        tap.has(vm.read_to("rewalk> ", 15), r"signal 2", "^C ends a program")
        tap.has(vm.command("mem"), r"free", "still alive")
        flavour = os.path.basename(build)
        if flavour != "build":
            tap.has(vm.command(flavour), r"^%s: 0 reports" % flavour,
                    "%s has nothing to report" % flavour)


def busybox(tap, vm):
    out = vm.command("run busybox echo hi")
    tap.has(out, r"^hi$", "busybox echo")
    tap.has(out, r"exit status 0", "busybox echo: status")
    out = vm.command("run busybox sh -c 'for i in 1 2 3; do echo $i; done'")
    tap.has(out, r"1\n2\n3\n", "busybox sh loop")
    out = vm.command("run busybox ls /")
    tap.has(out, r"bin", "busybox ls /")
    tap.has(out, r"exit status 0", "busybox ls: status")
    out = vm.command("run busybox sh -c 'exit 7'")
    tap.has(out, r"exit status 7", "an exit status comes through")
    out = vm.command("run busybox sh -c 'echo one | busybox cat; "
                     "busybox echo $(busybox echo two)'")
    tap.has(out, r"one\ntwo", "pipes and substitution")
    out = vm.command("run busybox sh -c 'kill -9 $$'")
    tap.has(out, r"signal 9", "death by signal is told")


def abi(tap, vm, path, name=None):
    name = name or os.path.basename(path)[:-len(".expected")]
    out = vm.command("run " + name, 120)
    body_text = re.sub(r"(?m)^\[ *\d+\.\d+\] .*\n", "",    # the kernel's
                       out.replace("rewalk> ", ""))
    want = open(path, encoding="utf-8").read()
    # The kernel's own messages (a process it killed) may stand in between.
    lines = iter(body_text.splitlines())
    same = all(line in lines for line in want.splitlines())
    tap.ok(same, name + ": prints what it prints on Linux",
           "wanted:\n%s\ngot:\n%s" % (want, body_text))
    tap.has(body_text, r"exit status 0", name + ": exits with 0")


run(body)
