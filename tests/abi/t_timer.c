/* SPDX-License-Identifier: MIT */
/* POSIX timers, the interval timers of CPU time, CPU clocks. */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "tests/abi/t.h"

#define MS	1000000L

static volatile sig_atomic_t hits, last_code, last_value, most_overruns;
static timer_t counted;

static void on_signal(int sig, siginfo_t *info, void *uc)
{
	int n;

	(void)uc;
	hits++;
	if (counted && sig == SIGRTMIN + 1) {
		n = timer_getoverrun(counted);
		if (n > most_overruns)
			most_overruns = n;
	}
	last_code = info->si_code;
	last_value = info->si_value.sival_int;
}

static void catch_signal(int sig)
{
	struct sigaction sa = { .sa_sigaction = on_signal,
				.sa_flags = SA_SIGINFO | SA_RESTART };

	sigaction(sig, &sa, NULL);
}

static long arm(timer_t id, long first, long again, int flags)
{
	struct itimerspec its = { { again / 1000, again % 1000 * MS },
				  { first / 1000, first % 1000 * MS } };

	return timer_settime(id, flags, &its, NULL);
}

static void wait_hits(int n)
{
	for (int i = 0; i < 500 && hits < n; i++)
		t_sleep_ms(10);
}

static timer_t make(clockid_t clock, int signo, int value)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = signo };
	timer_t id = NULL;

	ev.sigev_value.sival_int = value;
	T_EQ("timer_create", timer_create(clock, &ev, &id), 0);
	return id;
}

static void once(void)
{
	timer_t id = make(CLOCK_MONOTONIC, SIGUSR1, 42);
	struct itimerspec its;

	T_EQ("not armed", timer_gettime(id, &its), 0);
	T_OK("nothing left", !its.it_value.tv_sec && !its.it_value.tv_nsec);
	T_EQ("armed", arm(id, 100000, 0, 0), 0);
	T_EQ("what is left", timer_gettime(id, &its), 0);
	T_OK("about that", its.it_value.tv_sec > 90 && its.it_value.tv_sec <= 100);
	hits = 0;
	T_EQ("armed again", arm(id, 30, 0, 0), 0);
	wait_hits(1);
	T_EQ("fired", hits, 1);
	T_EQ("as a timer", last_code, SI_TIMER);
	T_EQ("with its value", last_value, 42);
	t_sleep_ms(50);
	T_EQ("once", hits, 1);
	T_EQ("no overrun", timer_getoverrun(id), 0);
	T_EQ("a time that is past", arm(id, 1, 0, TIMER_ABSTIME), 0);
	wait_hits(2);
	T_EQ("fires at once", hits, 2);
	T_EQ("armed", arm(id, 60, 0, 0), 0);
	T_EQ("and stopped", arm(id, 0, 0, 0), 0);
	t_sleep_ms(100);
	T_EQ("stays silent", hits, 2);
	T_EQ("deleted", timer_delete(id), 0);
	T_ERR("deleted twice", syscall(SYS_timer_delete, (int)(long)id), EINVAL);
	T_ERR("armed after that", arm(id, 10, 0, 0), EINVAL);
}

static void overruns(void)
{
	timer_t id = make(CLOCK_REALTIME, SIGRTMIN + 1, 7);
	sigset_t set;

	counted = id;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	hits = 0;
	T_EQ("every 20 ms", arm(id, 20, 20, 0), 0);
	t_sleep_ms(300);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	T_OK("delivered", hits >= 1);
	T_EQ("stopped", arm(id, 0, 0, 0), 0);
	T_EQ("that forgets them", timer_getoverrun(id), 0);
	T_OK("overruns were counted", most_overruns >= 8);
	T_EQ("deleted", timer_delete(id), 0);
}

static void errors(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = 99 };
	struct itimerspec its = { { 0, 0 }, { 0, 1000000000 } };
	struct timespec ts = { 0, -1 };
	timer_t id;

	T_ERR("signal 99", timer_create(CLOCK_REALTIME, &ev, &id), EINVAL);
	ev.sigev_notify = 77;
	T_ERR("notify how?", timer_create(CLOCK_REALTIME, &ev, &id), EINVAL);
	T_ERR("which clock?", timer_create(77, NULL, &id), EINVAL);
	ev.sigev_notify = SIGEV_NONE;
	T_EQ("SIGEV_NONE", timer_create(CLOCK_REALTIME, &ev, &id), 0);
	T_ERR("a second of nanoseconds", timer_settime(id, 0, &its, NULL), EINVAL);
	T_ERR("no time at all", timer_settime(id, 0, NULL, NULL), EINVAL);
	T_EQ("deleted", timer_delete(id), 0);
	T_ERR("setting the clock", clock_settime(CLOCK_MONOTONIC, &ts), EINVAL);
	T_ERR("bad time", clock_settime(CLOCK_REALTIME, &ts), EINVAL);
	ts.tv_nsec = 0;
	T_ERR("no privilege", clock_settime(CLOCK_REALTIME, &ts), EPERM);
}

static void burn(void)
{
	volatile unsigned long x = 0;

	for (long i = 0; i < 200000; i++)
		x += (unsigned long)i;
}

static void cpu_timers(void)
{
	struct itimerval tv = { { 0, 0 }, { 0, 30000 } };
	clockid_t clock;
	struct timespec a, b;
	timer_t id;

	catch_signal(SIGPROF);
	catch_signal(SIGVTALRM);
	hits = 0;
	T_EQ("ITIMER_PROF", setitimer(ITIMER_PROF, &tv, NULL), 0);
	while (!hits)
		burn();
	T_EQ("fired", hits, 1);
	T_EQ("ITIMER_VIRTUAL", setitimer(ITIMER_VIRTUAL, &tv, NULL), 0);
	while (hits < 2)
		burn();
	T_EQ("fired", hits, 2);
	T_EQ("nothing left", getitimer(ITIMER_VIRTUAL, &tv), 0);
	T_OK("it is 0", !tv.it_value.tv_sec && !tv.it_value.tv_usec);
	T_ERR("no fourth kind", getitimer(3, &tv), EINVAL);
	id = make(CLOCK_PROCESS_CPUTIME_ID, SIGUSR1, 5);
	T_EQ("30 ms of CPU time", arm(id, 30, 0, 0), 0);
	while (hits < 3)
		burn();
	T_EQ("fired", last_value, 5);
	T_EQ("deleted", timer_delete(id), 0);
	T_EQ("clock of this process", clock_getcpuclockid(0, &clock), 0);
	T_EQ("read", clock_gettime(clock, &a), 0);
	T_EQ("our own", clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b), 0);
	T_OK("the same", b.tv_sec - a.tv_sec <= 1);
	T_EQ("clock of this thread", pthread_getcpuclockid(pthread_self(),
							   &clock), 0);
	T_EQ("read", clock_gettime(clock, &a), 0);
}

static void not_inherited(void)
{
	struct itimerval tv;

	t_sleep_ms(60);
	T_EQ("a child has no timers", hits, 0);
	T_EQ("nor alarms", getitimer(ITIMER_REAL, &tv), 0);
	T_OK("none", !tv.it_value.tv_sec && !tv.it_value.tv_usec);
}

int main(void)
{
	timer_t id;

	catch_signal(SIGUSR1);
	catch_signal(SIGRTMIN + 1);
	once();
	overruns();
	errors();
	cpu_timers();
	id = make(CLOCK_MONOTONIC, SIGUSR1, 1);
	hits = 0;
	T_EQ("armed", arm(id, 20, 0, 0), 0);
	T_EQ("fork", t_in_child(not_inherited), 0);
	return t_done();
}
