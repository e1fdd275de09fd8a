# SPDX-License-Identifier: MIT
# What every gdb session on the kernel wants; loaded by `make debug` and
# `make gdb`. CPUs are threads: `info threads`, `thread 2`, `all-cpus`.
set confirm off
set pagination off
set print pretty on
set architecture i386:x86-64
set disassemble-next-line auto

define all-cpus
	thread apply all bt
end
document all-cpus
A backtrace of every CPU.
end

define lsbootinfo
	printf "%s, command line '%s'\n", bootinfo.loader, bootinfo.cmdline
	set $i = 0
	while $i < bootinfo.nr_mem
		printf "%016lx +%016lx type %d\n", bootinfo.mem[$i].base, bootinfo.mem[$i].len, bootinfo.mem[$i].type
		set $i = $i + 1
	end
end
document lsbootinfo
What the boot loader told the kernel.
end
