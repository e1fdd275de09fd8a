#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The bound on kernel stacks (tools/stackdepth.py): it holds, and what it
cannot account for makes it fail."""
import os
import subprocess
import tempfile

from rewalk import ROOT, run

CFG = os.path.join(ROOT, "tools", "stackdepth.cfg")


def depth(old="", new=""):
    """Exit status and output, with one text of the configuration replaced."""
    with tempfile.NamedTemporaryFile("w", suffix=".cfg") as cfg:
        text = open(CFG, encoding="utf-8").read()
        assert old in text, old
        cfg.write(text.replace(old, new))
        cfg.flush()
        done = subprocess.run(
            ["/usr/bin/python3", "tools/stackdepth.py", "build/lab"],
            cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False,
            env=dict(os.environ, STACKDEPTH_CFG=cfg.name))
    return done.returncode, done.stdout


def body(tap):
    status, out = depth()
    tap.ok(status == 0, "every entry stays inside its stack", out)
    for line in out.splitlines():
        print("# " + line)
    status, out = depth("entry syscall 24576", "entry syscall 4096")
    tap.ok(status == 1 and "syscall may need" in out,
           "a smaller stack would not do", out)
    status, out = depth("recursion 4 free_subtree\n")
    tap.ok(status == 1 and "recursion without a bound" in out,
           "recursion that nobody listed is found", out)
    status, out = depth("call upcall_syscall sys_*\n")
    tap.ok(status == 1 and "upcall_syscall calls indirectly" in out,
           "so is an indirect call that nothing explains", out)
    status, out = depth("call upcall_syscall sys_*\n", "call upcall_syscall no_such_*\n")
    tap.ok(status == 1 and "no function is called no_such_*" in out,
           "a name that is gone is an error", out)


run(body)
