/* SPDX-License-Identifier: MIT */
/* Calls about processes, signals and time with bad arguments: bad.h. */
#include "bad.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/uio.h>

#define IN_ARENA	AT(DATA)
#define NOBODY		0x3ffffffUL
#define THREAD		(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
#define SIG_NONE	65

struct args3 {
	word flags, pidfd, child_tid, parent_tid, exit_signal, stack,
	     stack_size, tls, set_tid, set_tid_size, cgroup, beyond;
};

static struct args3 all_zero, with_csignal = { .flags = SIGCHLD },
	odd_signal = { .exit_signal = 65 },
	stack_only = { .stack = AT(DATA), .exit_signal = SIGCHLD },
	size_only = { .stack_size = PAGE, .exit_signal = SIGCHLD },
	wild_stack = { .stack = KERNEL, .stack_size = PAGE,
		       .exit_signal = SIGCHLD },
	thread_alone = { .flags = CLONE_THREAD },
	sighand_alone = { .flags = CLONE_SIGHAND, .exit_signal = SIGCHLD },
	clears_and_shares = { .flags = CLONE_SIGHAND | CLONE_VM | (1UL << 32),
			      .exit_signal = SIGCHLD },
	thread_signals = { .flags = THREAD, .exit_signal = SIGCHLD },
	more_than_known = { .exit_signal = SIGCHLD, .beyond = 1 };
static struct timespec late = { 0, 1000000000 }, negative = { -1, 0 };
static struct timespec soon = { 0, 1 };
static struct itimerval odd_timer = { { 0, 1000000 }, { 0, 0 } },
	negative_timer = { { 0, 0 }, { -1, 0 } };
static struct rlimit upside_down = { 100, 50 };
static char *argv_ok[] = { "x", NULL };
static char *argv_wild[] = { (char *)KERNEL, NULL };
static struct iovec vec = { (void *)AT(DATA), 8 };
static struct iovec negative_vec = { (void *)AT(DATA), (size_t)-1 };
static stack_t small_stack = { (void *)AT(DATA), 0, 512 };
static stack_t odd_stack = { (void *)AT(DATA), 8, 4 * PAGE };
static word one_signal = 1UL << (SIGUSR1 - 1);
static siginfo_t queued = { .si_code = SI_QUEUE }, forged = { .si_code = 0x80 };
static unsigned int futex_word = 5;

