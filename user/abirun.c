/* SPDX-License-Identifier: MIT */
/*
 * Runs every program of a folder under a time limit and tells what became of
 * each.  The same binary does it here and on the build host's Linux, so that
 * both give the programs the same surroundings: tools/abi.py compares.
 *
 *	abirun [-j JOBS] [-t SECONDS] FOLDER
 *
 * Each program has a session, a standard input that is at its end, and one
 * pipe for both outputs, of which the first OUTPUT_MAX bytes are kept.  On
 * standard output, one line a write, so that nothing mixes:
 *
 *	@start NAME
 *	@out NAME TEXT		up to 60 bytes of output, others than printable
 *				ASCII (and '%') as %XX
 *	@end NAME WHAT N	"exit", "signal", or "time" and the limit
 *	@done
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX	16
#define OUTPUT_MAX	16384
#define CHUNK		60

struct job {
	const char *name;		/* NULL: free */
	pid_t pid;			/* 0: ended, status is its end */
	int status;
	int fd;				/* -1: all output is here */
	int late;
	long long deadline;		/* ms; of the output once it ended */
	size_t len;
	char out[OUTPUT_MAX];
};

static struct job jobs[JOBS_MAX];
static int nr_jobs = 1, limit = 10;
static const char *folder;

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void say(const char *line)
{
	size_t len = strlen(line);

	if (write(1, line, len) != (ssize_t)len)
		_exit(2);
}

static _Noreturn void child(const char *name, int out)
{
	char path[512], *argv[] = { path, NULL };
	char *envp[] = { "PATH=/bin", "HOME=/", NULL };
	int in[2];

	setsid();
	if (pipe(in))
		_exit(126);
	close(in[1]);
	dup2(in[0], 0);
	dup2(out, 1);
	dup2(out, 2);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	if (chdir("/"))
		_exit(126);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	execve(path, argv, envp);
	_exit(127);
}

static void start(struct job *j, const char *name)
{
	char line[300];
	int fd[2];

	snprintf(line, sizeof(line), "@start %s\n", name);
	say(line);
	if (pipe2(fd, O_CLOEXEC)) {
		perror("abirun: pipe");
		exit(2);
	}
	j->pid = fork();
	if (j->pid < 0) {
		perror("abirun: fork");
		exit(2);
	}
	if (!j->pid)
		child(name, fd[1]);
	close(fd[1]);
	j->name = name;
	j->fd = fd[0];
	j->len = 0;
	j->late = 0;
	j->deadline = now_ms() + limit * 1000LL;
}

static void say_output(const struct job *j)
{
	char line[300 + 3 * CHUNK];
	int n = 0, used = 0;

	for (size_t i = 0; i < j->len; i++) {
		unsigned char c = (unsigned char)j->out[i];

		if (!n)
			used = snprintf(line, 300, "@out %s ", j->name);
		if (c < 32 || c > 126 || c == '%')
			used += sprintf(line + used, "%%%02X", c);
		else
			line[used++] = (char)c;
		if (++n < CHUNK && i + 1 < j->len)
			continue;
		strcpy(line + used, "\n");
		say(line);
		n = 0;
	}
}

static void finish(struct job *j)
{
	char line[300];
	int st = j->status;

	if (j->fd >= 0)
		close(j->fd);
	say_output(j);
	if (j->late)
		snprintf(line, sizeof(line), "@end %s time %d\n", j->name,
			 limit);
	else if (WIFSIGNALED(st))
		snprintf(line, sizeof(line), "@end %s signal %d\n", j->name,
			 WTERMSIG(st));
	else
		snprintf(line, sizeof(line), "@end %s exit %d\n", j->name,
			 WEXITSTATUS(st));
	say(line);
	j->name = NULL;
}

static void read_output(struct job *j)
{
	char rest[4096];
	ssize_t n;

	if (j->len < OUTPUT_MAX)
		n = read(j->fd, j->out + j->len, OUTPUT_MAX - j->len);
	else
		n = read(j->fd, rest, sizeof(rest));
	if (n > 0 && j->len < OUTPUT_MAX) {
		j->len += (size_t)n;
	} else if (n <= 0 && errno != EINTR) {
		close(j->fd);
		j->fd = -1;
	}
}

/* Whoever has ended; others' children are reaped as well (we may be pid 1). */
static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < nr_jobs; i++) {
			struct job *j = &jobs[i];

			if (!j->name || j->pid != pid)
				continue;
			j->pid = 0;
			j->status = status;
			kill(-pid, SIGKILL);	/* what it left behind */
			j->deadline = now_ms() + 200;
		}
	}
}

static void check_time(struct job *j)
{
	if (now_ms() < j->deadline)
		return;
	if (j->pid) {
		j->late = 1;
		kill(-j->pid, SIGKILL);
		kill(j->pid, SIGKILL);
		j->deadline = now_ms() + 1000000;
	} else if (j->fd >= 0) {	/* somebody else holds its output */
		close(j->fd);
		j->fd = -1;
	}
}

static void wait_some(void)
{
	struct pollfd p[JOBS_MAX];
	int n = 0;

	for (int i = 0; i < nr_jobs; i++) {
		if (jobs[i].name && jobs[i].fd >= 0) {
			p[n].fd = jobs[i].fd;
			p[n++].events = POLLIN;
		}
	}
	poll(p, (nfds_t)n, 20);
	for (int i = 0, k = 0; i < nr_jobs; i++) {
		if (!jobs[i].name || jobs[i].fd < 0)
			continue;
		if (p[k++].revents)
			read_output(&jobs[i]);
	}
	reap();
}

static int wanted(const struct dirent *de)
{
	return de->d_name[0] != '.';
}

/* Starts what there is room for.  How many run. */
static int fill(struct dirent **list, int n, int *next)
{
	int busy = 0;

	for (int i = 0; i < nr_jobs; i++) {
		struct job *j = &jobs[i];

		if (j->name && !j->pid && j->fd < 0)
			finish(j);
		if (j->name)
			check_time(j);
		if (!j->name && *next < n)
			start(j, list[(*next)++]->d_name);
		busy += j->name != NULL;
	}
	return busy;
}

int main(int argc, char **argv)
{
	struct dirent **list;
	int opt, n, next = 0;

	while ((opt = getopt(argc, argv, "j:t:")) != -1) {
		if (opt == 'j')
			nr_jobs = atoi(optarg);
		else if (opt == 't')
			limit = atoi(optarg);
		else
			return 2;
	}
	if (optind != argc - 1 || nr_jobs < 1 || nr_jobs > JOBS_MAX ||
	    limit < 1) {
		fprintf(stderr, "usage: abirun [-j JOBS] [-t SECONDS] FOLDER\n");
		return 2;
	}
	folder = argv[optind];
	n = scandir(folder, &list, wanted, alphasort);
	if (n < 0) {
		fprintf(stderr, "abirun: %s: %s\n", folder, strerror(errno));
		return 2;
	}
	while (fill(list, n, &next))
		wait_some();
	say("@done\n");
	return 0;
}
