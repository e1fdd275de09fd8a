#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boot the kernel in QEMU without a screen, read its console, judge it.

Passed means: QEMU ended through isa-debug-exit with the wanted status
(33 unless --status says otherwise: the kernel wrote 0x10), inside the bound,
no KTAP line said "not ok", every plan (1..N) was fulfilled, and all that
--expect asks for was printed. Anything else, a hang too, fails.

  run.py --append 'run="selftest; poweroff"' --smp 2
  run.py --iso build/rewalk.iso --uefi --type 'demo' --type 'poweroff'

With --iso and --append, an ISO with that command line is made for the run.
Prints one line of result; after a failure, the end of the console as well.
"""
import argparse
import os
import re
import select
import subprocess
import sys
import tempfile
import time

RESULT = re.compile(r"^( *)(ok|not ok) (\d+)(?: (?:- )?(.*))?$")
PLAN = re.compile(r"^( *)1\.\.(\d+)(?: *#.*)?$")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\0]")
PROMPT = "rewalk> "
TAIL = 40


class Ktap:
    """What the console says in KTAP 1. Only top-level lines count; a "not ok"
    counts at any depth."""

    def __init__(self):
        self.passed = self.skipped = self.planned = self.seen = 0
        self.failed = []
        self.plans = 0

    def line(self, text):
        while text.startswith(PROMPT):
            text = text[len(PROMPT):]
        plan = PLAN.match(text)
        if plan and not plan.group(1):
            self.plans += 1
            self.planned += int(plan.group(2))
        result = RESULT.match(text)
        if not result:
            return
        indent, verdict, number, name = result.groups()
        name = name or number
        directive = re.search(r"# *(SKIP|TODO)", name, re.I)
        if not indent:
            self.seen += 1
        if directive:
            self.skipped += not indent
        elif verdict == "not ok":
            self.failed.append(name)
        elif not indent:
            self.passed += 1

    def problems(self):
        if self.failed:
            yield "%d not ok: %s" % (len(self.failed),
                                     ", ".join(self.failed[:5]))
        if self.planned != self.seen:
            yield "%d tests planned, %d reported" % (self.planned, self.seen)


class Machine:
    """One QEMU, its console split into lines."""

    def __init__(self, command, log):
        self.log = log
        self.pending = ""
        self.proc = subprocess.Popen(command, stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)

    def read(self, seconds):
        """Complete lines that came within the time; None at the end."""
        ready, _, _ = select.select([self.proc.stdout], [], [], seconds)
        if not ready:
            return []
        data = os.read(self.proc.stdout.fileno(), 65536)
        if not data:
            return None
        self.log.write(data)
        self.log.flush()
        text = self.pending + data.decode("utf-8", "replace")
        *lines, self.pending = text.split("\n")
        return [ESCAPES.sub("", l) for l in lines]

    def at_prompt(self):
        return ESCAPES.sub("", self.pending).endswith(PROMPT)

    def type(self, line):
        try:
            self.proc.stdin.write(line.encode() + b"\r")
            self.proc.stdin.flush()
        except BrokenPipeError:
            pass

    def close(self):
        if self.proc.poll() is None:
            self.proc.kill()
        return self.proc.wait()


def arguments():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    a = ap.add_argument
    a("--kernel", default="build/kernel.elf")
    a("--initrd", help="default: initrd.cpio beside the kernel")
    a("--no-initrd", action="store_true")
    a("--iso", help="boot this through GRUB instead of --kernel")
    a("--uefi", action="store_true", help="with OVMF; only with --iso")
    a("--smp", default="4")
    a("--mem", default="512M")
    a("--cpu", default="max")
    a("--disk", action="append", default=[], metavar="IMAGE",
      help="a raw image, /dev/vda, then /dev/vdb (repeatable)")
    a("--append", help="kernel command line")
    a("--type", action="append", default=[], metavar="LINE",
      help="type this at a prompt (repeatable)")
    a("--expect", action="append", default=[], metavar="REGEX",
      help="some line must match (repeatable)")
    a("--forbid", action="append", default=[], metavar="REGEX",
      help="no line may match (repeatable)")
    a("--ktap", action="store_true", help="a test plan must appear")
    a("--status", type=int, default=33, help="wanted status of QEMU")
    a("--timeout", type=float, default=60, help="seconds")
    a("--log", help="write the console here")
    a("--name", help="for the result line")
    a("--qemu", default=os.environ.get("QEMU", "qemu-system-x86_64"))
    a("--qemu-arg", action="append", default=[], metavar="ARG")
    a("-v", "--verbose", action="store_true", help="show the console")
    args = ap.parse_args()
    if args.uefi and not args.iso:
        ap.error("--uefi needs --iso: QEMU's -kernel is for BIOS only")
    for disk in args.disk:
        if not os.path.isfile(disk):
            ap.error("--disk %s: no such file" % disk)
    return args


def make_iso(args, folder):
    iso = os.path.join(folder, "run.iso")
    made = subprocess.run(
        ["sh", "tools/mkiso.sh", args.kernel, initrd_of(args),
         os.path.join(folder, "iso"), iso],
        env=dict(os.environ, APPEND=args.append), check=False)
    if made.returncode:
        sys.exit("run.py: no ISO")
    return iso


def initrd_of(args):
    return args.initrd or os.path.join(os.path.dirname(args.kernel),
                                       "initrd.cpio")


def command_line(args, folder):
    cmd = [args.qemu, "-cpu", args.cpu, "-smp", args.smp, "-m", args.mem,
           "-display", "none", "-no-reboot", "-serial", "stdio",
           "-monitor", "none",
           "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
    if args.iso:
        iso = make_iso(args, folder) if args.append is not None else args.iso
        cmd += ["-cdrom", iso, "-boot", "d"]
        if args.uefi:
            cmd += ["-bios", "/usr/share/ovmf/OVMF.fd"]
    else:
        cmd += ["-kernel", args.kernel, "-append", args.append or ""]
        if not args.no_initrd:
            cmd += ["-initrd", initrd_of(args)]
    for disk in args.disk:
        cmd += ["-drive", "file=%s,format=raw,if=virtio"
                % disk.replace(",", ",,")]
    return cmd + args.qemu_arg


def watch(machine, args, ktap):
    """Run to the end or the bound. Returns the console's lines, and whether
    the bound was reached."""
    lines, to_type = [], list(args.type)
    deadline = time.monotonic() + args.timeout
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return lines + [machine.pending], True
        new = machine.read(min(left, 1))
        if new is None:
            return lines + [machine.pending], False
        for line in new:
            ktap.line(line)
            if args.verbose:
                print(line, flush=True)
        lines += new
        if to_type and machine.at_prompt():
            machine.pending = ""
            machine.type(to_type.pop(0))


def judge(args, lines, ktap, status, hung):
    if hung:
        yield "no end within %g s" % args.timeout
    elif status != args.status:
        yield "QEMU's status is %d, not %d" % (status, args.status)
    yield from ktap.problems()
    if args.ktap and not ktap.plans:
        yield "no test plan was printed"
    for pattern in args.expect:
        if not any(re.search(pattern, l) for l in lines):
            yield "nothing matches '%s'" % pattern
    for pattern in args.forbid:
        for line in lines:
            if re.search(pattern, line):
                yield "forbidden: %s" % line
                break


def main():
    args = arguments()
    name = args.name or "%s smp=%s mem=%s cpu=%s" % (
        "iso" + (" uefi" if args.uefi else "") if args.iso else "kernel",
        args.smp, args.mem, args.cpu)
    ktap = Ktap()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rewalk-run-") as folder, \
            open(args.log or os.devnull, "wb") as log:
        machine = Machine(command_line(args, folder), log)
        try:
            lines, hung = watch(machine, args, ktap)
            if not hung:
                machine.proc.wait(10)
        except subprocess.TimeoutExpired:
            hung = True
        finally:
            status = machine.close()
    problems = list(judge(args, lines, ktap, status, hung))
    if problems and not args.verbose:
        print("\n".join("  | " + l for l in lines[-TAIL:]))
    tests = "%d passed, %d failed, %d skipped" % (
        ktap.passed, len(ktap.failed), ktap.skipped)
    print("%s %s: %s, %.1f s%s" % (
        "FAIL" if problems else "PASS", name, tests,
        time.monotonic() - start,
        "".join("; " + p for p in problems)))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
