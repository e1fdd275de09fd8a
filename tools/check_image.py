#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check what linker.ld promises about the linked kernel (its L1 to L4), and
that the second link moved no function away from its entry in .ksyms."""
import struct
import sys

PF_X, PF_W, PAGE = 1, 2, 4096
IMAGE_END = 8 << 20


def fail(text):
    sys.exit("check_image: " + text)


def segments(image):
    phoff, = struct.unpack_from("<Q", image, 32)
    size, count = struct.unpack_from("<HH", image, 54)
    for i in range(count):
        kind, flags, offset, vaddr, paddr, filesz, memsz, _ = \
            struct.unpack_from("<IIQQQQQQ", image, phoff + i * size)
        if kind == 1 and memsz:
            yield flags, offset, vaddr, paddr, filesz, memsz


def check_segments(image):
    base = None
    segs = list(segments(image))
    for i, (flags, offset, vaddr, paddr, filesz, memsz) in enumerate(segs):
        if flags & PF_X and flags & PF_W:
            fail("segment %d is writable and executable" % i)
        if vaddr % PAGE or paddr % PAGE:
            fail("segment %d does not start on a page" % i)
        if base is None:
            base = offset - paddr
        if offset - paddr != base:
            fail("segment %d: file offset is not linear with paddr" % i)
        if filesz != memsz and i != len(segs) - 1:
            fail("segment %d has memory without contents" % i)
        if paddr + memsz > IMAGE_END:
            fail("the image ends at 0x%x, behind 0x%x: make bss smaller"
                 % (paddr + memsz, IMAGE_END))


def check_headers(image):
    head = image[:8192]
    for name, magic in (("1", 0x1badb002), ("2", 0xe85250d6)):
        if struct.pack("<I", magic) not in head:
            fail("no Multiboot %s header in the first 8 KiB" % name)


def functions(path):
    with open(path, encoding="ascii") as f:
        return [l for l in f if l.split()[1:2] and l.split()[1] in "tT"]


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: check_image.py ELF NM-OF-FIRST-LINK NM-OF-THIS")
    with open(sys.argv[1], "rb") as f:
        image = f.read()
    check_segments(image)
    check_headers(image)
    if functions(sys.argv[2]) != functions(sys.argv[3]):
        fail("functions moved between the two links")


main()
