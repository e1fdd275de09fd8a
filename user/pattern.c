/* SPDX-License-Identifier: MIT */
/*
 * pattern: writes a known pattern over a lot of memory with four threads,
 * forks, writes again through copy-on-write, and checks every byte.
 *
 *	pattern ROUNDS [MIB [FILE]]	so many rounds (0: until told to stop)
 *	pattern warm [MIB [FILE]]	check the fresh file, make it dirty
 *
 * What it promises to a watcher is in pattern.h.  One round:
 *
 *	thread 0 (main)		threads 1..3		child
 *	(1) fork		write own quarter
 *	(2) write own quarter	...			all of it is of this
 *							round or the last
 *	(3) barrier		barrier			write all, odd seed
 *	(4) check two quarters	check two quarters	check all
 *	(5) wait for the child				exit
 *	(6) barrier, all: check the file, to which both have written
 *
 * Only odd rounds fork.  In even ones all is written in place, with no fault
 * in between, and the last round before a stop is one of those.
 *
 * FILE is created with the archive's pattern when it is not there, and then
 * unlinked at once.  The same program runs on Linux.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/pattern.h"

#define FILE_PAGES	1024UL		/* 4 MiB */

typedef unsigned long word;

static struct pattern_ctl *const ctl = (struct pattern_ctl *)PATTERN_CTL;
static const struct pattern_ledger *const ledger =
	(const struct pattern_ledger *)PATTERN_LEDGER;
static pthread_barrier_t barrier;
static unsigned int max_rounds;
static int file_fd;
static pid_t main_pid;

__attribute__((noreturn, format(printf, 1, 2)))
static void fail(const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	dprintf(1, "pattern: %s%s\n", getpid() == main_pid ? "" : "child: ",
		text);
	if (getpid() == main_pid)
		__atomic_store_n(&ctl->phase, PATTERN_FAILED, __ATOMIC_RELEASE);
	_exit(1);
}

static void set_phase(enum pattern_phase phase)
{
	__atomic_store_n(&ctl->phase, phase, __ATOMIC_RELEASE);
}

static unsigned int command(void)
{
	return __atomic_load_n(&ctl->command, __ATOMIC_ACQUIRE);
}

/* Without a watcher there is nothing to wait for. */
static void wait_command(unsigned int want)
{
	struct timespec ts = { .tv_nsec = 2000000 };

	while (!max_rounds && command() < want)
		nanosleep(&ts, NULL);
}

static void progress(void)
{
	__atomic_fetch_add(&ctl->progress, 1, __ATOMIC_RELAXED);
}

/* --- one page --- */

static void write_page(unsigned long va, word seed)
{
	word h = va * PATTERN_FACTOR;
	word *p = (word *)va;

	for (int i = 0; i < PATTERN_WORDS; i++)
		p[i] = ((h + i * 8 * PATTERN_FACTOR) & ~PATTERN_SEED_MASK) | seed;
}

static void wrong_word(unsigned long va, int i, word want)
{
	fail("%s page at 0x%lx, word %d: is %lx, not %lx",
	     va < PATTERN_FILE ? "anonymous" : "file", va, i,
	     ((word *)va)[i], want);
}

/* Every word must have one of the two seeds. */
static void check_page_either(unsigned long va, word s0, word s1)
{
	const word *p = (const word *)va;
	word h = va * PATTERN_FACTOR, d;
	int bad = 0;

	for (int i = 0; i < PATTERN_WORDS; i++) {
		d = p[i] ^ ((h + i * 8 * PATTERN_FACTOR) & ~PATTERN_SEED_MASK);
		bad |= (d != s0) & (d != s1);
	}
	for (int i = 0; bad && i < PATTERN_WORDS; i++) {
		d = p[i] ^ pattern_word(va + 8UL * i, 0);
		if (d != s0 && d != s1)
			wrong_word(va, i, pattern_word(va + 8UL * i, s0));
	}
	if (bad)
		fail("page at 0x%lx changed while it was looked at", va);
}

