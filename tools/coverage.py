#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Coverage of mm/ and kernel/ by the in-kernel tests, the ring-3 programs and
the drives that ask the kernel for what those do not: commands, panics, options.

gcc's counters lie in the running kernel's .data and .bss. Nothing in the kernel
writes them out: the machines' memory is a file, which stays when they end, in
whatever way (class Ram, tests/drive/rewalk.py). Here the list of struct
gcov_info, __gcov_info_start in linker.ld, is followed through each of them, the
counters are added up and written as the .gcda files that gcov reads. gcovr
makes the page and the figures from them.

  coverage.py BUILD [DRIVE...]  BUILD: a folder made with COVERAGE=1; DRIVE: of
                                tests/drive, without .py (usual: all below)
"""
import glob
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "tests", "drive"))
from rewalk import ROOT, Vm                              # noqa: E402

VMA = 0xffffffff80000000
MAGIC = 0x67636461                                       # "gcda"
TAG_FUNCTION, TAG_COUNTERS = 0x01000000, 0x01a10000
N_COUNTERS = 8                                           # GCC 12; others were not tried
DRIVES = ["shell", "commands", "inspect", "panic", "badinput", "disk", "pressure",
          "machines"]


class Memory:
    """The image as it was when the machine stopped."""

    def __init__(self, data, start):
        self.data, self.start = data, start

    def unpack(self, form, addr):
        return struct.unpack_from("<" + form, self.data,
                                  addr - VMA - self.start)

    def string(self, addr):
        at = addr - VMA - self.start
        return self.data[at:self.data.index(b"\0", at)].decode()


def symbols(path):
    found = {}
    for line in open(path, encoding="ascii"):
        words = line.split()
        if len(words) == 3:
            found[words[2]] = int(words[0], 16)
    return found


def workload(build):
    with Vm(build=build) as vm:
        vm.boot()
        out = vm.command("selftest quick", 500)
        for path in sorted(glob.glob(ROOT + "/tests/abi/*.expected")):
            name = os.path.basename(path)[:-len(".expected")]
            if "exit status 0" not in vm.command("run " + name, 200):
                sys.exit("coverage: %s did not exit with 0" % name)
    said = re.search(r"# selftest: .*", out)
    if not said or " 0 failed" not in said[0]:
        sys.exit("coverage: the tests failed:\n" + out[-2000:])
    print(said[0])


def run(build, drives, folder):
    """Everything; leaves the memory of each machine in folder."""
    os.environ.update(COVERAGE_RAM=folder, COVERAGE_BUILD=build)
    workload(build)
    for name in drives:
        done = subprocess.run(
            ["/usr/bin/python3", "tests/drive/%s.py" % name], check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        bad = re.findall(r"^not ok .*", done.stdout, re.M)
        print("coverage: %s: %d checks, %d failed" % (name, len(re.findall(
            r"^(?:not )?ok ", done.stdout, re.M)), len(bad)))
        for line in bad:
            print("  " + line)


def function(mem, info, merges, addr):
    """struct gcov_fn_info: its key says whose object holds the counters."""
    key, ident, lines, cfg = mem.unpack("QIII", addr) if addr else (0,) * 4
    if key != info:
        return None
    counters = []
    at = addr + 24
    for i in range(N_COUNTERS):
        if not merges[i]:
            continue
        number, values = mem.unpack("I4xQ", at)
        at += 16
        counters.append((i, list(mem.unpack("%dQ" % number, values))))
    return (ident, lines, cfg), counters


def add_object(mem, info, total):
    """Adds the counters of one object file to those of other machines."""
    version, _, stamp, checksum, name = mem.unpack("I4xQIIQ", info)
    merges = mem.unpack("%dQ" % N_COUNTERS, info + 32)
    count, table = mem.unpack("I4xQ", info + 32 + 8 * N_COUNTERS)
    found = [function(mem, info, merges, mem.unpack("Q", table + 8 * i)[0])
             for i in range(count)]
    found = [f for f in found if f]
    head, known = total.setdefault(mem.string(name), (
        (version, stamp, checksum), found))
    if known is found:
        return
    for (_, old), (_, new) in zip(known, found):
        for (_, sums), (_, values) in zip(old, new):
            sums[:] = [a + b for a, b in zip(sums, values)]


def write_gcda(name, head, functions):
    out = struct.pack("<4I", MAGIC, *head)
    for ids, counters in functions:
        out += struct.pack("<5I", TAG_FUNCTION, 12, *ids)
        for i, values in counters:
            out += struct.pack("<2I%dQ" % len(values),
                               TAG_COUNTERS + (i << 17), len(values) * 8,
                               *values)
    with open(name, "wb") as gcda:
        gcda.write(out)


def percent(files, what):
    total = sum(f[what + "_total"] for f in files)
    hit = sum(f[what + "_covered"] for f in files)
    return "%s %5.1f %% (%d of %d)" % (what, 100.0 * hit / total if total
                                       else 100.0, hit, total)


def report(build):
    page = os.path.join("build", "coverage")
    os.makedirs(page, exist_ok=True)
    subprocess.run(["gcovr", "--root", ".", "--object-directory",
                    build + "/obj", build + "/obj",
                    "--exclude-unreachable-branches",
                    "--filter", "mm/", "--filter", "kernel/",
                    "--html-details", page + "/index.html", "--json-summary",
                    page + "/summary.json"], check=True)
    files = json.load(open(page + "/summary.json", encoding="utf-8"))["files"]
    for f in sorted(files, key=lambda f: f["line_percent"]):
        print("%-28s %s, %s" % (f["filename"], percent([f], "line"),
                                percent([f], "branch")))
    for folder in ("mm/", "kernel/"):
        some = [f for f in files if f["filename"].startswith(folder)]
        print("%-8s %s, %s" % (folder, percent(some, "line"),
                               percent(some, "branch")))
    print("coverage: " + page + "/index.html")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    os.chdir(ROOT)
    build, drives = sys.argv[1], sys.argv[2:] or DRIVES
    names = symbols(build + "/kernel.nm")
    first, last = names["__gcov_info_start"], names["__gcov_info_end"]
    total = {}
    with tempfile.TemporaryDirectory(prefix="rewalk-cov-") as folder:
        run(build, drives, folder)
        saved = sorted(glob.glob(folder + "/*.ram"))
        for path in saved:
            with open(path, "rb") as ram:
                mem = Memory(ram.read(), 0)
            if not mem.unpack("Q", first)[0]:
                continue                # another kernel, or none
            for at in range(first, last, 8):
                add_object(mem, mem.unpack("Q", at)[0], total)
    for name, (head, functions) in total.items():
        write_gcda(name, head, functions)
    print("coverage: %d objects, %d machines" % (len(total), len(saved)))
    report(build)


main()
