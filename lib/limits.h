/* SPDX-License-Identifier: MIT */
/* Hard limits that size static arrays and bit maps. */
#ifndef LIB_LIMITS_H
#define LIB_LIMITS_H

#define NR_CPUS		256	/* xAPIC: identifiers 0..254 */
#define BITS_PER_LONG	64

#endif
