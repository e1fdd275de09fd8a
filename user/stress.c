/* SPDX-License-Identifier: MIT */
/*
 * stress: random operations on memory, by threads of several processes, each
 * knowing what every byte must be.
 *
 *	stress [-s SEED] [-n OPERATIONS] [-p PROCESSES] [-t THREADS]
 *	       [-m PAGES] [-d FOLDER] [-D PAGES]
 *
 * Each thread owns an arena of PAGES pages at a fixed address and a file of
 * FILE_PAGES pages in FOLDER (unlinked at once). Its shadow says for each page
 * of the arena what is mapped there, with which rights, and the page's tag: a
 * page's 512 words follow from its tag (0: all zero). An operation changes
 * memory and shadow alike; what is read must be what the shadow says, and what
 * is not to be had must fault. A fork gives a child that checks the whole arena
 * as it was, writes to it and checks that, while the threads of the parent go
 * on. The first difference ends the program with status 1, the seed and the
 * number of the operation.
 *
 * -D: the first thread of each process has a second area of PAGES pages, whose
 * upper halves it leaves to devices (`hammer` of the shell). What it does there
 * keeps every byte, its own and theirs.
 *
 * The same program runs on Linux. OPERATIONS 0: without end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/stress.h"

unsigned long seed = 1, operations = 10000, arena_pages = 256, device_pages;
static unsigned long processes = 2, threads = 3;
static const char *folder = "/tmp";
static __thread sigjmp_buf *volatile on_fault;

static void fault_handler(int sig)
{
	if (!on_fault) {
		dprintf(1, "stress: signal %d where none was due\n", sig);
		_exit(1);
	}
	siglongjmp(*on_fault, 1);
}

int faults(volatile word *at, enum access how)
{
	sigjmp_buf here;
	int faulted = sigsetjmp(here, 1);

	if (!faulted) {
		on_fault = &here;
		if (how == ACCESS_WRITE)
			*at = 0;
		else
			(void)*at;
	}
	on_fault = NULL;
	return faulted;
}

static void setup_worker(struct worker *w, unsigned long nr)
{
	char name[100];

	w->nr = nr;
	w->rng = (seed * 1000003 + nr + 1) * 0x9e3779b97f4a7c15UL;
	w->base = (char *)(ARENA_BASE + nr * ARENA_SPAN);
	w->page = calloc(arena_pages, sizeof(*w->page));
	snprintf(name, sizeof(name), "%s/stress.%ld.%lu", folder,
		 (long)getpid(), nr);
	w->fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (!w->page || w->fd < 0 || ftruncate(w->fd, FILE_PAGES * PAGE)) {
		dprintf(1, "stress: %s: %s\n", name, strerror(errno));
		_exit(2);
	}
	unlink(name);
}

static void *run_worker(void *arg)
{
	struct worker *w = arg;

	for (w->op = 1; !operations || w->op <= operations; w->op++)
		random_operation(w);
	w->op = 0;
	check_arena(w, CHECK_ALL);
	check_device(w);
	return NULL;
}

static int run_process(unsigned long first)
{
	struct worker *w = calloc(threads, sizeof(*w));
	struct sigaction sa = { .sa_handler = fault_handler };
	pthread_t id[MAX_THREADS];

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	for (unsigned long i = 0; i < threads; i++)
		setup_worker(&w[i], first + i);
	if (device_pages)
		setup_device(&w[0], DEVICE_BASE + first * ARENA_SPAN);
	for (unsigned long i = 1; i < threads; i++) {
		if (!pthread_create(&id[i], NULL, run_worker, &w[i]))
			continue;
		dprintf(1, "stress: no thread\n");
		return 2;
	}
	run_worker(&w[0]);
	for (unsigned long i = 1; i < threads; i++)
		pthread_join(id[i], NULL);
	return 0;
}

static unsigned long number(int option, const char *text, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (*text && !*end && n <= max)
		return n;
	dprintf(2, "stress: -%c %s: a number up to %lu is wanted\n", option,
		text, max);
	exit(2);
}

static void options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "s:n:p:t:m:d:D:")) != -1) {
		switch (c) {
		case 's':
			seed = number(c, optarg, ~0UL);
			break;
		case 'n':
			operations = number(c, optarg, ~0UL);
			break;
		case 'p':
			processes = number(c, optarg, 64);
			break;
		case 't':
			threads = number(c, optarg, MAX_THREADS);
			break;
		case 'm':
			arena_pages = number(c, optarg, ARENA_SPAN / PAGE);
			break;
		case 'D':
			device_pages = number(c, optarg,
					      ARENA_SPAN / 2 / PAGE);
			break;
		case 'd':
			folder = optarg;
			break;
		default:
			exit(2);
		}
	}
	if (optind == argc && processes && threads && arena_pages >= MAX_RUN)
		return;
	dprintf(2, "usage: stress [-s SEED] [-n OPERATIONS] [-p PROCESSES] "
		"[-t THREADS] [-m PAGES (%d or more)] [-d FOLDER] "
		"[-D PAGES]\n", MAX_RUN);
	exit(2);
}

int main(int argc, char **argv)
{
	int status, bad = 0;

	options(argc, argv);
	for (unsigned long i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(run_process(i * threads));
		if (pid > 0)
			continue;
		perror("stress: fork");
		bad = 1;
	}
	while (wait(&status) > 0)
		if (status) {
			dprintf(1, "stress: a process ended with %#x\n", status);
			bad = 1;
		}
	printf("stress: seed %lu, %lu processes of %lu threads, %lu operations "
	       "each: %s\n", seed, processes, threads, operations,
	       bad ? "WRONG" : "every byte right");
	return bad;
}
