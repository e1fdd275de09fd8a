#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run in-kernel tests under interleavings chosen by seeds.

One seed is one boot (0.4 s) of the lab kernel in a QEMU that counts
instructions and runs all CPUs on one thread, so that it repeats itself; the
kernel's points hand over where the seed says so (kernel/schedpoint.c).

  race.py --test mm.filemap_torture --seeds 7            one interleaving
  race.py --test shadow.torture --seeds 1..100           the first that fails
  race.py --test shadow.torture --seeds 7 --shrink       which switches it takes
  race.py --test shadow.torture --seeds 7 --core FILE    its failing step
  race.py --test shadow.torture --plain 1000             without seeds
  race.py --list

Exit status: 0 no failure, 1 a failure was found, 2 bad usage.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time

EXACT = ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off",
         "-rtc", "base=2026-01-01,clock=vm"]
USABLE = re.compile(r"^race\.|torture$|^(?:mm|ptmigrate)\.live_")
KTEST = re.compile(r"^KTEST(?:_FLAGS)?\((\w+), (\w+)(.*)", re.M)
GOOD = 33
MAX_SEEDS, MAX_SEED = 100000, 2**32 - 1
MAX_KEEP, MAX_KEEP_TEXT = 500, 3000     # kernel/schedparam.c; command line
PLAIN_TEXT = 1000                       # run=: kernel/shell.c, SHELL_LINE_MAX
RECORD = struct.Struct("<IIBBH")        # struct record, kernel/schedpoint.c
REC_END, REC_FAILED = 0xfe, 0xff
KEY_BITS = 24                           # SCHED_KEY, kernel/schedpoint.h
IDS = ["lock", "unlock", "atomic", "pte", "flush", "notifier", "rcu", "race",
       "user"]
# Where a point stands is the first frame that is none of these.
WRAPPERS = re.compile(r"/(?:lib/(?:schedpoint|atomic|bitmap|refcount)"
                      r"|kernel/(?:rcu|preempt))\.h:")


def usable():
    """Names; "race" alone is that whole group in one boot."""
    names = []
    for path in sorted(glob.glob("tests/race/*.c") + glob.glob("tests/kt/*.c")):
        with open(path, encoding="utf-8") as source:
            for group, name, flags in KTEST.findall(source.read()):
                if "KTF_SLOW" not in flags:
                    names.append("%s.%s" % (group, name))
    return ["race"] + [n for n in names if USABLE.search(n)]


class Run:
    """One boot: what went wrong ("" if nothing), console, trace."""

    def __init__(self, wrong, text, trace):
        self.wrong, self.text, self.trace = wrong, text, trace
        self.records = [RECORD.unpack_from(trace, at) for at in range(
            0, len(trace) - RECORD.size + 1, RECORD.size)]
        ends = [r for r in self.records if r[2] >= REC_END]
        self.hash = "%08x%08x" % (ends[0][1], ends[0][0]) if ends else "none"
        failed = [r for r in ends if r[2] == REC_FAILED]
        self.cpu = failed[0][3] if failed else None

    def switches(self):
        """(key, place, id) of all, up to the failure."""
        found = []
        for key, place, ident, _, _ in self.records:
            if ident >= REC_END:
                break
            found.append((key, place, ident))
        return found

    def signature(self):
        """What failed, without numbers: to tell failures apart."""
        lines = re.findall(r"KERNEL PANIC on CPU \d+: .*|^# \S+\.c:\d+: .*",
                           self.text, re.M)
        what = lines[0] if lines else self.wrong
        return re.sub(r"0x[0-9a-f]+|\d+", "N", what)


def command(args, seed, folder, keep, extra):
    append = "panic=exit race_seed=%d race_strategy=%s race_depth=%d" % (
        seed, args.strategy, args.depth)
    if args.bug:
        append += " race_bug=" + args.bug
    if args.tick:
        append += " race_tick=%d" % args.tick
    if keep is not None:
        append += " race_keep=" + (keep or "none")
    append += ' run="selftest-exit %s"' % args.test
    return machine(args, append) + EXACT + extra + [
        "-serial", "file:" + os.path.join(folder, "console"),
        "-debugcon", "file:" + os.path.join(folder, "trace"),
        "-device", "pvpanic"]


def machine(args, append):
    return [os.environ.get("QEMU", "qemu-system-x86_64"), "-cpu", "max",
            "-smp", str(args.smp), "-m", args.mem, "-display", "none",
            "-no-reboot", "-monitor", "none",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
            "-kernel", args.kernel, "-append", append]


def console_of(folder):
    with open(os.path.join(folder, "console"), encoding="utf-8",
              errors="replace") as log:
        return log.read().replace("\r", "")


