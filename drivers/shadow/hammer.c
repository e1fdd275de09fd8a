/* SPDX-License-Identifier: MIT */
/*
 * Load for devices: one of each class on a process, each with a thread that has
 * it read anywhere in one range, and write words of its own in another, while
 * the process does with its memory what it wants.
 *
 *	hammer PID VA PAGES READ_VA READ_PAGES
 *	hammer		what they did and found
 *	hammer stop	detach them
 *
 * H1. In each page of the written range each device has one word that nobody
 *     else writes.  It sets it to a number and back to 0, each time by compare
 *     and swap from what it left there.  So the process may do to those pages
 *     whatever keeps bytes: move them, protect them, fork, merge them, let them
 *     be swapped.  Anything else found in the word is a store that was lost,
 *     or that went to a page which is not the process's: counted as wrong.
 * H2. An access that the process's rights refuse is no error: nothing was
 *     changed, and the next one finds what was left.
 *
 * Locks: hammer_mutex is the shell's; a thread shares with others what
 * shadow_run() takes.  Tests: tests/drive/stress.py
 */
#include "drivers/shadow/shadow.h"
#include "kernel/mutex.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/thread.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/prng.h"
#include "lib/string.h"
#include "mm/vma.h"

#define READS		24		/* in one program */
#define STORES		8
#define MAX_PAGES	1024
#define LAST_WORD	(PAGE_SIZE / 8 - 1)	/* the first device's */

struct range {
	vaddr_t start;
	u64 pages;
};

struct hammer {
	struct list_head link;		/* hammers */
	struct shadow_dev *dev;		/* I */
	const char *class;		/* I */
	struct range write, read;	/* I */
	u64 word;			/* I: index in a page */
	struct thread *thread;
	bool stop;			/* a */
	/* the thread's; read anywhere */
	u64 accesses, refused, wrong;
	struct prng rng;
	u64 next;
	u64 left[];			/* by page: what its word is */
};

static LIST_HEAD(hammers);
static DEFINE_MUTEX(hammer_mutex, LOCK_DEVLIST);
static u32 nr_made;			/* the shell's */

static u64 rnd(struct hammer *h, u64 n)
{
	return prng_below(&h->rng, n);
}

/* STORES pages in a row, there and back. */
static void build(struct hammer *h, struct shadow_req *r, u64 first)
{
	for (u32 i = 0; i < READS; i++)
		r[i] = (struct shadow_req){
			.op = SHADOW_READ,
			.va = h->read.start + rnd(h, h->read.pages) * PAGE_SIZE +
			      rnd(h, PAGE_SIZE / 8) * 8,
		};
	for (u32 i = 0; i < STORES; i++) {
		u64 page = (first + i / 2) % h->write.pages;
		u64 old = h->left[page];

		/* The second of a pair goes on from the first. */
		if (i & 1)
			old = r[READS + i - 1].val;
		r[READS + i] = (struct shadow_req){
			.op = SHADOW_CMPXCHG,
			.va = h->write.start + page * PAGE_SIZE + h->word * 8,
			.old = old, .val = old ? 0 : ++h->next,
		};
	}
}

/* Of a store that was made: H1. */
static void judge(struct hammer *h, struct shadow_req *r, u64 wrote, u64 page)
{
	h->left[page] = wrote;
	if (r->val == r->old)
		return;
	if (!h->wrong++)
		pr_err("hammer: %s found %llx at %llx, not %llx\n", h->class,
		       r->val, r->va, r->old);
	h->left[page] = r->val;
}

/* The device runs r from *at on; *at: what is left to do.  0 or -ESRCH. */
static int run_some(struct hammer *h, struct shadow_req *r, const u64 *wrote,
		    u64 first, u32 *at)
{
	u32 from = *at, n = READS + STORES - from;
	u32 done = shadow_run(h->dev, r + from, n);

	for (u32 i = from; i < from + done; i++)
		if (i >= READS)
			judge(h, &r[i], wrote[i - READS],
			      (first + (i - READS) / 2) % h->write.pages);
	WRITE_ONCE(h->accesses, h->accesses + done);
	*at = from + done;
	if (*at == READS + STORES)
		return 0;
	if (r[*at].result == -ESRCH)
		return -ESRCH;
	WRITE_ONCE(h->refused, h->refused + 1);			/* H2 */
	/* A pair that lost its first half is not for now. */
	*at += *at < READS ? 1 : 2 - ((*at - READS) & 1);
	return 0;
}

