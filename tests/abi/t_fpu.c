/* SPDX-License-Identifier: MIT */
/*
 * x87, SSE and AVX registers belong to their thread: several threads keep
 * patterns of their own in them across switches, signals and a fork.
 */
#include <cpuid.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include "t.h"

#define THREADS	6
#define ROUNDS	300

static int have_avx;
static int wrong;

static int avx_usable(void)
{
	unsigned int a, b, c, d, lo, hi;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) ||
	    !(c & bit_AVX))
		return 0;
	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (lo & 6) == 6;
}

/* Fill the registers, give up the CPU inside the same asm, read them back. */
static void sse_round(unsigned long seed)
{
	unsigned long out[4] = { 0 };

	asm volatile("movq %1, %%xmm0\n\tmovq %2, %%xmm7\n\t"
		     "movq %3, %%xmm15\n\t"
		     "mov $24, %%eax\n\tsyscall\n\t"
		     "movq %%xmm0, 0(%0)\n\tmovq %%xmm7, 8(%0)\n\t"
		     "movq %%xmm15, 16(%0)"
		     : : "r"(out), "r"(seed), "r"(seed + 7), "r"(seed + 15)
		     : "rax", "rcx", "r11", "memory", "xmm0", "xmm7", "xmm15");
	if (out[0] != seed || out[1] != seed + 7 || out[2] != seed + 15)
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static void avx_round(unsigned long seed)
{
	unsigned long in[4] = { seed, ~seed, seed * 3, seed * 5 }, out[4];

	asm volatile("vmovdqu (%1), %%ymm5\n\t"
		     "mov $24, %%eax\n\tsyscall\n\t"
		     "vmovdqu %%ymm5, (%0)\n\tvzeroupper"
		     : : "r"(out), "r"(in)
		     : "rax", "rcx", "r11", "memory", "xmm5");
	if (memcmp(in, out, sizeof(in)))
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static void x87_round(unsigned long seed)
{
	long out = 0;

	asm volatile("fildll %1\n\tmov $24, %%eax\n\tsyscall\n\tfistpll %0"
		     : "=m"(out) : "m"(seed)
		     : "rax", "rcx", "r11", "memory", "st");
	if (out != (long)seed)
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static void *worker(void *arg)
{
	unsigned long seed = (unsigned long)arg * 0x1000003;

	for (int i = 0; i < ROUNDS; i++) {
		sse_round(seed + i);
		x87_round(seed + i);
		if (have_avx)
			avx_round(seed + i);
	}
	return NULL;
}

static void on_signal(int sig)
{
	(void)sig;
	asm volatile("pxor %%xmm0, %%xmm0\n\tpxor %%xmm7, %%xmm7\n\tfninit"
		     : : : "xmm0", "xmm7", "st");
}

static int run_threads(void)
{
	pthread_t t[THREADS];

	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, worker, (void *)(i + 1)))
			return -1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	return wrong;
}

/* A handler's use of the registers is not seen by what it interrupts. */
static int across_signal(void)
{
	unsigned long out = 0, pid = (unsigned long)getpid();

	asm volatile("movq %1, %%xmm0\n\tmov $62, %%eax\n\tmov %2, %%rdi\n\t"
		     "mov $10, %%esi\n\tsyscall\n\tmovq %%xmm0, %0"
		     : "=r"(out)
		     : "r"(0x1234567890UL), "r"(pid)
		     : "rax", "rcx", "rdi", "rsi", "r11", "memory", "xmm0");
	return out == 0x1234567890UL;
}

static int across_fork(void)
{
	unsigned long out = 0;
	int status;
	long pid;

	asm volatile("movq %2, %%xmm7\n\tmov $57, %%eax\n\tsyscall\n\t"
		     "movq %%xmm7, %1"
		     : "=&a"(pid), "=r"(out) : "r"(0xfeedUL)
		     : "rcx", "r11", "memory", "xmm7");
	if (!pid)
		_exit(out == 0xfeed ? 0 : 1);
	if (waitpid((pid_t)pid, &status, 0) != pid)
		return 0;
	return status == 0 && out == 0xfeed;
}

int main(void)
{
	have_avx = avx_usable();
	signal(SIGUSR1, on_signal);
	T_EQ("no register of a thread was another's", run_threads(), 0);
	T_EQ("a signal handler's registers are its own", across_signal(), 1);
	T_EQ("a child starts with its parent's", across_fork(), 1);
	return t_done();
}
