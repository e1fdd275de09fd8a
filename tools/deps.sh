#!/bin/sh
# SPDX-License-Identifier: MIT
# Install what is missing to build, run and test: Debian packages only. Says
# what it installs. Not root and no sudo: prints the command and stops.
set -eu

# Each package, and a file that it brings.
packages="
gcc=/usr/bin/gcc
make=/usr/bin/make
binutils=/usr/bin/ld
libc6-dev=/usr/include/stdio.h
grub-common=/usr/bin/grub-mkrescue
grub-pc-bin=/usr/lib/grub/i386-pc/multiboot2.mod
grub-efi-amd64-bin=/usr/lib/grub/x86_64-efi/multiboot2.mod
xorriso=/usr/bin/xorriso
mtools=/usr/bin/mformat
qemu-system-x86=/usr/bin/qemu-system-x86_64
ovmf=/usr/share/ovmf/OVMF.fd
musl-tools=/usr/bin/musl-gcc
cpio=/usr/bin/cpio
gdb=/usr/bin/gdb
python3=/usr/bin/python3
python3-pexpect=/usr/lib/python3/dist-packages/pexpect/__init__.py
perl=/usr/bin/prove
spin=/usr/bin/spin
gcovr=/usr/bin/gcovr
clang=/usr/bin/clang
libclang-rt-14-dev=/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a
"

missing=
for line in $packages; do
	[ -e "${line#*=}" ] || missing="$missing ${line%%=*}"
done

# busybox and busybox-static own the same file; only the static one will do.
static=/bin/busybox
if [ ! -x $static ] || grep -q -a -m 1 /ld-linux $static; then
	missing="$missing busybox-static"
fi

if [ -z "$missing" ]; then
	echo "deps: everything is installed"
	exit 0
fi

if ! command -v apt-get >/dev/null; then
	echo "deps: missing:$missing" >&2
	echo "deps: these are Debian's package names, and there is no apt-get" \
		"here: please install what corresponds to them" >&2
	exit 1
fi

if [ "$(id -u)" -eq 0 ]; then
	as_root=
elif command -v sudo >/dev/null; then
	as_root=sudo
else
	echo "deps: missing:$missing" >&2
	echo "deps: not root, and there is no sudo; as root, run:" >&2
	echo "  apt-get update && apt-get install -y" \
		"--no-install-recommends$missing" >&2
	exit 1
fi

echo "deps: installing Debian packages:$missing"
$as_root apt-get update -q
$as_root env DEBIAN_FRONTEND=noninteractive \
	apt-get install -y -q --no-install-recommends $missing
