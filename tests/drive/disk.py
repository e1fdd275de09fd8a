#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Disks from both sides: images made and compared here, read and written in
there; after poweroff, after kill -9, with a disk that fails, with none."""
import hashlib
import json
import os
import random
import subprocess
import tempfile

from rewalk import ROOT, Vm, run

PAGE = 4096


def pattern(offset, length, seed):
    """The bytes that user/disk.c writes there."""
    return bytes(((at * 2654435761 + seed * 97) % 2**64) >> 7 & 255
                 for at in range(offset, offset + length))


def image(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as out:
        out.write(data)
    return path


def raw(path, *more):
    return ["-drive", ",".join(("file=" + path, "format=raw",
                                "if=virtio") + more)]


def read(path):
    with open(path, "rb") as f:
        return f.read()


def both_ways(tap, folder, build, machine, **vm_args):
    data = bytearray(random.Random(1).randbytes(600 * 1024))
    path = image(folder, machine + ".img", data)
    label = "%s %s" % (machine, vm_args)
    with Vm(build=build, extra=["-M", machine] + raw(path), **vm_args) as vm:
        vm.boot()
        tap.has(vm.command("run busybox md5sum /dev/vda"),
                hashlib.md5(data).hexdigest(), label + ": read whole")
        tap.has(vm.command("run disk size /dev/vda"),
                r"^614400 bytes, end at 614400", label + ": its size")
        vm.command("run busybox sh -c 'busybox yes 0123456 | busybox dd "
                   "of=/dev/vda bs=1000 seek=10 count=50 conv=notrunc "
                   "iflag=fullblock'")
        data[10000:60000] = (b"0123456\n" * 6250)[:50000]
        tap.has(vm.command("run disk fill /dev/vda 65536 40 3"),
                r"^filled 163840", label + ": written through a mapping")
        data[65536:65536 + 40 * PAGE] = pattern(65536, 40 * PAGE, 3)
        tap.has(vm.command("run disk sum /dev/vda 65536 40 3"),
                r"^163840 bytes are right", label + ": and read so")
        tap.ok(read(path)[65536:65536 + 40 * PAGE] ==
               bytes(data[65536:65536 + 40 * PAGE]),
               label + ": on the host after msync, before poweroff")
        tap.has(vm.command("check disk"), r"^vda: \d+ cached pages, 0 diff",
                label + ": the cache equals the disk (I8)")
        tap.has(vm.command("check"), r"check: 0 problems",
                label + ": all the rest is right too")
        with open(path, "r+b") as out:      # behind its back
            out.write(b"?")
        tap.has(vm.command("check"), r"audit: I8: page 0 of vda is clean and "
                r"differs[^:]*\n(.*\n)*check: 1 problems",
                label + ": a byte that changes on the disk is found")
        with open(path, "r+b") as out:
            out.write(bytes(data[:1]))
        vm.send("poweroff\r")
        vm.status()
    tap.ok(read(path) == bytes(data), label + ": the image after poweroff")


def at_once(tap, folder):
    """Eight CPUs, two disks, readers and writers at the same time."""
    data = [random.Random(n).randbytes(1 << 20) for n in (5, 6)]
    paths = [image(folder, "many%d.img" % n, data[n]) for n in (0, 1)]
    sums = [hashlib.md5(d[:524288]).hexdigest() for d in data]
    with Vm(extra=raw(paths[0]) + raw(paths[1]), smp=8) as vm:
        vm.boot()
        out = vm.command(
            "run busybox sh -c 'for i in 1 2 3; do for d in a b; do "
            "busybox dd if=/dev/vd$d bs=4096 count=128 2>/dev/null | "
            "busybox md5sum & disk fill /dev/vd$d $((524288 + i * 98304)) 24 "
            "$i & done; done; wait'", 120)
        tap.ok(all(out.count(s) == 3 for s in sums) and
               out.count("filled 98304") == 6, "many requests at once", out)
        vm.send("poweroff\r")
        vm.status()
    for n in (0, 1):
        want = bytearray(data[n])
        for i in (1, 2, 3):
            at = 524288 + i * 98304
            want[at:at + 98304] = pattern(at, 98304, i)
        tap.ok(read(paths[n]) == bytes(want), "and all in its place, disk %d"
               % n)


def after_kill(tap, folder):
    path = image(folder, "kill.img", bytes(256 * 1024))
    with Vm(extra=raw(path), smp=2) as vm:
        vm.boot()
        tap.has(vm.command("run busybox sh -c 'busybox yes kill | busybox dd "
                           "of=/dev/vda bs=4096 count=16 conv=notrunc,fsync "
                           "iflag=fullblock'"), r"exit status 0", "dd, fsync")
        tap.has(vm.command("run disk fill /dev/vda 131072 8 9"), r"^filled",
                "msync")
        vm.child.kill(9)
        vm.child.wait()
    now = read(path)
    tap.ok(now[:65536] == (b"kill\n" * 16384)[:65536],
           "after fsync and kill -9: the bytes are there")
    tap.ok(now[131072:131072 + 8 * PAGE] == pattern(131072, 8 * PAGE, 9),
           "after msync and kill -9 too")


def failing(path, event, **more):
    node = {"driver": "raw", "node-name": "d0", "file": {
        "driver": "blkdebug", "image": {"driver": "file", "filename": path},
        "inject-error": [dict({"event": "none", "iotype": event, "errno": 5,
                               "once": True}, **more)]}}
    return ["-blockdev", json.dumps(node),
            "-device", "virtio-blk-pci,drive=d0"]


def errors(tap, folder):
    path = image(folder, "bad.img", bytes(64 * 1024))
    for event in ("write", "flush"):
        with Vm(extra=failing(path, event), smp=2) as vm:
            vm.boot()
            out = vm.command("run disk errors /dev/vda 8192")
            got = [l.split(": ")[1].strip() for l in out.splitlines()
                   if l.startswith("fsync")]
            tap.ok(got == ["I/O error", "fine", "I/O error", "fine", "fine"],
                   "a failed %s: each open file hears of it once" % event, out)
            vm.send("poweroff\r")
            vm.status()
    tap.ok(read(path)[8192:12288] == b"e" * PAGE,
           "the second write reached the disk")
    with Vm(extra=failing(path, "read", sector=16), smp=2) as vm:
        vm.boot()
        tap.has(vm.command("run busybox md5sum /dev/vda"),
                hashlib.md5(read(path)).hexdigest() + "|I/O error",
                "a failed read: an error, or read again")
        tap.has(vm.command("run busybox md5sum /dev/vda"),
                hashlib.md5(read(path)).hexdigest(), "and fine the next time")


def odd_ones(tap, folder):
    odd = image(folder, "odd.img", b"x" * (4096 * 3 + 512 * 5))
    tiny = image(folder, "tiny.img", b"t" * 512)
    locked = image(folder, "ro.img", b"r" * 8192)
    with Vm(extra=raw(odd) + raw(tiny) + raw(locked, "readonly=on"),
            cpu="qemu64", smp=1) as vm:
        vm.boot()
        for name, size in (("vda", 4096 * 3 + 2560), ("vdb", 512)):
            tap.has(vm.command("run disk size /dev/" + name),
                    r"^%d bytes, end at %d" % (size, size), name + ": size")
            out = vm.command("run busybox dd if=/dev/zero of=/dev/%s bs=1000 "
                             "conv=notrunc,fsync" % name)
            tap.has(out, r"No space left", name + ": ends where it ends")
        out = vm.command("run busybox dd if=/dev/zero of=/dev/vdc count=1")
        tap.has(out, r"not permitted", "a read-only disk takes no write")
        tap.has(vm.command("run disk fill /dev/vdc 0 1 1"),
                r"Permission denied", "and no writable mapping")
        tap.has(vm.command("run busybox md5sum /dev/vdc"),
                hashlib.md5(b"r" * 8192).hexdigest(), "but is read")
        vm.send("poweroff\r")
        vm.status()
    tap.ok(read(odd) == bytes(4096 * 3 + 2560), "the odd one is all zeros")
    tap.ok(read(tiny) == bytes(512), "the tiny one too")
    tap.ok(read(locked) == b"r" * 8192, "the read-only one is as it was")


def refused(tap, folder):
    path = image(folder, "old.img", bytes(8192))
    drive = ["-drive", "file=%s,format=raw,if=none,id=d" % path]
    for option, text in (("disable-modern=on", "no virtio 1.0 registers"),
                         ("vectors=0", r"vda: 16 sectors, INTx"),
                         ("logical_block_size=8192,physical_block_size=8192",
                          "its block size does not fit"),
                         ("queue-size=4", r"vda: 16 sectors, MSI-X")):
        with Vm(extra=drive + ["-device", "virtio-blk-pci,drive=d," + option],
                smp=2) as vm:
            tap.has(vm.boot(), text, option + ": " + text)
    big = ["-device", "virtio-blk-pci,drive=d,logical_block_size=4096,"
           "physical_block_size=4096"]
    with Vm(extra=drive + big, smp=2) as vm:
        vm.boot()
        vm.command("run disk fill /dev/vda 0 2 7")
        tap.has(vm.command("disks vda 9"),
                pattern(9 * 512, 32, 7).hex(), "blocks of 4096 bytes")
    with Vm(smp=1) as vm:
        vm.boot()
        tap.has(vm.command("disks"), r"there is no disk", "without a disk")


def make_run(tap, folder):
    """make qemu DISK=: what is made, what is refused."""
    scratch = os.path.join(ROOT, "build", "drive-disk.img")
    if os.path.exists(scratch):
        os.remove(scratch)

    def go(disk):
        done = subprocess.run(
            ["sh", "tools/withdisks.sh", "build", "echo"], cwd=ROOT,
            env=dict(os.environ, DISK=disk, DISK_SIZE="1M"), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout

    status, out = go("build/drive-disk.img")
    tap.ok(not status and os.path.getsize(scratch) == 1 << 20,
           "DISK= under build/ is made", out)
    image(ROOT, "build/drive-disk.img", b"k" * 512)
    status, out = go("build/drive-disk.img")
    tap.ok(not status and read(scratch) == b"k" * 512,
           "and kept when it is there", out)
    os.remove(scratch)
    missing = os.path.join(folder, "missing.img")
    for path, why in ((missing, "no such file"), (folder, "not an image"),
                      ("build/../up.img", "no such file")):
        status, out = go(path)
        tap.ok(status and why in out and not os.path.exists(missing),
               "DISK=%s is refused" % os.path.basename(path), out)


def body(tap):
    with tempfile.TemporaryDirectory(prefix="rewalk-disk-") as folder:
        both_ways(tap, folder, "build", "pc", smp=4)
        both_ways(tap, folder, "build/lab", "q35", smp=2, cpu="qemu64")
        at_once(tap, folder)
        after_kill(tap, folder)
        errors(tap, folder)
        odd_ones(tap, folder)
        refused(tap, folder)
        make_run(tap, folder)


run(body)
