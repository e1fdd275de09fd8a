/* SPDX-License-Identifier: MIT */
/* clone as pthreads use it: threads, mutexes, conditions, thread-local data. */
#include "t.h"
#include <pthread.h>
#include <sched.h>

#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define THREADS 8
#define ADDS	2000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static __thread int local = 11;
static long counter;
static int turn, wrong;

static void *adder(void *arg)
{
	long id = (long)arg;

	wrong |= local != 11;
	local = (int)id;
	for (int i = 0; i < ADDS; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
		if (i % 500 == 0)
			sched_yield();
	}
	wrong |= local != (int)id;
	return (void *)(id * 3);
}

static void mutexes(void)
{
	pthread_t t[THREADS];
	long sum = 0;
	void *ret;

	for (long i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, adder, (void *)i);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &ret);
		sum += (long)ret;
	}
	T_EQ("no addition is lost", counter, THREADS * ADDS);
	T_EQ("each thread's result", sum, 3 * THREADS * (THREADS - 1) / 2);
	T_EQ("thread-local data is each thread's own", wrong, 0);
	T_EQ("and ours is as it was", local, 11);
}

static void *player(void *arg)
{
	int me = (int)(long)arg;

	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&mutex);
		while (turn != me)
			pthread_cond_wait(&cond, &mutex);
		turn = !me;
		counter++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void conditions(void)
{
	pthread_t t[2];

	counter = 0;
	for (long i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, player, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	T_EQ("two threads take turns", counter, 400);
}

static void *identify(void *arg)
{
	long *out = arg;

	out[0] = getpid();
	out[1] = syscall(SYS_gettid);
	return NULL;
}

static void identity(void)
{
	long got[2];
	pthread_t t;

	pthread_create(&t, NULL, identify, got);
	pthread_join(t, NULL);
	T_EQ("a thread has its process's pid", got[0], getpid());
	T_OK("and a tid of its own", got[1] != getpid() && got[1] > 0);
}

static void *mapper(void *arg)
{
	char *p = t_map(16 * PAGE, PROT_READ | PROT_WRITE);

	memset(p, 0x5a, 16 * PAGE);
	*(char **)arg = p;
	return NULL;
}

static void shared_memory(void)
{
	char *p = NULL;
	pthread_t t;

	pthread_create(&t, NULL, mapper, &p);
	pthread_join(t, NULL);
	T_OK("what a thread maps is everybody's", p && p[0] == 0x5a &&
	     p[16 * PAGE - 1] == 0x5a);
	munmap(p, 16 * PAGE);
}

static void *leave(void *arg)
{
	(void)arg;
	t_sleep_ms(10);
	exit(5);
}

static void thread_ends_all(void)
{
	pthread_t t;

	pthread_create(&t, NULL, leave, NULL);
	for (;;)
		pause();
}

static void *outlive(void *arg)
{
	(void)arg;
	t_sleep_ms(20);
	_exit(6);
}

static void leader_leaves_first(void)
{
	pthread_t t;

	pthread_create(&t, NULL, outlive, NULL);
	syscall(SYS_exit, 1);
}

static void endings(void)
{
	int status = t_in_child(thread_ends_all);

	T_EQ("exit in a thread ends the process", WEXITSTATUS(status), 5);
	status = t_in_child(leader_leaves_first);
	T_EQ("the others go on without the leader", WEXITSTATUS(status), 6);
}

static void raw_calls(void)
{
	unsigned long fs = 0, mask[16] = { 0 };
	unsigned int robust[6] = { 0 };

	T_EQ("ARCH_GET_FS", syscall(SYS_arch_prctl, ARCH_GET_FS, &fs), 0);
	T_OK("the thread pointer points at itself",
	     *(unsigned long *)fs == fs);
	T_ERR("ARCH_SET_FS to a kernel address",
	      syscall(SYS_arch_prctl, ARCH_SET_FS, 0xffff800000000000UL), EPERM);
	T_ERR("arch_prctl with an unknown code",
	      syscall(SYS_arch_prctl, 0x9999, 0), EINVAL);
	T_EQ("set_tid_address gives the tid",
	     syscall(SYS_set_tid_address, robust), syscall(SYS_gettid));
	T_ERR("set_robust_list with a wrong size",
	      syscall(SYS_set_robust_list, robust, 5), EINVAL);
	T_EQ("set_robust_list", syscall(SYS_set_robust_list, robust, 24), 0);
	T_OK("sched_getaffinity", syscall(SYS_sched_getaffinity, 0,
					  sizeof(mask), mask) > 0 && mask[0]);
	T_EQ("sched_yield", sched_yield(), 0);
	T_ERR("CLONE_THREAD without CLONE_SIGHAND",
	      syscall(SYS_clone, CLONE_THREAD | CLONE_VM, 0, 0, 0, 0), EINVAL);
	T_ERR("CLONE_SIGHAND without CLONE_VM",
	      syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0), EINVAL);
}

int main(void)
{
	mutexes();
	conditions();
	identity();
	shared_memory();
	endings();
	raw_calls();
	fflush(stdout);
	_exit(t_done());
}
