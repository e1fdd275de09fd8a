/* SPDX-License-Identifier: MIT */
/*
 * The operations of stress.c, each on a run of pages of the worker's arena.
 * Part of that program's one translation unit.
 */
#ifndef USER_STRESS_OPS_H
#define USER_STRESS_OPS_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define RW	(PROT_READ | PROT_WRITE)

struct run {
	unsigned long at, n;	/* pages */
};

__attribute__((noreturn, format(printf, 2, 3)))
static void wrong(const struct worker *w, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	dprintf(1, "stress: WRONG: seed %lu worker %lu operation %lu: %s\n",
		seed, w->nr, w->op, text);
	_exit(1);
}

static word rnd(struct worker *w, word n)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return (w->rng >> 11) % n;
}

/* Some are common, so that there are equal pages to merge. */
static word new_tag(struct worker *w)
{
	return rnd(w, rnd(w, 4) ? ~0UL >> 12 : 4) << 1 | 1;
}

static struct run some_pages(struct worker *w)
{
	struct run r;

	r.n = 1 + rnd(w, MAX_RUN);
	r.at = rnd(w, arena_pages - r.n + 1);
	return r;
}

static char *address(const struct worker *w, unsigned long page)
{
	return w->base + page * PAGE;
}

static word expected(word tag, unsigned long i)
{
	return tag ? tag * 0x9e3779b97f4a7c15UL + i : 0;
}

static void fill(char *at, word tag)
{
	for (unsigned long i = 0; i < WORDS; i++)
		((word *)at)[i] = expected(tag, i);
}

/* NULL, or the first word that differs. */
static const word *differs(const char *at, word tag, enum check how)
{
	const volatile word *p = (const volatile word *)at;
	unsigned long step = how == CHECK_ALL ? 1 : 73;

	for (unsigned long i = 0; i < WORDS; i += step)
		if (p[i] != expected(tag, i))
			return (const word *)&p[i];
	return p[WORDS - 1] != expected(tag, WORDS - 1) ?
	       (const word *)&p[WORDS - 1] : NULL;
}

static word tag_of(const struct worker *w, const struct shadow *s)
{
	if (s->kind == ANON || (s->kind == PRIVATE && s->own))
		return s->tag;
	return w->file_tag[s->file_page];
}

static void check_page(struct worker *w, unsigned long nr, enum check how)
{
	struct shadow *s = &w->page[nr];
	const word *bad;
	word was;

	if (s->kind == NONE || !(s->prot & PROT_READ))
		return;
	bad = differs(address(w, nr), tag_of(w, s), how);
	if (!bad)
		return;
	was = *(const volatile word *)bad;
	if (s->may_be_zero && !differs(address(w, nr), 0, how)) {
		s->tag = 0;
		s->may_be_zero = 0;
		return;
	}
	wrong(w, "page %lu (kind %d, rights %d, own %d) word %lu: %#lx and then "
	      "%#lx, not %#lx", nr, s->kind, s->prot, s->own,
	      (unsigned long)(bad - (const word *)address(w, nr)), was,
	      *(const volatile word *)bad,
	      expected(tag_of(w, s), (unsigned long)
		       (bad - (const word *)address(w, nr))));
}

void check_arena(struct worker *w, enum check how)
{
	for (unsigned long i = 0; i < arena_pages; i++)
		check_page(w, i, how);
}

static int all_mapped(const struct worker *w, struct run r)
{
	for (unsigned long i = r.at; i < r.at + r.n; i++)
		if (w->page[i].kind == NONE)
			return 0;
	return 1;
}

static void must(const struct worker *w, int result, const char *what)
{
	if (result)
		wrong(w, "%s: %s", what, strerror(errno));
}

static void map_pages(struct worker *w, struct run r, enum kind kind, int prot)
{
	unsigned long first = rnd(w, FILE_PAGES - r.n + 1);
	int flags = MAP_FIXED | (kind == SHARED ? MAP_SHARED : MAP_PRIVATE) |
		    (kind == ANON ? MAP_ANONYMOUS : 0);
	void *at = address(w, r.at);

	w->mappings++;
	if (mmap(at, r.n * PAGE, prot, flags, kind == ANON ? -1 : w->fd,
		 kind == ANON ? 0 : (off_t)(first * PAGE)) != at)
		wrong(w, "mmap: %s", strerror(errno));
	for (unsigned long i = 0; i < r.n; i++)
		w->page[r.at + i] = (struct shadow){
			.kind = kind, .prot = prot, .mapping = w->mappings,
			.offset = i, .file_page = first + i,
		};
}

static int some_rights(struct worker *w)
{
	static const int rights[] = { RW, RW, RW, PROT_READ, PROT_NONE };

	return rights[rnd(w, sizeof(rights) / sizeof(rights[0]))];
}

