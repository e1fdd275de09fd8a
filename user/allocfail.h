/* SPDX-License-Identifier: MIT */
/* What allocfail.c and its operations share; one file each includes it. */
#ifndef USER_ALLOCFAIL_H
#define USER_ALLOCFAIL_H

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)

enum verdict { FAILED_WELL, UNTOUCHED, WRONG };

/* What stays the same when a call fails; see try_end(). */
struct state {
	unsigned long maps;		/* a hash of who is mapped where */
	int fd;				/* the lowest free descriptor */
};

struct op {
	const char *group, *name;
	long (*run)(void);		/* 0, or -errno of what was tried */
};

/* From try_begin() to try_end() the knob is armed. */
void try_begin(void);
/* ret and errno as the call left them.  ret, or -errno: nothing changed then. */
long try_end(long ret);
#define TRY(call) (try_begin(), try_end((long)(call)))
/* The same for calls that may be half done when they fail. */
void part_begin(void);
long part_end(long ret);
#define TRY_PART(call) (part_begin(), part_end((long)(call)))

/* For one who was forked by an operation: the knob is its own. */
void knob_open(void);
int knob_fd(void);
/* What such a one found: whether an allocation failed. */
void set_fired(int fired);

/* Ends the child: what holds whether or not an allocation failed does not. */
void wrong(const char *what, long got);
#define MUST(cond) do { if (!(cond)) wrong(#cond, errno); } while (0)

#endif