static const struct row births[] = {
	{ "clone, thread alone", SYS_clone, { CLONE_THREAD | SIGCHLD } },
	{ "clone, handlers alone", SYS_clone, { CLONE_SIGHAND | SIGCHLD } },
	{ "clone, file systems both ways", SYS_clone,
	  { CLONE_FS | CLONE_NEWNS | SIGCHLD } },
	{ "clone3 of nothing", SYS_clone3, { P(&all_zero), 0 } },
	{ "clone3 of too little", SYS_clone3, { P(&all_zero), 63 } },
	{ "clone3 of too much", SYS_clone3, { P(&all_zero), PAGE + 1 } },
	{ "clone3, from a hole", SYS_clone3, { AT(HOLE), 64 } },
	{ "clone3, from the kernel", SYS_clone3, { KERNEL, 64 } },
	{ "clone3, beyond what is known", SYS_clone3,
	  { P(&more_than_known), sizeof(struct args3) } },
	{ "clone3, a signal among the flags", SYS_clone3, { P(&with_csignal), 64 } },
	{ "clone3, no such signal", SYS_clone3, { P(&odd_signal), 64 } },
	{ "clone3, stack without size", SYS_clone3, { P(&stack_only), 64 } },
	{ "clone3, size without stack", SYS_clone3, { P(&size_only), 64 } },
	{ "clone3, stack in the kernel", SYS_clone3, { P(&wild_stack), 64 } },
	{ "clone3, thread alone", SYS_clone3, { P(&thread_alone), 64 } },
	{ "clone3, handlers alone", SYS_clone3, { P(&sighand_alone), 64 } },
	{ "clone3, clears and shares", SYS_clone3, { P(&clears_and_shares), 64 } },
	{ "clone3, a thread that signals", SYS_clone3,
	  { P(&thread_signals), 64 } },
	{ "execve of nothing there", SYS_execve,
	  { P("/tmp/none"), P(argv_ok), 0 } },
	{ "execve of a directory", SYS_execve, { P("/tmp"), P(argv_ok), 0 } },
	{ "execve of what may not run", SYS_execve,
	  { P(FILE_NAME), P(argv_ok), 0 } },
	{ "execve below a file", SYS_execve,
	  { P(FILE_NAME "/x"), P(argv_ok), 0 } },
	{ "execve, empty", SYS_execve, { P(""), P(argv_ok), 0 } },
	{ "execve, name in a hole", SYS_execve, { AT(HOLE), P(argv_ok), 0 } },
	{ "execve, arguments in a hole", SYS_execve,
	  { P("/proc/self/exe"), AT(HOLE), 0 } },
	{ "execve, a wild argument", SYS_execve,
	  { P("/proc/self/exe"), P(argv_wild), 0 } },
	{ "execve, a wild environment", SYS_execve,
	  { P("/proc/self/exe"), P(argv_ok), P(argv_wild) } },
	{ "wait4, no child", SYS_wait4, { ALL_ONES, 0, 0, 0 } },
	{ "wait4, unknown option", SYS_wait4, { ALL_ONES, 0, NO_FLAG, 0 } },
	{ "wait4 for nobody", SYS_wait4, { NOBODY, IN_ARENA, 0, 0 } },
	{ "waitid, no such kind", SYS_waitid, { 77, 0, IN_ARENA, 4, 0 } },
	{ "waitid, no option", SYS_waitid, { 0, 0, IN_ARENA, 0, 0 } },
	{ "waitid, unknown option", SYS_waitid, { 0, 0, IN_ARENA, NO_FLAG, 0 } },
	{ "waitid, no child", SYS_waitid, { 0, 0, IN_ARENA, 4, 0 } },
	{ "waitid for pid 0", SYS_waitid, { 1, 0, IN_ARENA, 4, 0 } },
};

static const struct row signals[] = {
	{ "rt_sigaction, no such signal", SYS_rt_sigaction,
	  { SIG_NONE, 0, IN_ARENA, 8 } },
	{ "rt_sigaction, signal 0", SYS_rt_sigaction, { 0, 0, IN_ARENA, 8 } },
	{ "rt_sigaction of SIGKILL", SYS_rt_sigaction,
	  { SIGKILL, IN_ARENA, 0, 8 } },
	{ "rt_sigaction, odd size", SYS_rt_sigaction,
	  { SIGUSR1, 0, IN_ARENA, 4 } },
	{ "rt_sigaction, from a hole", SYS_rt_sigaction,
	  { SIGUSR1, AT(HOLE), 0, 8 } },
	{ "rt_sigprocmask, no such way", SYS_rt_sigprocmask,
	  { 77, P(&one_signal), 0, 8 } },
	{ "rt_sigprocmask, no such way, no set", SYS_rt_sigprocmask,
	  { 77, 0, 0, 8 } },
	{ "rt_sigprocmask, odd size", SYS_rt_sigprocmask,
	  { SIG_BLOCK, P(&one_signal), 0, 16 } },
	{ "rt_sigprocmask, from a hole", SYS_rt_sigprocmask,
	  { SIG_BLOCK, AT(HOLE), 0, 8 } },
	{ "rt_sigpending, too large", SYS_rt_sigpending, { IN_ARENA, 16 } },
	{ "rt_sigsuspend, odd size", SYS_rt_sigsuspend, { P(&one_signal), 4 } },
	{ "rt_sigtimedwait, odd size", SYS_rt_sigtimedwait,
	  { P(&one_signal), 0, P(&soon), 4 } },
	{ "rt_sigtimedwait, negative", SYS_rt_sigtimedwait,
	  { P(&one_signal), 0, P(&negative), 8 } },
	{ "rt_sigtimedwait, too late", SYS_rt_sigtimedwait,
	  { P(&one_signal), 0, P(&late), 8 } },
	{ "rt_sigtimedwait, nothing came", SYS_rt_sigtimedwait,
	  { P(&one_signal), 0, P(&soon), 8 } },
	{ "sigaltstack, too small", SYS_sigaltstack, { P(&small_stack), 0 } },
	{ "sigaltstack, unknown flag", SYS_sigaltstack, { P(&odd_stack), 0 } },
	{ "sigaltstack, from the kernel", SYS_sigaltstack, { KERNEL, 0 } },
	{ "kill of nobody", SYS_kill, { NOBODY, 0 } },
	{ "kill, no such signal", SYS_kill, { 0, SIG_NONE } },
	{ "tgkill of nobody", SYS_tgkill, { NOBODY, NOBODY, 0 } },
	{ "tgkill of thread 0", SYS_tgkill, { 0, 0, 0 } },
	{ "tkill of thread 0", SYS_tkill, { 0, 0 } },
	{ "rt_sigqueueinfo of nobody", SYS_rt_sigqueueinfo,
	  { NOBODY, SIGUSR1, P(&queued) } },
	{ "rt_sigqueueinfo as the kernel", SYS_rt_sigqueueinfo,
	  { 1, SIGUSR1, P(&forged) } },
	{ "rt_sigqueueinfo, from a hole", SYS_rt_sigqueueinfo,
	  { NOBODY, SIGUSR1, AT(HOLE) } },
};

