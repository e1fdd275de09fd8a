/* SPDX-License-Identifier: MIT */
/*
 * The device's user in the demo: a kernel thread that has the shadow device
 * read and write the program's memory without a pause.
 *
 * D1  A word of the program that the device reads has a seed that is legal at
 *     that time: not older than the last round that was whole before the
 *     access, not newer than the newest after it.  An older one is a stale
 *     page, an odd one in anonymous memory is the child's.
 * D2  The device's own words hold what it wrote last: nobody else writes them.
 * D3  The ledger counts what it did to each page; the program checks it with
 *     the CPU at the end.
 */
#include "drivers/shadow/shadow.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "lib/prng.h"
#include "mm/slab.h"
#include "tests/demo/demo.h"

static int access_word(struct demo *d, struct shadow_req *r)
{
	int err = shadow_access(d->dev, r);

	if (err)
		demo_fail(d, "the device's access to %llx failed: %d", r->va,
			  err);
	return err;
}

static int read_word(struct demo *d, vaddr_t va, u64 *val)
{
	struct shadow_req r = { .op = SHADOW_READ, .va = va };
	int err = access_word(d, &r);

	*val = r.val;
	return err;
}

/* Before the first whole round: untouched, or as the file was. */
static bool legal_at_first(vaddr_t va, u64 v, u64 parity)
{
	u64 seed = v ^ pattern_word(va, 0);

	if (seed <= PATTERN_SEED_MASK && (seed & 1) == parity)
		return true;
	if (va < PATTERN_FILE)
		return v == 0;
	return v == (va - PATTERN_FILE) * PATTERN_FACTOR;
}

/* D1 */
static int check_program_word(struct demo *d, vaddr_t va, u64 parity)
{
	u32 rounds = READ_ONCE(d->ctl->rounds), newest;
	u64 v, seed, oldest;

	smp_rmb();			/* rounds, then the word, then seed */
	if (read_word(d, va, &v))
		return -EIO;
	smp_rmb();
	newest = READ_ONCE(d->ctl->seed);
	d->reads++;
	if (!rounds && legal_at_first(va, v, parity))
		return 0;
	seed = v ^ pattern_word(va, 0);
	oldest = rounds ? 2 * (rounds - 1) + parity : parity;
	if (seed <= newest && seed >= oldest && (seed & 1) == parity)
		return 0;
	return demo_fail(d, "the device read %llx at %llx: seed %llx, legal "
			 "are %llx to %x", v, va, seed, oldest, newest);
}

/* D2 */
static int rewrite_word(struct demo *d, vaddr_t va, u32 *count)
{
	struct shadow_req r = { .op = SHADOW_WRITE, .va = va };
	u64 v;

	if (read_word(d, va, &v))
		return -EIO;
	if (v != pattern_device_word(va, *count))
		return demo_fail(d, "the device's word at %llx is %llx, not "
				 "%lx", va, v, pattern_device_word(va, *count));
	r.val = pattern_device_word(va, ++*count);
	d->writes++;
	return access_word(d, &r);
}

static int fill_words(struct demo *d, vaddr_t va, u32 *count)
{
	struct shadow_req r = { .op = SHADOW_SUM, .va = va, .len = 16 };
	u64 want = 2 * pattern_device_word(va, *count);

	if (access_word(d, &r))
		return -EIO;
	if (r.val != want)
		return demo_fail(d, "the device's words at %llx sum to %llx, "
				 "not %llx", va, r.val, want);
	r.op = SHADOW_FILL;
	r.val = pattern_device_word(va, ++*count);
	d->fills++;
	return access_word(d, &r);
}

/* One more, against the program's own atomic additions. */
static int add_one(struct demo *d, vaddr_t va, u32 *count)
{
	struct shadow_req r = { .op = SHADOW_CMPXCHG, .va = va };
	u64 seen;

	if (read_word(d, va, &seen))
		return -EIO;
	do {
		r.old = seen;
		r.val = r.old + 1;
		if (access_word(d, &r))
			return -EIO;
		seen = r.val;
	} while (seen != r.old && !READ_ONCE(d->stop));
	*count += seen == r.old;
	d->adds++;
	return 0;
}

static int hammer_page(struct demo *d, u64 page, u64 rnd)
{
	u64 anon = d->ctl->anon_pages;
	vaddr_t va = pattern_page(anon, page);
	u64 parity = page >= anon && !((page - anon) & 1);
	struct pattern_ledger *l = &d->ledger[page];
	int err;

	err = check_program_word(d, va + 8 * (rnd % PATTERN_WORDS), parity);
	if (err)
		return err;
	switch (rnd >> 32 & 3) {
	case 0:
		return rewrite_word(d, va + 8 * PATTERN_DEVICE, &l->writes);
	case 1:
		return fill_words(d, va + 8 * PATTERN_FILL, &l->fills);
	case 2:
		return add_one(d, va + 8 * PATTERN_COUNTER, &l->adds);
	default:
		return 0;
	}
}

/* Mostly a window that wanders, so that entries are used again as well. */
static void hammer_main(void *arg)
{
	struct demo *d = arg;
	struct prng rng;
	u64 page, rnd;

	prng_seed(&rng, 20260101);
	while (!READ_ONCE(d->stop) && !READ_ONCE(d->failed)) {
		rnd = prng_u64(&rng);
		page = d->reads / 64 * 37 + rnd % 16;
		if (!(rnd >> 60))
			page = rnd >> 8;
		hammer_page(d, page % d->pages, rnd);
	}
}

int demo_device_start(struct demo *d)
{
	d->ledger = kzalloc(d->pages * sizeof(*d->ledger));
	if (!d->ledger)
		return demo_fail(d, "no memory for the ledger");
	d->dev = shadow_attach(d->mm, "kvm");
	if (IS_ERR(d->dev)) {
		int err = PTR_ERR(d->dev);

		d->dev = NULL;
		return demo_fail(d, "no device: %d", err);
	}
	d->hammer = kthread_run("demo-device", -1, hammer_main, d);
	if (IS_ERR(d->hammer)) {
		d->hammer = NULL;
		return demo_fail(d, "no thread for the device");
	}
	return 0;
}

void demo_device_stop(struct demo *d)
{
	WRITE_ONCE(d->stop, 1);
	if (d->hammer)
		thread_join(d->hammer);
	d->hammer = NULL;
}

void demo_device_end(struct demo *d)
{
	demo_device_stop(d);
	if (d->dev)
		shadow_detach(d->dev);
	d->dev = NULL;
	kfree(d->ledger);
	d->ledger = NULL;
}
