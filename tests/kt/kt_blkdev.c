/* SPDX-License-Identifier: MIT */
/* Requests: checked, completed once, reported on a thread. */
#include "arch/layout.h"
#include "kernel/preempt.h"
#include "kernel/upcall.h"
#include "tests/kt/kt_disk.h"
#include "tests/kt/kt_util.h"

#define SECTORS	16

static struct {
	struct blk_request rq[4];
	u32 done[4], order[4], nr;
	bool in_irq;
} s;

static void note_done(struct blk_request *rq)
{
	u32 i = (u32)(rq - s.rq);

	s.in_irq |= this_cpu_read(preempt_count) != 0;
	s.done[i]++;
	s.order[s.nr] = i;
	smp_store_release(&s.nr, s.nr + 1);
}

/* One synchronous request of whole sectors at buf. */
static int one(struct kt_disk *d, enum blk_op op, u64 sector, void *buf,
	       u32 len)
{
	struct blk_seg seg = { virt_to_phys(buf), len };
	struct blk_request rq = {
		.op = op, .segs = &seg, .nr_segs = 1, .sector = sector,
	};

	return blk_submit_wait(&d->bd, &rq);
}

KTEST(blk, refuses_bad_requests)
{
	struct kt_disk *d = kt_disk_create(SECTORS);
	u8 *buf = kzalloc(4096);
	struct blk_request rq = { .op = BLK_WRITE };

	KT_ASSERT(t, d && buf);
	KT_EQ(t, one(d, BLK_WRITE, 0, buf, 511), -EINVAL);
	KT_EQ(t, one(d, BLK_WRITE, 0, buf, 0), -EINVAL);
	KT_EQ(t, one(d, BLK_WRITE, 0, buf + 1, 512), -EINVAL);
	KT_EQ(t, one(d, BLK_WRITE, SECTORS, buf, 512), -EINVAL);
	KT_EQ(t, one(d, BLK_WRITE, SECTORS - 1, buf, 1024), -EINVAL);
	KT_EQ(t, one(d, BLK_WRITE, U64_MAX, buf, 512), -EINVAL);
	KT_EQ(t, one(d, (enum blk_op)7, 0, buf, 512), -EINVAL);
	KT_EQ(t, one(d, BLK_FLUSH, 0, buf, 512), -EINVAL);
	KT_EQ(t, blk_submit_wait(&d->bd, &rq), -EINVAL);
	rq.nr_segs = KT_DISK_SEGS + 1;
	KT_EQ(t, blk_submit_wait(&d->bd, &rq), -EINVAL);
	d->bd.read_only = true;
	KT_EQ(t, one(d, BLK_WRITE, 0, buf, 512), -EROFS);
	KT_EQ(t, d->seen[BLK_READ] + d->seen[BLK_WRITE] + d->seen[BLK_FLUSH],
	      0);
	KT_EQ(t, one(d, BLK_READ, SECTORS - 1, buf, 512), 0);
	d->bd.block_size = 4096;
	KT_EQ(t, one(d, BLK_READ, 8, buf, 512), -EINVAL);
	KT_EQ(t, one(d, BLK_READ, 1, buf, 4096), -EINVAL);
	KT_EQ(t, one(d, BLK_READ, 8, buf, 4096), 0);
	kt_disk_free(d);
	kfree(buf);
}

KTEST(blk, moves_bytes)
{
	struct kt_disk *d = kt_disk_create(SECTORS);
	u64 *buf = kzalloc(2048);

	KT_ASSERT(t, d && buf);
	for (u32 i = 0; i < 256; i++)
		buf[i] = i;
	KT_EQ(t, one(d, BLK_WRITE, 3, buf, 2048), 0);
	KT_EQ(t, d->unflushed, 1);
	KT_EQ(t, blk_flush(&d->bd), 0);
	KT_EQ(t, d->unflushed, 0);
	KT_EQ(t, one(d, BLK_READ, 4, buf, 512), 0);
	KT_EQ(t, buf[0], 64);
	KT_EQ(t, buf[63], 127);
	kt_disk_fail_nth(d, BLK_READ, 2);
	KT_EQ(t, one(d, BLK_READ, 0, buf, 512), 0);
	KT_EQ(t, one(d, BLK_READ, 0, buf, 512), -EIO);
	KT_EQ(t, one(d, BLK_READ, 0, buf, 512), 0);
	KT_EQ(t, atomic64_read(&d->bd.errors), 1);
	KT_EQ(t, atomic64_read(&d->bd.reads), 3);
	kt_disk_free(d);
	kfree(buf);
}

/* B1, B3: each once, on a thread, in the order they ended. */
KTEST(blk, done_once_on_a_thread)
{
	struct kt_disk *d = kt_disk_create(SECTORS);
	u8 *buf = kzalloc(512);
	struct blk_seg seg = { virt_to_phys(buf), 512 };

	KT_ASSERT(t, d && buf);
	memset(&s, 0, sizeof(s));
	kt_disk_hold(d, BIT(BLK_READ));
	for (u32 i = 0; i < 4; i++) {
		s.rq[i] = (struct blk_request){
			.op = i == 2 ? BLK_WRITE : BLK_READ, .segs = &seg,
			.nr_segs = 1, .sector = i, .done = note_done,
		};
		blk_submit(&d->bd, &s.rq[i]);
	}
	KT_EXPECT(t, kt_wait_for(smp_load_acquire(&s.nr) == 1));
	KT_EQ(t, s.order[0], 2);
	kt_disk_release(d);
	KT_EXPECT(t, kt_wait_for(smp_load_acquire(&s.nr) == 4));
	for (u32 i = 0; i < 4; i++)
		KT_EQ(t, s.done[i], 1);
	KT_EQ(t, s.order[3], 3);
	KT_EXPECT(t, !s.in_irq);
	kt_disk_free(d);
	kfree(buf);
}
