#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print a compile_commands.json: compdb.py "CC FLAGS" BUILD-FOLDER FILES."""
import json
import os
import shlex
import sys


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: compdb.py 'CC FLAGS' BUILD-FOLDER FILE...")
    command = [a for a in shlex.split(sys.argv[1]) if a not in ("-MMD", "-MP")]
    build = sys.argv[2]
    entries = []
    for name in sys.argv[3:]:
        out = os.path.join(build, "obj", os.path.splitext(name)[0] + ".o")
        entries.append({"directory": os.getcwd(), "file": name,
                        "arguments": command + ["-c", name, "-o", out]})
    json.dump(entries, sys.stdout, indent=1)
    print()


main()
