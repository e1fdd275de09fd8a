#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check the Promela models in tests/models with spin.

The comment on top of NAME.pml lists:

  Code: FILE: FUNCTION...   what the model is of; checked to exist
  NO_STEP  words            a variant: with -DNO_STEP that step is missing

The model itself must be verified: the search ends and nothing is violated.
Each variant must be refuted: an assertion is violated, or somebody waits for
ever. A search that was cut short (depth, memory, time) fails, whatever it
found. TAP on stdout.

  models.py               all
  models.py NAME...       these
  models.py --show NAME NO_STEP     how it goes wrong, step by step
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DIR = os.path.join(ROOT, "tests", "models")
WORK = os.path.join(ROOT, "build", "models")
CC = os.environ.get("HOSTCC", "gcc")
MEGABYTES, SECONDS, DEPTH = 1024, 60, 100000
CUT = re.compile(r"max search depth too small|reached -DMEMLIM|out of memory|"
                 r"Search not completed|VECTORSZ")
WRONG = re.compile(r"pan:\d+: (assertion violated .*|invalid end state) "
                   r"\(at depth (\d+)\)")


class Broken(Exception):
    """Does not build, or was not searched to the end."""


class Model:
    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)[:-len(".pml")]
        with open(path) as f:
            self.text = f.read()
        self.head = self.text[:self.text.index("*/", 50)]
        self.variants = re.findall(r"^ \* (NO_\w+)\t", self.head, re.M)

    def check_head(self):
        """The comment agrees with the model and with the code."""
        if not re.search(r"^ \* Bounds: ", self.head, re.M):
            raise Broken("no bounds are stated")
        used = set(re.findall(r"^#.*\b(NO_\w+)", self.text, re.M)) | \
            set(re.findall(r"defined\((NO_\w+)\)", self.text))
        if used != set(self.variants):
            raise Broken("the comment and the model differ: %s" % " ".join(
                sorted(used ^ set(self.variants))))
        if len(used) < 2:
            raise Broken("fewer than two variants")
        for path, names in re.findall(r"^ \* Code: (\S+): (.*)$", self.head,
                                      re.M):
            with open(os.path.join(ROOT, path)) as f:
                code = f.read()
            for name in names.split():
                if not re.search(r"^\w.*\b%s\(" % name, code, re.M):
                    raise Broken("%s has no %s()" % (path, name))


def command(where, *argv):
    try:
        done = subprocess.run(argv, cwd=where, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Broken("%s: more than %d s" % (argv[0], SECONDS)) from None
    return done.returncode, done.stdout


def build(model, variant):
    """A folder with pan in it."""
    where = os.path.join(WORK, model.name + ("." + variant if variant else ""))
    shutil.rmtree(where, ignore_errors=True)
    os.makedirs(where)
    define = ["-D" + variant] if variant else []
    status, text = command(where, "spin", *define, "-a", model.path)
    if not status:
        # A variant's search is short: building it fast is worth more.
        status, text = command(where, CC, "-O0" if variant else "-O2", "-w",
                               "-DSAFETY", "-DMEMLIM=%d" % MEGABYTES,
                               "-DNOFAIR", "-o", "pan", "pan.c")
    if status:
        raise Broken("does not build: " + text.strip().split("\n")[-1])
    return where


def search(model, variant):
    """(what is wrong or None, number of states)"""
    where = build(model, variant)
    _, text = command(where, "./pan", "-m%d" % DEPTH)
    with open(os.path.join(where, "out"), "w") as f:
        f.write(text)
    cut, wrong = CUT.search(text), WRONG.search(text)
    states = re.search(r"^ *(\d\S*) states, stored", text, re.M)
    errors = re.search(r"errors: (\d+)", text)
    if not states or not errors or (int(errors[1]) != 0) != bool(wrong):
        raise Broken("the search failed: " + text.strip().split("\n")[0])
    if cut and (not variant or not wrong or "Search" not in cut[0]):
        raise Broken("the search was cut short: " + cut[0])
    what = "%s, step %s" % (wrong[1], wrong[2]) if wrong else None
    return what, int(float(states[1]))


def verdict(model, variant):
    """(is it as it must be, text)"""
    try:
        if not variant:
            model.check_head()
        what, states = search(model, variant)
    except (Broken, OSError) as e:
        return False, str(e)
    if not variant:
        return not what, what or "verified, %d states" % states
    if not what:
        return False, "NOT refuted, %d states" % states
    return True, "refuted (%s)" % re.sub(r"\s+", " ", what)


def show(name, variant):
    model = Model(os.path.join(DIR, name + ".pml"))
    what, _ = search(model, variant)
    if not what:
        sys.exit("models: nothing is wrong with that")
    where = os.path.join(WORK, name + "." + variant)
    _, text = command(where, "spin", "-D" + variant, "-t", "-p", "-g", "-k",
                      name + ".pml.trail", model.path)
    print(text)


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--show", nargs=2, metavar=("NAME", "NO_STEP"))
    ap.add_argument("names", nargs="*", metavar="NAME")
    args = ap.parse_args()
    if not shutil.which("spin"):
        sys.exit("models: no spin: 'make deps' installs it (package: spin)")
    if args.show:
        show(*args.show)
        return
    paths = [os.path.join(DIR, n + ".pml") for n in args.names] or \
        sorted(glob.glob(os.path.join(DIR, "*.pml")))
    jobs = [(m, v) for m in map(Model, paths) for v in [None] + m.variants]
    print("1..%d" % len(jobs))
    count = {True: 0, False: 0}
    for number, (model, variant) in enumerate(jobs, 1):
        good, text = verdict(model, variant)
        count[bool(variant)] += good
        print("%sok %d - %s%s: %s" % (
            "" if good else "not ", number, model.name,
            " " + variant if variant else "", text), flush=True)
    print("models: %d verified, %d variants refuted" % (
        count[False], count[True]))
    sys.exit(sum(count.values()) != len(jobs))


if __name__ == "__main__":
    main()
