/* SPDX-License-Identifier: MIT */
/*
 * Console output.  printk goes to a ring (dmesg) and, at or above the console
 * level, to every registered console.  Any context; panic takes no lock.
 */
#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H

#include "lib/compiler.h"
#include "lib/types.h"

#include <stdarg.h>

#define KERN_ERR	"\0013"
#define KERN_WARN	"\0014"
#define KERN_INFO	"\0016"
#define KERN_DEBUG	"\0017"

int printk(const char *fmt, ...) __printf(1, 2);
#define pr_err(fmt, ...)	printk(KERN_ERR fmt, ##__VA_ARGS__)
#define pr_warn(fmt, ...)	printk(KERN_WARN fmt, ##__VA_ARGS__)
#define pr_info(fmt, ...)	printk(KERN_INFO fmt, ##__VA_ARGS__)
#define pr_debug(fmt, ...)	printk(KERN_DEBUG fmt, ##__VA_ARGS__)

/* Raw console output with no level, prefix or ring: shell, KTAP, programs. */
int kprintf(const char *fmt, ...) __printf(1, 2);
int kvprintf(const char *fmt, va_list ap) __printf(1, 0);
void console_write(const char *s, size_t len);

struct console {
	const char *name;
	void (*write)(struct console *c, const char *s, size_t len);
	/* Next input byte, polled, no locks: -EAGAIN if none.  May be NULL. */
	int (*poll)(struct console *c);
	struct console *next;
};
void console_register(struct console *c);
extern int console_loglevel;		/* 0..8; default 7: messages < it show */
void printk_dump_ring(void);		/* dmesg */
/* Polled input of any console: -EAGAIN if none, -ENODEV if none can poll. */
int console_poll_raw(void);
/*
 * Keeps others from printing while this CPU and those that it asks by NMI do
 * (nmi.c).  Preemption off; IRQs off in between.  Waits for a bounded time
 * only: then the output may mix.
 */
u64 console_hold(void);
void console_release(u64 flags);
/* This CPU prints without the lock, from an NMI; nests. */
enum console_how { CONSOLE_LOCKED, CONSOLE_DIRECT };
void console_direct(enum console_how how);
/* Switches console output to the lock-free panic path. */
void console_enter_panic(void);

#endif
