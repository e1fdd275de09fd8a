# SPDX-License-Identifier: MIT
"""What the host-side tests share: a TAP printer and a machine to type at."""
import os
import re
import sys
import tempfile
import traceback

import pexpect

PROMPT = "rewalk> "
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\0\x07]")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


class Tap:
    """Counts and prints; done() gives the plan."""

    def __init__(self):
        self.count = self.bad = 0

    def ok(self, good, name, detail=""):
        self.count += 1
        self.bad += not good
        print("%s %d - %s" % ("ok" if good else "not ok", self.count, name),
              flush=True)
        if not good:
            for line in str(detail).splitlines()[-30:]:
                print("# " + line, flush=True)
        return good

    def has(self, text, pattern, name):
        return self.ok(re.search(pattern, text, re.M) is not None, name,
                       "no match for %r in:\n%s" % (pattern, text))

    def lacks(self, text, pattern, name):
        return self.ok(re.search(pattern, text, re.M) is None, name,
                       "%r matches in:\n%s" % (pattern, text))

    def done(self):
        print("1..%d" % self.count, flush=True)
        sys.exit(1 if self.bad or not self.count else 0)


class Ram:
    """The machine's memory in a file, which outlives it: where COVERAGE_RAM
    names a folder, each machine leaves the part with the kernel there, and
    runs the kernel of COVERAGE_BUILD (tools/coverage.py)."""

    KERNEL_BYTES = 16 << 20

    def __init__(self, mem):
        self.folder = os.environ.get("COVERAGE_RAM")
        self.path, self.options = None, []
        if not self.folder:
            return
        handle, self.path = tempfile.mkstemp(".ram", dir=self.folder)
        os.close(handle)
        self.options = [
            "-object", "memory-backend-file,id=ram,share=on,size=%s,mem-path=%s"
            % (mem, self.path), "-machine", "memory-backend=ram"]

    def kernel(self, build, kernel):
        if self.path and not kernel:
            return os.environ["COVERAGE_BUILD"]
        return build

    def keep(self):
        if self.path:
            os.truncate(self.path, self.KERNEL_BYTES)


class Vm:
    """QEMU with its serial line on a pseudo-terminal of ours."""

    def __init__(self, build="build", iso=None, uefi=False, smp=4, mem="512M",
                 cpu="max", append="", initrd=None, extra=(), kernel=None,
                 exit_device=True):
        self.ram = Ram(mem)
        build = self.ram.kernel(build, iso or kernel)
        cmd = self.ram.options + [
               "-cpu", cpu, "-smp", str(smp), "-m", mem, "-display", "none",
               "-no-reboot", "-monitor", "none",
               "-chardev", "stdio,id=tty,signal=off",
               "-serial", "chardev:tty"]
        if exit_device:
            cmd += ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
        if iso:
            cmd += ["-cdrom", iso, "-boot", "d"]
            if uefi:
                cmd += ["-bios", "/usr/share/ovmf/OVMF.fd"]
        else:
            cmd += ["-kernel", kernel or build + "/kernel.elf",
                    "-append", append]
            if initrd != "":
                cmd += ["-initrd", initrd or build + "/initrd.cpio"]
        qemu = os.environ.get("QEMU", "qemu-system-x86_64")
        self.log = []
        self.child = pexpect.spawn(qemu, cmd + list(extra), cwd=ROOT,
                                   encoding="utf-8", codec_errors="replace",
                                   timeout=90, echo=False,
                                   dimensions=(50, 500))

    def read_to(self, pattern, timeout=90):
        """All text up to and with pattern, escapes removed."""
        try:
            self.child.expect(pattern, timeout=timeout)
            text = self.child.before + str(self.child.after)
        except pexpect.EOF:
            text = self.child.before + "\n[QEMU ended]"
        except pexpect.TIMEOUT:
            text = self.child.before + "\n[nothing more for %d s]" % timeout
        text = ESCAPES.sub("", text)
        self.log.append(text)
        return text

    def boot(self, timeout=90):
        return self.read_to(PROMPT, timeout)

    def send(self, keys):
        self.child.send(keys)

    def command(self, line, timeout=90):
        """Type a line; what it printed, without the echo and the prompt."""
        self.child.send(line + "\r")
        text = self.read_to(PROMPT, timeout)
        first, _, rest = text.partition("\n")
        return rest if line[:20] in first else text

    def status(self, timeout=20):
        """Exit status of QEMU; None if it does not end, or was killed (for
        which it gives 0 as well)."""
        try:
            self.child.expect(pexpect.EOF, timeout=timeout)
            self.log.append(ESCAPES.sub("", self.child.before))
            if "terminating on signal" in self.log[-1]:
                return None
        except pexpect.TIMEOUT:
            return None
        self.child.close()
        return self.child.exitstatus

    def close(self):
        self.child.close(force=True)
        self.ram.keep()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()


def run(body):
    """Run body(tap); an exception is one more failed test."""
    tap = Tap()
    try:
        body(tap)
    except Exception:                       # the test file itself is broken
        tap.ok(False, "no exception", traceback.format_exc())
    tap.done()
