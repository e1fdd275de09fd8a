/* SPDX-License-Identifier: MIT */
/*
 * Where drivers and personalities meet: drivers register devices here, sys/
 * opens them by name; neither includes the other.
 */
#ifndef KERNEL_DEV_H
#define KERNEL_DEV_H

#include "lib/types.h"
#include "lib/list.h"

struct address_space;

struct chardev {
	const char *name;		/* "console", "null", ... */
	struct list_head link;
	/* Kernel buffers.  Return bytes or -Exxx.  May sleep. */
	ssize_t (*read)(struct chardev *d, char *buf, size_t len);
	ssize_t (*write)(struct chardev *d, const char *buf, size_t len);
	/*
	 * What follows may be NULL.  open: the state of an open file into
	 * *priv; 0 or -Exxx.  release: its last close.  May sleep.
	 */
	int (*open)(struct chardev *d, void **priv);
	void (*release)(struct chardev *d, void *priv);
	/* arg is the caller's: a number, or an address of current's. */
	s64 (*ioctl)(struct chardev *d, void *priv, u32 cmd, u64 arg);
	/*
	 * What mmap shows, as long as the file is open (mm/ holds its own
	 * reference); *writable: may be written.  NULL: nothing.
	 */
	struct address_space *(*mapping)(struct chardev *d, void *priv,
					 u32 *writable);
};
void chardev_register(struct chardev *d);
/* The device registered after prev; NULL: the first, or none left. */
struct chardev *chardev_next(struct chardev *prev);

/*
 * Console input: drivers feed bytes (any context), one reader at a time gets
 * them.  console_getc: 0..255, or -EINTR/-EAGAIN.
 */
void console_input(u8 c);
int console_getc(void);				/* sleeps, interruptible */
int console_getc_until(u64 deadline_ns);	/* -EAGAIN at the deadline */
int console_poll(void);				/* -EAGAIN when empty */
bool console_input_pending(void);
/*
 * ^C (0x03) goes to this hook, if set, instead of the buffer; called from the
 * input driver's interrupt.
 */
extern void (*console_intr_hook)(void);
/* Called, if set, after each byte that went to the buffer; same context. */
extern void (*console_input_hook)(void);

#endif