def result(folder, status, timeout):
    wrong = "" if status == GOOD else "QEMU's status is %s" % status
    if status is None:
        wrong = "no end within %g s" % timeout
    text = console_of(folder)
    if not wrong and not re.search(r"^ok 1 ", text, re.M):
        wrong = "no test ran"
    unknown = re.search(r"^.*(no bug switch is called|no test or group is "
                        r"called|option race_\w+: bad).*$", text, re.M)
    if unknown:
        print("race.py: the kernel says: " + unknown[0], file=sys.stderr)
        os._exit(2)                     # other boots may be under way
    with open(os.path.join(folder, "trace"), "rb") as trace:
        return Run(wrong, text, trace.read())


def boot(args, seed, keep=None):
    with tempfile.TemporaryDirectory(prefix="rewalk-race-") as folder:
        cmd = command(args, seed, folder, keep, ["-action", "panic=none"])
        try:
            status = subprocess.run(cmd, timeout=args.timeout, check=False,
                                    stdin=subprocess.DEVNULL).returncode
        except subprocess.TimeoutExpired:
            status = None
        return result(folder, status, args.timeout)


def replay_line(args, seed, keep=None, goal="race"):
    line = "make %s T=%s SEED=%d" % (goal, args.test, seed)
    for name, value, usual in (("STRATEGY", args.strategy, "random"),
                               ("DEPTH", args.depth, 3),
                               ("TICK", args.tick, None),
                               ("BUG", args.bug, None),
                               ("RACE_SMP", args.smp, 4),
                               ("KEEP", keep, None)):
        if value != usual:
            line += " %s=%s" % (name, value or "none")
    return line


def show(text):
    keep = re.compile(r"^not ok|^# |PANIC|MMU model|warning")
    lines = [l for l in text.splitlines() if keep.search(l)]
    print("\n".join("  | " + l for l in lines[:20]))


def explore(args):
    """All seeds, `jobs` boots at a time; the first failure ends it."""
    start, failed, ran = time.monotonic(), [], 0
    pool = concurrent.futures.ThreadPoolExecutor(args.jobs)
    todo = {}
    seeds = iter(args.seeds)
    for seed in args.seeds:
        while len(todo) < args.jobs and (ahead := next(seeds, None)) is not None:
            todo[ahead] = pool.submit(boot, args, ahead, args.keep)
        run = todo.pop(seed).result()
        ran += 1
        if args.save:
            with open(args.save, "wb") as out:
                out.write(run.trace)
        if len(args.seeds) == 1 or (run.wrong and not args.all):
            show(run.text)
            print("trace: %s, %d switches" % (run.hash, len(run.switches())))
        if not run.wrong:
            continue
        failed.append(seed)
        if not args.all:
            print("seed %d fails: %s" % (seed, run.wrong))
            print("replay: " + replay_line(args, seed, args.keep))
            break
    pool.shutdown(cancel_futures=True)
    print("race: %s, %s: %d of %d seeds failed, %.1f s%s" % (
        args.test, args.strategy, len(failed), ran, time.monotonic() - start,
        ": " + " ".join(map(str, failed)) if failed else ""))
    return 1 if failed else 0


def name_of(key):
    return "%d.%d" % (key >> KEY_BITS, key & (1 << KEY_BITS) - 1)


def ranges(kept, every):
    """`kept` as text: runs of neighbours in `every` become FIRST-LAST."""
    position = {key: i for i, key in enumerate(sorted(every))}
    spans = []
    for key in sorted(kept):
        if (spans and position[key] == position[spans[-1][1]] + 1 and
                key >> KEY_BITS == spans[-1][1] >> KEY_BITS):
            spans[-1][1] = key
        else:
            spans.append([key, key])
    return ",".join(name_of(a) + ("" if a == b else "-%d" % (
        b & (1 << KEY_BITS) - 1)) for a, b in spans)


