/* SPDX-License-Identifier: MIT */
/*
 * Formatting into a buffer: %d %i %u %x %X %o %c %s %p %%, lengths hh h l ll z
 * t, flags - 0 + space #, width and precision (also *).  Of %p: 0x and 16
 * digits; %pe prints an ERR_PTR's name ("-ENOMEM"), or a good pointer as %p.
 * Anything else is printed as it stands, so that a wrong format shows.
 *
 * The result is terminated whenever size > 0.  Tests: tests/host/test_printf.c
 */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include <stdarg.h>

#include "lib/types.h"
#include "lib/compiler.h"

/* Returns the length the whole result has, whatever fitted. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
	__printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
/* Returns the length that is in buf: at most size - 1. */
int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap)
	__printf(3, 0);
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#endif
