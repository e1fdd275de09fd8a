/* SPDX-License-Identifier: MIT */
/*
 * The operations of stress.c on an area that devices use too: the lower half
 * of each page is the program's, the upper half theirs. Whatever is done here
 * keeps all bytes. Part of that program's one translation unit.
 */
#ifndef USER_STRESS_DEVICE_H
#define USER_STRESS_DEVICE_H

static void fill_half(struct worker *w, unsigned long nr)
{
	word *at = (word *)(w->device + nr * PAGE);

	for (unsigned long i = 0; i < DEVICE_WORDS; i++)
		at[i] = expected(w->device_tag[nr], i);
}

static void check_half(const struct worker *w, unsigned long nr)
{
	const volatile word *at = (word *)(w->device + nr * PAGE);

	for (unsigned long i = 0; i < DEVICE_WORDS; i++)
		if (at[i] != expected(w->device_tag[nr], i))
			wrong(w, "device page %lu word %lu: %#lx, not %#lx", nr,
			      i, at[i], expected(w->device_tag[nr], i));
}

void check_device(struct worker *w)
{
	for (unsigned long i = 0; w->device && i < device_pages; i++)
		check_half(w, i);
}

/* Few tags: many pages are equal while no device writes them. */
static void write_half(struct worker *w, unsigned long nr)
{
	w->device_tag[nr] = rnd(w, 3) * 2;
	fill_half(w, nr);
}

void setup_device(struct worker *w, unsigned long base)
{
	w->device = mmap((void *)base, device_pages * PAGE, RW,
			 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	w->device_tag = calloc(device_pages, sizeof(word));
	if (w->device != (char *)base || !w->device_tag) {
		dprintf(1, "stress: no device area\n");
		_exit(2);
	}
	for (unsigned long i = 0; i < device_pages; i++)
		write_half(w, i);
	madvise(w->device, device_pages * PAGE, MADV_MERGEABLE);
}

static void device_protect(struct worker *w, struct run r)
{
	char *at = w->device + r.at * PAGE;

	must(w, mprotect(at, r.n * PAGE, rnd(w, 2) ? PROT_READ : PROT_NONE),
	     "mprotect");
	if (!faults((word *)at, ACCESS_WRITE))
		wrong(w, "device page %lu: a write does not fault", r.at);
	must(w, mprotect(at, r.n * PAGE, RW), "mprotect");
}

static void device_move(struct worker *w, struct run r)
{
	char *at = w->device + r.at * PAGE;
	char *alt = at + (DEVICE_ALT - DEVICE_BASE);

	if (mremap(at, r.n * PAGE, r.n * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   alt) == MAP_FAILED) {
		if (errno != EFAULT)	/* two vmas: merged here, not there */
			wrong(w, "mremap: %s", strerror(errno));
		return;
	}
	if (mremap(alt, r.n * PAGE, r.n * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   at) != at)
		wrong(w, "mremap back: %s", strerror(errno));
}

static void device_fork(struct worker *w, struct run r)
{
	int status;
	pid_t pid;

	if (rnd(w, 4))
		return;
	pid = fork();
	if (pid < 0)
		wrong(w, "fork: %s", strerror(errno));
	if (!pid) {
		check_device(w);
		for (unsigned long i = r.at; i < r.at + r.n; i++)
			write_half(w, i);
		check_device(w);
		_exit(0);
	}
	write_half(w, r.at);
	if (waitpid(pid, &status, 0) != pid || status)
		wrong(w, "a child ended with %#x", status);
}

static void device_advise(struct worker *w, struct run r)
{
	static const int advice[] = {
		20 /* MADV_COLD */, 21 /* MADV_PAGEOUT */, 21,
		MADV_MERGEABLE, MADV_MERGEABLE, MADV_UNMERGEABLE,
	};
	int what = advice[rnd(w, sizeof(advice) / sizeof(advice[0]))];

	if (madvise(w->device + r.at * PAGE, r.n * PAGE, what) &&
	    errno != EINVAL)
		wrong(w, "madvise: %s", strerror(errno));
}

void device_operation(struct worker *w)
{
	struct run r = { .n = 1 + rnd(w, device_pages < MAX_RUN ?
				      device_pages : MAX_RUN) };

	r.at = rnd(w, device_pages - r.n + 1);
	switch (rnd(w, 8)) {
	case 0:
		device_protect(w, r);
		break;
	case 1:
		device_move(w, r);
		break;
	case 2:
		device_fork(w, r);
		break;
	case 3:
	case 4:
		device_advise(w, r);
		break;
	case 5:
		write_half(w, r.at);
		break;
	default:
		for (unsigned long i = r.at; i < r.at + r.n; i++)
			check_half(w, i);
	}
}

#endif