static void check_page(unsigned long va, word seed)
{
	const word *p = (const word *)va;
	word h = va * PATTERN_FACTOR, diff = 0;

	for (int i = 0; i < PATTERN_WORDS; i++)
		diff |= p[i] ^ (((h + i * 8 * PATTERN_FACTOR) &
				 ~PATTERN_SEED_MASK) | seed);
	if (diff)
		check_page_either(va, seed, seed);
}

static void add_counter(unsigned long va)
{
	__atomic_fetch_add((word *)va + PATTERN_COUNTER, 1, __ATOMIC_SEQ_CST);
}

/* --- shares --- */

struct share { unsigned long first, end; };

static struct share share_of(unsigned int thread, unsigned long pages)
{
	return (struct share){ pages * thread / PATTERN_THREADS,
			       pages * (thread + 1) / PATTERN_THREADS };
}

/* P2 */
static word file_seed(unsigned long page, unsigned int round)
{
	return 2 * round + !(page & 1);
}

static int has_child(unsigned int round) { return round & 1; }

static unsigned long anon_va(unsigned long page)
{
	return PATTERN_ANON + page * PATTERN_PAGE;
}

static unsigned long file_va(unsigned long page)
{
	return PATTERN_FILE + page * PATTERN_PAGE;
}

static void write_share(unsigned int thread, unsigned int round)
{
	struct share a = share_of(thread, ctl->anon_pages);
	struct share f = share_of(thread, ctl->file_pages);

	for (unsigned long i = a.first; i < a.end; i++) {
		write_page(anon_va(i), 2 * round);
		add_counter(anon_va(i));
		progress();
	}
	for (unsigned long i = f.first; i < f.end; i++) {
		/* The even ones are the child's where there is one. */
		if (!has_child(round) || (i & 1))
			write_page(file_va(i), file_seed(i, round));
		add_counter(file_va(i));
		progress();
	}
}

static void check_anon(unsigned int thread, unsigned int round)
{
	struct share a = share_of(thread, ctl->anon_pages);

	for (unsigned long i = a.first; i < a.end; i++) {
		check_page(anon_va(i), 2 * round);
		progress();
	}
}

static void check_file(unsigned int thread, unsigned int round)
{
	struct share f = share_of(thread, ctl->file_pages);

	for (unsigned long i = f.first; i < f.end; i++) {
		check_page(file_va(i), file_seed(i, round));
		progress();
	}
}

/* --- the child --- */

/* P1: in a child's memory the device's words stand still. */
static word child_device_words(void)
{
	word sum = 0;

	for (unsigned long i = 0; i < ctl->anon_pages; i++) {
		const word *p = (const word *)anon_va(i);

		for (int w = PATTERN_WORDS; w < PATTERN_PAGE_WORDS; w++)
			sum = (sum << 7 | sum >> 57) + p[w];
	}
	return sum;
}

static void child_main(unsigned int round)
{
	struct share mine = share_of(0, ctl->anon_pages);
	word old = 2 * round - 2, before = child_device_words();

	for (unsigned long i = 0; i < ctl->anon_pages; i++) {
		/* Who forks was not writing; the others were. */
		if (i >= mine.first && i < mine.end)
			check_page(anon_va(i), old);
		else
			check_page_either(anon_va(i), old, old + 2);
		write_page(anon_va(i), 2 * round + 1);
	}
	for (unsigned long i = 0; i < ctl->file_pages; i += 2)
		write_page(file_va(i), file_seed(i, round));
	for (unsigned long i = 0; i < ctl->anon_pages; i++)
		check_page(anon_va(i), 2 * round + 1);
	if (child_device_words() != before)
		fail("a write to the parent's memory came through");
	_exit(0);
}

static pid_t start_child(unsigned int round)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid)
		child_main(round);
	return pid;
}

