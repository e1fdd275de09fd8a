/* SPDX-License-Identifier: MIT */
/*
 * Line editing over a terminal: printable characters and UTF-8 insert;
 *
 *	left right, ^B ^F	move		home end, ^A ^E	to the ends
 *	backspace, del, ^D	delete		^K ^U ^W	to end, start, word
 *	up down, ^P ^N		history		tab		completion
 *	^L			clear screen	^C		drop the line
 *
 * L1  buf[0..len) is the line, pos the cursor, always between characters; what
 *     the terminal shows is prompt and line, its cursor at pos.
 * L2  NUL, unknown control characters and unknown escape sequences change
 *     nothing.  A byte that is no UTF-8 is kept as it is: it moves alone.
 *
 * Only backspaces move the cursor, so it works on any terminal as long as the
 * line fits one row; a longer one is edited best at its end.
 * Tests: tests/kt/kt_shell.c
 */
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "arch/smp.h"
#include "lib/err.h"
#include "lib/string.h"

#define HISTORY		64
#define ESC_WAIT_NS	50000000ULL
#define MAX_CANDIDATES	64
#define CANDIDATE_LEN	64

enum key {
	KEY_NONE = 0x100, KEY_LEFT, KEY_RIGHT, KEY_UP, KEY_DOWN, KEY_HOME,
	KEY_END, KEY_DEL,
};
#define CTRL(c)	((c) & 0x1f)

struct edit {
	const struct shell_input *in;
	char *buf;
	size_t size, len, pos;
	u32 back;		/* history lines up from the newest; 0: ours */
	int unread;		/* a byte read too far; 0: none */
	bool last_was_tab;
};

static char history[HISTORY][SHELL_LINE_MAX];
static u32 history_nr;		/* lines ever added */
static char own_line[SHELL_LINE_MAX];	/* while the history is shown */

static struct {
	char name[MAX_CANDIDATES][CANDIDATE_LEN];
	u32 nr;
	const char *prefix;
	size_t prefix_len;
} found;

static void (*put)(const char *s, size_t len);

static void out(const char *s)
{
	put(s, strlen(s));
}

static bool continuation(char c)
{
	return ((u8)c & 0xc0) == 0x80;
}

/* Characters in buf[from..to). */
static size_t width(const struct edit *e, size_t from, size_t to)
{
	size_t n = 0;

	for (; from < to; from++)
		n += !continuation(e->buf[from]) || from == 0;
	return n;
}

static void backspaces(size_t n)
{
	while (n--)
		out("\b");
}

/* Shows buf[pos..len) and `gone` blanks behind it; the cursor stays at pos. */
static void show_tail(const struct edit *e, size_t gone)
{
	put(e->buf + e->pos, e->len - e->pos);
	for (size_t i = 0; i < gone; i++)
		out(" ");
	backspaces(width(e, e->pos, e->len) + gone);
}

static void move_to(struct edit *e, size_t pos)
{
	if (pos < e->pos)
		backspaces(width(e, pos, e->pos));
	else
		put(e->buf + e->pos, pos - e->pos);
	e->pos = pos;
}

static size_t left_of(const struct edit *e, size_t pos)
{
	if (!pos)
		return 0;
	do {
		pos--;
	} while (pos && continuation(e->buf[pos]));
	return pos;
}

static size_t right_of(const struct edit *e, size_t pos)
{
	if (pos == e->len)
		return pos;
	do {
		pos++;
	} while (pos < e->len && continuation(e->buf[pos]));
	return pos;
}

static void insert(struct edit *e, const char *s, size_t n)
{
	if (e->len + n >= e->size) {
		out("\a");
		return;
	}
	memmove(e->buf + e->pos + n, e->buf + e->pos, e->len - e->pos);
	memcpy(e->buf + e->pos, s, n);
	e->len += n;
	put(s, n);
	e->pos += n;
	if (e->pos < e->len)
		show_tail(e, 0);
}