static const struct row times[] = {
	{ "setitimer, no such timer", SYS_setitimer, { 3, 0, 0 } },
	{ "setitimer, too many microseconds", SYS_setitimer,
	  { 0, P(&odd_timer), 0 } },
	{ "setitimer, negative", SYS_setitimer, { 0, P(&negative_timer), 0 } },
	{ "setitimer, from a hole", SYS_setitimer, { 0, AT(HOLE), 0 } },
	{ "getitimer, no such timer", SYS_getitimer, { 3, IN_ARENA } },
	{ "getitimer into a hole", SYS_getitimer, { 0, AT(HOLE) } },
	{ "nanosleep, too late", SYS_nanosleep, { P(&late), 0 } },
	{ "nanosleep, negative", SYS_nanosleep, { P(&negative), 0 } },
	{ "clock_nanosleep, no such clock", SYS_clock_nanosleep,
	  { 77, 0, P(&soon), 0 } },
	{ "clock_nanosleep, own thread's clock", SYS_clock_nanosleep,
	  { 3, 0, P(&soon), 0 } },
	{ "clock_nanosleep, too late", SYS_clock_nanosleep,
	  { 1, 0, P(&late), 0 } },
	{ "clock_nanosleep, from a hole", SYS_clock_nanosleep,
	  { 1, 0, AT(HOLE), 0 } },
	{ "clock_gettime, no such clock", SYS_clock_gettime, { 77, IN_ARENA } },
	{ "clock_gettime into a hole", SYS_clock_gettime, { 1, AT(HOLE) } },
	{ "clock_settime of the monotonic", SYS_clock_settime,
	  { 1, P(&soon) } },
	{ "getrusage of whom", SYS_getrusage, { 77, IN_ARENA } },
	{ "getrusage into a hole", SYS_getrusage, { 0, AT(HOLE) } },
	{ "prlimit64, no such limit", SYS_prlimit64, { 0, 77, 0, IN_ARENA } },
	{ "prlimit64 of nobody", SYS_prlimit64, { NOBODY, 7, 0, IN_ARENA } },
	{ "prlimit64, upside down", SYS_prlimit64,
	  { 0, 4, P(&upside_down), 0 } },
	{ "prlimit64, from a hole", SYS_prlimit64, { 0, 4, AT(HOLE), 0 } },
	{ "prlimit64 into a hole", SYS_prlimit64, { 0, 4, 0, AT(HOLE) } },
	{ "setrlimit, no such limit", SYS_setrlimit, { 77, P(&upside_down) } },
	{ "sched_setaffinity of nobody", SYS_sched_setaffinity,
	  { NOBODY, 8, P(&one_signal) } },
	{ "sched_setaffinity, no CPU", SYS_sched_setaffinity,
	  { 0, 8, P(&all_zero) } },
	{ "sched_setaffinity, from a hole", SYS_sched_setaffinity,
	  { 0, 8, AT(HOLE) } },
	{ "sched_getaffinity, too little", SYS_sched_getaffinity,
	  { 0, 1, IN_ARENA } },
	{ "sched_getaffinity, odd size", SYS_sched_getaffinity,
	  { 0, 129, IN_ARENA } },
	{ "sched_getaffinity of nobody", SYS_sched_getaffinity,
	  { NOBODY, 128, IN_ARENA } },
	{ "sched_getaffinity into a hole", SYS_sched_getaffinity,
	  { 0, 1024, AT(HOLE) } },
	{ "getcpu into a hole", SYS_getcpu, { AT(HOLE), 0, 0 } },
	{ "getcpu, node into the kernel", SYS_getcpu, { 0, KERNEL, 0 } },
	{ "set_robust_list, odd size", SYS_set_robust_list, { IN_ARENA, 8 } },
};

