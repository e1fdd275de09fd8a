#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Commands that no other drive types: each answers what it is there for."""
from rewalk import Vm, run

# Line, what must be in the answer; of both builds.
BOTH = (
    ("threads", r"^ +TID +CPU +STATE(.*\n)+.* idle/000"),
    ("uptime", r"^up \d+\.\d{3} s, started at \d{10} s"),
    ("dmesg", r"smp: 4 of 4 CPUs online"),
    ("backtrace", r"cmd_backtrace\+0x(.*\n)+.*shell_main\+0x"),
    ("locks", r"lock ranks, outermost first:(.*\n)+.* MMAP VMA"),
    ("mem", r"(?i)free"), ("mem slab", r"kmalloc-64 +64"),
    ("mem nonsense", r"usage|slab"),
    ("page 0x100", r"^frame 100: reserved"),
    ("page 0xfffffffff", r"there is no frame"),
    ("page x", r"not a number"),
    ("faults", r"vma_lock|mmap_lock|faults"),
    ("swap", r"(?i)zram"), ("swap off nosuch", r"nosuch"),
    ("swap on nosuch", r"nosuch"), ("swap sideways zram", r"usage"),
    ("reclaim 8", r"pgsteal"), ("reclaim x", r"not a number"),
    ("disks", r"(?i)no|disk"), ("dropcaches", r"\d+|^$"),
    ("help pt", r"PID VA"), ("help nosuch", r"nosuch"),
    ("qemu-exit 256", r"0 to 255"), ("qemu-exit x", r"not a number"),
    ("clear", r"^$|\[2J|"), ("trace 3", r"cpu"), ("ls /", r"bin"),
    ("crash nosuch", r"usage|nosuch|null"),
)
LAB = (
    ("races", r"fault:before_map +armed 0 hits \d+"),
    ("bugs", r"shadow_no_seq +off"),
    ("bugs shadow_no_seq 1; bugs", r"shadow_no_seq +on"),
    ("bugs shadow_no_seq 0; bugs", r"shadow_no_seq +off"),
    ("bugs nosuch 1", r'no switch is called "nosuch"'),
    ("bugs shadow_no_seq", r"usage: bugs"),
    ("bugs shadow_no_seq x", r"not a number"),
    ("lockorder", r"^RQ +in interrupts, first at \w+\+"),
    ("leaks", r"^leaks: 0 objects or frames"),
    ("leaks x", r"not a number"),
)
RELEASE = (("races", r"release build has no"), ("bugs", r"release build has no"), ("lockorder", r"only lab"),
           ("leaks", r"only lab"),
           ("selftest leaks.none", r"SKIP"))


def answers(tap, vm, lines, build):
    for line, pattern in lines:
        tap.has(vm.command(line), pattern, "%s: %s" % (build, line))


def referrers(tap, vm):
    tap.has(vm.command("leaks 0x1000"), r"^leaks: 0 places",
            "an address that is no object")


def completes(tap, vm):
    for keys, want in (("help threa\t", r"print|list all threads"),
                       ("selftest vma_ga\t", r"."),
                       ("selftest lockdep.irq_inv\t", r"lockdep.irq_inversion"),
                       ("bugs shadow_no_s\t 0", r"^")):
        tap.has(vm.command(keys), want, "completes " + repr(keys))


def interrupted(tap, vm):
    vm.send("selftest quick\r")
    vm.read_to(r"ok 3 ")
    vm.send("\x03")
    text = vm.read_to(r"# selftest: .*\n", 60)
    tap.has(text, r"^Bail out! interrupted", "^C ends the tests")
    tap.has(text, r"# selftest: \d+ passed, 1 failed", "as a failure")
    vm.read_to("rewalk> ")


def seeds(tap):
    """The explorer's options by hand; tests/drive/race.py goes on from there."""
    for options, test in (
            ("race_seed=3", "race.explore_unregister"),
            ("race_seed=4 race_strategy=pct race_depth=4", "mm.filemap_torture"),
            ("race_seed=5 race_keep=0.1-9,1.3 race_tick=2000",
             "race.explore_unregister"),
            ("race_seed=6 race_bug=gup_no_recheck", "race.explore_unregister")):
        with Vm("build/lab", append=options) as vm:
            vm.boot()
            tap.has(vm.command("selftest " + test),
                    r"# selftest: 1 passed, 0 failed", options)
    with Vm("build/lab", append="race_seed=x race_strategy=best race_depth=0 "
            "race_keep=9.1,2 race_tick=1 race_bug=nosuch") as vm:
        text = vm.boot()
        for name in ("seed", "strategy", "keep"):
            tap.has(text, r"option race_%s: bad" % name, "bad race_" + name)


def no_exit_device(tap):
    """Where isa-debug-exit is missing its users say so."""
    with Vm("build/lab", exit_device=False) as vm:
        vm.boot()
        tap.has(vm.command("qemu-exit 1"), r"no isa-debug-exit device",
                "qemu-exit without the device")
        tap.has(vm.command("selftest-exit list"), r"no isa-debug-exit device",
                "selftest-exit without it")


def body(tap):
    with Vm() as vm:
        vm.boot()
        answers(tap, vm, BOTH + RELEASE, "release")
    with Vm("build/lab") as vm:
        vm.boot()
        answers(tap, vm, BOTH + LAB, "lab")
        referrers(tap, vm)
        completes(tap, vm)
        interrupted(tap, vm)
    seeds(tap)
    no_exit_device(tap)


run(body)
