/* SPDX-License-Identifier: MIT */
/* futex: wait, wake, bitsets, requeue, time-outs, across processes. */
#include "t.h"
#include <pthread.h>

#define FUTEX_WAIT		0
#define FUTEX_WAKE		1
#define FUTEX_REQUEUE		3
#define FUTEX_CMP_REQUEUE	4
#define FUTEX_WAIT_BITSET	9
#define FUTEX_WAKE_BITSET	10
#define PRIVATE			128
#define WAITERS			4

static int word, other, woken;

static long futex(int *addr, int op, int val, const void *timeout)
{
	return syscall(SYS_futex, addr, op, val, timeout, NULL, ~0);
}

static void simple(void)
{
	struct timespec ts = { 0, 20000000 }, bad = { 0, 1000000000 }, now;

	word = 5;
	T_ERR("wait: the value is another", futex(&word, FUTEX_WAIT, 4, NULL),
	      EAGAIN);
	T_ERR("wait with a time-out", futex(&word, FUTEX_WAIT | PRIVATE, 5, &ts),
	      ETIMEDOUT);
	T_ERR("a bad time-out", futex(&word, FUTEX_WAIT, 5, &bad), EINVAL);
	T_EQ("wake nobody", futex(&word, FUTEX_WAKE, 1, NULL), 0);
	T_ERR("unaligned", futex((int *)((char *)&word + 1), FUTEX_WAIT, 5,
				 NULL), EINVAL);
	T_ERR("no memory there", futex((int *)PAGE, FUTEX_WAIT, 5, NULL),
	      EFAULT);
	T_ERR("an unknown operation", futex(&word, 77, 0, NULL), ENOSYS);
	clock_gettime(CLOCK_MONOTONIC, &now);
	T_ERR("an absolute time that is over",
	      futex(&word, FUTEX_WAIT_BITSET, 5, &now), ETIMEDOUT);
	T_ERR("an empty bitset", syscall(SYS_futex, &word, FUTEX_WAIT_BITSET,
					 5, NULL, NULL, 0), EINVAL);
}

static void *waiter(void *arg)
{
	long bits = (long)arg;

	while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0 &&
	       __atomic_load_n(&other, __ATOMIC_SEQ_CST) == 0) {
		if (!syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | PRIVATE, 0,
			     NULL, NULL, bits))
			break;
	}
	__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void start(pthread_t *t)
{
	word = other = woken = 0;
	for (long i = 0; i < WAITERS; i++)
		pthread_create(&t[i], NULL, waiter, (void *)(1L << i));
}

static void join(pthread_t *t)
{
	for (int i = 0; i < WAITERS; i++)
		pthread_join(t[i], NULL);
}

/* Wakes until `want` were; the waiters need time to get there. */
static long wake_all(int *addr, int op, int want, unsigned int bits)
{
	long n = 0;

	while (n < want) {
		n += syscall(SYS_futex, addr, op | PRIVATE, want, NULL, NULL,
			     bits);
		t_sleep_ms(1);
	}
	return n;
}

static void wakes(void)
{
	pthread_t t[WAITERS];

	start(t);
	T_EQ("wake one by its bit", wake_all(&word, FUTEX_WAKE_BITSET, 1, 4),
	     1);
	pthread_join(t[2], NULL);
	T_EQ("just that one", __atomic_load_n(&woken, __ATOMIC_SEQ_CST), 1);
	T_EQ("wake the rest", wake_all(&word, FUTEX_WAKE, 3, ~0U), 3);
	t[2] = t[3];
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	T_EQ("all of them", woken, WAITERS);
}

static void requeue(void)
{
	pthread_t t[WAITERS];
	long n = 0;

	start(t);
	T_ERR("requeue: the value is another", syscall(SYS_futex, &word,
	      FUTEX_CMP_REQUEUE | PRIVATE, 0, 10, &other, 1), EAGAIN);
	while (n < WAITERS) {
		n += syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE | PRIVATE, 0,
			     10, &other, 0);
		t_sleep_ms(1);
	}
	T_EQ("requeue all", n, WAITERS);
	T_EQ("none waits at the old place", futex(&word, FUTEX_WAKE | PRIVATE,
						  10, NULL), 0);
	T_EQ("all at the new one", futex(&other, FUTEX_WAKE | PRIVATE, 10,
					 NULL), WAITERS);
	join(t);
}

static void processes(void)
{
	int *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, rounds = 200;
	pid_t pid = fork();

	/* A ball: odd is the child's, even ours. */
	for (int i = 0; i < rounds; i++) {
		int mine = 2 * i + !pid, seen;

		while ((seen = __atomic_load_n(shared, __ATOMIC_SEQ_CST)) !=
		       mine)
			futex(shared, FUTEX_WAIT, seen, NULL);
		__atomic_store_n(shared, mine + 1, __ATOMIC_SEQ_CST);
		futex(shared, FUTEX_WAKE, 1, NULL);
	}
	if (!pid)
		_exit(0);
	waitpid(pid, &status, 0);
	T_OK("two processes over shared memory", !status &&
	     *shared == 2 * rounds);
	munmap(shared, PAGE);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void *interrupt(void *arg)
{
	t_sleep_ms(30);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

static void interrupted(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	pthread_t self = pthread_self(), t;

	sigaction(SIGUSR1, &sa, NULL);
	word = 1;
	pthread_create(&t, NULL, interrupt, &self);
	T_ERR("a signal ends the wait", futex(&word, FUTEX_WAIT, 1, NULL),
	      EINTR);
	pthread_join(t, NULL);
}

int main(void)
{
	simple();
	wakes();
	requeue();
	processes();
	interrupted();
	return t_done();
}
