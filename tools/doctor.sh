#!/bin/sh
# SPDX-License-Identifier: MIT
# Which tool is here, missing, or too old, and the Debian package to get it
# from. Exit status 1 when something is missing or too old. The Makefile
# passes the names it uses in CC, LD, QEMU, PYTHON, USER_CC and BUSYBOX.
set -u

bad=0

# verdict NAME PACKAGE STATE
verdict() {
	printf '  %-20s %-34s %s\n' "$1" "$3" "$2"
}

# older HAVE WANT: is HAVE before WANT, as versions?
older() {
	[ "$1" != "$2" ] &&
		[ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

# tool COMMAND WANT PACKAGE [VERSION-OPTION]
tool() {
	if ! command -v "$1" >/dev/null 2>&1; then
		verdict "$1" "package: $3" "MISSING"
		bad=1
		return
	fi
	have=$("$1" "${4:---version}" 2>&1 </dev/null |
		grep -o '[0-9][0-9]*\.[0-9.]*[0-9]' | head -n 1)
	if [ -z "$have" ]; then
		verdict "$1" "" "found"
	elif older "$have" "$2"; then
		verdict "$1" "package: $3" "TOO OLD: $have, wanted $2"
		bad=1
	else
		verdict "$1" "" "$have"
	fi
}

# file PATH NAME PACKAGE
file() {
	if [ -e "$1" ]; then
		verdict "$2" "" "found"
	else
		verdict "$2" "package: $3" "MISSING"
		bad=1
	fi
}

echo "To build the kernel and its programs:"
tool make 4.2 make
tool "${CC:-gcc}" 10 gcc
tool "${LD:-ld}" 2.34 binutils
tool "${PYTHON:-/usr/bin/python3}" 3.8 python3
tool "${USER_CC:-musl-gcc}" 8 musl-tools
file "${BUSYBOX:-/bin/busybox}" busybox busybox-static
if [ -e "${BUSYBOX:-/bin/busybox}" ] &&
	grep -q -a -m 1 /ld-linux "${BUSYBOX:-/bin/busybox}"; then
	verdict busybox "package: busybox-static" "NOT STATIC"
	bad=1
fi

echo "To make the ISO:"
tool grub-mkrescue 2.04 grub-common
file /usr/lib/grub/i386-pc/multiboot2.mod "GRUB for BIOS" grub-pc-bin
file /usr/lib/grub/x86_64-efi/multiboot2.mod "GRUB for UEFI" grub-efi-amd64-bin
tool xorriso 1.5 xorriso
tool mformat 4.0 mtools

echo "To run, debug and test:"
tool "${QEMU:-qemu-system-x86_64}" 6.0 qemu-system-x86
file /usr/share/ovmf/OVMF.fd "UEFI firmware" ovmf
tool gdb 10 gdb
tool cpio 2.12 cpio
tool prove 3.0 perl
tool spin 6.4 spin -V
tool gcovr 5.0 gcovr
tool clang 14 clang
if "${PYTHON:-/usr/bin/python3}" -c 'import pexpect' 2>/dev/null; then
	verdict "python3: pexpect" "" "found"
else
	verdict "python3: pexpect" "package: python3-pexpect" "MISSING"
	bad=1
fi

if [ $bad -ne 0 ]; then
	echo "Something is missing or too old: 'make deps' installs it" \
		"(Debian), or install the packages named above."
	exit 1
fi
echo "All there."
