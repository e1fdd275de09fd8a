#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Panics: what they say, the panic shell, and the exit status of QEMU."""
import re

from rewalk import Vm, run

KINDS = (("null", r"#PF.*|page fault", "crash_null"),
         ("divide", r"#DE", "crash_divide"),
         ("opcode", r"#UD", "crash_opcode"),
         ("stack", r"#DF", "recurse"),
         ("text", r"#PF", "crash_text"),
         ("data", r"#PF", "run_line"),
         ("assert", r"BUG at kernel/crash.c", "crash_assert"))

# Panics under bad circumstances: kind, what must be said
HARD = (("console", (r"KERNEL PANIC on CPU \d+: console kept by CPU",
                     r"crash_console\+0x", r"was stopped at write_for_ever")),
        ("all", (r"KERNEL PANIC on CPU \d+: all CPUs panic", r"panic_too\+0x")),
        ("nested", (r"KERNEL PANIC on CPU \d+: the first of two",
                    r"panic inside a panic: *\s*KERNEL PANIC.*#PF")),
        ("nmi", (r"KERNEL PANIC on CPU \d+: panic in an NMI",
                 r"vector 2 ", r"cmd_crash\+0x")),
        ("current", (r"KERNEL PANIC on CPU \d+: #PF", r"no current thread",
                     r"crash_current\+0x")))


def hard(tap, build):
    for kind, said in HARD:
        with Vm(build, append='panic=exit run="crash %s"' % kind,
                initrd="") as vm:
            kind = build + " " + kind
            status = vm.status(60)
            text = "".join(vm.log)
            tap.ok(status == 35, kind + ": QEMU ends with the failing status",
                   text)
            for what in said:
                tap.has(text, what, kind + ": says " + what)
            heads = len(re.findall("KERNEL PANIC", text))
            tap.ok(heads == (2 if "nested" in kind else 1),
                   kind + ": and nobody else speaks", text)


def dump(tap):
    """dumpcpus: each CPU shows itself, and only those there are."""
    with Vm(smp=3) as vm:
        vm.boot()
        text = vm.command("dumpcpus")
        for cpu in range(3):
            tap.has(text, r"^CPU %d: thread" % cpu, "dumpcpus: CPU %d" % cpu)
        tap.has(text, r"cmd_dumpcpus\+0x", "dumpcpus: who asks shows itself")
        tap.ok(text.count("rip 0008:") + text.count("user mode") >= 2,
               "dumpcpus: registers of the others", text)
        tap.lacks(text, "no answer", "dumpcpus: all answer")
        text = vm.command("dumpcpus 1")
        tap.has(text, r"^CPU 1: thread", "dumpcpus 1: that one")
        tap.lacks(text, r"^CPU [02]: thread", "dumpcpus 1: and no other")
        tap.has(vm.command("dumpcpus 3"), r"CPU 3 is not online",
                "dumpcpus 3: there is none")
        tap.has(vm.command("dumpcpus x"), r"not a number", "dumpcpus x")


def options(tap):
    """The watchdogs' limits are options; one that is no number is said."""
    with Vm(append="hung_task=7 softlockup=0 rcu_stall=x") as vm:
        text = vm.boot()
        tap.has(text, r"rcu_stall", "rcu_stall=x is warned about")
        tap.lacks(text, r"option (hung_task|softlockup)", "the others are not")


def body(tap):
    for build in ("build", "build/lab"):
        hard(tap, build)
    dump(tap)
    options(tap)
    for kind, what, where in KINDS:
        with Vm(append='panic=exit run="crash %s"' % kind, initrd="") as vm:
            status = vm.status(30)
            text = "".join(vm.log)
            tap.ok(status == 35, kind + ": QEMU ends with the failing status",
                   text)
            tap.has(text, r"KERNEL PANIC on CPU \d+: .*" + what if kind ==
                    "assert" else what, kind + ": named")
            tap.has(text, r"PANIC on CPU \d", kind + ": with the CPU")
            tap.has(text, where + r"\+0x", kind + ": and the function")
            tap.lacks(text, "did no harm", kind + ": not survived")
            if kind != "assert":
                tap.has(text, r"(?i)rip.*[0-9a-f]{16}", kind + ": registers")
    with Vm() as vm:
        vm.boot()
        vm.send("panic on-purpose\r")
        text = vm.read_to(r"rewalk> ", 30)
        tap.has(text, r"on-purpose", "panic TEXT says the text")
        tap.has(vm.command("run hello"), r"(?i)not|panic",
                "the panic shell refuses what needs a living kernel")
        tap.has(vm.command("trace 5"), r"cpu\d", "and still shows the trace")
        vm.send("poweroff\r")
        tap.ok(vm.status() is not None, "poweroff works there too")


run(body)
