/* SPDX-License-Identifier: MIT */
/* What becomes of a program that does what it must not. */
#include "t.h"

static volatile unsigned long sink;
static unsigned char *page;

__attribute__((noipa)) static void peek(unsigned long va)
{
	sink = *(volatile unsigned long *)va;
}

static void read_null(void) { peek(0); }
static void read_kernel(void) { peek(0xffffffff80100000UL); }
static void read_direct_map(void) { peek(0xffff888000100000UL); }
static void read_noncanonical(void) { peek(0x1234567890abcdefUL); }
static void read_last(void) { peek(0x7ffffffffff8UL); }
static void write_code(void) { *(volatile char *)(void *)peek = 1; }
static void jump_null(void) { ((void (*)(void))0)(); }
static void run_data(void) { ((void (*)(void))page)(); }

static void divide(void)
{
	__asm__ volatile("xor %%ecx, %%ecx\n\tdiv %%ecx" : :
			 : "eax", "ecx", "edx");
}
static void undefined(void) { __asm__ volatile("ud2"); }
static void halt(void) { __asm__ volatile("hlt"); }
static void disable(void) { __asm__ volatile("cli"); }
static void port(void) { __asm__ volatile("outb %%al, $0xf4" : : "a"(0)); }
static void breakpoint(void) { __asm__ volatile("int3"); }
static void load_root(void) { __asm__ volatile("mov %0, %%cr3" : : "r"(0UL)); }

static void read_msr(void)
{
	__asm__ volatile("rdmsr" : : "c"(0xc0000082) : "eax", "edx");
}
static void gate(void) { __asm__ volatile("int $0x20"); }

static void lose_stack(void)
{
	__asm__ volatile("mov $0x10, %esp\n\tpush %rax");
}

static void far_stack(void)
{
	__asm__ volatile("movabs $0x8000000000000000, %rsp\n\tpush %rax");
}

static void single_step(void)
{
	__asm__ volatile("pushf\n\torl $0x100, (%rsp)\n\tpopf\n\tnop");
}

static int endless(int n)
{
	volatile char room[4096];

	room[n & 4095] = 1;
	return n < 1 << 30 ? endless(n + 1) + room[0] : 0;
}

static void overflow(void)
{
	sink = (unsigned long)endless(0);
}

/*
 * A stack fault is SIGBUS on a machine; QEMU's TCG raises #GP instead.  (It has
 * no alignment check at all, so that is not here.)
 */
#define STACK_FAULT	0

static const struct { const char *what; void (*fn)(void); int sig; } cases[] = {
	{ "read at 0", read_null, SIGSEGV },
	{ "read in the kernel", read_kernel, SIGSEGV },
	{ "read in the direct map", read_direct_map, SIGSEGV },
	{ "read at a non-canonical address", read_noncanonical, SIGSEGV },
	{ "read at the last user address", read_last, SIGSEGV },
	{ "write to code", write_code, SIGSEGV },
	{ "jump to 0", jump_null, SIGSEGV },
	{ "run data", run_data, SIGSEGV },
	{ "divide by 0", divide, SIGFPE },
	{ "undefined instruction", undefined, SIGILL },
	{ "hlt", halt, SIGSEGV },
	{ "cli", disable, SIGSEGV },
	{ "port write", port, SIGSEGV },
	{ "int3", breakpoint, SIGTRAP },
	{ "write of cr3", load_root, SIGSEGV },
	{ "rdmsr", read_msr, SIGSEGV },
	{ "int of a device's vector", gate, SIGSEGV },
	{ "push without a stack", lose_stack, SIGSEGV },
	{ "push to a non-canonical stack", far_stack, STACK_FAULT },
	{ "trap flag", single_step, SIGTRAP },
	{ "endless recursion", overflow, SIGSEGV },
};

static void caught(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	T_OK("a handler gets SIGSEGV", sig == SIGSEGV);
	T_OK("with MAPERR", si->si_code == SEGV_MAPERR);
	T_OK("and the address", si->si_addr == (void *)0x10);
	_exit(t_failures ? 98 : 33);
}

static void handled(void)
{
	struct sigaction sa = { .sa_sigaction = caught,
				.sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &sa, NULL);
	peek(0x10);
}

/* Blocked or ignored: it kills all the same. */
static void blocked(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGSEGV, SIG_IGN);
	peek(0);
}

int main(void)
{
	char what[100];
	int status, sig;

	page = t_map(PAGE, PROT_READ | PROT_WRITE);
	page[0] = 0xc3;
	for (unsigned long i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		status = t_in_child(cases[i].fn);
		sig = WIFSIGNALED(status) ? WTERMSIG(status) : -1;
		if (cases[i].sig == STACK_FAULT &&
		    (sig == SIGBUS || sig == SIGSEGV))
			sig = STACK_FAULT;
		if (cases[i].sig)
			snprintf(what, sizeof(what), "%s: signal %d",
				 cases[i].what, cases[i].sig);
		else
			snprintf(what, sizeof(what), "%s: killed",
				 cases[i].what);
		T_EQ(what, sig, cases[i].sig);
	}
	status = t_in_child(handled);
	T_EQ("the handler's exit status", WEXITSTATUS(status), 33);
	status = t_in_child(blocked);
	T_EQ("blocked and ignored: killed all the same", WTERMSIG(status),
	     SIGSEGV);
	return t_done();
}
