/* SPDX-License-Identifier: MIT */
/* Signals: handlers, masks, frames, alternate stacks, restarts. */
#include "t.h"
#include <pthread.h>
#include <ucontext.h>

static volatile int hits, last_sig, last_code, on_stack, nested, depth_ok;
static volatile long last_value;
static char alt[65536] __attribute__((aligned(16)));

static void count(int sig)
{
	hits++;
	last_sig = sig;
}

static void inform(int sig, siginfo_t *si, void *uc)
{
	char here;

	(void)uc;
	hits++;
	last_sig = sig;
	last_code = si->si_code;
	last_value = si->si_pid;
	on_stack = &here >= alt && &here < alt + sizeof(alt);
}

static void catch(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = fn,
				.sa_flags = SA_SIGINFO | flags };

	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

static void basics(void)
{
	struct sigaction old;

	signal(SIGUSR1, count);
	T_EQ("raise", raise(SIGUSR1), 0);
	T_OK("the handler ran", hits == 1 && last_sig == SIGUSR1);
	catch(SIGUSR1, inform, 0);
	kill(getpid(), SIGUSR1);
	T_OK("siginfo: SI_USER and the sender", last_code == SI_USER &&
	     last_value == getpid());
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
	T_EQ("siginfo: SI_TKILL", last_code, SI_TKILL);
	sigaction(SIGUSR1, NULL, &old);
	T_OK("sigaction gives the old action", old.sa_sigaction == inform &&
	     (old.sa_flags & SA_SIGINFO));
	hits = 0;
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	T_EQ("ignored", hits, 0);
	T_ERR("SIGKILL cannot be caught", sigaction(SIGKILL, NULL, &old) ?
	      -1 : syscall(SYS_rt_sigaction, SIGKILL, &old, NULL, 8), EINVAL);
	T_ERR("no signal 65", kill(getpid(), 65), EINVAL);
	T_ERR("a wrong set size", syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL,
					  NULL, 16), EINVAL);
}

static void masks(void)
{
	struct timespec none = { 0, 0 };
	sigset_t set, old, pending;
	siginfo_t si;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	catch(SIGUSR1, inform, 0);
	catch(SIGUSR2, inform, 0);
	hits = 0;
	T_EQ("block", sigprocmask(SIG_BLOCK, &set, &old), 0);
	raise(SIGUSR1);
	raise(SIGUSR1);
	sigpending(&pending);
	T_OK("blocked: pending, not delivered", hits == 0 &&
	     sigismember(&pending, SIGUSR1) && !sigismember(&pending, SIGUSR2));
	T_EQ("sigtimedwait takes it", sigtimedwait(&set, &si, &none), SIGUSR1);
	T_ERR("and then there is none", sigtimedwait(&set, &si, &none), EAGAIN);
	raise(SIGUSR2);
	sigprocmask(SIG_SETMASK, &old, NULL);
	T_OK("unblocked: delivered once", hits == 1 && last_sig == SIGUSR2);
	T_ERR("sigprocmask with a bad how", sigprocmask(9, &set, NULL), EINVAL);
}

static void real_time(void)
{
	union sigval v = { .sival_int = 0 };
	struct timespec none = { 0, 0 };
	sigset_t set;
	siginfo_t si;
	int sum = 0;

	(void)v;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 5; i++)
		raise(SIGRTMIN);
	while (sigtimedwait(&set, &si, &none) == SIGRTMIN)
		sum++;
	T_EQ("real-time signals queue", sum, 5);
}

static void nest(int sig)
{
	sigset_t cur;

	sigprocmask(SIG_BLOCK, NULL, &cur);
	depth_ok = sigismember(&cur, sig);
	if (sig == SIGUSR1 && !nested++)
		raise(SIGUSR2);
}

static void nesting(void)
{
	struct sigaction sa = { .sa_handler = nest };
	sigset_t cur;

	sigemptyset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	raise(SIGUSR1);
	T_OK("handlers nest, each masks its own", nested == 1 && depth_ok);
	sigprocmask(SIG_BLOCK, NULL, &cur);
	T_OK("the mask is back", !sigismember(&cur, SIGUSR1) &&
	     !sigismember(&cur, SIGUSR2));
	sa.sa_flags = SA_NODEFER;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	T_EQ("SA_NODEFER does not mask", depth_ok, 0);
	sa.sa_flags = SA_RESETHAND;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &sa);
	T_OK("SA_RESETHAND", sa.sa_handler == SIG_DFL);
}

