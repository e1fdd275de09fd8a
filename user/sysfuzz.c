/* SPDX-License-Identifier: MIT */
/*
 * System calls with arguments made to hurt: numbers of the table, pointers that
 * are wild, in the kernel, at the last byte, read-only or good, lengths around
 * pages and the ends of the range, descriptors that are open, closed or
 * impossible, flags of one bit or all.  Each child makes CALLS calls and dies
 * or not; nothing may come of it but that.
 *
 *	sysfuzz [CALLS [SEED]]		prints each child's seed
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drivers/shadow/uapi.h"

#define PER_CHILD	500
#define WORKERS		4	/* children at a time */
#define AREA		(16 * 4096UL)

static uint64_t state;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dULL;
}

static uint64_t below(uint64_t n)
{
	return rnd() % n;
}

/*
 * Not these: they end or stop the child for good, wait for what never comes, or
 * leave it (fork, kill of others); and what would fill memory is limited.
 */
static int unwanted(long nr)
{
	static const short list[] = {
		SYS_exit, SYS_exit_group, SYS_pause, SYS_rt_sigsuspend,
		SYS_fork, SYS_vfork, SYS_clone, SYS_clone3, SYS_kill,
		SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo,
		SYS_rt_tgsigqueueinfo, SYS_rt_sigreturn, SYS_sync,
	};

	for (unsigned int i = 0; i < sizeof(list) / sizeof(*list); i++) {
		if (list[i] == nr)
			return 1;
	}
	return 0;
}

static long number(void)
{
	long nr;

	if (!below(50))
		return (long)rnd();			/* unknown */
	do {
		nr = (long)below(460);
	} while (unwanted(nr));
	return nr;
}

static char *good, *readonly;

static uint64_t pointer(void)
{
	switch (below(12)) {
	case 0:
		return 0;
	case 1:
		return 1 + below(4096);
	case 2:
		return 0xffff800000000000ULL + (rnd() & 0xffffffffff);
	case 3:
		return 0x7ffffffff000ULL + below(8192) - 4096;
	case 4:
		return 0x8000000000000000ULL | rnd();	/* not canonical */
	case 5:
		return (uint64_t)readonly + below(4096);
	case 6:
		return (uint64_t)good + AREA - below(64);	/* straddles */
	case 7:
		return (uint64_t)good + (below(16) << 12);
	default:
		return (uint64_t)good + (below(AREA) & ~7ULL);
	}
}

static uint64_t length(void)
{
	static const uint64_t edges[] = {
		0, 1, 7, 8, 16, 24, 32, 64, 128, 4095, 4096, 4097, 65536,
		0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, ~0ULL,
		~0ULL << 12,
	};

	return below(3) ? edges[below(sizeof(edges) / sizeof(*edges))] :
	       below(1 << below(20));
}

static uint64_t descriptor(void)
{
	switch (below(6)) {
	case 0:
		return ~0ULL;
	case 1:
		return 0x7fffffff - below(3);
	case 2:
		return (uint64_t)-100;			/* AT_FDCWD */
	default:
		return 3 + below(16);
	}
}

static uint64_t argument(void)
{
	switch (below(6)) {
	case 0:
	case 1:
		return pointer();
	case 2:
		return length();
	case 3:
		return descriptor();
	case 4:
		return 1ULL << below(64);
	default:
		return below(32);
	}
}

/* Things worth pointing at: paths, vectors, structures, or noise. */
static void fill(void)
{
	static const char *const paths[] = {
		"/tmp", "/tmp/fuzz", "/proc/self/maps", "/proc/self/fd",
		"/dev/null", "/dev/zero", "", ".", "..", "/bin/hello",
		"/proc/self/pagemap", "nothing", "/tmp/fuzz/a/b",
	};
	uint64_t *w = (uint64_t *)(good + (below(AREA) & ~7ULL & (AREA - 512)));

	if (below(2)) {
		strcpy((char *)w, paths[below(sizeof(paths) / sizeof(*paths))]);
		return;
	}
	for (int i = 0; i < 8; i++)
		w[i] = argument();
}

static void nothing(int sig)
{
	(void)sig;
}

static void prepare(void)
{
	struct rlimit as = { 64 << 20, 64 << 20 }, files = { 64, 64 };
	struct sigaction sa = { .sa_handler = nothing };
	int fds[2];

	good = mmap(NULL, AREA, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
	setrlimit(RLIMIT_AS, &as);
	setrlimit(RLIMIT_NOFILE, &files);
	for (int fd = 0; fd < 3; fd++)		/* not the console's */
		close(fd);
	open("/dev/null", O_RDWR);
	open("/dev/null", O_RDWR);
	open("/dev/null", O_RDWR);
	open("/tmp/fuzz.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	open("/proc/self/stat", O_RDONLY);
	open("/proc", O_RDONLY | O_DIRECTORY);
	open("/dev/zero", O_RDWR);
	pipe2(fds, O_NONBLOCK);
	open("/dev/shadow-kvm", O_RDWR);	/* not there on Linux */
	open("/dev/shadow-gru", O_RDWR);
	open("/dev/shadow-sva", O_RDWR);
	open("/dev/shadow-xpmem", O_RDWR);
	open("/dev/shadow-xpmem", O_RDWR);
	sigaction(SIGALRM, &sa, NULL);
}

/* A command of a secondary MMU's, or nearly one. */
static long device_command(uint64_t *a)
{
	a[0] = descriptor();
	a[1] = below(4) << 30 | below(64) << 16 | 'S' << 8 | below(10);
	if (below(4)) {
		static const uint64_t real[] = {
			SHADOW_ATTACH, SHADOW_RUN, SHADOW_STATS, SHADOW_EXPORT,
			SHADOW_IMPORT, SHADOW_SLOT, SHADOW_DIRTY,
		};

		a[1] = real[below(sizeof(real) / sizeof(*real))];
	}
	a[2] = pointer();
	return SYS_ioctl;
}

static void child(int calls)
{
	uint64_t a[6];
	long nr;

	prepare();
	for (int i = 0; i < calls; i++) {
		fill();
		nr = number();
		for (int k = 0; k < 6; k++)
			a[k] = argument();
		if (!below(20))
			nr = device_command(a);
		/* What waits is woken by the tick after next. */
		ualarm(20000, 20000);
		syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	_exit(0);
}

/* One after the other, with seeds of its own. */
static void worker(long calls, uint64_t seed)
{
	int ended = 0, killed = 0, late = 0, status;
	long done = 0;

	for (; done < calls; done += PER_CHILD, seed++) {
		struct timespec nap = { 0, 10000000 };
		int ticks = 0;
		pid_t pid;

		printf("seed %llu\n", (unsigned long long)seed);
		fflush(stdout);
		pid = fork();
		if (!pid) {
			setsid();
			state = seed * 0x9e3779b97f4a7c15ULL | 1;
			child(PER_CHILD);
		}
		while (waitpid(pid, &status, WNOHANG) != pid) {
			nanosleep(&nap, NULL);
			if (++ticks == 300) {		/* 3 s: it waits */
				kill(pid, SIGKILL);
				late++;
			}
		}
		if (WIFEXITED(status))
			ended++;
		else
			killed++;
	}
	printf("sysfuzz: %ld calls, %d children ended, %d were killed, "
	       "%d of them for time\n", done, ended, killed, late);
}

int main(int argc, char **argv)
{
	long total = argc > 1 ? atol(argv[1]) : 20000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;

	for (int i = 0; i < WORKERS; i++) {
		if (fork())
			continue;
		worker(total / WORKERS, seed + (uint64_t)i * 1000000);
		return 0;
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