static void wait_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			fail("waitpid: %s", strerror(errno));
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail("the child ended with status 0x%x", status);
}

/* --- the end --- */

static void check_device_words(unsigned long i, unsigned long va)
{
	const struct pattern_ledger *l = &ledger[i];
	const word *p = (const word *)va;
	word want;

	want = pattern_device_word(va + 8 * PATTERN_FILL, l->fills);
	if (p[PATTERN_FILL] != want)
		wrong_word(va, PATTERN_FILL, want);
	if (p[PATTERN_FILL + 1] != want)
		wrong_word(va, PATTERN_FILL + 1, want);
	want = pattern_device_word(va + 8 * PATTERN_DEVICE, l->writes);
	if (p[PATTERN_DEVICE] != want)
		wrong_word(va, PATTERN_DEVICE, want);
	want = ctl->rounds + l->adds;
	if (p[PATTERN_COUNTER] != want)
		wrong_word(va, PATTERN_COUNTER, want);
}

static void check_all(unsigned int thread)
{
	unsigned long pages = ctl->anon_pages + ctl->file_pages;
	struct share s = share_of(thread, pages);
	unsigned int last = ctl->rounds - 1;

	check_anon(thread, last);
	check_file(thread, last);
	for (unsigned long i = s.first; i < s.end; i++)
		check_device_words(i, pattern_page(ctl->anon_pages, i));
}

/* read() and the mapping are one and the same memory. */
static void check_read(void)
{
	static word buf[PATTERN_PAGE_WORDS];

	for (unsigned long i = 0; i < ctl->file_pages; i++) {
		if (pread(file_fd, buf, sizeof(buf), i * PATTERN_PAGE) !=
		    sizeof(buf))
			fail("pread of page %lu: %s", i, strerror(errno));
		if (memcmp(buf, (void *)file_va(i), sizeof(buf)))
			fail("pread of page %lu differs from the mapping", i);
	}
}

/* --- rounds --- */

static int another_round(unsigned int done)
{
	if (max_rounds)
		return done < max_rounds;
	return command() < PATTERN_STOP || has_child(done - 1);
}

static void one_round(unsigned int thread, unsigned int round)
{
	pid_t child = 0;

	if (!thread && has_child(round))
		child = start_child(round);
	write_share(thread, round);
	pthread_barrier_wait(&barrier);
	check_anon(thread, round);
	check_anon((thread + 1) % PATTERN_THREADS, round);
	if (child)
		wait_child(child);
	pthread_barrier_wait(&barrier);
	check_file(thread, round);
}

static void *worker(void *arg)
{
	unsigned int thread = (unsigned int)(unsigned long)arg, round = 0;
	static int more;

	for (;;) {
		one_round(thread, round++);
		pthread_barrier_wait(&barrier);
		if (!thread) {
			ctl->seed = 2 * round + 1;
			ctl->rounds = round;
			more = another_round(round) && round < 30000;
		}
		pthread_barrier_wait(&barrier);
		if (!more)
			break;
	}
	if (!thread) {
		set_phase(PATTERN_STOPPED);
		wait_command(PATTERN_SETTLE);
	}
	pthread_barrier_wait(&barrier);
	check_all(thread);
	return NULL;
}

/* --- setting up --- */

static void map_at(unsigned long va, unsigned long len, int flags, int fd)
{
	void *p = mmap((void *)va, len, PROT_READ | PROT_WRITE,
		       flags | MAP_FIXED_NOREPLACE, fd, 0);

	if (p != (void *)va) {
		dprintf(1, "pattern: mmap of %lu bytes at 0x%lx: %s\n", len, va,
			p == MAP_FAILED ? strerror(errno) : "is elsewhere");
		_exit(1);
	}
}

