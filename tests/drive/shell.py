#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The shell over a serial line: editing, history, completion, errors."""
from rewalk import Vm, run

COMMANDS = ("help selftest demo ps cpus mem vmas pt rmap pagecache notifiers "
            "shadow run relocate poweroff reboot").split()


def body(tap):
    with Vm() as vm:
        banner = vm.boot()
        tap.has(banner, r"Rewalk", "a banner")
        tap.has(banner, r"4 CPUs", "the banner counts the CPUs")
        text = vm.command("help")
        for name in COMMANDS:
            tap.has(text, r"^ *%s\b" % name, "help lists " + name)
        errors(tap, vm)
        editing(tap, vm)
        tap.has(vm.command("cpus"), r"(?m)^ *3\b", "cpus lists CPU 3")
        tap.has(vm.command("echo a; echo b"), r"a\s+b", "';' separates")
        vm.send("poweroff\r")
        tap.ok(vm.status() == 0, "poweroff ends QEMU")
    with Vm() as vm:
        vm.boot()
        vm.send("reboot\r")
        tap.ok(vm.status() == 0, "reboot resets the machine (-no-reboot)")


def errors(tap, vm):
    before = vm.command("mem")
    for line, pattern in (
            ("nosuch", r"unknown command"),
            ("pt", r"usage: pt"),
            ("pt 1 2 3 4", r"usage: pt"),
            ("pt banana 0", r"not a|number"),
            ("pt 99999 0x1000", r"no (such )?process"),
            ("vmas 99999", r"no (such )?process"),
            ("relocate 99999", r"no (such )?process"),
            ("notifiers 99999", r"no (such )?process"),
            ("rmap 0xffffffffffffff", r"no (such )?(frame|page)"),
            ("rmap 99999999999999999999999", r"range|too|not a"),
            ("run nosuchprogram", r"nosuchprogram"),
            ("selftest nosuchtest", r"no (such )?test")):
        out = vm.command(line)
        tap.has(out, pattern, "error: " + line)
        lines = [l for l in out.replace("rewalk> ", "").splitlines() if l]
        tap.ok(len(lines) == 1, "one line: " + line, out)
    after = vm.command("mem")
    tap.ok(bool(before) and bool(after), "mem before and after")


def editing(tap, vm):
    tap.has(vm.command("ecko\x08\x08ho hello"), r"^hello", "backspace")
    tap.has(vm.command("cho x\x01e\x05y"), r"^xy", "^A and ^E")
    tap.has(vm.command("echo ab\x1b[D-"), r"^a-b", "cursor left")
    tap.has(vm.command("garbage\x15echo clean"), r"^clean", "^U")
    tap.has(vm.command("echo one junk\x17two"), r"^one two", "^W")
    vm.command("echo remembered")
    vm.send("\x1b[A")
    tap.has(vm.command(""), r"remembered", "history: cursor up")
    tap.has(vm.command("ech\tcompleted"), r"^completed", "tab completes")
    vm.send("half a line\x03")
    tap.has(vm.read_to("rewalk> "), r"rewalk> ", "^C gives a new prompt")
    tap.has(vm.command("echo " + "x" * 200), r"x{200}", "200 characters")
    vm.send("\x00\x1b[99~\xc3\xa4\x15")
    tap.has(vm.command("echo still here"), r"^still here",
            "NUL, ESC and UTF-8 do no harm")


run(body)