/* Removes buf[from..to) and leaves the cursor there. */
static void erase(struct edit *e, size_t from, size_t to)
{
	size_t gone = width(e, from, to);

	move_to(e, from);
	memmove(e->buf + from, e->buf + to, e->len - to);
	e->len -= to - from;
	show_tail(e, gone);
}

static void erase_word(struct edit *e)
{
	size_t from = e->pos;

	while (from && e->buf[from - 1] == ' ')
		from--;
	while (from && e->buf[from - 1] != ' ')
		from--;
	erase(e, from, e->pos);
}

/*
 * A character that starts with this byte, all of it at once: the terminal
 * must not see its bytes apart from each other.
 */
static void insert_char(struct edit *e, int first)
{
	int want = first < 0xc0 || first >= 0xf8 ? 1 :
		   first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	char s[4] = { (char)first };
	int n = 1;

	while (n < want) {
		int c = e->in->getc_until(ktime_get() + ESC_WAIT_NS);

		if (c < 0)
			break;
		if (!continuation((char)c)) {
			e->unread = c;
			break;
		}
		s[n++] = (char)c;
	}
	insert(e, s, (size_t)n);
}

static void replace_line(struct edit *e, const char *s)
{
	size_t n = strlen(s);

	erase(e, 0, e->len);
	if (n < e->size)
		insert(e, s, n);
}

static void history_add(const char *line)
{
	const char *last = history[(history_nr + HISTORY - 1) % HISTORY];

	if (!*line || (history_nr && !strcmp(last, line)))
		return;
	strlcpy(history[history_nr % HISTORY], line, SHELL_LINE_MAX);
	history_nr++;
}

static void history_move(struct edit *e, int by)
{
	u32 most = history_nr < HISTORY ? history_nr : HISTORY;

	if ((by > 0 && e->back == most) || (by < 0 && !e->back)) {
		out("\a");
		return;
	}
	if (!e->back) {
		e->buf[e->len] = 0;
		strlcpy(own_line, e->buf, sizeof(own_line));
	}
	e->back += (u32)by;
	replace_line(e, e->back ? history[(history_nr - e->back) % HISTORY]
				: own_line);
}

static void add_candidate(const char *name)
{
	if (strncmp(name, found.prefix, found.prefix_len) ||
	    found.nr == MAX_CANDIDATES || strlen(name) >= CANDIDATE_LEN)
		return;
	for (u32 i = 0; i < found.nr; i++)
		if (!strcmp(found.name[i], name))
			return;
	strlcpy(found.name[found.nr++], name, CANDIDATE_LEN);
}

static size_t common_length(void)
{
	size_t n = strlen(found.name[0]);

	for (u32 i = 1; i < found.nr; i++) {
		size_t k = 0;

		while (k < n && found.name[i][k] == found.name[0][k])
			k++;
		n = k;
	}
	return n;
}

static void list_candidates(struct edit *e)
{
	size_t col = 0;

	out("\n");
	for (u32 i = 0; i < found.nr; i++) {
		col += strlen(found.name[i]) + 2;
		if (col > 78) {
			out("\n");
			col = strlen(found.name[i]) + 2;
		}
		out(found.name[i]);
		out("  ");
	}
	out("\n");
	out(shell_prompt);
	put(e->buf, e->len);
	backspaces(width(e, e->pos, e->len));
}

static void complete(struct edit *e)
{
	static char line[SHELL_LINE_MAX];
	size_t word = 0, n;

	memcpy(line, e->buf, e->pos);
	line[e->pos] = 0;
	found.nr = 0;
	found.prefix = "";
	/* The first pass tells where the word starts. */
	found.prefix_len = SHELL_LINE_MAX;
	shell_complete(line, e->pos, &word, add_candidate);
	found.nr = 0;
	found.prefix = line + word;
	found.prefix_len = e->pos - word;
	shell_complete(line, e->pos, &word, add_candidate);
	if (!found.nr) {
		out("\a");
		return;
	}
	n = common_length();
	if (n > e->pos - word) {
		insert(e, found.name[0] + (e->pos - word), n - (e->pos - word));
		if (found.nr == 1)
			insert(e, " ", 1);
	} else if (found.nr == 1) {
		insert(e, " ", 1);
	} else if (e->last_was_tab) {
		list_candidates(e);
	} else {
		out("\a");
	}
}