static void op_map(struct worker *w, struct run r)
{
	static const enum kind kinds[] = { ANON, ANON, SHARED, PRIVATE };

	map_pages(w, r, kinds[rnd(w, 4)], some_rights(w));
}

static void op_unmap(struct worker *w, struct run r)
{
	must(w, munmap(address(w, r.at), r.n * PAGE), "munmap");
	memset(&w->page[r.at], 0, r.n * sizeof(w->page[0]));
}

static void write_page(struct worker *w, unsigned long nr, word tag)
{
	struct shadow *s = &w->page[nr];

	if (s->kind == NONE || s->prot != RW)
		return;
	fill(address(w, nr), tag);
	s->may_be_zero = 0;
	if (s->kind == SHARED) {
		w->file_tag[s->file_page] = tag;
		return;
	}
	s->own = 1;
	s->tag = tag;
}

static void op_write(struct worker *w, struct run r)
{
	for (unsigned long i = r.at; i < r.at + r.n; i++)
		write_page(w, i, new_tag(w));
}

static void op_check(struct worker *w, struct run r)
{
	for (unsigned long i = r.at; i < r.at + r.n; i++)
		check_page(w, i, CHECK_ALL);
}

static void op_protect(struct worker *w, struct run r)
{
	int prot = some_rights(w);

	if (!all_mapped(w, r))
		return;
	must(w, mprotect(address(w, r.at), r.n * PAGE, prot), "mprotect");
	for (unsigned long i = r.at; i < r.at + r.n; i++)
		w->page[i].prot = prot;
}

static void op_dontneed(struct worker *w, struct run r)
{
	if (!all_mapped(w, r))
		return;
	must(w, madvise(address(w, r.at), r.n * PAGE, MADV_DONTNEED),
	     "MADV_DONTNEED");
	for (unsigned long i = r.at; i < r.at + r.n; i++) {
		w->page[i].own = 0;
		w->page[i].tag = 0;
		w->page[i].may_be_zero = 0;
	}
}

/* Anonymous pages only: what was there, or zeros, until the next write. */
static void op_free(struct worker *w, struct run r)
{
	for (unsigned long i = r.at; i < r.at + r.n; i++)
		if (w->page[i].kind != ANON)
			return;
	must(w, madvise(address(w, r.at), r.n * PAGE, MADV_FREE), "MADV_FREE");
	for (unsigned long i = r.at; i < r.at + r.n; i++)
		w->page[i].may_be_zero = 1;
}

/* Nothing that a program can see may come of these. */
static void op_advise(struct worker *w, struct run r)
{
	static const int advice[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
		20 /* MADV_COLD */, 21 /* MADV_PAGEOUT */,
		MADV_MERGEABLE, MADV_MERGEABLE, MADV_UNMERGEABLE,
	};
	int what = advice[rnd(w, sizeof(advice) / sizeof(advice[0]))];

	if (all_mapped(w, r) && madvise(address(w, r.at), r.n * PAGE, what) &&
	    errno != EINVAL)		/* a kernel that does not merge */
		wrong(w, "madvise: %s", strerror(errno));
}

static void op_sync(struct worker *w, struct run r)
{
	if (!all_mapped(w, r))
		return;
	must(w, msync(address(w, r.at), r.n * PAGE,
		      rnd(w, 2) ? MS_SYNC : MS_ASYNC), "msync");
}

/* Not on private pages of a file: Linux copies them, which nobody asked for. */
static __attribute__((unused)) void op_lock(struct worker *w, struct run r)
{
	for (unsigned long i = r.at; i < r.at + r.n; i++)
		if (w->page[i].kind == NONE || w->page[i].kind == PRIVATE)
			return;
	/* Over the limit, or no rights to read a page in. */
	if (rnd(w, 2) && mlock(address(w, r.at), r.n * PAGE) &&
	    errno != ENOMEM && errno != EAGAIN && errno != EPERM)
		wrong(w, "mlock: %s", strerror(errno));
	must(w, munlock(address(w, r.at), r.n * PAGE), "munlock");
}

/* One mapping, one set of rights: surely one vma? EFAULT says it is not. */
static int same_mapping(const struct worker *w, struct run r)
{
	const struct shadow *a = &w->page[r.at];

	for (unsigned long i = 0; i < r.n; i++)
		if (a[i].kind == NONE || a[i].mapping != a[0].mapping ||
		    a[i].prot != a[0].prot || a[i].offset != a[0].offset + i)
			return 0;
	return 1;
}

