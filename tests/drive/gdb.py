#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`make debug`: gdb with symbols at the first C line; stepping, breakpoints
on every CPU, backtraces through interrupts."""
import os

import pexpect

from rewalk import ROOT, run


def gdb(tap):
    env = dict(os.environ, TERM="dumb")
    g = pexpect.spawn("make", ["debug", "GDB_PORT=%d" %
                               (20000 + os.getpid() % 5000),
                               "APPEND=run=\"selftest sched\""],
                      cwd=ROOT, env=env, encoding="utf-8", timeout=60,
                      codec_errors="replace", dimensions=(50, 300))

    def ask(line, timeout=60):
        g.sendline(line)
        g.expect_exact("(gdb) ", timeout=timeout)
        return g.before

    g.expect_exact("(gdb) ")
    tap.has(g.before, r"boot_main \(", "gdb stands in boot_main")
    tap.lacks(g.before, r"too long|auto-load", "no protocol or auto-load fuss")
    ask("set pagination off")
    ask("set confirm off")
    out = ask("next")
    tap.has(out, r"^\d+\s", "next shows a source line")
    ask("hbreak upcall_timer_tick")
    out = ask("continue")
    tap.has(out, r"upcall_timer_tick", "a breakpoint in an interrupt")
    out = ask("bt")
    tap.has(out, r"(?s)upcall_timer_tick.*entry_common.*\b(kmain|"
            r"upcall_thread_start|upcall_secondary_main|sched_idle_loop)\b",
            "the backtrace goes through the interrupt")
    tap.has(ask("info threads"), r"(?s)4 .*Thread", "every CPU is a thread")
    seen = set()
    for _ in range(40):
        ask("continue")
        out = ask("thread")
        seen.add(out.split("thread is", 1)[-1].split()[0])
        if len(seen) > 1:
            break
    tap.ok(len(seen) > 1, "it stops on more than one CPU", seen)
    tap.has(ask("print cpu_features.nx"), r"= true", "variables are readable")
    g.sendline("kill")
    g.sendline("quit")
    g.expect(pexpect.EOF, timeout=20)


run(gdb)
