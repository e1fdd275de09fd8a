/* SPDX-License-Identifier: MIT */
/* Message queues: between mqueue.c (messages) and mqnotify.c (all else). */
#ifndef SYS_MQUEUE_H
#define SYS_MQUEUE_H

#include "kernel/wait.h"
#include "lib/atomic.h"
#include "sys/abi.h"

struct file;

struct message {
	struct list_head link;
	u32 prio;
	u64 len;
	u8 data[];
};

struct mqueue {
	atomic_t refs;			/* U1: the name, open files */
	struct list_head link;		/* names */
	char name[NAME_MAX + 1];	/* I */
	spinlock_t lock;
	struct list_head messages;	/* lock: first the next to be read */
	u32 nr;				/* lock */
	u32 max;			/* I */
	u64 msgsize;			/* I */
	u32 readers_waiting;		/* lock */
	u32 notify_pid;			/* lock: 0: nobody (U4) */
	struct linux_sigevent notify;	/* lock */
	struct wait_queue_head rd, wr;
};

/* The file of a queue with a reference; ERR_PTR. */
struct file *mq_fget(u64 fd);

#endif
