/* SPDX-License-Identifier: MIT */
/* Signals with values: queued, in order, and not to be forged. */
#include <pthread.h>
#include <sched.h>

#include "tests/abi/t.h"

static int values[16], codes[16], nr;

static void on_signal(int sig, siginfo_t *info, void *uc)
{
	(void)sig;
	(void)uc;
	if (nr < 16) {
		codes[nr] = info->si_code;
		values[nr++] = info->si_value.sival_int;
	}
}

static long queue(pid_t pid, int sig, int value)
{
	union sigval v = { .sival_int = value };

	return sigqueue(pid, sig, v);
}

static void in_order(void)
{
	struct sigaction sa = { .sa_sigaction = on_signal,
				.sa_flags = SA_SIGINFO };
	static const int order[] = { 1, 2, 3, 4 };
	sigset_t set;

	for (int i = 0; i < 3; i++)
		sigaction(SIGRTMIN + i, &sa, NULL);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	T_EQ("queue 1", queue(getpid(), SIGRTMIN + 2, 1), 0);
	T_EQ("queue 2", queue(getpid(), SIGRTMIN + 1, 2), 0);
	T_EQ("queue 3", queue(getpid(), SIGRTMIN + 1, 3), 0);
	T_EQ("queue 4", queue(getpid(), SIGRTMIN, 4), 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	T_EQ("all four came", nr, 4);
	T_EQ("with their code", codes[0], SI_QUEUE);
	/* The lowest is taken first; the last that was taken runs first. */
	for (int i = 0; i < 4; i++)
		T_EQ("the highest runs first", values[i], order[i]);
}

static void waited_for(void)
{
	struct timespec ts = { 0, 0 }, bad = { 0, -1 };
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 5);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	T_ERR("none is there", sigtimedwait(&set, &info, &ts), EAGAIN);
	T_ERR("bad time", sigtimedwait(&set, &info, &bad), EINVAL);
	queue(getpid(), SIGRTMIN + 5, 11);
	queue(getpid(), SIGRTMIN + 5, 12);
	queue(getpid(), SIGUSR2, 13);
	queue(getpid(), SIGUSR2, 14);		/* lost: it waits already */
	T_EQ("lowest first", sigwaitinfo(&set, &info), SIGUSR2);
	T_EQ("its value", info.si_value.sival_int, 13);
	T_EQ("who sent it", info.si_pid, getpid());
	T_EQ("then", sigtimedwait(&set, &info, &ts), SIGRTMIN + 5);
	T_EQ("first in", info.si_value.sival_int, 11);
	T_EQ("then", sigtimedwait(&set, &info, &ts), SIGRTMIN + 5);
	T_EQ("second in", info.si_value.sival_int, 12);
	T_ERR("no more", sigtimedwait(&set, &info, &ts), EAGAIN);
}

#define WAITERS	4
#define ROUNDS	100

static int taken;

static void *waiter(void *arg)
{
	sigset_t set;
	int sig, bad = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	for (int i = 0; i < ROUNDS; i++) {
		bad |= sigwait(&set, &sig) || sig != SIGUSR1;
		__atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
	}
	return bad ? arg : NULL;
}

/* All are woken for one signal; those who do not get it wait on. */
static void many_waiters(void)
{
	pthread_t t[WAITERS];
	sigset_t set;
	int bad = 0;
	void *ret;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < WAITERS; i++)
		pthread_create(&t[i], NULL, waiter, &set);
	while (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) < ROUNDS * WAITERS) {
		kill(getpid(), SIGUSR1);
		sched_yield();
	}
	for (int i = 0; i < WAITERS; i++) {
		pthread_join(t[i], &ret);
		bad += ret != NULL;
	}
	T_EQ("each waiter got its signals", bad, 0);
}

static void to_thread(void)
{
	struct timespec ts = { 0, 0 };
	siginfo_t info = { .si_code = SI_QUEUE };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 5);
	info.si_value.sival_int = 21;
	T_EQ("to a thread", syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(),
				    SIGRTMIN + 5, &info), 0);
	T_EQ("it has it", sigtimedwait(&set, &info, &ts), SIGRTMIN + 5);
	T_EQ("its value", info.si_value.sival_int, 21);
}

static long raw(pid_t pid, int sig, int code)
{
	siginfo_t info = { .si_code = code };

	return syscall(SYS_rt_sigqueueinfo, pid, sig, &info);
}

static void errors(void)
{
	T_ERR("signal 65", queue(getpid(), 65, 0), EINVAL);
	T_ERR("nobody", queue(0x3ffffff, SIGUSR1, 0), ESRCH);
	T_EQ("signal 0 asks", queue(getpid(), 0, 0), 0);
	T_ERR("as from the kernel", raw(getppid(), SIGURG, SI_KERNEL), EPERM);
	T_ERR("as from kill", raw(getppid(), SIGURG, SI_USER), EPERM);
	T_ERR("as from tgkill", raw(getppid(), SIGURG, SI_TKILL), EPERM);
	T_EQ("to oneself that is fine", raw(getpid(), SIGURG, SI_USER), 0);
	T_ERR("info nowhere", syscall(SYS_rt_sigqueueinfo, getpid(), SIGURG,
				      NULL), EFAULT);
}

int main(void)
{
	in_order();
	waited_for();
	to_thread();
	many_waiters();
	errors();
	return t_done();
}
