/* SPDX-License-Identifier: MIT */
/*
 * The compressor looks four bytes up in a table of the last position of each
 * hash, takes the longest match from there, and goes on behind it; what does
 * not match is literal.  The table holds positions plus one, 0 is none, so an
 * entry always lies before the current position and inside the input.
 *
 * The decompressor trusts nothing: every length and distance is checked
 * against both buffers before a byte is copied.
 * Tests: tests/host/test_lzc.c
 */
#include "lib/lzc.h"
#include "lib/string.h"

struct out { u8 *p; size_t n, max; };

static u32 load32(const u8 *p)
{
	return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static u32 hash4(u32 v)
{
	return (v * 2654435761U) >> (32 - LZC_HASH_BITS);
}

static bool put_byte(struct out *o, u8 b)
{
	if (o->n == o->max)
		return false;
	o->p[o->n++] = b;
	return true;
}

static bool put_more(struct out *o, size_t len)
{
	if (len < 15)
		return true;
	for (len -= 15; len >= 255; len -= 255)
		if (!put_byte(o, 255))
			return false;
	return put_byte(o, (u8)len);
}

/* match 0: the last sequence. */
static bool put_sequence(struct out *o, const u8 *lit, size_t nlit,
			 size_t match, size_t distance)
{
	size_t m = match ? match - LZC_MIN_MATCH : 0;

	if (!put_byte(o, (u8)((nlit < 15 ? nlit : 15) << 4 |
			      (m < 15 ? m : 15))))
		return false;
	if (!put_more(o, nlit) || o->max - o->n < nlit)
		return false;
	memcpy(o->p + o->n, lit, nlit);
	o->n += nlit;
	if (!match)
		return true;
	return put_byte(o, (u8)distance) && put_byte(o, (u8)(distance >> 8)) &&
	       put_more(o, m);
}

static size_t match_length(const u8 *in, size_t a, size_t b, size_t n)
{
	size_t len = 0;

	while (b + len < n && in[a + len] == in[b + len])
		len++;
	return len;
}

size_t lzc_compress(struct lzc_work *w, const u8 *in, size_t n, u8 *out,
		    size_t max)
{
	struct out o = { out, 0, max };
	size_t pos = 0, lit = 0;

	if (n > LZC_MAX_INPUT)
		return 0;
	memset(w->table, 0, sizeof(w->table));
	while (pos + LZC_MIN_MATCH <= n) {
		u32 v = load32(in + pos), h = hash4(v);
		size_t at = w->table[h], len;

		w->table[h] = (u16)(pos + 1);
		if (!at || load32(in + at - 1) != v) {
			pos++;
			continue;
		}
		at--;
		len = match_length(in, at, pos, n);
		if (!put_sequence(&o, in + lit, pos - lit, len, pos - at))
			return 0;
		pos += len;
		lit = pos;
	}
	return put_sequence(&o, in + lit, n - lit, 0, 0) ? o.n : 0;
}

struct in { const u8 *p; size_t n, pos; };

/* len, and what follows when it is 15.  False: the input ends. */
static bool get_more(struct in *i, size_t *len)
{
	u8 b = 255;

	if (*len < 15)
		return true;
	while (b == 255) {
		if (i->pos == i->n)
			return false;
		b = i->p[i->pos++];
		*len += b;
	}
	return true;
}

static bool copy_literals(struct in *i, struct out *o, size_t len)
{
	if (!get_more(i, &len) || i->n - i->pos < len || o->max - o->n < len)
		return false;
	memcpy(o->p + o->n, i->p + i->pos, len);
	i->pos += len;
	o->n += len;
	return true;
}

static bool copy_match(struct in *i, struct out *o, size_t len)
{
	size_t distance;
	const u8 *from;

	if (i->n - i->pos < 2)
		return false;
	distance = i->p[i->pos] | (size_t)i->p[i->pos + 1] << 8;
	i->pos += 2;
	if (!get_more(i, &len))
		return false;
	len += LZC_MIN_MATCH;
	if (!distance || distance > o->n || o->max - o->n < len)
		return false;
	from = o->p + o->n - distance;
	for (size_t k = 0; k < len; k++)	/* may overlap: a run */
		o->p[o->n + k] = from[k];
	o->n += len;
	return true;
}

ssize_t lzc_decompress(const u8 *in, size_t n, u8 *out, size_t max)
{
	struct in i = { in, n, 0 };
	struct out o = { out, 0, max };

	while (i.pos < n) {
		u8 token = in[i.pos++];

		if (!copy_literals(&i, &o, token >> 4))
			return -1;
		if (i.pos == n)
			return token & 15 ? -1 : (ssize_t)o.n;
		if (!copy_match(&i, &o, token & 15))
			return -1;
	}
	return -1;			/* no last sequence */
}
