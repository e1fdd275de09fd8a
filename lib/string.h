/* SPDX-License-Identifier: MIT */
/*
 * Memory and string functions with the C library's meaning, plus strict number
 * parsing.  memcpy, memmove, memset and memcmp are what the compiler itself
 * may call.  Tests: tests/host/test_string.c
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include "lib/types.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *hay, const char *needle);

/*
 * Copies or appends at most size - 1 bytes and always terminates (size > 0).
 * Returns the length it tried to create: >= size means truncated.
 */
size_t strlcpy(char *dst, const char *src, size_t size);
size_t strlcat(char *dst, const char *src, size_t size);

/*
 * The whole of s as a number in base 2..36; base 0 takes 0x and 0 prefixes,
 * base 16 takes 0x too.  No sign, no blanks.  Returns 0, -EINVAL or -ERANGE;
 * *out is written only on success.
 */
int strtou64(const char *s, int base, u64 *out);
/* The same in base 0 with an optional K, M, G or T (either case): bytes. */
int parse_size(const char *s, u64 *out);

#endif