static const struct row words[] = {
	{ "futex, no such operation", SYS_futex, { P(&futex_word), 77, 5 } },
	{ "futex, misaligned", SYS_futex, { IN_ARENA + 1, 0, 5, P(&soon) } },
	{ "futex, in a hole", SYS_futex, { AT(HOLE), 0, 5, P(&soon) } },
	{ "futex, in the kernel", SYS_futex, { KERNEL, 0, 5, P(&soon) } },
	{ "futex, another value", SYS_futex, { P(&futex_word), 0, 6, 0 } },
	{ "futex, too late", SYS_futex, { P(&futex_word), 0, 5, P(&late) } },
	{ "futex, negative", SYS_futex, { P(&futex_word), 0, 5, P(&negative) } },
	{ "futex, time in a hole", SYS_futex,
	  { P(&futex_word), 0, 5, AT(HOLE) } },
	{ "futex, no bits", SYS_futex,
	  { P(&futex_word), 9, 5, P(&soon), 0, 0 } },
	{ "futex, waking no bits", SYS_futex,
	  { P(&futex_word), 10, 1, 0, 0, 0 } },
	{ "futex, waking in a hole", SYS_futex, { AT(HOLE), 1, 1 } },
	{ "futex, waking, misaligned", SYS_futex, { IN_ARENA + 2, 1, 1 } },
	{ "futex, requeue to a hole", SYS_futex,
	  { P(&futex_word), 3, 1, 1, AT(HOLE) } },
	{ "futex, requeue, negative", SYS_futex,
	  { P(&futex_word), 3, 1, ALL_ONES, IN_ARENA } },
	{ "futex, requeue, another value", SYS_futex,
	  { P(&futex_word), 4, 1, 1, IN_ARENA, 6 } },
	{ "process_vm_readv, unknown flag", SYS_process_vm_readv,
	  { 0, P(&vec), 1, P(&vec), 1, 1 } },
	{ "process_vm_readv of nobody", SYS_process_vm_readv,
	  { NOBODY, P(&vec), 1, P(&vec), 1, 0 } },
	{ "process_vm_readv, too many", SYS_process_vm_readv,
	  { NOBODY, P(&vec), 1025, P(&vec), 1, 0 } },
	{ "process_vm_readv, vector in a hole", SYS_process_vm_readv,
	  { NOBODY, AT(HOLE), 1, P(&vec), 1, 0 } },
	{ "process_vm_writev, theirs in a hole", SYS_process_vm_writev,
	  { NOBODY, P(&vec), 1, AT(HOLE), 1, 0 } },
	{ "process_vm_writev, a negative length", SYS_process_vm_writev,
	  { NOBODY, P(&negative_vec), 1, P(&vec), 1, 0 } },
	{ "an unknown call", 9999, { 0 } },
	{ "a call below all", -2, { 0 } },
	{ "a call with the x32 bit", 0x40000000 + SYS_getpid, { 0 } },
	{ "a call beyond 32 bits", (1L << 40) + SYS_close, { FD_CLOSED } },
};

int main(void)
{
	B_RUN(births);
	B_RUN(signals);
	B_RUN(times);
	B_RUN(words);
	return 0;
}
