/* SPDX-License-Identifier: MIT */
/*
 * Memory and string functions.  Words of eight bytes, any alignment (x86 does
 * not mind); the pragma keeps the compiler from turning a loop in memcpy into
 * a call of memcpy.
 */
#include "lib/string.h"
#include "lib/compiler.h"
#include "lib/err.h"

#pragma GCC optimize("no-tree-loop-distribute-patterns")

typedef u64 __attribute__((__may_alias__, __aligned__(1))) word_t;

#define W	sizeof(word_t)

static void copy_up(u8 *d, const u8 *s, size_t n)
{
	for (; n >= 4 * W; n -= 4 * W, d += 4 * W, s += 4 * W) {
		word_t a = ((const word_t *)s)[0], b = ((const word_t *)s)[1];
		word_t c = ((const word_t *)s)[2], e = ((const word_t *)s)[3];

		((word_t *)d)[0] = a;
		((word_t *)d)[1] = b;
		((word_t *)d)[2] = c;
		((word_t *)d)[3] = e;
	}
	for (; n >= W; n -= W, d += W, s += W)
		*(word_t *)d = *(const word_t *)s;
	while (n--)
		*d++ = *s++;
}

static void copy_down(u8 *d, const u8 *s, size_t n)
{
	for (d += n, s += n; n >= W; n -= W) {
		d -= W;
		s -= W;
		*(word_t *)d = *(const word_t *)s;
	}
	while (n--)
		*--d = *--s;
}

void *memcpy(void *dst, const void *src, size_t n)
{
	kcsan_check(src, n, KCSAN_READ);
	kcsan_check(dst, n, KCSAN_WRITE);
	copy_up(dst, src, n);
	return dst;
}

/*
 * Upwards is right when dst is below src: each word is read before any store
 * reaches it (a group of four is read whole before it is stored).
 */
void *memmove(void *dst, const void *src, size_t n)
{
	kcsan_check(src, n, KCSAN_READ);
	kcsan_check(dst, n, KCSAN_WRITE);
	if ((uintptr_t)dst - (uintptr_t)src >= n)
		copy_up(dst, src, n);
	else
		copy_down(dst, src, n);
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	u64 w = (u8)c * 0x0101010101010101ULL;
	u8 *d = dst;

	kcsan_check(dst, n, KCSAN_WRITE);
	for (; n >= 4 * W; n -= 4 * W, d += 4 * W) {
		((word_t *)d)[0] = w;
		((word_t *)d)[1] = w;
		((word_t *)d)[2] = w;
		((word_t *)d)[3] = w;
	}
	for (; n >= W; n -= W, d += W)
		*(word_t *)d = w;
	while (n--)
		*d++ = (u8)c;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *p = a, *q = b;

	for (; n >= W; n -= W, p += W, q += W)
		if (*(const word_t *)p != *(const word_t *)q)
			break;
	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	for (const u8 *p = s; n--; p++)
		if (*p == (u8)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b)
			return (u8)*a - (u8)*b;
		if (!*a)
			break;
	}
	return 0;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)(uintptr_t)s;
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (!*s)
			return (char *)(uintptr_t)found;
	}
}

char *strstr(const char *hay, const char *needle)
{
	size_t n = strlen(needle);

	if (!n)
		return (char *)(uintptr_t)hay;
	for (; (hay = strchr(hay, needle[0])); hay++)
		if (!strncmp(hay, needle, n))
			return (char *)(uintptr_t)hay;
	return NULL;
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
	size_t n = strlen(src);

	if (size) {
		size_t k = min(n, size - 1);

		memcpy(dst, src, k);
		dst[k] = '\0';
	}
	return n;
}

size_t strlcat(char *dst, const char *src, size_t size)
{
	size_t n = strnlen(dst, size);

	return n + strlcpy(dst + n, src, size - n);
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return INT_MAX;
}

/* Digits of s up to the first other byte, which *end is set to. */
static int parse_u64(const char *s, int base, u64 *out, const char **end)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	const char *first;
	u64 v = 0;

	if ((base == 0 || base == 16) && hex) {
		s += 2;
		base = 16;
	} else if (base == 0) {
		base = s[0] == '0' ? 8 : 10;
	}
	if (base < 2 || base > 36)
		return -EINVAL;
	for (first = s; digit_value(*s) < base; s++) {
		if (__builtin_mul_overflow(v, (u64)base, &v) ||
		    __builtin_add_overflow(v, (u64)digit_value(*s), &v))
			return -ERANGE;
	}
	if (s == first)
		return -EINVAL;
	*out = v;
	*end = s;
	return 0;
}

int strtou64(const char *s, int base, u64 *out)
{
	const char *end;
	u64 v;
	int rc = parse_u64(s, base, &v, &end);

	if (rc)
		return rc;
	if (*end)
		return -EINVAL;
	*out = v;
	return 0;
}

static int suffix_shift(char c)
{
	switch (c) {
	case '\0':
		return 0;
	case 'k': case 'K':
		return 10;
	case 'm': case 'M':
		return 20;
	case 'g': case 'G':
		return 30;
	case 't': case 'T':
		return 40;
	}
	return -EINVAL;
}

int parse_size(const char *s, u64 *out)
{
	const char *end;
	int rc, shift;
	u64 v;

	rc = parse_u64(s, 0, &v, &end);
	if (rc)
		return rc;
	shift = suffix_shift(*end);
	if (shift < 0 || (*end && end[1]))
		return -EINVAL;
	if (v > U64_MAX >> shift)
		return -ERANGE;
	*out = v << shift;
	return 0;
}
