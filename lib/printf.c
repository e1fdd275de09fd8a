/* SPDX-License-Identifier: MIT */
/*
 * The formatter behind printk and snprintf.
 *
 * P1. Nothing is written at or beyond buf + size; len counts all the same.
 * P2. Arguments are consumed exactly as the C standard says; a conversion we
 *     do not know consumes none and is copied out as text.
 */
#include "lib/printf.h"
#include "lib/err.h"
#include "lib/string.h"

enum {
	F_LEFT = 1, F_ZERO = 2, F_PLUS = 4, F_SPACE = 8, F_ALT = 16,
	F_UPPER = 32,
};

enum length { LEN_CHAR, LEN_SHORT, LEN_INT, LEN_LONG };

struct out {
	char *buf;
	size_t size;
	size_t len;		/* of the whole result so far */
};

struct spec {
	u32 flags;
	int width;
	int prec;		/* -1: none given */
	enum length length;
};

static void put(struct out *o, char c)
{
	if (o->len < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_many(struct out *o, char c, s64 n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_bytes(struct out *o, const char *s, size_t n)
{
	while (n--)
		put(o, *s++);
}

static void put_string(struct out *o, const struct spec *sp, const char *s)
{
	size_t n;
	int pad;

	if (!s)
		s = "(null)";
	n = sp->prec < 0 ? strlen(s) : strnlen(s, (size_t)sp->prec);
	pad = n < (size_t)sp->width ? sp->width - (int)n : 0;
	if (!(sp->flags & F_LEFT))
		put_many(o, ' ', pad);
	put_bytes(o, s, n);
	if (sp->flags & F_LEFT)
		put_many(o, ' ', pad);
}

static void put_char(struct out *o, const struct spec *sp, char c)
{
	if (!(sp->flags & F_LEFT))
		put_many(o, ' ', sp->width - 1);
	put(o, c);
	if (sp->flags & F_LEFT)
		put_many(o, ' ', sp->width - 1);
}

/* Digits of v, least significant first.  Returns how many (0 for 0). */
static int digits(char *tmp, u64 v, u32 base, u32 flags)
{
	const char *set = flags & F_UPPER ? "0123456789ABCDEF"
					  : "0123456789abcdef";
	int n = 0;

	for (; v; v /= base)
		tmp[n++] = set[v % base];
	return n;
}

/* v in base, after prefix (a sign or 0x). */
static void put_number(struct out *o, const struct spec *sp, u64 v, u32 base,
		       const char *prefix)
{
	char tmp[24];
	int n = digits(tmp, v, base, sp->flags);
	int prec = sp->prec < 0 ? 1 : sp->prec;
	int plen = (int)strlen(prefix);
	s64 zeros, pad;

	if (base == 8 && (sp->flags & F_ALT) && prec <= n)
		prec = n + 1;
	zeros = max(prec - n, 0);
	pad = max(sp->width - plen - zeros - n, (s64)0);
	if ((sp->flags & F_ZERO) && !(sp->flags & F_LEFT) && sp->prec < 0) {
		zeros += pad;
		pad = 0;
	}
	if (!(sp->flags & F_LEFT))
		put_many(o, ' ', pad);
	put_bytes(o, prefix, (size_t)plen);
	put_many(o, '0', zeros);
	while (n)
		put(o, tmp[--n]);
	if (sp->flags & F_LEFT)
		put_many(o, ' ', pad);
}

static void put_signed(struct out *o, const struct spec *sp, s64 v)
{
	const char *prefix = "";

	if (v < 0)
		prefix = "-";
	else if (sp->flags & F_PLUS)
		prefix = "+";
	else if (sp->flags & F_SPACE)
		prefix = " ";
	put_number(o, sp, v < 0 ? 0ULL - (u64)v : (u64)v, 10, prefix);
}

static void put_hex(struct out *o, const struct spec *sp, u64 v)
{
	const char *prefix = "";

	if ((sp->flags & F_ALT) && v)
		prefix = sp->flags & F_UPPER ? "0X" : "0x";
	put_number(o, sp, v, 16, prefix);
}

static void put_pointer(struct out *o, const struct spec *sp, const void *p)
{
	struct spec s = *sp;

	s.prec = 16;
	put_number(o, &s, (u64)(uintptr_t)p, 16, "0x");
}

/* %pe */
static void put_error(struct out *o, const struct spec *sp, const void *p)
{
	struct spec s = *sp;
	const char *name;
	char text[32];

	if (!IS_ERR(p)) {
		put_pointer(o, sp, p);
		return;
	}
	name = errname((int)PTR_ERR(p));
	s.prec = -1;
	if (!name) {
		put_signed(o, &s, PTR_ERR(p));
		return;
	}
	text[0] = '-';
	strlcpy(text + 1, name, sizeof(text) - 1);
	put_string(o, &s, text);
}

static const char *parse_flags(const char *f, struct spec *sp)
{
	for (;; f++) {
		switch (*f) {
		case '-':
			sp->flags |= F_LEFT;
			break;
		case '0':
			sp->flags |= F_ZERO;
			break;
		case '+':
			sp->flags |= F_PLUS;
			break;
		case ' ':
			sp->flags |= F_SPACE;
			break;
		case '#':
			sp->flags |= F_ALT;
			break;
		default:
			return f;
		}
	}
}

static const char *parse_int(const char *f, int *out)
{
	int v = 0;

	for (; *f >= '0' && *f <= '9'; f++)
		if (v < 1000000)
			v = v * 10 + *f - '0';
	*out = v;
	return f;
}

static const char *parse_length(const char *f, struct spec *sp)
{
	sp->length = LEN_INT;
	if (f[0] == 'h') {
		sp->length = f[1] == 'h' ? LEN_CHAR : LEN_SHORT;
		return f + 1 + (f[1] == 'h');
	}
	if (f[0] == 'l') {
		sp->length = LEN_LONG;
		return f + 1 + (f[1] == 'l');
	}
	if (f[0] == 'z' || f[0] == 't' || f[0] == 'j') {
		sp->length = LEN_LONG;
		f++;
	}
	return f;
}

/* va_list in a struct, so that a pointer to it can be passed on. */
struct args {
	va_list ap;
};

static const char *parse_spec(const char *f, struct spec *sp, struct args *a)
{
	sp->flags = 0;
	f = parse_flags(f, sp);
	if (*f == '*') {
		sp->width = va_arg(a->ap, int);
		if (sp->width < 0) {
			sp->flags |= F_LEFT;
			sp->width = -max(sp->width, -INT_MAX);
		}
		f++;
	} else {
		f = parse_int(f, &sp->width);
	}
	sp->prec = -1;
	if (*f == '.' && f[1] == '*') {
		sp->prec = max(va_arg(a->ap, int), -1);
		f += 2;
	} else if (*f == '.') {
		f = parse_int(f + 1, &sp->prec);
	}
	return parse_length(f, sp);
}

static u64 take_unsigned(const struct spec *sp, struct args *a)
{
	switch (sp->length) {
	case LEN_CHAR:
		return (u8)va_arg(a->ap, u32);
	case LEN_SHORT:
		return (u16)va_arg(a->ap, u32);
	case LEN_INT:
		return va_arg(a->ap, u32);
	default:
		return va_arg(a->ap, u64);
	}
}

static s64 take_signed(const struct spec *sp, struct args *a)
{
	switch (sp->length) {
	case LEN_CHAR:
		return (s8)va_arg(a->ap, int);
	case LEN_SHORT:
		return (s16)va_arg(a->ap, int);
	case LEN_INT:
		return va_arg(a->ap, int);
	default:
		return va_arg(a->ap, s64);
	}
}

/* One conversion; f is at its letter.  Returns what follows, NULL: unknown. */
static const char *convert(struct out *o, struct spec *sp, const char *f,
			   struct args *a)
{
	switch (*f) {
	case '%':
		put(o, '%');
		break;
	case 'c':
		put_char(o, sp, (char)va_arg(a->ap, int));
		break;
	case 's':
		put_string(o, sp, va_arg(a->ap, const char *));
		break;
	case 'd': case 'i':
		put_signed(o, sp, take_signed(sp, a));
		break;
	case 'u':
		put_number(o, sp, take_unsigned(sp, a), 10, "");
		break;
	case 'o':
		put_number(o, sp, take_unsigned(sp, a), 8, "");
		break;
	case 'X':
		sp->flags |= F_UPPER;
		fallthrough;
	case 'x':
		put_hex(o, sp, take_unsigned(sp, a));
		break;
	case 'p':
		if (f[1] == 'e') {
			put_error(o, sp, va_arg(a->ap, void *));
			return f + 2;
		}
		put_pointer(o, sp, va_arg(a->ap, void *));
		break;
	default:
		return NULL;
	}
	return f + 1;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { buf, size, 0 };
	const char *f = fmt, *next;
	struct args a, trial;
	struct spec sp;

	va_copy(a.ap, ap);
	while (*f) {
		if (*f != '%') {
			put(&o, *f++);
			continue;
		}
		va_copy(trial.ap, a.ap);
		next = parse_spec(f + 1, &sp, &trial);
		next = convert(&o, &sp, next, &trial);
		if (next) {
			f = next;
			va_end(a.ap);
			va_copy(a.ap, trial.ap);
		} else {
			put(&o, *f++);
		}
		va_end(trial.ap);
	}
	va_end(a.ap);
	if (size)
		buf[min(o.len, size - 1)] = '\0';
	return (int)min_t(size_t, o.len, INT_MAX);
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(buf, size, fmt, ap);

	if ((size_t)n < size)
		return n;
	return size ? (int)(size - 1) : 0;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vscnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
