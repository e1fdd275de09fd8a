#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run somebody else's static programs here and on the build host's Linux, and
compare exit status and output.

user/abirun.c is the runner on both sides: in QEMU as a program of the initial
archive, in boots of --batch programs; on Linux in a user namespace, under
chroot, where there is nothing but the programs and an empty /tmp (and no
privilege over the host, whoever starts it). What differs is printed, a line
each, and `abi: N of M same` closes.

A program that ends the machine, or hangs it, is found (run alone, if several
ran), named, and counts as different; the rest goes on in another boot.

With --pass-only only the exit status counts: M are the programs that give 0 on
Linux, and N those of them that give 0 here. --known FILE lists those that may
fail ("NAME: why"); any other is an error.
"""
import argparse
import os
import shutil
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mkinitrd
import run

PT_INTERP = 3
SLOWER = 4              # a time limit on Linux is so much longer under TCG


class Result:
    def __init__(self):
        self.end = None         # "exit 0", "signal 11", "time 10", "died"
        self.out = []

    def same(self, other):
        return self.end == other.end and self.out == other.out


def fail(text):
    sys.exit("abi: " + text)


def program_problem(path):
    """Why a file cannot be compared; None for a static x86-64 program."""
    with open(path, "rb") as f:
        data = f.read(1 << 16)
    if data[:4] != b"\x7fELF":
        return "is no ELF file"
    if len(data) < 64 or data[4] != 2 or \
            struct.unpack_from("<H", data, 18)[0] != 62:
        return "is no x86-64 program"
    kind, = struct.unpack_from("<H", data, 16)
    phoff, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    if kind not in (2, 3) or not count:
        return "is an object file, not a program"
    for i in range(count):
        at = phoff + i * size
        if at + 4 <= len(data) and \
                struct.unpack_from("<I", data, at)[0] == PT_INTERP:
            return "is dynamically linked: link it with -static"
    return None


def programs_in(folder):
    """name -> path of what can be run; says what cannot."""
    if not os.path.isdir(folder):
        fail("%s is no folder" % folder)
    found = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.startswith(".") or not os.path.isfile(path):
            continue
        problem = program_problem(path)
        if not problem and any(c.isspace() for c in name):
            problem = "has a blank in its name"
        if problem:
            print("abi: %s %s: left out" % (path, problem))
        else:
            found[name] = path
    if not found:
        fail("%s has no static program in it" % folder)
    return found


class Protocol:
    """What abirun prints: results by name, and who is running."""

    def __init__(self):
        self.results = {}
        self.running = {}
        self.done = False
        self.other = []         # the machine's last words

    def line(self, text):
        while text.startswith(run.PROMPT):
            text = text[len(run.PROMPT):]
        word, _, rest = text.partition(" ")
        name, _, what = rest.partition(" ")
        if word == "@start":
            self.running[name] = Result()
        elif word == "@out" and name in self.running:
            self.running[name].out.append(what)
        elif word == "@end" and name in self.running:
            result = self.running.pop(name)
            result.end = what
            if what.startswith("time"):
                result.end = "time"
            self.results[name] = result
        elif word == "@done":
            self.done = True
        elif text.strip():
            self.other = self.other[-40:] + [text]


class Linux:
    """The host's kernel."""

    def __init__(self, args, folder):
        self.args, self.root = args, os.path.join(folder, "root")

    def run(self, programs):
        shutil.rmtree(self.root, ignore_errors=True)
        for name in ("p", "tmp"):
            os.makedirs(os.path.join(self.root, name))
        os.chmod(os.path.join(self.root, "tmp"), 0o1777)
        shutil.copy(self.args.runner, os.path.join(self.root, "abirun"))
        for name, path in programs.items():
            shutil.copy(path, os.path.join(self.root, "p", name))
        made = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--pid", "--fork",
             "--mount", "--ipc", "--net", "--kill-child", "chroot", self.root,
             "/abirun", "-j", str(self.args.host_jobs),
             "-t", str(self.args.limit), "/p"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, check=False)
        protocol = Protocol()
        for line in made.stdout.decode("latin-1").splitlines():
            protocol.line(line)
        shutil.rmtree(self.root, ignore_errors=True)
        if not protocol.done:
            fail("this host cannot give the programs a root of their own "
                 "(user namespaces, chroot):\n  " +
                 made.stderr.decode("utf-8", "replace").strip())
        return protocol.results


