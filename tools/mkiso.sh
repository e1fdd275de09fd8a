#!/bin/sh
# SPDX-License-Identifier: MIT
# mkiso.sh KERNEL INITRD FOLDER ISO: one ISO for BIOS and UEFI, by GRUB.
# The kernel command line comes from the environment, in APPEND, and goes into
# grub.cfg as it is: GRUB's own quoting rules hold.
set -eu

kernel=$1 initrd=$2 dir=$3 iso=$4
fail() { echo "mkiso: $*" >&2; exit 1; }

for tool in grub-mkrescue xorriso mformat; do
	command -v "$tool" >/dev/null ||
		fail "$tool is missing: 'make deps' installs it"
done

rm -rf "$dir"
mkdir -p "$dir/boot/grub"
cp "$kernel" "$dir/boot/kernel.elf"
cp "$initrd" "$dir/boot/initrd.cpio"
while IFS= read -r line; do
	case $line in
	*@APPEND@)
		printf '%s%s\n' "${line%@APPEND@}" "${APPEND-}" ;;
	*)
		printf '%s\n' "$line" ;;
	esac
done <iso/grub.cfg >"$dir/boot/grub/grub.cfg"

# The part_ ones: the EFI image asks for them, and complains on the console.
modules="multiboot2 normal iso9660 serial terminal part_acorn part_amiga"
modules="$modules part_apple part_bsd part_dfly part_dvh part_gpt part_msdos"
modules="$modules part_plan part_sun part_sunpc"

if ! grub-mkrescue -o "$iso.tmp" \
	--install-modules="$modules" \
	--locales= --fonts= --themes= "$dir" >"$dir.log" 2>&1; then
	cat "$dir.log" >&2
	fail "grub-mkrescue failed"
fi
mv "$iso.tmp" "$iso"
