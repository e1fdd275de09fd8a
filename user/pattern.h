/* SPDX-License-Identifier: MIT */
/*
 * What the program `pattern` and whoever watches it from outside agree on.
 *
 * Memory is a list of pages: first the anonymous ones, then the file's.  The
 * first PATTERN_WORDS words of each belong to the program, the last four to a
 * device that may be at work on the same memory:
 *
 *	word   0 .. 507	the program's: pattern_word(va, seed)
 *	word 508, 509	the device's, filled together, 508's value in both
 *	word 510	a counter: the program adds 1 a round, atomically, and
 *			the device adds by compare-and-exchange
 *	word 511	the device's
 *
 * P1  Round r of the parent has seed 2r, of its child, which odd rounds have,
 *     2r + 1.  Anonymous
 *     memory of the parent holds even seeds only: an odd one is a write of
 *     the child that came through, and the other way round.
 * P2  In the file, even pages hold odd seeds and odd pages even ones.
 * P3  A device word is 0 until the device writes it first.
 *
 * The control page is shared memory.  The program moves `phase` on, the
 * watcher `command`; both only grow.
 */
#ifndef USER_PATTERN_H
#define USER_PATTERN_H

#define PATTERN_CTL	0x0f0000000UL
#define PATTERN_ANON	0x100000000UL
#define PATTERN_FILE	0x200000000UL
#define PATTERN_THREADS	4

#define PATTERN_PAGE	4096UL
#define PATTERN_PAGE_WORDS 512
#define PATTERN_WORDS	508
#define PATTERN_FILL	508
#define PATTERN_COUNTER	510
#define PATTERN_DEVICE	511

/* The word at offset o of the file in the archive is o times this. */
#define PATTERN_FACTOR	0x9e3779b97f4a7c15UL
#define PATTERN_SEED_MASK 0xffffUL

enum pattern_phase {
	PATTERN_STARTING,
	PATTERN_READY,		/* mapped, nothing written: waits for GO */
	PATTERN_RUNNING,
	PATTERN_STOPPED,	/* writes no more: waits for SETTLE */
	PATTERN_CHECKED,	/* every byte was right: waits for LEAVE */
	PATTERN_FAILED,		/* something was wrong; it ends */
};

enum pattern_command {
	PATTERN_WAIT,
	PATTERN_GO,
	PATTERN_STOP,		/* after the next round without a child */
	PATTERN_SETTLE,		/* the ledger is filled in: check everything */
	PATTERN_LEAVE,
};

/* What the device did to one page. */
struct pattern_ledger {
	unsigned int fills, writes, adds, pad;
};

struct pattern_ctl {
	unsigned int phase;		/* the program's */
	unsigned int rounds;		/* whole ones done; round 0 too */
	unsigned int seed;		/* the highest one in use; set first */
	unsigned int pid;
	unsigned long anon_pages, file_pages;
	/* Pages written, then checked, by the parent: a round is
	 * PATTERN_ROUND of them, the first anon + file of which are writes. */
	unsigned long progress;
	unsigned int command;		/* the watcher's */
};
#define PATTERN_ROUND(anon, file) (3 * (anon) + 2 * (file))
#define PATTERN_LEDGER	(PATTERN_CTL + PATTERN_PAGE)

static inline unsigned long pattern_word(unsigned long va, unsigned long seed)
{
	return (va * PATTERN_FACTOR & ~PATTERN_SEED_MASK) | seed;
}

/* The n-th value the device writes at va. */
static inline unsigned long pattern_device_word(unsigned long va,
						unsigned int n)
{
	return n ? (~va * PATTERN_FACTOR << 32) | n : 0;
}

/* The address of page i of the list. */
static inline unsigned long pattern_page(unsigned long anon_pages,
					 unsigned long i)
{
	return i < anon_pages ? PATTERN_ANON + i * PATTERN_PAGE :
	       PATTERN_FILE + (i - anon_pages) * PATTERN_PAGE;
}

#endif
