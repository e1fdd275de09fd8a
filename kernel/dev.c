/* SPDX-License-Identifier: MIT */
/*
 * Character devices by name, and the console's input.
 *
 * Input bytes wait in a ring; when it is full new ones are dropped, so what
 * was typed first is kept.  Locks: in_lock (LOCK_CONSOLE_IN, irqsave) for the
 * ring, dev_lock for the list.  Devices are registered for ever.
 */
#include "kernel/dev.h"
#include "kernel/thread.h"
#include "kernel/wait.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/string.h"

#define IN_SIZE		4096U	/* a power of two */
#define CTRL_C		0x03

void (*console_intr_hook)(void);
void (*console_input_hook)(void);

static DEFINE_SPINLOCK(in_lock, LOCK_CONSOLE_IN);
/* The UART interrupts whoever holds a mutex's inner lock. */
static_assert(LOCK_SEM < LOCK_CONSOLE_IN && LOCK_SEM < LOCK_WAITQ);
static struct wait_queue_head in_wq = WAIT_QUEUE_HEAD_INIT(in_wq);
static u8 in_ring[IN_SIZE];
static u32 in_head, in_tail;	/* in_lock; free running */

static DEFINE_SPINLOCK(dev_lock, LOCK_FILES);
static LIST_HEAD(chardevs);

void chardev_register(struct chardev *d)
{
	spin_lock(&dev_lock);
	list_add_tail(&d->link, &chardevs);
	spin_unlock(&dev_lock);
}

struct chardev *chardev_next(struct chardev *prev)
{
	struct list_head *next;

	spin_lock(&dev_lock);
	next = prev ? prev->link.next : chardevs.next;
	spin_unlock(&dev_lock);
	return next == &chardevs ? NULL : list_entry(next, struct chardev, link);
}

void console_input(u8 c)
{
	void (*hook)(void) = READ_ONCE(console_intr_hook);
	u64 flags;

	if (c == CTRL_C && hook) {
		hook();
		return;
	}
	flags = spin_lock_irqsave(&in_lock);
	if (in_head - in_tail < IN_SIZE) {
		in_ring[in_head % IN_SIZE] = c;
		WRITE_ONCE(in_head, in_head + 1);
	}
	spin_unlock_irqrestore(&in_lock, flags);
	wake_up(&in_wq);
	hook = READ_ONCE(console_input_hook);
	if (hook)
		hook();
}

bool console_input_pending(void)
{
	return READ_ONCE(in_head) != READ_ONCE(in_tail);
}

int console_poll(void)
{
	u64 flags = spin_lock_irqsave(&in_lock);
	int c = -EAGAIN;

	if (in_head != in_tail) {
		c = in_ring[in_tail % IN_SIZE];
		WRITE_ONCE(in_tail, in_tail + 1);
	}
	spin_unlock_irqrestore(&in_lock, flags);
	return c;
}

int console_getc(void)
{
	int c;

	while ((c = console_poll()) == -EAGAIN) {
		int ret = wait_event_interruptible(&in_wq,
						   console_input_pending());

		if (ret)
			return ret;
	}
	return c;
}

int console_getc_until(u64 deadline_ns)
{
	int c = console_poll();

	if (c == -EAGAIN &&
	    wait_event_until(&in_wq, console_input_pending(), deadline_ns))
		c = console_poll();
	if (c == -EAGAIN && signal_pending())
		return -EINTR;
	return c;
}
