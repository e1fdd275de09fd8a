#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One section of tests/cases.cfg: boot it, give every in-kernel test as TAP.

The boot itself is the last test: it fails on a hang, a wrong exit status, a
test plan that was not fulfilled, or no test at all.

  case.py NAME [FLAVOUR]    FLAVOUR: of a section whose build is "flavour";
                            its checker must have had nothing to report
"""
import configparser
import os
import re
import subprocess
import sys
import tempfile

LINE = re.compile(r"^(ok|not ok) \d+ (?:- )?(.*?)\s*$")

EXACT = ("-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off",
         "-rtc", "base=2026-01-01,clock=vm")


def run_case(name, cfg, flavour):
    folder = {"lab": "build/lab", "release": "build",
              "flavour": "build/%s" % flavour}[cfg["build"]]
    run = cfg.get("run", "selftest-exit quick")
    if flavour:
        setup = cfg.get("setup")
        run = "%sselftest quick; %s; poweroff" % (
            setup + "; " if setup else "", flavour)
    boot = cfg.get("boot", "direct")
    cmd = ["/usr/bin/python3", "tools/run.py", "--name", name,
           "--kernel", folder + "/kernel.elf", "--ktap",
           "--smp", cfg.get("smp", "4"), "--mem", cfg.get("mem", "512M"),
           "--cpu", cfg.get("cpu", "max"),
           "--timeout", cfg.get("timeout", "240"),
           "--append", 'panic=exit run="%s"' % run]
    if flavour:
        cmd += ["--status", "0", "--expect", "^%s: 0 reports" % flavour,
                "--forbid", "warning at"]
    if cfg.getboolean("icount", False):
        cmd += ["--qemu-arg=" + a for a in EXACT]
    if boot in ("iso", "uefi"):
        cmd += ["--iso", folder + "/rewalk.iso"]
    if boot == "uefi":
        cmd += ["--uefi"]
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        done = subprocess.run(cmd + ["--log", log.name],
                              stdout=subprocess.PIPE, text=True, check=False)
        console = open(log.name, encoding="utf-8", errors="replace").read()
    return done, console


def main():
    name = sys.argv[1]
    flavour = sys.argv[2] if len(sys.argv) > 2 else None
    cfg = configparser.ConfigParser()
    cfg.read("tests/cases.cfg")
    if name not in cfg:
        sys.exit("case.py: no section [%s] in tests/cases.cfg" % name)
    done, console = run_case(name, cfg[name], flavour)
    if flavour:
        name = name.replace("flavour", flavour)
    keep = os.environ.get("KEEP_LOGS")
    if keep or done.returncode:
        path = "build/%s.log" % name
        with open(path, "w", encoding="utf-8") as out:
            out.write(console)
        print("# console: " + path)
    number = 0
    for line in console.splitlines():
        found = LINE.match(line.strip("\r"))
        if found:
            number += 1
            print("%s %d - %s: %s" % (found[1], number, name, found[2]))
        elif line.startswith("# "):
            print(line)
    number += 1
    print("%s %d - %s: boots, runs and ends" % (
        "not ok" if done.returncode else "ok", number, name))
    for line in done.stdout.splitlines():
        print("# " + line)
    print("1..%d" % number)


main()