static void altstack(void)
{
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) }, old;

	T_EQ("sigaltstack", sigaltstack(&ss, NULL), 0);
	catch(SIGUSR1, inform, SA_ONSTACK);
	raise(SIGUSR1);
	T_EQ("SA_ONSTACK runs there", on_stack, 1);
	catch(SIGUSR1, inform, 0);
	raise(SIGUSR1);
	T_EQ("without it, not", on_stack, 0);
	sigaltstack(NULL, &old);
	T_OK("sigaltstack gives it back", old.ss_sp == alt &&
	     old.ss_size == sizeof(alt) && old.ss_flags == 0);
	ss.ss_size = 100;
	T_ERR("too small", sigaltstack(&ss, NULL), ENOMEM);
	ss.ss_flags = 99;
	T_ERR("bad flags", sigaltstack(&ss, NULL), EINVAL);
	ss.ss_flags = SS_DISABLE;
	T_EQ("disable", sigaltstack(&ss, NULL), 0);
}

/* Each register must survive a signal that comes at any place. */
static void registers(void)
{
	unsigned long in = 0x1234567890abcdefUL, out;
	double x = 1.25, y = 0;

	catch(SIGUSR1, inform, 0);
	__asm__ volatile(
		"mov %[in], %%r12\n\t"
		"movsd %[x], %%xmm7\n\t"
		"mov %[nr], %%eax\n\t"
		"mov %[pid], %%edi\n\t"
		"mov %[sig], %%esi\n\t"
		"syscall\n\t"
		"mov %%r12, %[out]\n\t"
		"movsd %%xmm7, %[y]\n\t"
		: [out] "=m"(out), [y] "=m"(y)
		: [in] "m"(in), [x] "m"(x), [nr] "i"(SYS_kill),
		  [pid] "r"(getpid()), [sig] "i"(SIGUSR1)
		: "rax", "rdi", "rsi", "rcx", "r11", "r12", "xmm7", "memory");
	T_OK("registers survive a handler", out == in && y == x);
}

static void change_context(int sig, siginfo_t *si, void *arg)
{
	ucontext_t *uc = arg;

	(void)sig;
	(void)si;
	/* ud2 is two bytes */
	uc->uc_mcontext.gregs[REG_RIP] += 2;
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
	hits++;
}

static void resume_elsewhere(void)
{
	long rax = 0;

	hits = 0;
	catch(SIGILL, change_context, 0);
	__asm__ volatile("ud2" : "+a"(rax) : : "memory");
	T_OK("a handler may change the context", hits == 1 && rax == 4711);
}

static void *poke(void *arg)
{
	t_sleep_ms(30);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	t_sleep_ms(30);
	if (write(*((int *)arg + 2), "x", 1) != 1)
		return NULL;
	return arg;
}

static void restarts(void)
{
	struct { pthread_t self; int wr, rd; } a;
	struct timespec ts = { 10, 0 }, left;
	pthread_t t;
	int fds[2];
	char c;

	if (pipe(fds))
		return;
	a.self = pthread_self();
	a.rd = fds[0];
	a.wr = fds[1];
	catch(SIGUSR1, inform, SA_RESTART);
	pthread_create(&t, NULL, poke, &a);
	T_EQ("SA_RESTART: read goes on", read(a.rd, &c, 1), 1);
	pthread_join(t, NULL);
	catch(SIGUSR1, inform, 0);
	pthread_create(&t, NULL, poke, &a);
	T_ERR("without: EINTR", read(a.rd, &c, 1), EINTR);
	pthread_join(t, NULL);
	T_EQ("and nothing was lost", read(a.rd, &c, 1), 1);
	pthread_create(&t, NULL, poke, &a);
	T_ERR("nanosleep is interrupted", nanosleep(&ts, &left), EINTR);
	T_OK("and says what was left", left.tv_sec == 9);
	pthread_join(t, NULL);
	T_EQ("the byte", read(a.rd, &c, 1), 1);
}

static void default_action(void)
{
	signal(SIGTERM, SIG_DFL);
	raise(SIGTERM);
}

static void forged_return(void)
{
	__asm__ volatile("mov $15, %eax\n\txor %esp, %esp\n\tsyscall");
}

static void stop_and_go(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		for (;;)
			pause();
	}
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	T_OK("stopped", WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	kill(pid, SIGCONT);
	waitpid(pid, &status, WCONTINUED);
	T_OK("continued", WIFCONTINUED(status));
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	T_OK("terminated", WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void child_signal(void)
{
	sigset_t set, old;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	catch(SIGCHLD, inform, 0);
	sigprocmask(SIG_BLOCK, &set, &old);
	pid = fork();
	if (!pid)
		_exit(0);
	hits = 0;
	while (!hits)
		sigsuspend(&old);
	T_OK("SIGCHLD says who", last_sig == SIGCHLD && last_value == pid &&
	     last_code == CLD_EXITED);
	wait(NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGCHLD, SIG_DFL);
}

int main(void)
{
	int status;

	basics();
	masks();
	real_time();
	nesting();
	altstack();
	registers();
	resume_elsewhere();
	restarts();
	status = t_in_child(default_action);
	T_EQ("SIGTERM's default action", WTERMSIG(status), SIGTERM);
	status = t_in_child(forged_return);
	T_EQ("sigreturn without a frame", WTERMSIG(status), SIGSEGV);
	stop_and_go();
	child_signal();
	return t_done();
}