static void hammer_main(void *arg)
{
	struct shadow_req r[READS + STORES];
	struct hammer *h = arg;
	u64 wrote[STORES], first;
	int err = 0;

	while (!err && !READ_ONCE(h->stop)) {
		u32 at = 0;

		first = rnd(h, h->write.pages);
		build(h, r, first);
		for (u32 i = 0; i < STORES; i++)
			wrote[i] = r[READS + i].val;
		while (!err && at < READS + STORES)
			err = run_some(h, r, wrote, first, &at);
		sleep_ms(1);
	}
}

static struct hammer *hammer_start(struct mm_struct *mm, const char *class,
				   const struct range *write,
				   const struct range *read)
{
	struct hammer *h = kzalloc(sizeof(*h) + write->pages * sizeof(u64));

	if (!h)
		return ERR_PTR(-ENOMEM);
	h->class = class;
	h->write = *write;
	h->read = *read;
	h->word = LAST_WORD - nr_made++ % 64;
	prng_seed(&h->rng, nr_made);
	h->dev = shadow_attach(mm, class);
	if (IS_ERR(h->dev)) {
		int err = (int)PTR_ERR(h->dev);

		kfree(h);
		return ERR_PTR(err);
	}
	h->thread = kthread_run("hammer", -1, hammer_main, h);
	if (!IS_ERR(h->thread))
		return h;
	shadow_detach(h->dev);
	kfree(h);
	return ERR_PTR(-ENOMEM);
}

static int start_all(u32 pid, const struct range *write,
		     const struct range *read)
{
	struct mm_struct *mm = upcall_mm_of_pid(pid);
	const char *class;
	struct hammer *h;
	int err = 0;

	if (!mm) {
		kprintf("hammer: no process %u\n", pid);
		return -ESRCH;
	}
	for (u32 i = 0; !err && (class = shadow_class_name(i)); i++) {
		h = hammer_start(mm, class, write, read);
		if (IS_ERR(h)) {
			err = (int)PTR_ERR(h);
			kprintf("hammer: %s: %pe\n", class, h);
			continue;
		}
		mutex_lock(&hammer_mutex);
		list_add_tail(&h->link, &hammers);
		mutex_unlock(&hammer_mutex);
	}
	mmput(mm);
	return err;
}

static void print_hammers(void)
{
	struct shadow_stats s, sum = { 0 };
	struct hammer *h;
	u64 wrong = 0;

	mutex_lock(&hammer_mutex);
	list_for_each_entry(h, &hammers, link) {
		shadow_get_stats(h->dev, &s);
		kprintf("%-6s shadow %u: %llu accesses, %llu refused, %llu wrong, "
			"%llu faults, %llu retries, %llu zaps, %llu flushes, %llu stale\n",
			h->class, shadow_dev_id(h->dev), READ_ONCE(h->accesses),
			READ_ONCE(h->refused), READ_ONCE(h->wrong), s.faults,
			s.retries, s.zaps, s.flushes, s.stale);
		wrong += h->wrong;
		sum.accesses += h->accesses;
		sum.stale += s.stale;
	}
	mutex_unlock(&hammer_mutex);
	kprintf("hammer: %llu accesses, %llu wrong, %llu stale\n", sum.accesses,
		wrong, sum.stale);
}

static void stop_all(void)
{
	struct hammer *h;

	for (;;) {
		mutex_lock(&hammer_mutex);
		h = list_first_entry_or_null(&hammers, struct hammer, link);
		if (h)
			list_del(&h->link);
		mutex_unlock(&hammer_mutex);
		if (!h)
			return;
		WRITE_ONCE(h->stop, true);
		thread_join(h->thread);
		shadow_detach(h->dev);
		kfree(h);
	}
}

static int cmd_hammer(int argc, char **argv)
{
	struct range write, read;
	u64 pid;

	if (argc == 1 || (argc == 2 && !strcmp(argv[1], "stop"))) {
		print_hammers();
		if (argc == 2)
			stop_all();
		return 0;
	}
	if (argc != 6 || shell_parse_u64("PID", argv[1], &pid) ||
	    shell_parse_u64("VA", argv[2], &write.start) ||
	    shell_parse_u64("PAGES", argv[3], &write.pages) ||
	    shell_parse_u64("READ_VA", argv[4], &read.start) ||
	    shell_parse_u64("READ_PAGES", argv[5], &read.pages) ||
	    (write.start | read.start) & ~PAGE_MASK || !read.pages ||
	    write.pages < STORES || write.pages > MAX_PAGES) {
		kprintf("usage: hammer [PID VA PAGES READ_VA READ_PAGES | stop], "
			"PAGES from %u to %u\n", STORES, MAX_PAGES);
		return -EINVAL;
	}
	return start_all((u32)pid, &write, &read);
}
SHELL_CMD(hammer, "[PID VA PAGES READ_VA READ_PAGES | stop]",
	  "have devices of every class use a process's memory", 0, 5,
	  cmd_hammer);