static int make_file(const char *path)
{
	static word buf[PATTERN_PAGE_WORDS];
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	word off = 0;

	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	unlink(path);
	for (unsigned long i = 0; i < FILE_PAGES; i++) {
		for (int w = 0; w < PATTERN_PAGE_WORDS; w++, off += 8)
			buf[w] = off * PATTERN_FACTOR;
		if (write(fd, buf, sizeof(buf)) != sizeof(buf))
			fail("%s: write: %s", path, strerror(errno));
	}
	return fd;
}

/* Not even set up before: then all of it is as in the archive. */
static int file_is_fresh(void)
{
	const word *p = (const word *)PATTERN_FILE;

	if (p[1] != 8 * PATTERN_FACTOR ||
	    p[PATTERN_FILL] != 8 * PATTERN_FILL * PATTERN_FACTOR)
		return 0;
	for (unsigned long i = 0; i < FILE_PAGES * PATTERN_PAGE_WORDS; i++) {
		if (p[i] != 8 * i * PATTERN_FACTOR)
			fail("file word %lu: is %lx, not %lx", i, p[i],
			     8 * i * PATTERN_FACTOR);
	}
	return 1;
}

static int set_up(unsigned long mib, const char *path)
{
	unsigned long anon = mib << 20, pages = (anon >> 12) + FILE_PAGES;
	unsigned long ctl_len = PATTERN_PAGE + pages * sizeof(*ledger);
	int fresh;

	map_at(PATTERN_CTL, (ctl_len + 4095) & ~4095UL,
	       MAP_SHARED | MAP_ANONYMOUS, -1);
	ctl->pid = getpid();
	ctl->anon_pages = anon >> 12;
	ctl->file_pages = FILE_PAGES;
	file_fd = open(path, O_RDWR);
	if (file_fd < 0)
		file_fd = make_file(path);
	map_at(PATTERN_ANON, anon, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map_at(PATTERN_FILE, FILE_PAGES << 12, MAP_SHARED, file_fd);
	fresh = file_is_fresh();
	check_read();
	/* P3 */
	for (unsigned long i = 0; i < FILE_PAGES; i++)
		memset((word *)file_va(i) + PATTERN_WORDS, 0,
		       8 * (PATTERN_PAGE_WORDS - PATTERN_WORDS));
	return fresh;
}

static unsigned long number(const char *text, const char *what)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (!*text || *end || n > 4096) {
		dprintf(2, "pattern: %s: no %s\n"
			"usage: pattern ROUNDS|warm [MIB [FILE]]\n", text, what);
		exit(2);
	}
	return n;
}

static void run_threads(void)
{
	pthread_t threads[PATTERN_THREADS];

	pthread_barrier_init(&barrier, NULL, PATTERN_THREADS);
	for (unsigned long i = 1; i < PATTERN_THREADS; i++) {
		if (pthread_create(&threads[i], NULL, worker, (void *)i))
			fail("pthread_create failed");
	}
	worker(NULL);
	for (int i = 1; i < PATTERN_THREADS; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	int warm = argc > 1 && !strcmp(argv[1], "warm"), fresh;
	unsigned long mib = argc > 2 ? number(argv[2], "size") : 64;

	main_pid = getpid();
	if (!warm)
		max_rounds = argc > 1 ? number(argv[1], "number of rounds") : 3;
	fresh = set_up(mib, argc > 3 ? argv[3] : "/data/pattern");
	if (warm) {
		dprintf(1, "pattern: the file is %s\n", fresh ?
			"as in the archive" : "as the last run left it");
		return 0;
	}
	set_phase(PATTERN_READY);
	wait_command(PATTERN_GO);
	set_phase(PATTERN_RUNNING);
	run_threads();
	check_read();
	dprintf(1, "pattern: all %lu bytes right after %u rounds\n",
		(ctl->anon_pages + ctl->file_pages) * PATTERN_PAGE,
		ctl->rounds);
	set_phase(PATTERN_CHECKED);
	wait_command(PATTERN_LEAVE);
	return 0;
}
