/* SPDX-License-Identifier: MIT */
/* Stacks grow, MAP_GROWSDOWN, the guard gap; the zero page; fork and COW. */
#include "t.h"
#include <setjmp.h>

#define RW (PROT_READ | PROT_WRITE)
#define GAP (256 * PAGE)

static sigjmp_buf env;
static volatile int fault_code;
static void *volatile fault_addr;

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	fault_code = si->si_code;
	fault_addr = si->si_addr;
	siglongjmp(env, 1);
}

/* 0: it could be written; else si_code. */
static int store(volatile char *p)
{
	fault_code = 0;
	if (!sigsetjmp(env, 1))
		*p = 1;
	return fault_code;
}

static long deep(long n)
{
	volatile char page[PAGE];

	page[0] = (char)n;
	if (!n)
		return 0;
	return deep(n - 1) + (page[0] == (char)n);
}

static void *reserve(unsigned long len)
{
	char *p = t_map(len, PROT_NONE);

	munmap(p, len);
	return p;
}

static void own_stack(void)
{
	T_EQ("1,000 pages of stack", deep(1000), 1000);
}

static void grows_down(void)
{
	char *base = reserve(16 * GAP), *top = base + 16 * GAP;
	char *p = mmap(top - PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS |
		       MAP_GROWSDOWN | MAP_FIXED, -1, 0);

	T_OK("map a page that grows", p == top - PAGE);
	T_EQ("one below", store(p - 1), 0);
	T_EQ("far below", store(p - 100 * PAGE), 0);
	T_EQ("all between is there", store(p - 50 * PAGE), 0);
	T_EQ("above is not", store(top), SEGV_MAPERR);
	T_EQ("and zero", p[-70 * (long)PAGE], 0);
	munmap(base, 16 * GAP);
}

static void guard_gap(void)
{
	char *base = reserve(4 * GAP), *top = base + 4 * GAP;
	char *below = mmap(base, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS |
			   MAP_FIXED, -1, 0);
	char *p = mmap(top - PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS |
		       MAP_GROWSDOWN | MAP_FIXED, -1, 0);

	T_OK("a neighbour below", below == base && p == top - PAGE);
	T_EQ("as near as the gap lets", store(base + PAGE + GAP), 0);
	T_EQ("nearer: no", store(base + GAP), SEGV_MAPERR);
	T_OK("the address", fault_addr == base + GAP);
	munmap(base, 4 * GAP);
}

static void zero_page(void)
{
	char *p = t_map(64 * PAGE, RW);
	int sum = 0;

	for (unsigned long i = 0; i < 64; i++)
		sum += p[i * PAGE];
	T_EQ("zeros", sum, 0);
	for (unsigned long i = 0; i < 64; i += 2)
		p[i * PAGE + 8] = 1;
	for (unsigned long i = 0; i < 64 * PAGE; i++)
		sum += p[i];
	T_EQ("writing one leaves the others", sum, 32);
	T_EQ("mprotect to nothing", mprotect(p, 64 * PAGE, PROT_NONE), 0);
	T_EQ("and back", mprotect(p, 64 * PAGE, RW), 0);
	for (unsigned long i = 0; i < 64 * PAGE; i++)
		sum -= p[i];
	T_EQ("the same", sum, 0);
	munmap(p, 64 * PAGE);
}

static void child_writes(void)
{
	/* What the parent made is here; what we write stays here. */
	char *p = (char *)0x30000000;

	for (int i = 0; i < 16; i++) {
		if (p[i * (long)PAGE] != i)
			_exit(1);
		p[i * (long)PAGE] = (char)(100 + i);
	}
}

static void cow(void)
{
	char *p = mmap((void *)0x30000000, 32 * PAGE, RW, MAP_PRIVATE |
		       MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	int good = 1;

	for (int i = 0; i < 16; i++)
		p[i * (long)PAGE] = (char)i;
	for (int i = 16; i < 32; i++)
		good &= !p[i * (long)PAGE];
	T_EQ("three children", t_in_child(child_writes) |
	     t_in_child(child_writes) | t_in_child(child_writes), 0);
	for (int i = 0; i < 16; i++)
		good &= p[i * (long)PAGE] == i;
	T_OK("ours is as it was", good);
	for (int i = 0; i < 32; i++)
		p[i * (long)PAGE]++;
	for (int i = 0; i < 32; i++)
		good &= p[i * (long)PAGE] == (i < 16 ? i + 1 : 1);
	T_OK("and ours alone", good);
	munmap(p, 32 * PAGE);
}

int main(void)
{
	struct sigaction sa = { 0 };

	sa.sa_sigaction = on_fault;
	sa.sa_flags = SA_SIGINFO;
	sigaction(SIGSEGV, &sa, NULL);
	own_stack();
	grows_down();
	guard_gap();
	zero_page();
	cow();
	return t_done();
}
