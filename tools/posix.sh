#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's source package posixtestsuite (the Open POSIX Test Suite) as static
# programs: posix.sh WORK-FOLDER COMPILER.  Fetched with an apt configuration
# and state of its own in WORK-FOLDER, where everything stays; what is there
# is used again.  The programs are WORK-FOLDER/bin/INTERFACE_TEST.
set -eu
work=$1
cc=$2
: "${POSIX_MIRROR:=http://deb.debian.org/debian}"
: "${POSIX_SUITE:=bookworm}"

say() { echo "posix: $*" >&2; exit 1; }
for tool in apt-get dpkg-source; do
	command -v $tool >/dev/null || say "$tool is missing: this needs Debian"
done
mkdir -p "$work"
work=$(cd "$work" && pwd)
export HOME="$work/home" TMPDIR="$work/tmp"

fetch() {
	rm -rf "$work/apt" "$work/source" "$work/bin"
	mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" \
		"$work/apt/state" "$work/get" "$HOME" "$TMPDIR"
	echo "deb-src $POSIX_MIRROR $POSIX_SUITE main" >"$work/apt/sources.list"
	cat >"$work/apt/apt.conf" <<-END
	Dir::Etc::sourcelist "$work/apt/sources.list";
	Dir::Etc::sourceparts "-";
	Dir::State "$work/apt/state";
	Dir::State::lists "$work/apt/lists";
	Dir::State::status "/dev/null";
	Dir::Cache "$work/apt/cache";
	Acquire::Languages "none";
	APT::Sandbox::User "";
	END
	export APT_CONFIG="$work/apt/apt.conf"
	apt-get -qq update && cd "$work/get" &&
		apt-get -qq source --download-only posixtestsuite ||
		say "cannot fetch the source package (network?)"
	dpkg-source --no-check -x "$work"/get/posixtestsuite_*.dsc \
		"$work/source" >"$work/unpack.log" 2>&1 || {
		cat "$work/unpack.log" >&2
		say "cannot unpack it"
	}
}

[ -d "$work/source/conformance/interfaces" ] || fetch
if [ ! -e "$work/bin/.built" ]; then
	rm -rf "$work/bin"
	mkdir -p "$work/bin"
	cd "$work/source"
	# One program a file; some need what the C library does not have.
	# shellcheck disable=SC2016
	ls conformance/interfaces/*/[0-9]*-*.c | grep -v buildonly |
		xargs -P "$(nproc)" -n 1 sh -c '
		name=${2#conformance/interfaces/}
		out=$1/$(echo "${name%.c}" | tr / _)
		'"$cc"' -std=gnu99 -O2 -w -s -static -D_GNU_SOURCE \
			-D_POSIX_C_SOURCE=200112L -D_XOPEN_SOURCE=600 \
			-Iinclude -o "$out" "$2" -lpthread -lrt -lm \
			>/dev/null 2>&1 || echo "$2"' sh "$work/bin" \
		>"$work/not-built.txt"
	: >"$work/bin/.built"
fi
echo "posix: $(ls "$work/bin" | wc -l) programs, $(wc -l \
	<"$work/not-built.txt") do not build with $cc"
