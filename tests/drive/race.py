#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Seeded interleavings (docs/exploration.md): a fixed budget of seeds finds
nothing; a seed repeats to the byte; planted bugs are found, replayed, shrunk,
and leave a core that gdb opens."""
import os
import re
import subprocess
import tempfile

from rewalk import ROOT, run

KERNEL = "build/lab/kernel.elf"
# Test, seeds, strategy: nothing may fail here.
BUDGET = [
    ("race", "1..2", "random"), ("race", "1..2", "pct"),
    ("mm.filemap_torture", "1..4", "random"),
    ("mm.filemap_torture", "1..4", "pct"),
    ("shadow.torture", "1..3", "random"), ("shadow.torture", "1..3", "pct"),
    ("ptmigrate.live_under_writers", "1..2", "random"),
    ("mm.live_fork_snapshot", "1..2", "pct"),
    ("mm.live_same_page_faults", "1..2", "random"),
]


def race(*args):
    done = subprocess.run(["/usr/bin/python3", "tools/race.py", "--timeout",
                           "100", *args], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def replay_args(out):
    """The arguments that the printed line stands for."""
    line = re.search(r"^replay: make race (.*)", out, re.M)
    words = dict(w.split("=", 1) for w in line[1].split()) if line else {}
    flags = {"T": "--test", "SEED": "--seeds", "BUG": "--bug",
             "KEEP": "--keep", "STRATEGY": "--strategy"}
    return [x for k, v in words.items() for x in (flags[k], v)]


def trace_of(out):
    found = re.search(r"^trace: (\w+), (\d+) switches", out, re.M)
    return found[0] if found else "no trace in:\n" + out


def budget(tap):
    for test, seeds, strategy in BUDGET:
        rc, out = race("--test", test, "--seeds", seeds,
                       "--strategy", strategy)
        tap.ok(rc == 0, "%s, seeds %s, %s" % (test, seeds, strategy), out)


def replays(tap, folder):
    for strategy in ("random", "pct"):
        traces = []
        for number, seed in enumerate(("5", "5", "6")):
            path = os.path.join(folder, "trace%d" % number)
            race("--test", "mm.filemap_torture", "--seeds", seed,
                 "--strategy", strategy, "--save", path)
            with open(path, "rb") as trace:
                traces.append(trace.read())
        tap.ok(traces[0] == traces[1] and len(traces[0]) > 120,
               strategy + ": the same seed, the same trace to the byte",
               "%d and %d bytes" % (len(traces[0]), len(traces[1])))
        tap.ok(traces[0] != traces[2], strategy + ": another seed, another")


def finds(tap, folder):
    rc, out = race("--test", "shadow.torture", "--seeds", "1..20",
                   "--bug", "shadow_no_seq")
    tap.ok(rc == 1, "a seed finds shadow_no_seq", out)
    again = replay_args(out)
    rc, replayed = race(*again)
    tap.ok(rc == 1 and trace_of(replayed) == trace_of(out),
           "its line replays it: the same trace", out + replayed)
    path = os.path.join(folder, "core")
    rc, out = race(*again, "--core", path)
    thread = re.search(r"-ex 'thread (\d+)'", out)
    tap.ok(rc == 1 and thread, "a core is left", out)
    done = subprocess.run(
        ["gdb", "-q", "-nx", "-batch", KERNEL, path, "-ex",
         "thread %s" % (thread[1] if thread else "1"), "-ex", "bt"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False)
    tap.has(done.stdout, r"^#\d+ .*\b(?:panic|panic_regs|kt_fail) \(",
            "gdb: the CPU that fails")
    tap.has(done.stdout, r"^#\d+ .* at (?:tests/kt/kt_shadow|drivers/shadow/\w+)\.c:\d+",
            "gdb: and what it was doing")


def finds_more(tap):
    """What 1,000 plain runs miss: docs/exploration.md has the counts."""
    for test, bug in (("shadow.torture", "shadow_no_counter"),
                      ("mm.filemap_torture", "filemap_no_recheck")):
        rc, out = race("--test", test, "--seeds", "1..40", "--bug", bug)
        tap.ok(rc == 1, "a seed finds " + bug, out)


def shrinks(tap):
    rc, out = race("--test", "race.explore_unregister", "--seeds", "1..100",
                   "--bug", "no_srcu_sync")
    tap.ok(rc == 1, "a seed finds no_srcu_sync", out)
    rc, out = race(*replay_args(out), "--shrink", "--boots", "24")
    found = re.search(r"^(\d+) of (\d+) switches are enough", out, re.M)
    tap.ok(rc == 1 and found and int(found[1]) < int(found[2]),
           "fewer switches are enough", out)
    listed = re.findall(r"^  point \d+\.\d+ +\w+ +\w+ \(\S+:\d+\)$", out, re.M)
    tap.ok(found and len(listed) == int(found[1]),
           "each is listed with its place", out)
    rc, again = race(*replay_args(out))
    tap.ok(rc == 1 and "late is" in again, "the shrunk line still fails",
           out + again)


def refuses(tap):
    for args, message in (
            (("--test", "no.such"), "no such test; `make race-list`"),
            (("--test", ""), "no test given"),
            (("--test", "race", "--seeds", "x"), 'not "x"'),
            (("--test", "race", "--seeds", "9..3"), "no seed lies in 9..3"),
            (("--test", "race", "--seeds", "1..2", "--shrink"), "one seed"),
            (("--test", "race", "--keep", "7"), "KEEP is"),
            (("--test", "race", "--keep", "0.9,0.3"), "option race_keep: bad"),
            (("--test", "race", "--bug", "nope"), "no bug switch is called")):
        rc, out = race(*args)
        tap.ok(rc == 2 and message in out, "refused: " + " ".join(args), out)
    rc, out = race("--list")
    tap.ok(rc == 0 and "shadow.torture" in out.split(), "--list", out)


def body(tap):
    refuses(tap)
    budget(tap)
    with tempfile.TemporaryDirectory() as folder:
        replays(tap, folder)
        finds(tap, folder)
    finds_more(tap)
    shrinks(tap)


run(body)
