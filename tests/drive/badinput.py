#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Bad input at the boot: each a clear message; where it can, it goes on."""
import os
import struct
import subprocess
import tempfile

from rewalk import ROOT, Vm, run


def archive(folder, files):
    """A newc archive of {name: bytes}."""
    for name, data in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(data)
    names = "\n".join(sorted(files)) + "\n"
    return subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=folder,
                          input=names.encode(), stdout=subprocess.PIPE,
                          check=True).stdout


def boots_with(tap, name, pattern, goes_on=True, **how):
    with Vm(**how) as vm:
        text = vm.boot(40) if goes_on else vm.read_to("panic: [^\n]*\n", 40)
        tap.has(text, pattern, name + ": a clear message")
        if goes_on:
            tap.has(vm.command("echo alive"), r"^alive", name + ": goes on")


def hostile_elfs():
    good = open(ROOT + "/build/user/hello", "rb").read()
    wrong = bytearray(good)
    wrong[18:20] = struct.pack("<H", 183)           # AArch64
    phoff = struct.unpack_from("<Q", good, 32)[0]
    kernel = bytearray(good)
    struct.pack_into("<Q", kernel, phoff + 16, 0xffffffff80000000)
    huge = bytearray(good)
    struct.pack_into("<Q", huge, phoff + 40, 1 << 60)
    entry = bytearray(good)
    struct.pack_into("<Q", entry, 24, 0xdead0000dead0000)
    many = bytearray(good)
    struct.pack_into("<H", many, 56, 65535)
    return {"empty": b"", "short": good[:40], "half": good[:len(good) // 3],
            "text": b"hello\n" * 100, "arm": bytes(wrong),
            "kernel": bytes(kernel), "huge": bytes(huge),
            "entry": bytes(entry), "many": bytes(many), "good": good}


def elfs(tap, tmp):
    files = {"bin/" + n: d for n, d in hostile_elfs().items()}
    path = tmp + "/elfs.cpio"
    with open(path, "wb") as out:
        out.write(archive(tmp + "/elfs", files))
    with Vm(initrd=path) as vm:
        vm.boot()
        for name in hostile_elfs():
            out = vm.command("run " + name)
            if name == "good":
                tap.has(out, r"exit status 0", "any archive will do")
            else:
                tap.has(out, r"not|bad|trunc|cannot|ENOEXEC|outside|big|many"
                        r"|killed by signal", "hostile ELF: " + name)
        tap.has(vm.command("check"), r"(?i)\b0 problems|clean|ok",
                "nothing is lost after hostile programs")


def body(tap):
    with tempfile.TemporaryDirectory() as tmp:
        good = open(ROOT + "/build/initrd.cpio", "rb").read()
        cut = tmp + "/cut.cpio"
        with open(cut, "wb") as out:
            out.write(good[:len(good) // 2])
        junk = tmp + "/junk.cpio"
        with open(junk, "wb") as out:
            out.write(b"\x7f" * 5000)
        boots_with(tap, "truncated archive", r"(?i)archive", initrd=cut)
        boots_with(tap, "junk archive", r"(?i)archive", initrd=junk)
        elfs(tap, tmp)
    boots_with(tap, "no module", r"(?i)no (module|archive|programs)",
               initrd="")
    boots_with(tap, "unknown option", r'unknown option "?frobnicate',
               append="frobnicate=1")
    boots_with(tap, "bad value", r"smp", append="smp=banana")
    boots_with(tap, "unclosed quote", r"(?i)quote", append='loglevel="6')
    boots_with(tap, "no ACPI", r"acpi: no usable tables", extra=["-no-acpi"])
    boots_with(tap, "too little memory", r"(?i)too little memory",
               goes_on=False, mem="16M", initrd="")


run(body)
