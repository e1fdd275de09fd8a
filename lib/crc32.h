/* SPDX-License-Identifier: MIT */
/*
 * CRC-32 (IEEE 802.3, reflected, as in zip and cksum -o3): start with crc 0 and
 * feed the result back in for the next piece.
 */
#ifndef LIB_CRC32_H
#define LIB_CRC32_H

#include "lib/types.h"

u32 crc32(u32 crc, const void *data, size_t len);

#endif
