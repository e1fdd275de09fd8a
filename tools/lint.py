#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The rules that a compiler does not check (docs/CONTRIBUTING, "Style"):

  layers     which folder may include which
  limits     files <= 500 lines, functions <= 60, nesting <= 3, lines <= 100
             columns, parameters <= 5
  words      no #if in .c files, no typedef but of scalars, SPDX line first,
             inline asm only in arch/
  calls      each system call is made by the test that sys/syscall.tbl names

tools/lint.allow lists exceptions: "rule path[:function]  reason".
Prints one line a finding; exit status 1 when there is any.
"""
import os
import re
import sys

MAY_INCLUDE = {
    "lib": {"lib"},
    "arch": {"lib", "arch"},
    "boot": {"lib", "arch", "boot"},
    "kernel": {"lib", "arch", "kernel"},
    "mm": {"lib", "arch", "kernel", "mm"},
    "drivers": {"lib", "arch", "kernel", "mm", "drivers"},
    "sys": {"lib", "arch", "kernel", "mm", "sys"},
    "tests": {"lib", "arch", "boot", "kernel", "mm", "drivers", "sys",
              "tests", "user"},
    "user": {"user"},
}
# The composition root, and the one type that boot hands to those who start up
EVERYTHING = {"kernel/main.c"}
BOOTINFO = {"mm/init.c", "mm/bootmem.c", "sys/initramfs.c"}
MAX_FILE, MAX_FUNCTION, MAX_NEST, MAX_PARAMS, MAX_COLUMNS = 500, 60, 3, 5, 100

findings = []


def finding(rule, where, text):
    findings.append((rule, where, text))


def sources():
    found = []
    for folder, folders, names in os.walk("."):
        folders[:] = [f for f in folders if f not in ("build", ".git")]
        found += [os.path.relpath(os.path.join(folder, n)) for n in names
                  if n.endswith((".c", ".h", ".S"))]
    return sorted(found)


def strip(text):
    """Comments and literals blanked, line structure kept."""
    def blank(m):
        s = m.group(0)
        if s.startswith("/"):
            return re.sub(r"[^\n]", " ", s)
        return s[0] + "_" * (len(s) - 2) + s[-1]
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\""
                  r"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


def check_includes(path, lines):
    layer = path.split("/")[0]
    if path in EVERYTHING or layer not in MAY_INCLUDE:
        return
    for number, line in enumerate(lines, 1):
        found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not found:
            continue
        target = found[1]
        if "/" not in target:
            if path.startswith(("tests/host", "tests/abi", "user")):
                continue
            finding("include", "%s:%d" % (path, number),
                    "%s is not a path from the root" % target)
            continue
        if target == "boot/bootinfo.h" and path in BOOTINFO:
            continue
        if target.endswith("/uapi.h") and layer == "user":
            continue                        # what programs and kernel share
        if target.split("/")[0] not in MAY_INCLUDE[layer]:
            finding("layer", "%s:%d" % (path, number),
                    "%s/ may not include %s" % (layer, target))


def check_words(path, raw, code):
    if "SPDX-License-Identifier: MIT" not in raw.split("\n")[0]:
        finding("spdx", path + ":1", "no SPDX line first")
    kernel = path.split("/")[0] in ("lib", "arch", "kernel", "mm", "drivers",
                                    "sys")
    for number, line in enumerate(code.split("\n"), 1):
        where = "%s:%d" % (path, number)
        if kernel and path.endswith(".c") and \
                re.match(r"\s*#\s*(if|ifdef|ifndef)\b", line):
            finding("if", where, "#if in a .c file")
        if kernel and re.search(r"\basm\b", line) and \
                not path.startswith("arch/"):
            finding("asm", where, "inline asm outside arch/")
    for number, line in enumerate(raw.split("\n"), 1):
        if len(line.expandtabs(8)) > MAX_COLUMNS:
            finding("columns", "%s:%d" % (path, number),
                    "%d columns" % len(line.expandtabs(8)))


def functions(code):
    """(name, first line, last line, parameters, deepest nesting)"""
    lines = code.split("\n")
    for i, line in enumerate(lines):
        if line != "{":
            continue
        j = i - 1
        while j > 0 and not re.match(r"^[A-Za-z_]", lines[j]):
            j -= 1
        head = " ".join(lines[j:i])
        name = re.search(r"(\w+)\s*\(", head)
        end = next((k for k in range(i, len(lines)) if lines[k] == "}"), i)
        inside = re.search(r"\((.*)\)", head)
        params = inside[1] if inside else ""
        depth = worst = 0
        for text in lines[i:end + 1]:
            for char in text:
                if char == "{":
                    depth += 1
                    worst = max(worst, depth)
                elif char == "}":
                    depth -= 1
        count = 0 if params.strip() in ("", "void") else \
            len(re.sub(r"\([^()]*\)", "", params).split(","))
        yield (name[1] if name else "?", j + 1, end - i + 1, count, worst - 1)


def check_limits(path, raw, code):
    count = raw.count("\n")
    if count > MAX_FILE:
        finding("file", path, "%d lines" % count)
    if not path.endswith(".c"):
        return
    for name, line, length, params, nest in functions(code):
        where = "%s:%s" % (path, name)
        if length > MAX_FUNCTION:
            finding("function", where, "%d lines (at %d)" % (length, line))
        if params > MAX_PARAMS:
            finding("params", where, "%d parameters (at %d)" % (params, line))
        if nest > MAX_NEST:
            finding("nesting", where, "%d levels (at %d)" % (nest, line))


def allowed():
    found = {}
    if os.path.exists("tools/lint.allow"):
        for line in open("tools/lint.allow", encoding="utf-8"):
            words = line.split("#")[0].split(None, 2)
            if len(words) == 3:
                found[(words[0], words[1])] = 0
    return found


# What the C library calls them.
CALLED = {
    "exit": "SYS_exit", "exit_group": "_exit|exit", "fadvise64":
    "posix_fadvise", "getdents64": "getdents64|readdir", "mq_getsetattr":
    "mq_getattr|mq_setattr", "mq_timedreceive":
    "mq_timedreceive|mq_receive", "mq_timedsend": "mq_timedsend|mq_send",
    "newfstatat": "fstatat", "pread64": "pread", "prlimit64": "prlimit",
    "pselect6": "pselect", "pwrite64": "pwrite", "restart_syscall":
    "nanosleep", "rt_sigaction": "sigaction", "rt_sigpending": "sigpending",
    "rt_sigprocmask": "sigprocmask", "rt_sigqueueinfo": "sigqueue",
    "rt_sigreturn": "sigaction", "rt_sigsuspend": "sigsuspend",
    "rt_sigtimedwait": "sigtimedwait|sigwaitinfo", "set_tid_address":
    "pthread_create", "wait4": "waitpid|wait4",
}


def check_calls():
    table = open("sys/syscall.tbl", encoding="utf-8").read()
    for name, tests in re.findall(r'SYSCALL\(\d+, (\w+), "(.*?)"', table):
        call = re.compile(r"\b(SYS_%s|%s)\b" %
                          (name, CALLED.get(name, name)))
        for test in re.findall(r"abi/(\w+)", tests):
            path = "tests/abi/%s.c" % test
            if not os.path.exists(path) or not call.search(
                    strip(open(path, encoding="utf-8").read())):
                finding("calls", "sys/syscall.tbl", "%s does not call %s" %
                        (path, name))


def main():
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    paths = sources()
    for path in paths:
        raw = open(path, encoding="utf-8").read()
        code = strip(raw)
        check_includes(path, raw.split("\n"))
        check_words(path, raw, code)
        check_limits(path, raw, code)
    check_calls()
    allow = allowed()
    left = 0
    for rule, where, text in findings:
        key = (rule, re.sub(r":\d+$", "", where))
        if key in allow:
            allow[key] += 1
            continue
        left += 1
        print("%s: %s: %s" % (where, rule, text))
    for (rule, where), used in allow.items():
        if not used:
            left += 1
            print("tools/lint.allow: %s %s is needed no longer" % (rule, where))
    print("lint: %d files, %d findings" % (len(paths), left))
    sys.exit(1 if left else 0)


main()
