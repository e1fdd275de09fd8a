/* SPDX-License-Identifier: MIT */
/* rseq: the CPU's number in user memory, and sequences that do not go on. */
#include "t.h"
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

#define SIGNATURE 0x53053053U

struct area {
	uint32_t cpu_id_start, cpu_id;
	uint64_t rseq_cs;
	uint32_t flags, node_id, mm_cid, end;
} __attribute__((aligned(32)));

struct section {
	uint32_t version, flags;
	uint64_t start_ip, post_commit_offset, abort_ip;
} __attribute__((aligned(32)));

static struct area area, other;

static long do_rseq(void *at, unsigned long len, int flags, unsigned int sig)
{
	return syscall(SYS_rseq, at, len, flags, sig);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/*
 * Stays in its section until it is thrown out.  Returns 1 when that happened
 * by way of the abort handler.
 */
static int stay(void)
{
	static struct section cs;
	int thrown = 0;

	asm volatile(
		"leaq 1f(%%rip), %%rax\n\t"
		"movq %%rax, %c[start](%[cs])\n\t"
		"leaq 2f(%%rip), %%rcx\n\t"
		"subq %%rax, %%rcx\n\t"
		"movq %%rcx, %c[len](%[cs])\n\t"
		"leaq 4f(%%rip), %%rax\n\t"
		"movq %%rax, %c[abort](%[cs])\n\t"
		"movq %[cs], %[word]\n"
		"1:\n\t"
		"jmp 1b\n"
		"2:\n\t"
		"jmp 5f\n\t"
		".long %c[sig]\n"
		"4:\n\t"
		"movl $1, %[thrown]\n"
		"5:\n"
		: [thrown] "+r" (thrown), [word] "=m" (area.rseq_cs)
		: [cs] "r" (&cs), [sig] "i" (SIGNATURE),
		  [start] "i" (offsetof(struct section, start_ip)),
		  [len] "i" (offsetof(struct section, post_commit_offset)),
		  [abort] "i" (offsetof(struct section, abort_ip))
		: "rax", "rcx", "memory", "cc");
	return thrown;
}

static void errors(void)
{
	T_ERR("too short", do_rseq(&area, 16, 0, SIGNATURE), EINVAL);
	T_ERR("misaligned", do_rseq((char *)&area + 8, 32, 0, SIGNATURE),
	      EINVAL);
	T_ERR("unknown flag", do_rseq(&area, 32, 2, SIGNATURE), EINVAL);
	T_ERR("in the kernel", do_rseq((void *)0xffff800000000000UL, 32, 0,
	      SIGNATURE), EFAULT);
	T_ERR("none to take back", do_rseq(&area, 32, 1, SIGNATURE), EINVAL);
}

static void registered(void)
{
	cpu_set_t was, one;
	int right = 1;

	T_EQ("registered", do_rseq(&area, 32, 0, SIGNATURE), 0);
	T_ERR("once only", do_rseq(&area, 32, 0, SIGNATURE), EBUSY);
	T_ERR("another place", do_rseq(&other, 32, 0, SIGNATURE), EINVAL);
	T_ERR("another signature", do_rseq(&area, 32, 0, 1), EPERM);
	sched_getaffinity(0, sizeof(was), &was);
	for (int cpu = 0; cpu < 8; cpu++) {
		if (!CPU_ISSET(cpu, &was))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		right &= area.cpu_id == (uint32_t)cpu &&
			 area.cpu_id_start == (uint32_t)cpu;
	}
	T_OK("it says where it runs, on each CPU", right);
	sched_setaffinity(0, sizeof(was), &was);
}

static void sections(void)
{
	struct itimerval soon = { { 0, 0 }, { 0, 20000 } };
	struct sigaction sa = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	T_EQ("a section ends at its abort handler", stay(), 1);
	T_EQ("and is forgotten", (long)area.rseq_cs, 0);
}

static void in_child(void)
{
	T_ERR("a child has it", do_rseq(&area, 32, 0, SIGNATURE), EBUSY);
	T_OK("its CPU", area.cpu_id == (uint32_t)sched_getcpu());
}

/* The number before the abort handler is not the one that was promised. */
static void wrong_signature(void)
{
	do_rseq(&area, 32, 1, SIGNATURE);
	do_rseq(&area, 32, 0, SIGNATURE + 1);
	sections();
}

int main(void)
{
	errors();
	registered();
	sections();
	T_EQ("fork", t_in_child(in_child), 0);
	T_EQ("no section with another signature",
	     t_in_child(wrong_signature), SIGSEGV);
	T_ERR("taken back by another size", do_rseq(&area, 64, 1, SIGNATURE),
	      EINVAL);
	T_ERR("by another signature", do_rseq(&area, 32, 1, 1), EPERM);
	T_EQ("taken back", do_rseq(&area, 32, 1, SIGNATURE), 0);
	T_EQ("it says so", (long)area.cpu_id, 0xffffffffL);
	T_EQ("and again", do_rseq(&area, 32, 0, SIGNATURE), 0);
	return t_done();
}
