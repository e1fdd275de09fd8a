/* SPDX-License-Identifier: MIT */
/* Clocks, sleeping, timers, and what a program can ask about the machine. */
#include "t.h"
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>

static long long now_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		return -1;
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void clocks(void)
{
	long long last = now_ns(CLOCK_MONOTONIC), next;
	struct timespec ts;
	struct timeval tv;
	int good = 1;

	for (int i = 0; i < 1000; i++) {
		next = now_ns(CLOCK_MONOTONIC);
		good &= next >= last;
		last = next;
	}
	T_OK("CLOCK_MONOTONIC never goes back", good && last > 0);
	T_OK("CLOCK_REALTIME is after 2020", now_ns(CLOCK_REALTIME) >
	     1577836800LL * 1000000000);
	T_OK("CLOCK_PROCESS_CPUTIME_ID",
	     now_ns(CLOCK_PROCESS_CPUTIME_ID) >= 0);
	T_OK("CLOCK_THREAD_CPUTIME_ID", now_ns(CLOCK_THREAD_CPUTIME_ID) >= 0);
	T_OK("CLOCK_BOOTTIME", now_ns(CLOCK_BOOTTIME) > 0);
	T_ERR("no such clock", syscall(SYS_clock_gettime, 99, &ts), EINVAL);
	T_EQ("clock_getres", clock_getres(CLOCK_MONOTONIC, &ts), 0);
	T_OK("is above 0", ts.tv_sec > 0 || ts.tv_nsec > 0);
	T_EQ("gettimeofday", syscall(SYS_gettimeofday, &tv, NULL), 0);
	T_OK("agrees with time", labs(tv.tv_sec - syscall(SYS_time, NULL)) < 3);
}

static void sleeping(void)
{
	long long start = now_ns(CLOCK_MONOTONIC), end;
	struct timespec ts = { 0, 20000000 }, bad = { 0, -1 };

	T_EQ("nanosleep", nanosleep(&ts, NULL), 0);
	T_OK("sleeps long enough", now_ns(CLOCK_MONOTONIC) - start >= 20000000);
	T_ERR("a bad time", nanosleep(&bad, NULL), EINVAL);
	end = now_ns(CLOCK_MONOTONIC) + 20000000;
	ts.tv_sec = end / 1000000000;
	ts.tv_nsec = end % 1000000000;
	T_EQ("clock_nanosleep until", clock_nanosleep(CLOCK_MONOTONIC,
						      TIMER_ABSTIME, &ts, NULL), 0);
	T_OK("is then", now_ns(CLOCK_MONOTONIC) >= end);
	T_EQ("a time that is over", clock_nanosleep(CLOCK_MONOTONIC,
						    TIMER_ABSTIME, &ts, NULL), 0);
	T_EQ("no such clock", clock_nanosleep(77, 0, &ts, NULL), EINVAL);
}

static volatile int alarms;

static void on_alarm(int sig)
{
	alarms += sig == SIGALRM;
}

static void timers(void)
{
	struct itimerval it = { { 0, 10000 }, { 0, 10000 } }, old;

	signal(SIGALRM, on_alarm);
	T_EQ("setitimer", setitimer(ITIMER_REAL, &it, NULL), 0);
	while (alarms < 3)
		pause();
	T_OK("comes again and again", alarms >= 3);
	memset(&it, 0, sizeof(it));
	T_EQ("off", setitimer(ITIMER_REAL, &it, &old), 0);
	T_EQ("what it was", old.it_interval.tv_usec, 10000);
	T_EQ("getitimer", getitimer(ITIMER_REAL, &it), 0);
	T_EQ("is off", it.it_value.tv_sec + it.it_value.tv_usec, 0);
	T_EQ("alarm", syscall(SYS_alarm, 100), 0);
	T_OK("gives what is left", syscall(SYS_alarm, 0) >= 99);
	T_ERR("no such timer", getitimer(9, &it), EINVAL);
}

static void limits(void)
{
	struct rlimit r;

	T_EQ("getrlimit", getrlimit(RLIMIT_NOFILE, &r), 0);
	T_OK("at least 64 files", r.rlim_cur >= 64 && r.rlim_max >= r.rlim_cur);
	r.rlim_cur = 32;
	T_EQ("setrlimit", setrlimit(RLIMIT_NOFILE, &r), 0);
	T_ERR("is obeyed", dup2(1, 32), EBADF);
	r.rlim_cur = 64;
	r.rlim_max = 32;
	T_ERR("more than the most", setrlimit(RLIMIT_NOFILE, &r), EINVAL);
	T_ERR("no such limit", getrlimit(99, &r), EINVAL);
	T_EQ("prlimit64 of ourselves", prlimit(getpid(), RLIMIT_STACK, NULL,
					       &r), 0);
}

static void machine(void)
{
	struct utsname u;
	struct sysinfo si;
	struct rusage ru;
	struct tms tms;
	unsigned char a[32], b[32];

	T_EQ("uname", uname(&u), 0);
	T_OK("an x86_64", !strcmp(u.machine, "x86_64") && u.sysname[0] &&
	     u.release[0] && u.version[0]);
	T_EQ("sysinfo", sysinfo(&si), 0);
	T_OK("has memory", si.totalram > si.freeram && si.freeram > 0 &&
	     si.mem_unit > 0 && si.procs > 0);
	T_EQ("getrusage", getrusage(RUSAGE_SELF, &ru), 0);
	T_ERR("of whom", getrusage(7, &ru), EINVAL);
	T_OK("times", times(&tms) != (clock_t)-1);
	T_EQ("getrandom", getrandom(a, 32, 0), 32);
	T_EQ("again", getrandom(b, 32, 0), 32);
	T_OK("differs", memcmp(a, b, 32));
	T_ERR("getrandom: bad flags", getrandom(a, 32, 0x80), EINVAL);
	T_ERR("no such call", syscall(999), ENOSYS);
	T_ERR("nor this", syscall(-1), ENOSYS);
}

int main(void)
{
	clocks();
	sleeping();
	timers();
	limits();
	machine();
	return t_done();
}