class Here:
    """Boots of Rewalk."""

    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.initrd = os.path.join(folder, "initrd.cpio")
        self.boots = 0

    def archive(self, programs):
        with open(self.initrd, "wb") as out:
            a = mkinitrd.Archive(out)
            for name in ("bin", "dev", "etc", "p"):
                a.directory(name)
            a.directory("tmp", 0o1777)
            a.file("bin/abirun", mkinitrd.read(self.args.runner, ""), 0o755)
            for name, path in programs.items():
                a.file("p/" + name, mkinitrd.read(path, ""), 0o755)
            a.close()

    def boot(self, programs, jobs):
        """A protocol; done is False when the machine did not get to the end."""
        limit = self.args.limit * SLOWER
        self.archive(programs)
        self.boots += 1
        command = [
            self.args.qemu, "-cpu", "max", "-smp", self.args.smp, "-m",
            self.args.mem, "-display", "none", "-no-reboot", "-serial",
            "stdio", "-monitor", "none", "-device",
            "isa-debug-exit,iobase=0xf4,iosize=0x04", "-kernel",
            self.args.kernel, "-initrd", self.initrd, "-append",
            'panic=exit run="run abirun -j %d -t %d /p; poweroff"' %
            (jobs, limit)]
        protocol = Protocol()
        log = os.path.join(self.folder, "console-%d.log" % self.boots)
        with open(log, "wb") as out:
            machine = run.Machine(command, out)
            last = time.monotonic()
            while True:
                lines = machine.read(1)
                if lines is None:
                    break
                for text in lines:
                    protocol.line(text)
                if lines:
                    last = time.monotonic()
                elif time.monotonic() - last > 2 * limit + 60:
                    protocol.other.append("no word for %d s" %
                                          (time.monotonic() - last))
                    break
            machine.close()
        return protocol

    def suspects(self, programs, protocol, results):
        """Several ran when the machine died: each alone."""
        names = sorted(protocol.running)
        if len(names) > 1:
            for name in names:
                alone = self.boot({name: programs[name]}, 1)
                if alone.done:
                    results.update(alone.results)
                    protocol.running.pop(name)
                else:
                    protocol.other = alone.other
            if not protocol.running:
                print("abi: the machine died while these ran, though not of "
                      "any one alone: " + " ".join(names))
                return names
        return sorted(protocol.running)

    def batch(self, programs, results):
        left = dict(programs)
        while left:
            protocol = self.boot(left, self.args.jobs)
            results.update(protocol.results)
            if protocol.done:
                return
            killers = self.suspects(left, protocol, results)
            if not killers:
                fail("the machine did not run abirun:\n  " +
                     "\n  ".join(protocol.other[-20:]))
            for name in killers:
                results[name] = Result()
                results[name].end = "died"
                print("abi: %s killed the machine:\n  %s" % (
                    name, "\n  ".join(protocol.other[-12:])), flush=True)
            left = {n: p for n, p in left.items() if n not in results}

    def run(self, programs):
        results, names = {}, list(programs)
        for at in range(0, len(names), self.args.batch):
            some = names[at:at + self.args.batch]
            self.batch({n: programs[n] for n in some}, results)
            print("# %d of %d ran" % (at + len(some), len(names)), flush=True)
        return results


def first_difference(here, linux):
    pairs = zip(here.out + ["(nothing)"], linux.out + ["(nothing)"])
    for a, b in pairs:
        if a != b:
            return "here '%s', Linux '%s'" % (a, b)
    return "here more, or less"


def say(end):
    return "the machine died" if end == "died" else \
        "over the time limit" if end == "time" else end


def compare(programs, linux, here, machine):
    """Output that Linux itself does not repeat is not compared."""
    differ = [n for n in here if not here[n].same(linux[n])]
    only_out = [n for n in differ if here[n].end == linux[n].end]
    if only_out:
        again = machine.run({n: programs[n] for n in only_out})
        for name in only_out:
            if again[name].out != linux[name].out:
                differ.remove(name)
                print("%s: prints something else each time on Linux: only "
                      "its status is compared" % name)
    for name in differ:
        if here[name].end != linux[name].end:
            print("%s: here %s, Linux %s" % (name, say(here[name].end),
                                             say(linux[name].end)))
        else:
            print("%s: output: %s" % (name, first_difference(here[name],
                                                             linux[name])))
    print("abi: %d of %d same" % (len(here) - len(differ), len(here)))
    return not differ


def read_known(path):
    known = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            name, _, why = line.strip().partition(": ")
            if name and not name.startswith("#"):
                known[name] = why
    return known


def judge_passes(here, known, title):
    failed = [n for n in here if here[n].end != "exit 0"]
    news = 0
    for name in failed:
        why = known.get(name)
        news += why is None
        print("%s: here %s%s" % (name, say(here[name].end),
                                 ": known: " + why if why else ""))
        if why is None:
            for line in here[name].out[-6:]:
                print("    | " + line)
    print("%s: %d of %d pass" % (title, len(here) - len(failed), len(here)))
    return not news


def arguments():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    a = ap.add_argument
    a("folder", help="static x86-64 programs")
    a("--kernel", default="build/kernel.elf")
    a("--runner", default="build/user/abirun")
    a("--work", default="build/abi", help="where logs and archives go")
    a("--limit", type=int, default=10,
      help="seconds on Linux; here %d times as long" % SLOWER)
    a("--jobs", type=int, default=4, help="at a time, here")
    a("--host-jobs", type=int, default=8, help="at a time, on Linux")
    a("--batch", type=int, default=200, help="programs in one boot")
    a("--smp", default="2")
    a("--mem", default="512M")
    a("--qemu", default=os.environ.get("QEMU", "qemu-system-x86_64"))
    a("--pass-only", metavar="TITLE")
    a("--known", metavar="FILE")
    a("--only", help="only programs whose name has this in it")
    return ap.parse_args()


def main():
    args = arguments()
    programs = programs_in(args.folder)
    if args.only:
        programs = {n: p for n, p in programs.items() if args.only in n}
    os.makedirs(args.work, exist_ok=True)
    machine = Linux(args, args.work)
    linux = machine.run(programs)
    if args.pass_only:
        compared = [n for n in programs if linux[n].end == "exit 0"]
    else:
        compared = [n for n in programs if linux[n].end != "time"]
        for name in sorted(set(programs) - set(compared)):
            print("%s: over the time limit on Linux: not compared" % name)
    here = Here(args, args.work).run({n: programs[n] for n in compared})
    if args.pass_only:
        known = read_known(args.known) if args.known else {}
        good = judge_passes(here, known, args.pass_only)
    else:
        good = compare(programs, linux, here, machine)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
