/* SPDX-License-Identifier: MIT */
/*
 * drivers/virtio_ring.c against a fake device: an honest one that answers in
 * any order, and one that writes random nonsense into all it can reach.
 */
#include "tests/host/tap.h"
#include "drivers/virtio_ring.h"
#include "lib/err.h"
#include "lib/prng.h"
#include "lib/string.h"

#define SIZE		16U
#define GUARD		64U

static u64 memory[(VRING_BYTES(VRING_MAX) + GUARD) / 8 + 1];
static struct vring vr;
static u16 dev_avail;			/* the device's place in avail */
static u32 tokens[VRING_MAX], back[VRING_MAX];

static void reset(u32 size)
{
	memset(memory, 0, sizeof(memory));
	memset(back, 0, sizeof(back));
	dev_avail = 0;
	CHECK(vring_init(&vr, size, memory));
}

static struct vring_used *used(void)
{
	return (struct vring_used *)(void *)((char *)memory +
					     VRING_USED_AT(vr.size));
}

/* The device takes the next chain: its head, and its length checked. */
static u32 device_take(u32 want_len)
{
	u32 head = vr.avail->ring[dev_avail++ & (vr.size - 1)], n = 1;

	CHECK(head < vr.size);
	for (u32 at = head; vr.desc[at].flags & VRING_DESC_NEXT; n++) {
		at = vr.desc[at].next;
		CHECK(at < vr.size && n <= vr.size);
		if (at >= vr.size || n > vr.size)
			break;
		CHECK(vr.desc[at].addr == n && vr.desc[at].len == n + 1);
	}
	CHECKF(n == want_len, "%u, not %u", n, want_len);
	return head;
}

static void device_use(u32 head, u32 len)
{
	struct vring_used *u = used();

	u->ring[u->idx & (vr.size - 1)] = (struct vring_used_elem){ head, len };
	u->idx++;
}

static int add(u32 n, u32 *token)
{
	struct vring_buf bufs[SIZE + 1];

	for (u32 i = 0; i < n && i <= SIZE; i++)
		bufs[i] = (struct vring_buf){ i, i + 1, VRING_DESC_WRITE };
	return vring_add(&vr, bufs, n, token);
}

static void test_sizes(void)
{
	CHECK(!vring_init(&vr, 0, memory));
	CHECK(!vring_init(&vr, 3, memory));
	CHECK(!vring_init(&vr, VRING_MAX * 2, memory));
	CHECK(vring_init(&vr, 1, memory));
	CHECK(vring_init(&vr, VRING_MAX, memory));
	CHECK((char *)&vr.used->ring[VRING_MAX] + 2 <=
	      (char *)memory + VRING_BYTES(VRING_MAX));
}

static void test_full(void)
{
	u32 written;
	void *token;

	reset(SIZE);
	CHECK(add(SIZE + 1, &tokens[0]) == -ENOSPC);
	CHECK(add(0, &tokens[0]) == -ENOSPC);
	CHECK(add(10, &tokens[0]) == 0);
	CHECK(add(7, &tokens[1]) == -ENOSPC);
	CHECK(add(6, &tokens[1]) == 0);
	CHECK(add(1, &tokens[2]) == -ENOSPC);
	CHECK(vring_get_used(&vr, &token, &written) == 0);
	CHECK(vring_should_notify(&vr));
	used()->flags = VRING_USED_NO_NOTIFY;
	CHECK(!vring_should_notify(&vr));
	device_use(device_take(10), 77);
	CHECK(vring_get_used(&vr, &token, &written) == 1);
	CHECK(token == &tokens[0] && written == 77);
	CHECK(add(10, &tokens[2]) == 0);
	CHECK(vring_take_any(&vr) && vring_take_any(&vr));
	CHECK(!vring_take_any(&vr) && vr.nr_free == SIZE);
}

