#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How deep can a kernel stack get? From the compiler's own figures.

A plain lab build leaves OBJECT.ci beside each object (-fcallgraph-info): the
frame of each function and its calls. Here they become one graph; the longest
path from each entry in tools/stackdepth.cfg is compared with the entry's limit.

Indirect calls: the source is read at the place of the call. A call through a
member, `x->ops->name(...)`, may reach every function that is ever assigned to
a member of that name, in an initialiser or by `=`. A call of a parameter may
reach every function named among the arguments of a call of the caller. Any
other needs a line "call" in stackdepth.cfg, which overrides the other two.
Recursion, direct or through others, needs a line "recursion" with its bound.
Tests are left out: their frames are their own business.
What is not accounted for is an error, never a guess.

  stackdepth.py BUILD          the bounds; exit status 1 when one is exceeded
  stackdepth.py BUILD -v       and the deepest path of each entry
"""
import fnmatch
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CFG = os.path.join(ROOT, "tools", "stackdepth.cfg")
NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"')
EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"'
                  r'(?: label: "([^"]*)")?')
ASSIGN = re.compile(r"(?:\.|->)(\w+)\s*=\s*&?(\w+)\b")
CALLED = re.compile(r"[^();]*?(?:\.|->)(\w+)\s*\(")
LAYERS = ("boot", "lib", "arch", "kernel", "mm", "drivers", "sys")  # no tests
CALL = 8                                     # the return address

errors = []


def error(text):
    if text not in errors:
        errors.append(text)


def bare(name):
    """kernel/x.c:fn.part.0 -> fn"""
    return re.sub(r"\.(part|constprop|isra|cold)\b.*", "", name.split(":")[-1])


class Config:
    def __init__(self, path):
        self.entry, self.calls, self.recursion = {}, [], []
        self.asm, self.cut = {}, set()
        self.used = set()
        for number, line in enumerate(open(path, encoding="utf-8"), 1):
            words = line.split("#")[0].split()
            if words:
                self.line(words, "%s:%d" % (os.path.basename(path), number))

    def line(self, words, where):
        kind, rest = words[0], words[1:]
        if kind == "entry":                  # NAME LIMIT BASE FUNCTION...
            self.entry[rest[0]] = (int(rest[1]), int(rest[2]), rest[3:])
        elif kind == "call":                 # CALLER CALLEE...
            self.calls.append((rest[0], rest[1:], where))
        elif kind == "recursion":            # TIMES FUNCTION...
            self.recursion.append((int(rest[0]), set(rest[1:]), where))
        elif kind == "asm":                  # FUNCTION BYTES CALLEE...
            self.asm[rest[0]] = (int(rest[1]), rest[2:])
        elif kind == "cut":                  # FUNCTION...
            self.cut |= set(rest)
        else:
            sys.exit("%s: what is \"%s\"?" % (where, kind))

    def listed(self, caller):
        found = None
        for name, callees, where in self.calls:
            if fnmatch.fnmatchcase(bare(caller), name):
                self.used.add(where)
                found = (found or []) + callees
        return found


class Graph:
    def __init__(self, build, cfg):
        self.cfg = cfg
        self.frame, self.edges, self.indirect = {}, {}, []
        self.by_name = {}
        for layer in LAYERS:
            for path in sorted(glob.glob("%s/obj/%s/**/*.ci" % (build, layer),
                                         recursive=True)):
                source = os.path.relpath(path, build + "/obj")[:-2] + "c"
                if os.path.exists(os.path.join(ROOT, source)):
                    self.load(path)
        if not self.frame:
            sys.exit("stackdepth: no .ci files below %s: make LAB=1" % build)
        for name, (size, _) in cfg.asm.items():
            self.frame[name] = size
        for name in self.frame:
            self.by_name.setdefault(bare(name), []).append(name)
        for name, (_, callees) in cfg.asm.items():
            self.edges[name] = self.match(callees, "asm " + name)
        self.text = list(self.sources())
        self.members = self.assigned()
        self.resolve()

    def load(self, path):
        for line in open(path, encoding="utf-8"):
            node = NODE.match(line)
            if node:
                size = re.search(r"(\d+) bytes \((\w+[\w,]*)\)", node[2])
                if size:
                    self.frame[node[1]] = int(size[1]) + CALL
                    if "dynamic" in size[2] and "bounded" not in size[2]:
                        error("%s has a frame without bound" % node[1])
            edge = EDGE.match(line)
            if edge and edge[2] == "__indirect_call":
                self.indirect.append((edge[1], edge[3]))
            elif edge:
                self.edges.setdefault(edge[1], set()).add(edge[2])

    def match(self, patterns, who):
        found = set()
        for pattern in patterns:
            names = fnmatch.filter(self.by_name, pattern)
            if not names and pattern != "-":
                error("%s: no function is called %s" % (who, pattern))
            for name in names:
                found |= set(self.by_name[name])
        return found

    def sources(self):
        for path in glob.glob(ROOT + "/*/**/*.[ch]", recursive=True):
            path = os.path.relpath(path, ROOT)
            if path.split("/")[0] in LAYERS:
                yield path, open(os.path.join(ROOT, path),
                                 encoding="utf-8").read()

    def visible(self, name, path):
        """the functions that this name can mean in this file"""
        own = [n for n in self.by_name.get(name, ())
               if n.rsplit(":", 1)[0] == path]
        return own or [n for n in self.by_name.get(name, ()) if ":" not in n]

    def passed(self, caller):
        """functions named among the arguments of a call of caller"""
        call = re.compile(r"\b%s\(([^;{}]*?)\);" % re.escape(bare(caller)))
        found = set()
        for path, text in self.text:
            for m in call.finditer(text):
                for name in re.findall(r"\b(\w+)\b(?!\s*\()", m[1]):
                    found |= set(self.visible(name, path))
        return found

    def assigned(self):
        """member -> functions ever assigned to one of that name"""
        found = {}
        for path, text in self.text:
            for m in ASSIGN.finditer(text):
                found.setdefault(m[1], set()).update(
                    self.visible(m[2], path))
        return found

    def resolve(self):
        for caller, place in self.indirect:
            listed = self.cfg.listed(caller)
            if listed is not None:
                targets = self.match(listed, "call " + bare(caller))
            else:
                member = self.member(place)
                targets = self.members.get(member, set()) if member else \
                    self.passed(caller)
                if not targets:
                    error("%s calls indirectly at %s: add \"call %s ...\" to "
                          "tools/stackdepth.cfg" % (caller, place,
                                                    bare(caller)))
            self.edges.setdefault(caller, set()).update(targets)

    @staticmethod
    def member(place):
        path, line, column = place.rsplit(":", 2)
        lines = open(os.path.join(ROOT, path), encoding="utf-8").readlines()
        # gcc's column counts a tab as one, and points at the callee's start
        text = " ".join(lines[int(line) - 1:int(line) + 2])
        found = CALLED.match(text[int(column) - 1:])
        return found[1] if found else None

    def callees(self, name):
        return [c for c in sorted(self.edges.get(name, ()))
                if c in self.frame and bare(c) not in self.cfg.cut]


def components(graph):
    """Tarjan, without recursion. Callees come before callers."""
    index, low, stack, on, out = {}, {}, [], set(), []
    for root in sorted(graph.frame):
        if root in index:
            continue
        work = [(root, iter(graph.callees(root)))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on.add(root)
        while work:
            name, rest = work[-1]
            for callee in rest:
                if callee not in index:
                    index[callee] = low[callee] = len(index)
                    stack.append(callee)
                    on.add(callee)
                    work.append((callee, iter(graph.callees(callee))))
                    break
                if callee in on:
                    low[name] = min(low[name], index[callee])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    part = []
                    while not part or part[-1] != name:
                        part.append(stack.pop())
                        on.discard(part[-1])
                    out.append(part)
    return out


def times(cfg, part):
    """How often a cycle may go round; an error when nobody says."""
    names = {bare(n) for n in part}
    for count, listed, where in cfg.recursion:
        if listed & names:
            cfg.used.add(where)
            return count
    error("recursion without a bound: %s: add \"recursion N %s\"" % (
        " ".join(sorted(names)), sorted(names)[0]))
    return 1


def depths(graph, cfg):
    """name -> (bytes, next on the deepest path)"""
    deep = {}
    for part in components(graph):
        inside = set(part)
        outside = [(deep[c][0], c) for n in part for c in graph.callees(n)
                   if c not in inside]
        below = max(outside, default=(0, None))
        if len(part) == 1 and part[0] not in graph.callees(part[0]):
            deep[part[0]] = (graph.frame[part[0]] + below[0], below[1])
            continue
        around = times(cfg, part) * sum(graph.frame[n] for n in part)
        for name in part:
            deep[name] = (around + below[0], below[1])
    return deep


def path_of(deep, graph, name):
    while name:
        yield "%6d %5d  %s" % (deep[name][0], graph.frame[name], name)
        name = deep[name][1]


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build/lab"
    verbose = "-v" in sys.argv
    cfg = Config(os.environ.get("STACKDEPTH_CFG", CFG))
    graph = Graph(build, cfg)
    deep = depths(graph, cfg)
    need = {}
    for name, (limit, base, words) in cfg.entry.items():
        start = graph.match([w for w in words if w[0] != "+"], "entry " + name)
        size, worst = max(((deep[f][0], f) for f in start), default=(0, None))
        need[name] = base + size + sum(need[w[1:]] for w in words
                                       if w[0] == "+")
        print("%-10s %6d of %6d bytes, deepest from %s" % (
            name, need[name], limit, worst))
        if verbose and worst:
            print("\n".join(path_of(deep, graph, worst)))
        if need[name] > limit:
            error("%s may need %d bytes of stack, %d are allowed" % (
                name, need[name], limit))
    for _, _, where in cfg.calls + cfg.recursion:
        if where not in cfg.used:
            error("%s: a line that nothing needs" % where)
    for text in errors:
        print("stackdepth: " + text)
    print("stackdepth: %d functions, %d indirect calls, %d errors" % (
        len(graph.frame), len(graph.indirect), len(errors)))
    sys.exit(1 if errors else 0)


main()
