#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Programs that need more memory than there is: with swap behind it every
byte comes back; without, one process is killed and the rest goes on."""
import tempfile

from rewalk import Vm, run


def on_compressed_memory(tap):
    with Vm(smp=2, mem="48M") as vm:
        vm.boot()
        out = vm.command("run pressure 192 1", 240)
        tap.has(out, r"every byte of 192 MiB is right",
                "four times the memory over compressed memory")
        tap.lacks(out, r"out of memory", "nobody was killed for it")
        tap.has(vm.command("swap"), r"zram .* 0 used", "swap is empty again")
        tap.has(vm.command("reclaim"), r"pgsteal_kswapd +[1-9]",
                "kswapd did its part")


def shared_memory(tap):
    with Vm(smp=2, mem="48M") as vm:
        vm.boot()
        for mib, kind in (192, "shared"), (96, "memfd"), (96, "/tmp/big"):
            out = vm.command("run pressure %d 1 64 %s" % (mib, kind), 240)
            tap.has(out, r"every byte of %d MiB is right" % mib,
                    "%d MiB of a machine with 48, %s" % (mib, kind))
            tap.lacks(out, r"out of memory", "nobody was killed for it")
            tap.has(vm.command("swap"), r"zram .* 0 used", "no slot is left")


def the_kernels_own(tap):
    with Vm(smp=2, mem="48M") as vm:
        vm.boot()
        out = vm.command("run crowd 64", 200)
        tap.has(out, r"crowd: nothing failed, 64 MiB are right",
                "tables, vmas, pipes and children while memory is out")
        tap.lacks(out, r"out of memory", "nobody was killed for it")


def in_24_mib(tap):
    with Vm(build="build/lab", smp=2, mem="24M") as vm:
        tap.has(vm.boot(), r"rewalk> ", "24 MiB are enough to boot")
        vm.command("run pressure 32 1 &")
        checks, bad = 0, ""
        while " pressure" in vm.command("ps"):
            said = vm.command("check", 100)
            checks += 1
            if "check: 0 problems" not in said:
                bad += said
        out = "".join(vm.log) + vm.command("")
        tap.has(out, r"every byte of 32 MiB is right", "and to swap in")
        tap.ok(checks > 2 and not bad, "%d checks while all is on the move: "
               "the books are right each time" % checks, bad)


def out_of_memory(tap):
    with Vm(smp=2, mem="48M", append="swap=none") as vm:
        vm.boot()
        out = vm.command("run pressure 192 1", 100)
        tap.has(out, r"pid +mm +anon", "the candidates are listed")
        tap.has(out, r"killing process \d+ \(pressure\)", "the largest goes")
        tap.has(out, r"signal 9", "and is told to")
        tap.has(vm.command("run hello"), r"exit status 0", "others go on")
        tap.has(vm.command("swap"), r"in 0, out 0", "no swap was there")


def on_disk(tap):
    with tempfile.NamedTemporaryFile(suffix=".img") as disk:
        disk.truncate(256 << 20)
        extra = ["-drive", "file=%s,if=none,id=s0,format=raw" % disk.name,
                 "-device", "virtio-blk-pci,drive=s0,disable-legacy=on"]
        with Vm(smp=2, mem="48M", append="swap=vda", extra=extra) as vm:
            vm.boot()
            out = vm.command("run pressure 192 1 1", 300)
            tap.has(out, r"every byte of 192 MiB is right",
                    "four times the memory over a disk, incompressible")
            out = vm.command("swap")
            tap.has(out, r"vda +disk", "it went to the disk")
            tap.has(out, r"write errors 0", "without an error")


def body(tap):
    on_compressed_memory(tap)
    shared_memory(tap)
    the_kernels_own(tap)
    in_24_mib(tap)
    out_of_memory(tap)
    on_disk(tap)


run(body)