/* ESC has come; the rest of the sequence, if there is one. */
static int escape_key(struct edit *e)
{
	int c = e->in->getc_until(ktime_get() + ESC_WAIT_NS), num = 0;

	if (c >= 0 && c < 0x20)
		e->unread = c;		/* ESC alone, then another key */
	if (c != '[' && c != 'O')
		return c < 0 && c != -EAGAIN ? c : KEY_NONE;
	for (int i = 0; i < 16; i++) {
		c = e->in->getc_until(ktime_get() + ESC_WAIT_NS);
		if (c < '0' || (c > '9' && c != ';'))
			break;
		num = c == ';' ? num : num * 10 + c - '0';
	}
	if (c >= 0 && c < 0x20)
		e->unread = c;
	switch (c) {
	case 'A': return KEY_UP;
	case 'B': return KEY_DOWN;
	case 'C': return KEY_RIGHT;
	case 'D': return KEY_LEFT;
	case 'H': return KEY_HOME;
	case 'F': return KEY_END;
	case '~':
		if (num == 1 || num == 7)
			return KEY_HOME;
		if (num == 4 || num == 8)
			return KEY_END;
		return num == 3 ? KEY_DEL : KEY_NONE;
	}
	return KEY_NONE;
}

static void move_key(struct edit *e, int key)
{
	switch (key) {
	case KEY_LEFT: case CTRL('B'):
		move_to(e, left_of(e, e->pos));
		break;
	case KEY_RIGHT: case CTRL('F'):
		move_to(e, right_of(e, e->pos));
		break;
	case KEY_HOME: case CTRL('A'):
		move_to(e, 0);
		break;
	case KEY_END: case CTRL('E'):
		move_to(e, e->len);
		break;
	case KEY_UP: case CTRL('P'):
		history_move(e, 1);
		break;
	case KEY_DOWN: case CTRL('N'):
		history_move(e, -1);
		break;
	}
}

static void edit_key(struct edit *e, int key)
{
	switch (key) {
	case 0x7f: case CTRL('H'):
		erase(e, left_of(e, e->pos), e->pos);
		break;
	case KEY_DEL: case CTRL('D'):
		erase(e, e->pos, right_of(e, e->pos));
		break;
	case CTRL('K'):
		erase(e, e->pos, e->len);
		break;
	case CTRL('U'):
		erase(e, 0, e->pos);
		break;
	case CTRL('W'):
		erase_word(e);
		break;
	case CTRL('L'):
		out("\033[H\033[2J");
		out(shell_prompt);
		put(e->buf, e->len);
		backspaces(width(e, e->pos, e->len));
		break;
	case '\t':
		complete(e);
		break;
	default:
		if (key >= 0x20 && key < 0x100)
			insert_char(e, key);
		else
			move_key(e, key);
	}
	e->last_was_tab = key == '\t';
}

/* The next byte, also one that was read too far. */
static int next_byte(struct edit *e)
{
	int c = e->unread;

	e->unread = 0;
	return c ? c : e->in->getc();
}

ssize_t shell_read_line(const struct shell_input *in, char *buf, size_t size)
{
	static int after_cr;	/* CR LF is one line end */
	struct edit e = { .in = in, .buf = buf, .size = size };

	put = in->put ? in->put : console_write;
	out(shell_prompt);
	for (;;) {
		int key = next_byte(&e), lf_of_crlf = after_cr && key == '\n';

		after_cr = key == '\r';
		if (lf_of_crlf)
			continue;
		if (key == '\033')
			key = escape_key(&e);
		if (key < 0 || key == CTRL('C')) {
			out("^C\n");
			return -EINTR;
		}
		if (key == '\r' || key == '\n')
			break;
		edit_key(&e, key);
	}
	out("\n");
	buf[e.len] = 0;
	history_add(buf);
	return (ssize_t)e.len;
}
