#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`make abi`: other people's programs here and on Linux, and bad folders."""
import os
import shutil
import subprocess
import sys
import tempfile

from rewalk import ROOT, run

# Says who it runs under: the one thing that must differ.
WHO = """
#include <stdio.h>
#include <sys/utsname.h>
int main(void) { struct utsname u; uname(&u); puts(u.release); return %s; }
"""


def compile_to(path, text, *flags):
    subprocess.run(["musl-gcc", "-x", "c", "-", "-o", path, *flags],
                   input=text.encode(), check=True)


def abi(folder, *extra):
    made = subprocess.run([sys.executable, "tools/abi.py", folder, "--work",
                           folder + ".work", *extra], cwd=ROOT, timeout=300,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    return made.returncode, made.stdout.decode()


def bad_folders(tap, work):
    rc, out = abi(work + "/none")
    tap.ok(rc and "is no folder" in out, "a folder that is not there", out)
    empty = work + "/empty"
    os.mkdir(empty)
    rc, out = abi(empty)
    tap.ok(rc and "no static program" in out, "an empty folder", out)
    with open(empty + "/script", "w", encoding="ascii") as f:
        f.write("#!/bin/sh\n")
    compile_to(empty + "/object", "int x;", "-c")
    compile_to(empty + "/dynamic", "int main(void) { return 0; }")
    rc, out = abi(empty)
    tap.has(out, r"script is no ELF file: left out", "a file that is no ELF")
    tap.has(out, r"object is an object file", "an object file")
    tap.has(out, r"dynamic is dynamically linked", "a dynamic program")
    tap.ok(rc, "nothing is left: an error", out)


def body(tap):
    with tempfile.TemporaryDirectory(prefix="rewalk-abi-") as work:
        bad_folders(tap, work)
        folder = work + "/good"
        os.mkdir(folder)
        for name in ("hello", "t_pipe"):
            shutil.copy("build/user/" + name, folder)
        compile_to(folder + "/status",
                   WHO % "u.release[0] == '6' && u.release[6] == 'r'",
                   "-static")
        compile_to(folder + "/output", WHO % "3", "-static")
        rc, out = abi(folder)
        if "cannot give the programs a root" in out:
            tap.ok(True, "comparison # SKIP this host has no user namespaces")
            return
        tap.has(out, r"^status: here exit 1, Linux exit 0", "another status")
        tap.has(out, r"^output: output: here '6.1.0-rewalk", "another output")
        tap.has(out, r"^abi: 2 of 4 same", "the others are the same")
        tap.ok(rc == 1, "a difference is an error", out)


os.chdir(ROOT)
run(body)
