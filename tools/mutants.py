#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Do the tests notice a bug? Put known bugs in, one at a time, and look.

tests/mutants/NAME.patch is a small diff against the tree, behind comments:

  # killer: GROUP.NAME    the self-test that must fail (lab build)
  # smp: N                CPUs, 4 unless said
  # tries: N              a race that QEMU shows now and then: up to N boots
  # flavour: NAME         the build with that checker (mk/flavours.mk), which
                          alone can see it; its report kills
  # setup: COMMAND        typed before the killer
  # icount: yes           on one host thread, repeatable
  # why: one line         the bug in words

Each is put into a private copy of the tree, built there, and booted with
only its killer. Killed means that the test failed, or that a checker
panicked. What only a crash or the time limit noticed counts too, but is
listed: there a checker is missing. First, all killers must pass without any
mutant.

  mutants.py                  all; mutants.py --quick: those of QUICK
  mutants.py NAME...          these
  mutants.py --set LD=ld.lld  more for make's command line
"""
import argparse
import collections
import filecmp
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DIR = os.path.join(ROOT, "tests", "mutants")
WORK = os.path.join(ROOT, "build", "mutants")
QEMU = os.environ.get("QEMU", "qemu-system-x86_64")
AT_ONCE = 16            # tests on one command line
EXACT = ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off",
         "-rtc", "base=2026-01-01,clock=vm"]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\0]")
PANIC = re.compile(r"KERNEL PANIC on CPU \d+: (.*)")
REPORT = re.compile(r"\bwarning at .*")
# Panics that are a fault's and not a checker's, and those of a watchdog.
CRASH = re.compile(r"(page fault|general protection|invalid opcode|double "
                   r"fault|stack fault|divide|in the kernel$)", re.I)
WATCHDOG = re.compile(r"not to be had|hung|lockup", re.I)
GOOD = ("test", "checker")
MISSING = {"crash": "only by a crash: a checker is missing",
           "timeout": "by timeout: a checker is missing"}


class Broken(Exception):
    """The mutant itself is no good: does not apply, does not build."""


# What a killer is booted on.
Machine = collections.namedtuple("Machine", "smp flavour setup icount")


class Mutant:
    def __init__(self, path):
        self.name = os.path.basename(path)[:-len(".patch")]
        with open(path) as f:
            self.text = f.read()
        self.killer = self.field("killer")
        self.smp = int(self.field("smp") or 4)
        self.tries = int(self.field("tries") or 1)
        self.why = self.field("why")
        self.machine = Machine(self.smp, self.field("flavour") or "lab",
                               self.field("setup") or "",
                               self.field("icount") == "yes")
        if not self.killer or not self.why:
            sys.exit("%s: no \"# killer:\" or no \"# why:\"" % path)

    def field(self, name):
        m = re.search(r"^# %s: *(.*)$" % name, self.text, re.M)
        return m.group(1).strip() if m else None

    def hunks(self):
        """(path, line, old lines, new lines)"""
        path = old = new = None
        line = 0
        for l in self.text.splitlines():
            start = re.match(r"@@ -(\d+)", l)
            if l.startswith("+++ "):
                if old is not None:
                    yield path, line, old, new
                path, old = l[4:].split("\t")[0].split("/", 1)[1], None
            elif start:
                if old is not None:
                    yield path, line, old, new
                line, old, new = int(start.group(1)) - 1, [], []
            elif old is not None and not l.startswith("--- "):
                if l[:1] != "+":
                    old.append(l[1:])
                if l[:1] != "-":
                    new.append(l[1:])
        if old is not None:
            yield path, line, old, new


class Tree:
    """A private copy, and its build."""

    def __init__(self, number, settings):
        self.path = os.path.join(WORK, "tree%d" % number)
        self.settings = settings
        self.changed = {}

    def sync(self):
        """Copy what differs, and nothing else: make goes by times."""
        wanted = set()
        for folder, dirs, files in os.walk(ROOT):
            dirs[:] = [d for d in dirs if d not in ("build", "__pycache__")
                       and not (d.startswith(".") and folder == ROOT)]
            wanted |= {os.path.relpath(os.path.join(folder, f), ROOT)
                       for f in files}
        for path in wanted:
            self.copy(path)
        for folder, dirs, files in os.walk(self.path):
            if os.path.relpath(folder, self.path) == ".":
                dirs[:] = [d for d in dirs if d != "build"]
            for name in files:
                full = os.path.join(folder, name)
                if os.path.relpath(full, self.path) not in wanted:
                    os.unlink(full)

    def copy(self, path):
        a, b = os.path.join(ROOT, path), os.path.join(self.path, path)
        if os.path.exists(b) and filecmp.cmp(a, b, shallow=False):
            return
        os.makedirs(os.path.dirname(b), exist_ok=True)
        shutil.copy(a, b)

    def apply(self, mutant):
        for path, line, old, new in mutant.hunks():
            full = os.path.join(self.path, path)
            if not os.path.exists(full):
                raise Broken("no file " + path)
            with open(full) as f:
                text = f.read()
            self.changed.setdefault(path, text)
            lines = text.split("\n")
            places = [i for i in range(len(lines) - len(old) + 1)
                      if lines[i:i + len(old)] == old]
            if not places:
                raise Broken("does not apply: %s:%d" % (path, line + 1))
            at = min(places, key=lambda i: abs(i - line))
            lines[at:at + len(old)] = new
            self.write(path, "\n".join(lines))

    def write(self, path, text):
        with open(os.path.join(self.path, path), "w") as f:
            f.write(text)

    def revert(self):
        for path, text in self.changed.items():
            self.write(path, text)
        self.changed = {}

    def build(self, flavour):
        """The path of the kernel, or None and what make said."""
        env = {k: v for k, v in os.environ.items()
               if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "O")}
        env["REWALK_JOBS"] = "1"
        folder = "build/" + flavour
        kernel = folder + "/kernel.elf"
        made = subprocess.run(
            ["make", flavour.upper() + "=1", "WERROR=0", "O=" + folder] +
            self.settings + [kernel, folder + "/initrd.cpio"],
            cwd=self.path, env=env, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False)
        if made.returncode:
            return None, made.stdout
        return os.path.join(self.path, kernel), made.stdout


def boot(kernel, tests, machine, limit):
    """The console's lines; whether the limit was reached; the status."""
    run = machine.setup + "; " * bool(machine.setup)
    run += "".join("selftest " + t + "; " for t in tests[:-1])
    run += "selftest-exit " + tests[-1]
    cmd = [QEMU] + EXACT * machine.icount + [
           "-cpu", "max", "-smp", str(machine.smp), "-m", "512M", "-display",
           "none", "-no-reboot", "-monitor", "none", "-serial", "stdio",
           "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
           "-kernel", kernel, "-initrd",
           os.path.join(os.path.dirname(kernel), "initrd.cpio"),
           "-append", "panic=exit run=\"%s\"" % run]
    with subprocess.Popen(cmd, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as proc:
        try:
            out, hung = proc.communicate(timeout=limit)[0], False
        except subprocess.TimeoutExpired:
            proc.kill()
            out, hung = proc.communicate()[0], True
    text = ESCAPES.sub("", out.decode("utf-8", "replace"))
    return text.splitlines(), hung, proc.returncode


def judge(lines, hung, status):
    """("survived", "test", "checker", "crash" or "timeout"; message)"""
    started = any(l.startswith("KTAP") for l in lines)
    said = [l[2:] for l in lines if re.match(r"# \S+:\d+: ", l)]
    panics = [m.group(1) for m in map(PANIC.search, lines) if m]
    reports = [m.group(0) for m in map(REPORT.search, lines) if m]
    where = "" if started else "at boot: "
    if panics:
        how = ("crash" if CRASH.search(panics[0]) else
               "timeout" if WATCHDOG.search(panics[0]) else "checker")
        if how == "checker" or not said:
            return how, where + panics[0]
    if reports:
        return "checker", reports[0]
    if said or any(l.startswith("not ok ") for l in lines):
        return "test", said[0] if said else "not ok"
    if hung:
        return "timeout", where + "no end"
    if status == 33 and any(l.startswith("ok ") for l in lines):
        skipped = [l for l in lines if "# SKIP" in l]
        return "survived", "skipped" if skipped else "passes"
    return "crash", where + "QEMU ended with status %d" % status


def run_mutant(tree, mutant, limit):
    try:
        tree.apply(mutant)
        kernel, said = tree.build(mutant.machine.flavour)
        if not kernel:
            raise Broken("does not build:\n" + said[-2000:])
        for _ in range(mutant.tries):
            how, text = judge(*boot(kernel, [mutant.killer],
                                    mutant.machine, limit))
            if how != "survived":
                break
        return how, text
    except Broken as e:
        return "broken", str(e)
    finally:
        tree.revert()


def baseline(tree, mutants):
    """Build unmutated; all killers pass, or the end. Seconds they took."""
    tree.sync()
    took = 0.0
    for machine in sorted({m.machine for m in mutants}):
        kernel, said = tree.build(machine.flavour)
        if not kernel:
            sys.exit("mutants: the tree does not build\n" + said[-3000:])
        start = time.monotonic()
        killers = sorted({m.killer for m in mutants if m.machine == machine})
        for i in range(0, len(killers), AT_ONCE):
            check_killers(kernel, killers[i:i + AT_ONCE], machine)
        took += time.monotonic() - start
    print("without mutants: all killers pass, %.0f s" % took, flush=True)
    return took


def check_killers(kernel, killers, machine):
    lines, hung, status = boot(kernel, killers, machine, 120)
    passed = {m.group(1) for m in
              (re.match(r"ok \d+ (\S+)$", l) for l in lines) if m}
    bad = [k for k in killers if k not in passed]
    if bad or hung or status != 33:
        sys.exit("mutants: without a mutant these fail: %s\n%s" % (
            " ".join(bad), "\n".join("  | " + l for l in lines[-20:])))


class Score:
    def __init__(self, total):
        self.total, self.killed, self.weak = total, 0, []
        self.lock = threading.Lock()

    def add(self, mutant, how, text):
        with self.lock:
            good = how in GOOD or how in MISSING
            self.killed += good
            if how in MISSING:
                self.weak.append("%s: %s" % (mutant.name, MISSING[how]))
            print("%-9s %-30s %s: %s%s" % (
                "killed" if good else how.upper(), mutant.name,
                mutant.killer, "" if how in GOOD or not good else
                "(%s) " % how, text), flush=True)
            if not good:
                print("          why it is a bug: " + mutant.why, flush=True)


def work(number, args, jobs, took, score):
    tree = Tree(number, args.set)
    if number:
        tree.sync()
        tree.build("lab")
    while True:
        try:
            mutant = jobs.get_nowait()
        except queue.Empty:
            return
        limit = 20 + took
        score.add(mutant, *run_mutant(tree, mutant, limit))


def chosen(args):
    names = args.names
    if args.quick:
        with open(os.path.join(DIR, "QUICK")) as f:
            names = [l.strip() for l in f if l.strip() and l[0] != "#"]
    if not names:
        names = sorted(f[:-len(".patch")] for f in os.listdir(DIR)
                       if f.endswith(".patch"))
    return [Mutant(os.path.join(DIR, n + ".patch")) for n in names]


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--quick", action="store_true")
    ap.add_argument("-j", type=int, default=2, help="workers (2)")
    ap.add_argument("--set", action="append", default=[], metavar="VAR=VAL")
    ap.add_argument("names", nargs="*", metavar="NAME")
    args = ap.parse_args()
    start, mutants, jobs = time.monotonic(), chosen(args), queue.Queue()
    took = baseline(Tree(0, args.set), mutants)
    for m in mutants:
        jobs.put(m)
    score = Score(len(mutants))
    workers = [threading.Thread(target=work, args=(n, args, jobs, took, score))
               for n in range(max(1, min(args.j, len(mutants))))]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    for line in score.weak:
        print("note: " + line)
    print("mutants: %d of %d killed (%.0f s)" % (
        score.killed, score.total, time.monotonic() - start))
    sys.exit(score.killed != score.total)


if __name__ == "__main__":
    main()