/* Chains of any length, answered in any order, for many turns of the ring. */
static void test_random(void)
{
	u32 heads[SIZE], lens[SIZE], offered[SIZE], nr = 0, nr_off = 0;
	u32 len, i, written;
	struct prng rng;
	void *token;

	prng_seed(&rng, 1);
	reset(SIZE);
	for (u32 round = 0; round < 300000; round++) {
		len = 1 + (u32)prng_below(&rng, 5);
		if (prng_below(&rng, 2) && !add(len, &tokens[round % 256]))
			offered[nr_off++] = len;
		if (nr_off && prng_below(&rng, 2)) {
			lens[nr] = offered[0];
			heads[nr] = device_take(offered[0]);
			memmove(offered, offered + 1, --nr_off * sizeof(u32));
			nr++;
		}
		if (nr && prng_below(&rng, 2)) {
			i = (u32)prng_below(&rng, nr);
			device_use(heads[i], lens[i]);
			len = lens[i];
			heads[i] = heads[--nr];
			lens[i] = lens[nr];
			CHECK(vring_get_used(&vr, &token, &written) == 1);
			CHECK(written == len);
		}
	}
	while (vring_take_any(&vr))
		;
	CHECK(vr.nr_free == SIZE);
}

static void test_bad_id(void)
{
	static const u32 bad[] = { SIZE, SIZE + 1, 0x10000, U32_MAX, 5 };
	u32 written;
	void *token;

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		reset(SIZE);
		CHECK(add(3, &tokens[0]) == 0);
		device_use(bad[i], 0);
		CHECK(vring_get_used(&vr, &token, &written) == -EIO);
		CHECK(vring_take_any(&vr) == &tokens[0]);
		CHECK(!vring_take_any(&vr));
	}
}

/* An answer given twice, and an index that runs ahead. */
static void test_bad_index(void)
{
	u32 written, head;
	void *token;

	reset(SIZE);
	CHECK(add(2, &tokens[0]) == 0 && add(2, &tokens[1]) == 0);
	head = device_take(2);
	device_use(head, 0);
	device_use(head, 0);
	CHECK(vring_get_used(&vr, &token, &written) == 1);
	CHECK(vring_get_used(&vr, &token, &written) == -EIO);
	CHECK(vring_take_any(&vr) == &tokens[1]);

	reset(SIZE);
	CHECK(add(2, &tokens[0]) == 0);
	used()->idx = 9;
	CHECK(vring_get_used(&vr, &token, &written) == -EIO);
	reset(SIZE);
	used()->idx = (u16)-1;
	CHECK(vring_get_used(&vr, &token, &written) == -EIO);
}

/*
 * The device scribbles over its own part and over what it may only read.
 * Every token must come back exactly once, whatever it does.
 */
static void fuzz_round(struct prng *rng)
{
	u32 given = 0, got = 0, written;
	u8 *bytes = (u8 *)memory;
	void *token;
	int ret;

	reset(SIZE);
	for (u32 step = 0; step < 200; step++) {
		if (prng_below(rng, 2) &&
		    !add(1 + (u32)prng_below(rng, 4), &tokens[given]))
			back[given++] = 1;
		if (prng_below(rng, 3) && dev_avail != vr.avail_idx &&
		    vr.avail->idx == vr.avail_idx)
			device_use(vr.avail->ring[dev_avail++ & (SIZE - 1)], 1);
		if (!prng_below(rng, 20))
			bytes[prng_below(rng, VRING_BYTES(SIZE))] =
				(u8)prng_u32(rng);
		ret = vring_get_used(&vr, &token, &written);
		if (ret < 0)
			break;
		if (ret == 1) {
			CHECK(back[(u32 *)token - tokens]-- == 1);
			got++;
		}
	}
	while ((token = vring_take_any(&vr))) {
		CHECK(back[(u32 *)token - tokens]-- == 1);
		got++;
	}
	CHECK(got == given && vr.nr_free == SIZE);
}

static void test_fuzz(void)
{
	struct prng rng;

	prng_seed(&rng, 7);
	for (u32 i = 0; i < 20000; i++)
		fuzz_round(&rng);
}

int main(void)
{
	RUN(test_sizes);
	RUN(test_full);
	RUN(test_random);
	RUN(test_bad_id);
	RUN(test_bad_index);
	RUN(test_fuzz);
	return tap_done();
}
