/* SPDX-License-Identifier: MIT */
/*
 * A small byte compressor for pages of memory.  No allocation, no state.
 *
 * The output is a row of sequences: one byte with the number of literals in
 * its high and the match length less LZC_MIN_MATCH in its low half (15: more
 * follow, bytes to be added up until one is not 255), the literals, and the
 * distance of the match, two bytes, low first.  The last sequence has literals
 * only and ends with the output.
 */
#ifndef LIB_LZC_H
#define LIB_LZC_H

#include "lib/types.h"

#define LZC_MIN_MATCH	4
#define LZC_MAX_INPUT	65535
#define LZC_HASH_BITS	11

/* Scratch memory of the compressor; its contents do not matter. */
struct lzc_work { u16 table[1 << LZC_HASH_BITS]; };

/* Bytes written to out, or 0 when they do not fit in max. */
size_t lzc_compress(struct lzc_work *w, const u8 *in, size_t n, u8 *out, size_t max);
/* Bytes written to out; -1 for an input that is damaged or does not fit. */
ssize_t lzc_decompress(const u8 *in, size_t n, u8 *out, size_t max);

#endif
