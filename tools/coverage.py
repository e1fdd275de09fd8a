#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Coverage of mm/ and kernel/ by the in-kernel tests and the ring-3 programs.

gcc's counters lie in the running kernel's .data and .bss. Nothing in the kernel
writes them out: after the workload QEMU saves the physical memory of the image
(its monitor's pmemsave), and here the list of struct gcov_info, __gcov_info_start
in linker.ld, is followed through that memory and written as the .gcda files
that gcov reads. gcovr makes the page and the figures from them.

  coverage.py BUILD     BUILD: a folder made with COVERAGE=1
"""
import glob
import json
import os
import re
import socket
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


def qmp(path, commands):
    """Each command in turn; any error ends us."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        stream = sock.makefile("rw", encoding="utf-8")
        stream.readline()
        for name, arguments in [("qmp_capabilities", {})] + commands:
            stream.write(json.dumps({"execute": name,
                                     "arguments": arguments}) + "\n")
            stream.flush()
            answer = json.loads(stream.readline())
            while "event" in answer:
                answer = json.loads(stream.readline())
            if "error" in answer:
                sys.exit("coverage: %s: %s" % (name, answer["error"]))


def workload(vm):
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


def run(build, names):
    start = 0x100000
    size = names["_end"] - VMA - start
    with tempfile.TemporaryDirectory(prefix="rewalk-cov-") as folder:
        at, saved = folder + "/qmp", folder + "/memory"
        with Vm(build=build, extra=["-qmp", "unix:%s,server=on,wait=off"
                                    % at]) as vm:
            workload(vm)
            qmp(at, [("stop", {}),
                     ("pmemsave", {"val": start, "size": size,
                                   "filename": saved})])
        return Memory(open(saved, "rb").read(), start)


def function(mem, info, merges, addr):
    """struct gcov_fn_info: its key says whose object holds the counters."""
    key, ident, lines, cfg = mem.unpack("QIII", addr) if addr else (0,) * 4
    if key != info:
        return b""
    out = struct.pack("<5I", TAG_FUNCTION, 12, ident, lines, cfg)
    at = addr + 24
    for i in range(N_COUNTERS):
        if not merges[i]:
            continue
        number, values = mem.unpack("I4xQ", at)
        at += 16
        out += struct.pack("<2I", TAG_COUNTERS + (i << 17), number * 8)
        out += mem.data[values - VMA - mem.start:][:number * 8]
    return out


def write_gcda(mem, info):
    version, _, stamp, checksum, name = mem.unpack("I4xQIIQ", info)
    merges = mem.unpack("%dQ" % N_COUNTERS, info + 32)
    count, table = mem.unpack("I4xQ", info + 32 + 8 * N_COUNTERS)
    out = struct.pack("<4I", MAGIC, version, stamp, checksum)
    for i in range(count):
        out += function(mem, info, merges, *mem.unpack("Q", table + 8 * i))
    with open(mem.string(name), "wb") as gcda:
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
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.chdir(ROOT)
    build = sys.argv[1]
    names = symbols(build + "/kernel.nm")
    mem = run(build, names)
    first, last = names["__gcov_info_start"], names["__gcov_info_end"]
    for at in range(first, last, 8):
        write_gcda(mem, *mem.unpack("Q", at))
    print("coverage: %d objects" % ((last - first) // 8))
    report(build)


main()
