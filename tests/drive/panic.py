#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Panics: what they say, the panic shell, and the exit status of QEMU."""
from rewalk import Vm, run

KINDS = (("null", r"#PF.*|page fault", "crash_null"),
         ("divide", r"#DE", "crash_divide"),
         ("opcode", r"#UD", "crash_opcode"),
         ("stack", r"#DF", "recurse"),
         ("text", r"#PF", "crash_text"),
         ("data", r"#PF", "run_line"),
         ("assert", r"BUG at kernel/crash.c", "crash_assert"))


def body(tap):
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
