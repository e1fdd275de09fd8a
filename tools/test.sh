#!/bin/sh
# SPDX-License-Identifier: MIT
# Every test there is: builds both kernels, then prove runs the host tests,
# the QEMU matrix (tests/cases.cfg) and the host-side drives, two at a time.
# prove's last lines count them.  T=PATTERN runs only the matching files.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-/usr/bin/python3}
make=${MAKE:-make}

echo "== build"
$make all iso
$make LAB=1 all iso
$make host-test-build
$PYTHON tools/lint.py

t=build/t
rm -rf $t
mkdir -p $t
for name in $(sed -n 's/^\[\(.*\)\]$/\1/p' tests/cases.cfg); do
	printf '#!/bin/sh\nexec %s tests/drive/case.py %s\n' \
		"$PYTHON" "$name" >$t/case-$name.t
done
for file in tests/drive/*.py; do
	name=$(basename "$file" .py)
	case $name in rewalk|case) continue ;; esac
	printf '#!/bin/sh\nexec %s %s\n' "$PYTHON" "$file" >$t/drive-$name.t
done
for file in build/host/*/test_*; do
	case $file in *.d|*.o) continue ;; esac
	[ -x "$file" ] || continue
	printf '#!/bin/sh\nexec %s\n' "$file" \
		>$t/host-$(basename "$(dirname "$file")")-$(basename "$file").t
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
printf '#!/bin/sh\nexec %s tools/models.py\n' "$PYTHON" >$t/models.t
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
chmod +x $t/*.t
echo "== test"
exec prove --timer --failures --merge -j2 -e '' $t/*"${T:-}"*.t
