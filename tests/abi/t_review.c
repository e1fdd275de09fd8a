/* SPDX-License-Identifier: MIT */
/*
 * Bugs that a review of system calls found, one check or more each: see
 * docs/races.md.
 */
#include "t.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define FUTEX_WAIT	0
#define FUTEX_WAKE	1
#define FUTEX_REQUEUE	3

/* The status of pid once it ends; -1 after ten seconds. */
static int end_of(pid_t pid)
{
	int status;

	for (int i = 0; i < 1000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		t_sleep_ms(10);
	}
	return -1;
}

/* A large write's last part waits for the reader, and dies like any sleep. */
static void pipe_tail(void)
{
	static char buf[65536 + 4096];
	int fd[2];
	pid_t pid;

	if (pipe(fd))
		return;
	pid = fork();
	if (!pid)
		_exit(write(fd[1], buf, sizeof(buf)) == (long)sizeof(buf));
	t_sleep_ms(100);
	T_EQ("a little is read", read(fd[0], buf, 100), 100);
	t_sleep_ms(100);
	kill(pid, SIGKILL);
	T_EQ("a writer with a short rest is killed", end_of(pid), SIGKILL);
	close(fd[0]);
	close(fd[1]);
}

/* What is there comes at once, whatever room is left in the vector. */
static void pipe_readv(void)
{
	char a[4], b[4];
	struct iovec iov[2] = { { a, 4 }, { b, 4 } };
	int fd[2];

	if (pipe(fd))
		return;
	alarm(10);
	T_EQ("four bytes in", write(fd[1], "abcd", 4), 4);
	T_EQ("readv gives them", readv(fd[0], iov, 2), 4);
	alarm(0);
	close(fd[0]);
	close(fd[1]);
}

static void segv_while_pending(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGSEGV);
	*(volatile char *)t_map(PAGE, PROT_NONE) = 1;
}

static void pending_fault(void)
{
	pid_t pid = fork();

	if (!pid) {
		segv_while_pending();
		_exit(0);
	}
	T_EQ("a fault kills though its signal is pending already",
	     end_of(pid), SIGSEGV);
	kill(pid, SIGKILL);
}

/* SIGSTOP for a thread does not come before SIGKILL for its process. */
static void kill_then_stop(void)
{
	cpu_set_t one;
	int bad = 0;
	pid_t pid;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (int i = 0; i < 20; i++) {
		pid = fork();
		if (!pid) {
			sched_setaffinity(0, sizeof(one), &one);
			for (;;)
				;
		}
		t_sleep_ms(10);
		kill(pid, SIGKILL);
		syscall(SYS_tgkill, pid, pid, SIGSTOP);
		bad += end_of(pid) != SIGKILL;
	}
	T_EQ("SIGKILL wins against a later SIGSTOP", bad, 0);
}

static int word;

static void *wait_on_word(void *arg)
{
	(void)arg;
	syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
	return NULL;
}

/* To its own queue: each waiter counts once. */
static void requeue_to_itself(void)
{
	pthread_t t[3];
	time_t begin;

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, wait_on_word, NULL);
	t_sleep_ms(200);
	begin = time(NULL);
	T_EQ("requeue to the same word", syscall(SYS_futex, &word,
	     FUTEX_REQUEUE, 0, INT_MAX, &word, 0), 3);
	T_OK("and it does not take long", time(NULL) - begin < 3);
	T_EQ("all are woken", syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX,
				      NULL, NULL, 0), 3);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

static void odd_clones(void)
{
	unsigned long far_away = 1UL << 63;
	pid_t pid;

	T_ERR("a thread area outside of user space", syscall(SYS_clone,
	      CLONE_SETTLS | SIGCHLD, 0, NULL, NULL, far_away), EPERM);
	pid = (pid_t)syscall(SYS_clone, 0xffUL, 0, NULL, NULL, 0);
	if (!pid)
		syscall(SYS_exit_group, 3);
	T_EQ("an end that no signal can tell", waitpid(pid, NULL, __WALL), pid);
}

/* A directory may be removed and left while others look at it. */
static volatile int stop;

static void *look_at_cwd(void *arg)
{
	while (!stop)
		close(open("/proc/self/cwd", O_RDONLY));
	return arg;
}

static void vanishing_cwd(void)
{
	pthread_t t;
	int bad = 0;

	pthread_create(&t, NULL, look_at_cwd, NULL);
	for (int i = 0; i < 200; i++) {
		bad += mkdir("/tmp/t_review", 0700) != 0;
		bad += chdir("/tmp/t_review") != 0;
		bad += rmdir("/tmp/t_review") != 0;
		bad += chdir("/tmp") != 0;
	}
	stop = 1;
	pthread_join(t, NULL);
	T_EQ("a removed working directory is left", bad, 0);
	T_OK("a link of the kernel cannot be renamed through",
	     mkdir("/tmp/t_review", 0700) == 0 &&
	     chdir("/tmp/t_review") == 0 &&
	     rename("/proc/self/cwd/", "/tmp/t_other") == -1);
	T_OK("the directory is where it was", chdir("/") == 0 &&
	     rmdir("/tmp/t_review") == 0);
}

/* dup2 replaces: no moment at which the number is free. */
static void *open_and_check(void *arg)
{
	int *seen = arg, fd;

	while (!stop) {
		fd = open("/dev/null", O_RDONLY);
		*seen += fd == 50;
		close(fd);
	}
	return NULL;
}

static void dup_over(void)
{
	int seen = 0, low;
	pthread_t t;

	stop = 0;
	while ((low = dup(0)) >= 0 && low < 60)
		;
	close(60);
	pthread_create(&t, NULL, open_and_check, &seen);
	for (int i = 0; i < 20000; i++)
		dup2(i & 1, 50);
	stop = 1;
	pthread_join(t, NULL);
	for (int fd = 3; fd < 61; fd++)
		close(fd);
	T_EQ("dup2 never frees the number", seen, 0);
}

static void huge_offsets(void)
{
	int fd = open("/tmp/t_review_f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char c = 'x';

	T_ERR("a write past the last offset", pwrite(fd, &c, 1, LLONG_MAX),
	      EINVAL);
	T_ERR("a read past the last offset", pread(fd, &c, 1, LLONG_MAX),
	      EINVAL);
	T_EQ("seek far", lseek(fd, 4096, SEEK_SET), 4096);
	T_ERR("seek past the last offset", lseek(fd, LLONG_MAX, SEEK_CUR),
	      EINVAL);
	close(fd);
	unlink("/tmp/t_review_f");
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	pipe_tail();
	pipe_readv();
	pending_fault();
	kill_then_stop();
	requeue_to_itself();
	odd_clones();
	vanishing_cwd();
	dup_over();
	huge_offsets();
	return t_done();
}
