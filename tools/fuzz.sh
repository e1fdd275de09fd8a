#!/bin/sh
# SPDX-License-Identifier: MIT
# fuzz.sh O TARGET...: each target under libFuzzer, a bounded number of runs,
# from the seeds its own test program writes.  What it finds stays in
# O/fuzz/crash-TARGET-*, and `O/fuzz/TARGET FILE` shows it again; the corpus
# grows from run to run in O/fuzz/corpus.
set -eu
o=$1
shift
runs=${FUZZ_RUNS:-200000}
seconds=${FUZZ_SECONDS:-20}
targets=0
crashes=0
for name; do
	corpus=$o/fuzz/corpus/$name
	log=$o/fuzz/$name.log
	mkdir -p "$corpus"
	"$o/host/asan/test_fuzz_$name" --seeds "$corpus"
	targets=$((targets + 1))
	if nice "$o/fuzz/$name" -runs="$runs" -max_total_time="$seconds" \
		-max_len=4096 -timeout=10 -artifact_prefix="$o/fuzz/crash-$name-" \
		"$corpus" >"$log" 2>&1
	then
		printf '  %-14s %s\n' "$name" "$(tail -n 1 "$log")"
	else
		crashes=$((crashes + 1))
		printf '  %-14s CRASH, see %s\n' "$name" "$log"
		grep -m 3 -E 'ERROR|runtime error|failed:|SUMMARY' "$log" || :
	fi
done
echo "fuzz: $targets targets, $crashes crashes"
[ "$crashes" -eq 0 ]