class Shrinker:
    """Delta debugging (Zeller and Hildebrandt) over the switches of a seed."""

    def __init__(self, args, seed, run):
        self.args, self.seed, self.runs = args, seed, 0
        self.want = run.signature()
        self.every = [s[0] for s in run.switches()]
        self.best, self.last = list(self.every), run

    def fails(self, kept):
        keep = ranges(kept, self.every)
        if (self.runs >= self.args.boots or len(keep) > MAX_KEEP_TEXT or
                keep.count(",") >= MAX_KEEP):
            return False
        self.runs += 1
        run = boot(self.args, self.seed, keep)
        if not run.wrong or run.signature() != self.want:
            return False
        self.best, self.last = kept, run
        return True

    def shrink(self):
        parts = 2
        if self.fails([]):
            return
        while len(self.best) > 1 and parts <= len(self.best):
            size = -(-len(self.best) // parts)
            chunks = [self.best[i:i + size]
                      for i in range(0, len(self.best), size)]
            if parts == 2 and any(self.fails(c) for c in chunks):
                continue
            whole = self.best
            if any(self.fails([k for k in whole if k not in c])
                   for c in map(set, chunks)):
                parts = max(parts - 1, 2)
            elif size == 1:
                return
            else:
                parts = min(parts * 2, len(self.best))


def place_names(kernel, places):
    """Where each point stands: "function (file:line)"."""
    names = {}
    for place in places:
        address = 0xffffffff00000000 | place
        out = subprocess.run(
            ["addr2line", "-i", "-f", "-e", kernel, hex(address - 1)],
            stdout=subprocess.PIPE, text=True, check=False).stdout.split("\n")
        frames = [f for f in zip(out[0::2], out[1::2])
                  if not WRAPPERS.search("/" + f[1].split(os.getcwd())[-1])]
        func, where = frames[0] if frames else ("?", hex(address))
        where = os.path.relpath(re.sub(r" \(disc.*", "", where))
        names[place] = "%s (%s)" % (func, where)
    return names


def shrink(args):
    seed = args.seeds[0]
    run = boot(args, seed)
    if not run.wrong:
        print("race-shrink: seed %d does not fail" % seed)
        return 2
    args.timeout = min(args.timeout, 20)
    print("seed %d: %s" % (seed, run.signature()))
    shrinker = Shrinker(args, seed, run)
    print("%d switches up to the failure" % len(shrinker.every), flush=True)
    shrinker.shrink()
    keep = ranges(shrinker.best, shrinker.every)
    kept = shrinker.last.switches()
    names = place_names(args.kernel, {s[1] for s in kept})
    print("%d of %d switches are enough (%d boots):" % (
        len(kept), len(shrinker.every), shrinker.runs))
    for key, place, ident in kept:
        print("  point %-9s %-8s %s" % (name_of(key), IDS[ident],
                                        names[place]))
    if not kept:
        print("  none: the ticks and the test alone are enough")
    print("replay: " + replay_line(args, seed, keep))
    return 1


class Qmp:
    """The few words of QEMU's machine protocol that a core takes."""

    def __init__(self, path, process):
        self.sock = socket.socket(socket.AF_UNIX)
        while process.poll() is None:
            try:
                self.sock.connect(path)
                break
            except OSError:
                time.sleep(0.02)
        self.lines = self.sock.makefile("r", encoding="utf-8")
        self.lines.readline()
        self.ask("qmp_capabilities")

    def ask(self, what, **arguments):
        self.sock.sendall(json.dumps(
            {"execute": what, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = json.loads(self.lines.readline() or '{"error": "end"}')
            if "return" in answer or "error" in answer:
                return answer

    def wait_stopped(self, timeout):
        """True: the kernel stopped the machine.  False: QEMU has ended."""
        self.sock.settimeout(timeout)
        for line in self.lines:
            if '"STOP"' in line:
                self.sock.settimeout(None)
                return True
        return False


def core(args):
    seed = args.seeds[0]
    with tempfile.TemporaryDirectory(prefix="rewalk-race-") as folder:
        path = os.path.join(folder, "qmp")
        cmd = command(args, seed, folder, args.keep, [
            "-action", "panic=pause", "-S",
            "-qmp", "unix:%s,server=on,wait=off" % path])
        with subprocess.Popen(cmd, stdin=subprocess.DEVNULL) as qemu:
            try:
                return take_core(args, Qmp(path, qemu), qemu, folder)
            finally:
                qemu.kill()


def take_core(args, qmp, qemu, folder):
    qmp.ask("cont")
    try:
        stopped = qmp.wait_stopped(args.timeout)
    except TimeoutError:
        qmp.sock.settimeout(None)
        qmp.lines = qmp.sock.makefile("r", encoding="utf-8")
        qmp.ask("stop")
        stopped = True
    if not stopped:
        run = result(folder, qemu.wait(), args.timeout)
        print("race-core: seed %d %s" % (
            args.seeds[0], "fails, but the kernel did not stop: " + run.wrong
            if run.wrong else "does not fail"))
        return 2
    target = os.path.abspath(args.core)
    if os.path.exists(target):
        os.remove(target)               # QEMU leaves it unwritable
    answer = qmp.ask("dump-guest-memory", paging=True,
                     protocol="file:" + target)
    if "error" in answer:
        sys.exit("race.py: no core: %s" % answer["error"])
    run = result(folder, None, args.timeout)
    show(run.text)
    cpu = run.cpu or 0
    print("core: %s (%d MiB), CPU %d" % (
        args.core, os.path.getsize(target) >> 20, cpu))
    print("gdb: gdb -q %s %s -ex 'thread %d' -ex bt" % (
        args.kernel, args.core, cpu + 1))
    return 1


def plain(args):
    """The test again and again on a QEMU that runs its CPUs at once."""
    start, ran, failed, boots = time.monotonic(), 0, 0, 0
    while ran < args.plain:
        batch = min(PLAIN_TEXT // (len(args.test) + len("selftest ; ")),
                    args.plain - ran)
        append = "panic=exit " + ("race_bug=%s " % args.bug if args.bug else "")
        append += 'run="%sselftest-exit %s"' % (
            ("selftest %s; " % args.test) * (batch - 1), args.test)
        with tempfile.TemporaryDirectory(prefix="rewalk-race-") as folder:
            cmd = machine(args, append) + [
                "-serial", "file:" + os.path.join(folder, "console")]
            try:
                subprocess.run(cmd, timeout=args.timeout * batch, check=False,
                               stdin=subprocess.DEVNULL)
            except subprocess.TimeoutExpired:
                failed += 1
            text = console_of(folder)
        good = len(re.findall(r"^ok 1 ", text, re.M))
        bad = len(re.findall(r"^not ok 1 |KERNEL PANIC", text, re.M))
        if not good + bad:
            sys.exit("race.py: no test ran:\n" + text[-2000:])
        ran, failed, boots = ran + good + bad, failed + bad, boots + 1
    print("plain: %s: %d of %d runs failed, %d boots, %d CPUs, %.1f s" % (
        args.test, failed, ran, boots, args.smp, time.monotonic() - start))
    return 1 if failed else 0


def seeds_of(ap, text):
    found = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text)
    if not found:
        ap.error("seeds are a number, or FIRST..LAST: not \"%s\"" % text)
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        ap.error("no seed lies in %s: the last is below the first" % text)
    if last > MAX_SEED or last - first >= MAX_SEEDS:
        ap.error("at most %d seeds, each below 2^32" % MAX_SEEDS)
    return range(first, last + 1)


def number(low, high):
    def convert(text):
        if not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(
                "%s: a number from %d to %d" % (text, low, high))
        return int(text)
    return convert


def arguments():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter,
        usage="race.py --test GROUP.NAME [--seeds N|N..M] ... (--help)")
    a = ap.add_argument
    a("--kernel", default="build/lab/kernel.elf")
    a("--test", default="", help="GROUP.NAME, one of --list")
    a("--seeds", "--seed", default="1", help="N or N..M")
    a("--strategy", default="random", choices=["random", "pct"])
    a("--depth", type=number(0, 16), default=3, help="pct: change points")
    a("--tick", type=number(100, 100000), help="Hz (usual: the seed's choice)")
    a("--keep", help="points that may act: 0.3,1.10-20 or none (--shrink)")
    a("--bug", help="switch this bug on")
    a("--smp", type=number(1, 16), default=4)
    a("--mem", default="128M")
    a("--timeout", type=float, default=60, help="seconds a boot")
    a("--jobs", type=number(1, 64), default=2, help="boots at a time")
    a("--all", action="store_true", help="go on after a failure")
    a("--save", metavar="FILE", help="the last seed's trace, as it came")
    a("--boots", type=number(1, 10000), default=400, help="for --shrink")
    a("--shrink", action="store_true", help="drop switches while it fails")
    a("--core", metavar="FILE", help="stop at the failure, leave a core")
    a("--plain", type=number(1, 1000000), help="so many runs without a seed")
    a("--list", action="store_true", help="the tests that can be used")
    args = ap.parse_args()
    if args.list:
        return args
    if not args.test:
        ap.error("no test given (T=GROUP.NAME); `make race-list` names them")
    if args.test not in usable():
        ap.error("%s: no such test; `make race-list` names them" % args.test)
    args.seeds = seeds_of(ap, args.seeds)
    if (args.shrink or args.core) and len(args.seeds) != 1:
        ap.error("one seed, please: SEED=N")
    if args.keep and not re.fullmatch(r"none|\d+\.\d+(-\d+)?(,\d+\.\d+(-\d+)?)*",
                                      args.keep):
        ap.error("KEEP is \"none\" or like 0.3,1.10-20: not \"%s\"" % args.keep)
    return args


def main():
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    args = arguments()
    if args.list:
        print("\n".join(usable()))
        return 0
    if args.shrink:
        return shrink(args)
    if args.core:
        return core(args)
    return plain(args) if args.plain else explore(args)


if __name__ == "__main__":
    sys.exit(main())
