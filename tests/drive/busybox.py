#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Debian's busybox as an interactive shell: what a person types."""
import hashlib
import os
import sys
import time

from rewalk import ROOT, Vm, run

sys.path.insert(0, ROOT + "/tools")
import mkinitrd

SH = "~ # "


class Shell:
    """`run busybox sh` with a prompt of its own."""

    def __init__(self, vm):
        self.vm = vm
        vm.send("run busybox sh\r")
        vm.read_to(r"# ", 30)
        # In two halves: the echo of the command must not look like a prompt.
        vm.send("cd /tmp; PS1='~ ''# '\r")
        vm.read_to(SH, 20)

    def do(self, line, timeout=60):
        """What the command printed."""
        self.vm.send(line + "\r")
        text = self.vm.read_to(SH, timeout)
        if text.endswith(SH):
            text = text[:-len(SH)]
        return text.partition("\n")[2]


def files(tap, sh):
    tap.has(sh.do("ls /"), r"bin.*dev.*proc.*tmp", "ls")
    tap.has(sh.do("echo one > a; echo two >> a; cat < a"), r"^one\ntwo$",
            "redirection")
    tap.has(sh.do("cat nothing 2> err; echo $?; cat err"),
            r"^1\n.*No such file", "standard error, a status")
    tap.has(sh.do("for i in 3 1 2; do echo $i; done | sort"), r"^1\n2\n3$",
            "a pipe to sort")
    tap.has(sh.do("seq 1 1000 | grep 7 | wc -l"), r"^ *271$", "three in a row")
    tap.has(sh.do("dd if=/data/pattern of=p bs=4096 count=100"),
            r"100\+0 records out", "dd")
    want = hashlib.md5(mkinitrd.pattern()[:409600]).hexdigest()
    tap.has(sh.do("md5sum p"), want + "  p", "md5sum of it")
    tap.has(sh.do("find / -name motd"), r"^/etc/motd$", "find /")
    tap.has(sh.do("find / -type f > /dev/null; echo $?"), r"^0$",
            "find / through all of /proc")
    tap.has(sh.do("mkdir -p d/e; mv a d/e/b; ls -R d; rm -r d; ls -d d"),
            r"d/e:\nb\n.*No such", "mkdir, mv, rm -r")
    tap.has(sh.do("tar cf t.tar p && tar tf t.tar"), r"^p$", "tar")
    tap.has(sh.do("gzip -c p | gunzip | cmp - p; echo $?"), r"^0$", "gzip")


def processes(tap, sh):
    out = sh.do("ps")
    tap.has(out, r"PID +USER.*COMMAND", "ps: its head")
    tap.has(out, r"^ *\d+ .*busybox sh$", "ps: the shell")
    tap.has(out, r"^ *\d+ .*\{ps\}", "ps: itself")
    sh.do("sleep 100 &")
    tap.has(sh.do("jobs"), r"Running +sleep 100", "a job")
    tap.has(sh.do("killall sleep; wait $!; echo $?"), r"^143$",
            "killall, the job's status")
    tap.has(sh.do("killall sleep"), r"no process killed", "nobody is left")
    tap.has(sh.do("(exit 3) & wait $!; echo $?"), r"^3$", "wait for a status")
    out = sh.do("top -b -n1")
    tap.has(out, r"^Mem: \d+K used", "top: memory")
    tap.has(out, r"^CPU: .*idle", "top: CPU time")
    tap.has(out, r"^ *\d+ .*top -b -n1$", "top: itself")
    tap.has(sh.do("free"), r"^Mem: +\d+ +\d+ +\d+", "free")
    tap.has(sh.do("uptime"), r"up \d+ min.*load average", "uptime")
    tap.has(sh.do("cat /proc/self/comm"), r"^(cat|busybox)$", "/proc/self")
    tap.has(sh.do("ls -l /proc/self/exe"), r"-> .*/bin/busybox$",
            "/proc/self/exe")
    tap.has(sh.do("ls /proc/self/fd"), r"^0 +1 +(10 +)?2 +3$",
            "/proc/self/fd")
    tap.has(sh.do("cat /proc/99999/stat"), r"No such file", "nobody's")
    tap.has(sh.do("pidof sh busybox; echo $?"), r"^\d+[ \d]*\n0$|^1$",
            "pidof ends")


def keys(tap, vm, sh):
    vm.send("sleep 100\r")
    vm.read_to("sleep 100")
    vm.send("\x03")
    vm.read_to(SH, 20)
    tap.has(sh.do("echo $?"), r"^130$", "^C ends what runs, not the shell")
    vm.send("cat\r")
    vm.read_to("cat")
    vm.send("a line\r\x04")
    tap.has(vm.read_to(SH, 20), r"a line\n+a line\n", "^D ends its input")
    vm.send("vi v\r")
    tap.ok("~" in vm.read_to(r"- v .*1/1", 30), "vi starts", vm.log[-1])
    vm.send("ihello from vi\x1b")
    time.sleep(1)           # else it is the beginning of a key's sequence
    vm.send(":wq\r")
    vm.read_to(SH, 30)
    tap.has(sh.do("cat v"), r"^hello from vi$", "vi wrote its file")
    tap.has(sh.do("stty size"), r"^24 80$", "the terminal's size")


def body(tap):
    build = os.environ.get("REWALK_BUILD", "build")
    with Vm(build=build) as vm:
        vm.boot()
        sh = Shell(vm)
        files(tap, sh)
        processes(tap, sh)
        keys(tap, vm, sh)
        vm.send("exit 5\r")
        tap.has(vm.read_to("rewalk> ", 20), r"exit status 5", "exit")
        tap.has(vm.command("check"), r"^check: 0 problems", "the auditor")


run(body)
