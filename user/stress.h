/* SPDX-License-Identifier: MIT */
/* What stress.c and the operations in stress_ops.h share. */
#ifndef USER_STRESS_H
#define USER_STRESS_H

#include <pthread.h>

typedef unsigned long word;

#define PAGE		4096UL
#define WORDS		(PAGE / sizeof(word))
#define ARENA_BASE	0x200000000000UL
#define ARENA_SPAN	0x40000000UL
#define FILE_PAGES	64UL
#define MAX_THREADS	16UL
#define MAX_RUN		32	/* pages that one operation touches, at most */
/* The device area, and where it goes for a while. */
#define DEVICE_BASE	0x300000000000UL
#define DEVICE_ALT	(DEVICE_BASE + ARENA_SPAN / 2)
#define DEVICE_WORDS	(WORDS / 2)	/* the program's, in each page */

enum kind { NONE, ANON, SHARED, PRIVATE };
enum access { ACCESS_READ, ACCESS_WRITE };
enum check { CHECK_SOME, CHECK_ALL };

struct shadow {
	enum kind kind;
	int prot;
	unsigned long mapping;	/* number of the mmap call it comes from */
	unsigned long offset;	/* page of the mapping */
	unsigned long file_page;
	int own;		/* PRIVATE: written, no longer the file's */
	int may_be_zero;	/* MADV_FREE */
	word tag;		/* ANON, and PRIVATE when own */
};

struct worker {
	unsigned long nr, op, mappings;
	word rng;
	char *base;
	struct shadow *page;
	int fd;
	word file_tag[FILE_PAGES];
	char *device;		/* its first worker's; NULL: none */
	word *device_tag;	/* by page */
};

extern unsigned long seed, operations, arena_pages, device_pages;

/* Does this access fault? */
int faults(volatile word *at, enum access how);
/* One operation of the many, and its checks. */
void random_operation(struct worker *w);
/* The same on the area that devices use too, and its set-up. */
void device_operation(struct worker *w);
void setup_device(struct worker *w, unsigned long base);
void check_device(struct worker *w);
/* All of the arena, a few words of each page or each word. */
void check_arena(struct worker *w, enum check how);

#include "user/stress_ops.h"
#include "user/stress_device.h"

#endif
