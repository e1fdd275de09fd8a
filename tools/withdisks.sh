#!/bin/sh
# SPDX-License-Identifier: MIT
# withdisks.sh BUILD COMMAND...: runs COMMAND (QEMU) with the disk images that
# DISK and DISK2 name, as raw virtio disks.
#
# An image that does not exist is made (empty, DISK_SIZE bytes, 64M unless
# said) only when its path begins with BUILD/; nothing is ever made or
# overwritten anywhere else. One that cannot be written is read-only.
set -eu

build=$1
shift

die() {
	echo "DISK=$disk: $1" >&2
	exit 1
}

make_image() {
	case $disk in
	*/../*) die "no such file" ;;
	"$build"/?*) ;;
	*) die "no such file (only under $build/ is one made)" ;;
	esac
	truncate -s "${DISK_SIZE:-64M}" "$disk" || die "cannot be made"
	echo "$disk: made, ${DISK_SIZE:-64M}" >&2
}

for disk in "${DISK:-}" "${DISK2:-}"; do
	[ -n "$disk" ] || continue
	[ -e "$disk" ] || make_image
	[ -f "$disk" ] || [ -b "$disk" ] || die "not an image file"
	[ -r "$disk" ] || die "cannot be read"
	[ ! -f "$disk" ] || [ -s "$disk" ] || die "is empty"
	mode=
	if [ ! -w "$disk" ]; then
		echo "$disk: cannot be written: the disk is read-only" >&2
		mode=,readonly=on
	fi
	# In a QEMU option a comma of the name is doubled.
	name=$(printf '%s' "$disk" | sed 's/,/,,/g')
	set -- "$@" -drive "file=$name,format=raw,if=virtio$mode"
done
exec "$@"