static void op_move(struct worker *w, struct run r)
{
	unsigned long to = rnd(w, arena_pages - r.n + 1);
	struct shadow pages[MAX_RUN];

	if (!same_mapping(w, r) || (to < r.at + r.n && r.at < to + r.n))
		return;
	if (mremap(address(w, r.at), r.n * PAGE, r.n * PAGE,
		   MREMAP_MAYMOVE | MREMAP_FIXED, address(w, to)) ==
	    MAP_FAILED) {
		/* The place is cleared before the vmas are looked at. */
		if (errno != EFAULT)
			wrong(w, "mremap: %s", strerror(errno));
		memset(&w->page[to], 0, r.n * sizeof(pages[0]));
		munmap(address(w, to), r.n * PAGE);
		return;
	}
	memcpy(pages, &w->page[r.at], r.n * sizeof(pages[0]));
	memset(&w->page[r.at], 0, r.n * sizeof(pages[0]));
	memcpy(&w->page[to], pages, r.n * sizeof(pages[0]));
}

/* The child has the arena as it is now; what it writes is its own. */
static void child_of(struct worker *w)
{
	struct run r = some_pages(w);

	check_arena(w, CHECK_SOME);
	for (unsigned long i = r.at; i < r.at + r.n; i++)
		if (w->page[i].kind != SHARED)
			write_page(w, i, new_tag(w));
	check_arena(w, CHECK_SOME);
	_exit(0);
}

static void op_fork(struct worker *w, struct run r)
{
	pid_t pid;
	int status;

	if (rnd(w, 8))
		return;
	pid = fork();
	if (pid < 0)
		wrong(w, "fork: %s", strerror(errno));
	if (!pid)
		child_of(w);
	/* While it looks: private pages only, those of the file are its too. */
	for (unsigned long i = r.at; i < r.at + r.n; i++)
		if (w->page[i].kind == ANON)
			write_page(w, i, new_tag(w));
	if (waitpid(pid, &status, 0) != pid || status)
		wrong(w, "a child ended with %#x", status);
	op_check(w, r);
}

static void op_file_write(struct worker *w, struct run r)
{
	unsigned long nr = r.at % FILE_PAGES;
	word tag = new_tag(w), buf[WORDS];

	fill((char *)buf, tag);
	if (pwrite(w->fd, buf, PAGE, (off_t)(nr * PAGE)) != (ssize_t)PAGE)
		wrong(w, "pwrite: %s", strerror(errno));
	w->file_tag[nr] = tag;
}

static void op_file_read(struct worker *w, struct run r)
{
	unsigned long nr = r.at % FILE_PAGES;
	word buf[WORDS];

	if (pread(w->fd, buf, PAGE, (off_t)(nr * PAGE)) != (ssize_t)PAGE)
		wrong(w, "pread: %s", strerror(errno));
	if (differs((char *)buf, w->file_tag[nr], CHECK_ALL))
		wrong(w, "page %lu of the file", nr);
}

/* Cut the file and make it long again: what was cut reads as zeros. */
static void op_truncate(struct worker *w, struct run r)
{
	unsigned long nr = r.at % FILE_PAGES;

	must(w, ftruncate(w->fd, (off_t)(nr * PAGE)), "ftruncate");
	for (unsigned long i = 0; i < arena_pages; i++) {
		struct shadow *s = &w->page[i];

		if ((s->kind != SHARED && s->kind != PRIVATE) ||
		    s->file_page < nr)
			continue;
		s->own = 0;
		if ((s->prot & PROT_READ) && !rnd(w, 16) &&
		    !faults((word *)address(w, i), ACCESS_READ))
			wrong(w, "page %lu is beyond the file's end", i);
	}
	must(w, ftruncate(w->fd, (off_t)(FILE_PAGES * PAGE)), "ftruncate");
	memset(&w->file_tag[nr], 0, (FILE_PAGES - nr) * sizeof(word));
}

static void op_fault(struct worker *w, struct run r)
{
	const struct shadow *s = &w->page[r.at];
	word *at = (word *)address(w, r.at);
	int readable = s->kind != NONE && (s->prot & PROT_READ);

	if (faults(at, ACCESS_READ) == readable)
		wrong(w, "page %lu: a read %s", r.at,
		      readable ? "faults" : "does not fault");
	if ((s->kind == NONE || s->prot != RW) && !faults(at, ACCESS_WRITE))
		wrong(w, "page %lu: a write does not fault", r.at);
}

void random_operation(struct worker *w)
{
	static void (*const ops[])(struct worker *, struct run) = {
		op_map, op_map, op_map, op_unmap, op_write, op_write, op_write,
		op_check, op_check, op_check, op_protect, op_protect,
		op_dontneed, op_free, op_advise, op_sync, op_lock, op_move,
		op_move, op_fork, op_file_write, op_file_read, op_truncate,
		op_fault,
	};

	if (w->device && !rnd(w, 4))
		device_operation(w);
	else
		ops[rnd(w, sizeof(ops) / sizeof(ops[0]))](w, some_pages(w));
}

#endif
