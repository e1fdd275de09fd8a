#!/bin/sh
# SPDX-License-Identifier: MIT
# Every test there is: builds both kernels and each flavour (mk/flavours.mk),
# then prove runs the host tests, the QEMU matrix (tests/cases.cfg) and the
# host-side drives, two at a time.  prove's last lines count them.
# T=PATTERN runs only the matching files.
# With FLAVOUR=x: that build on the machines "flavour-*" and "x-*" of the
# matrix, the ring-3 programs on it, and its self-test.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-/usr/bin/python3}
make=${MAKE:-make}

FLAVOUR=${FLAVOUR:-}
FLAVOURS=${FLAVOURS:-}

t=build/t${FLAVOUR:+-$FLAVOUR}
rm -rf "$t"
mkdir -p "$t"

add() {				# NAME COMMAND...
	name=$1
	shift
	printf '#!/bin/sh\nexec %s\n' "$*" >"$t/$name.t"
}

lower() {
	echo "$1" | tr A-Z a-z
}

run_them() {
	chmod +x "$t"/*.t
	echo "== test"
	exec prove --timer --failures --merge -j2 -e '' "$t"/*"${T:-}"*.t
}

sections() {
	sed -n 's/^\[\(.*\)\]$/\1/p' tests/cases.cfg
}

if [ "$FLAVOUR" = coverage ]; then
	echo "COVERAGE=1 counts and checks nothing: make coverage" >&2
	exit 2
elif [ -n "$FLAVOUR" ]; then
	echo "== build $FLAVOUR"
	$make all
	for name in $(sections | grep -e '^flavour-' -e "^$FLAVOUR-"); do
		add "case-$FLAVOUR-$name" \
			"$PYTHON tests/drive/case.py $name $FLAVOUR"
	done
	add "flavour-$FLAVOUR" "$PYTHON tests/drive/flavour.py $FLAVOUR"
	add "programs-$FLAVOUR" "env REWALK_BUILD=build/$FLAVOUR" \
		"$PYTHON tests/drive/programs.py"
	run_them
fi

echo "== build"
$make all iso
$make LAB=1 all iso
for x in $FLAVOURS; do
	$make "$x=1" all
	add "flavour-$(lower "$x")" \
		"$PYTHON tests/drive/flavour.py $(lower "$x")"
done
$make host-test-build
$PYTHON tools/lint.py

for name in $(sections | grep -v -e '^flavour-' -e '^kcsan-'); do
	add "case-$name" "$PYTHON tests/drive/case.py $name"
done
for file in tests/drive/*.py; do
	name=$(basename "$file" .py)
	case $name in rewalk|case|flavour) continue ;; esac
	add "drive-$name" "$PYTHON $file"
done
for file in build/host/*/test_*; do
	case $file in *.d|*.o) continue ;; esac
	[ -x "$file" ] || continue
	add "host-$(basename "$(dirname "$file")")-$(basename "$file")" "$file"
done
cat >$t/mutants-quick.t <<'END'
#!/bin/sh
# One test a mutant; the last is the whole.
${MAKE:-make} mutants-quick >build/mutants-quick.log 2>&1
rc=$?
awk -v rc=$rc '
/^killed/ { print "ok " ++n " - mutant " $2 " dies" }
/^SURVIVED|^BROKEN/ { print "not ok " ++n " - " $0 }
{ last = $0 }
END { print (rc ? "not ok " : "ok ") ++n " - " last; print "1.." n }
' build/mutants-quick.log
END
add models "$PYTHON tools/models.py"
cat >$t/fuzz.t <<'END'
#!/bin/sh
# A bounded run of each parser's fuzzer; one test a target.
${MAKE:-make} fuzz FUZZ_SECONDS=3 >build/fuzz.log 2>&1
rc=$?
awk -v rc=$rc '
/^  [a-z]/ { print ($2 == "CRASH," ? "not ok " : "ok ") ++n " - fuzz " $1 }
{ last = $0 }
END { print (rc ? "not ok " : "ok ") ++n " - " last; print "1.." n }
' build/fuzz.log
END
run_them
