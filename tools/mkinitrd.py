#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write the initial archive (cpio, newc): always the same bytes for the same
programs. Device nodes are made by the kernel."""
import argparse
import os
import struct
import sys

S_IFDIR, S_IFREG = 0o040000, 0o100000
PATTERN_SIZE = 4 << 20
MOTD = "Welcome to Rewalk.\n"
PASSWD = "root:x:0:0:root:/:/bin/sh\n"


class Archive:
    def __init__(self, out):
        self.out = out
        self.inode = 0

    def _write(self, data):
        self.out.write(data + b"\0" * (-len(data) % 4))

    def add(self, name, mode, data=b""):
        self.inode += 1
        raw = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data),
                  0, 0, 0, 0, len(raw), 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields)
        self._write(head + raw)
        self._write(data)

    def directory(self, name, mode=0o755):
        self.add(name, S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        self.add(name, S_IFREG | mode, data)

    def close(self):
        self.inode = -1
        self.add("TRAILER!!!", 0)


def pattern():
    """The 8-byte word at offset o is o * 0x9e3779b97f4a7c15 (mod 2^64)."""
    words = PATTERN_SIZE // 8
    factor, mask = 0x9e3779b97f4a7c15, (1 << 64) - 1
    return struct.pack("<%dQ" % words,
                       *((8 * i * factor) & mask for i in range(words)))


def read(path, hint):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError as e:
        sys.exit("mkinitrd: %s: %s%s" % (path, e.strerror, hint))


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--busybox", required=True)
    ap.add_argument("-o", dest="output", required=True)
    ap.add_argument("programs", nargs="*")
    args = ap.parse_args()

    busybox = read(args.busybox, ": 'make deps' installs it, or the package "
                                 "busybox-static")
    # The archive is only for static programs: no interpreter may be asked for.
    if b"/ld-linux" in busybox[:4096]:
        sys.exit("mkinitrd: %s is not static: install the package "
                 "busybox-static" % args.busybox)
    with open(args.output + ".tmp", "wb") as out:
        a = Archive(out)
        for name in ("bin", "data", "dev", "etc"):
            a.directory(name)
        a.directory("tmp", 0o777)
        for path in args.programs:
            a.file("bin/" + os.path.basename(path), read(path, ""), 0o755)
        a.file("bin/busybox", busybox, 0o755)
        a.file("data/pattern", pattern())
        a.file("etc/motd", MOTD.encode())
        a.file("etc/passwd", PASSWD.encode())
        a.close()
    os.rename(args.output + ".tmp", args.output)


if __name__ == "__main__":
    main()
