/* SPDX-License-Identifier: MIT */
/*
 * Bugs that a review of the whole tree found, each by a test of its own; what
 * happened stands in docs/races.md.
 */
#include "arch/smp.h"
#include "kernel/racepoint.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/tlb.h"
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_util.h"

/*
 * A frame on a CPU's list is not the zone's: whoever frees its buddy, holding
 * the zone's lock only, must not take it for a free block.
 */
KTEST(review, pcp_frame_is_no_buddy)
{
	struct page *p[80];
	u32 n = 0, buddies = 0;

	kt_pin(0);
	while (n < ARRAY_SIZE(p) && (p[n] = alloc_page(ALLOC_PLAIN)))
		n++;
	for (u32 i = 0; i < n; i++)
		put_page(p[i]);
	/* At most PCP_MAX - PCP_BATCH of the last went on to the zone. */
	for (u32 i = n - 16; n >= 16 && i < n; i++) {
		buddies += page_test(p[i], PG_buddy);
		KT_EXPECT(t, page_is_free(p[i]));
	}
	kt_unpin();
	KT_EQ(t, buddies, 0);
}

struct writer {
	struct mm_struct *mm;
	struct kt_file *f;
	vaddr_t from;
	u64 pos, len;
	ssize_t ret;
};

static void write_user(void *arg)
{
	struct writer *w = arg;

	activate_mm(w->mm);
	w->ret = filemap_write_user(&w->f->m, w->from, w->pos, w->len);
	deactivate_mm();
}

/* A write() whose buffer ends too early changes no byte that it did not have. */
KTEST(review, short_write_keeps_the_rest)
{
	struct mm_struct *mm = mm_alloc();
	struct kt_file *f = kt_file_create(7, 0x2000);
	struct writer w = { .mm = mm, .f = f, .len = 64 };
	u64 words[8];

	KT_ASSERT(t, mm && f);
	kt_map(mm, 0, 0x1000, PROT_RW);
	kt_poke(mm, KT_BASE + 0xff8, 99);
	w.from = KT_BASE + 0xff8;			/* 8 of 64 bytes */
	thread_join(kthread_run("writer", -1, write_user, &w));
	KT_EQ(t, w.ret, 8);
	w.from = KT_BASE + 0x1000;			/* none */
	w.pos = 0x1000;
	thread_join(kthread_run("writer", -1, write_user, &w));
	KT_EQ(t, w.ret, -EFAULT);
	KT_EQ(t, filemap_read(&f->m, words, 0, sizeof(words)), 64);
	KT_EQ(t, words[0], 99);
	KT_EQ(t, words[1], kt_word(7, 0));
	KT_EQ(t, filemap_read(&f->m, words, 0x1000, sizeof(words)), 64);
	KT_EQ(t, words[0], kt_word(7, 1));
	mmput(mm);
	kt_file_put(f);
}

/* The range that goes away must end below USER_END, whatever old_len says. */
KTEST(review, mremap_shrink_range)
{
	struct mm_struct *mm = mm_alloc();
	const vaddr_t high = 0x700000000000UL;

	KT_ASSERT(t, mm);
	kt_map(mm, 0, 0x1000, PROT_RW);
	KT_EQ(t, kt_mmap(mm, high, 0x1000, PROT_RW,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), high);
	kt_poke(mm, high, 5);
	KT_EQ(t, kt_mremap(mm, KT_BASE, 1UL << 48, 0x1000, KT_STAY), -EINVAL);
	KT_EQ(t, kt_mremap(mm, KT_BASE, USER_END, 0x1000, KT_STAY), -EINVAL);
	KT_EQ(t, kt_mremap(mm, KT_BASE, 1UL << 48, 0x1000,
			   KT_BASE - 0x10000), -EINVAL);
	KT_EQ(t, kt_peek(mm, high), 5);
	mmput(mm);
}

struct copier {
	struct mm_struct *mm, *child;
	u64 word;
	u32 err;
};

static void copy_in(void *arg)
{
	struct copier *c = arg;

	c->err = (u32)copy_to_mm(c->mm, KT_BASE, &c->word, sizeof(c->word));
}

static void fork_and_write(void *arg)
{
	struct copier *c = arg;

	c->err |= (u32)dup_mmap(c->child, c->mm);
	c->err |= (u32)kt_poke(c->mm, KT_BASE + 8, 1);	/* breaks the COW */
}

/* A copy into a process that forks meanwhile is not lost to the parent. */
KTEST_FLAGS(review, copy_to_mm_vs_fork, KTF_LAB_ONLY)
{
	struct copier c = { .word = 42 };
	struct kt_team team = { .nr = 0 };

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	c.mm = mm_alloc();
	c.child = mm_alloc();
	KT_ASSERT(t, c.mm && c.child);
	kt_map(c.mm, 0, 0x1000, PROT_RW);
	kt_poke(c.mm, KT_BASE, 1);
	kt_pin(0);
	race_arm("copy_to_mm:before_copy", 1);
	kt_spawn(t, &team, (int)kt_other_cpu(), copy_in, &c);
	KT_EQ(t, race_wait_parked("copy_to_mm:before_copy"), 0);
	kt_spawn(t, &team, 0, fork_and_write, &c);
	sleep_ms(50);			/* the fork is done, or waits */
	race_release("copy_to_mm:before_copy");
	kt_join(&team);
	kt_unpin();
	KT_EQ(t, c.err, 0);
	KT_EQ(t, kt_peek(c.mm, KT_BASE), 42);
	mmput(c.child);
	mmput(c.mm);
}

struct grabber {
	struct mm_struct *mm;
	struct page *page;
	int err;
};

static void grab(void *arg)
{
	struct grabber *g = arg;
	bool writable;

	g->err = get_user_page(g->mm, KT_BASE, FAULT_WRITE, &g->page,
			       &writable);
}

/* A signal that comes just after get_user_page() looked for one. */
KTEST_FLAGS(review, gup_signal_after_test, KTF_LAB_ONLY)
{
	struct grabber g = { .mm = NULL };
	struct thread *th;

	if (!kt_other_cpu())
		KT_SKIP(t, "needs two CPUs");
	g.mm = mm_alloc();
	KT_ASSERT(t, g.mm);
	kt_map(g.mm, 0, 0x1000, PROT_RW);
	kt_pin(0);
	race_arm("gup:after_signal_test", 1);
	th = kthread_run("grabber", (int)kt_other_cpu(), grab, &g);
	KT_ASSERT(t, !IS_ERR(th));
	KT_EQ(t, race_wait_parked("gup:after_signal_test"), 0);
	thread_interrupt(th);
	race_release("gup:after_signal_test");
	thread_join(th);
	kt_unpin();
	KT_EQ(t, g.err, 0);
	KT_EXPECT(t, g.page);
	if (g.page)
		put_page(g.page);
	mmput(g.mm);
}
