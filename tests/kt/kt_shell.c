/* SPDX-License-Identifier: MIT */
/* The shell: lines, words, errors; editing, history and completion. */
#include "kernel/ktest.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "lib/err.h"
#include "lib/string.h"

static const char *script;
static char echo[4096];
static size_t echo_len;

static int script_getc(void)
{
	/* A script that does not end its line would hang the test. */
	return *script ? (u8)*script++ : '\n';
}

static int script_until(u64 deadline)
{
	(void)deadline;
	return *script ? (u8)*script++ : -EAGAIN;
}

static void script_put(const char *s, size_t len)
{
	for (size_t i = 0; i < len && echo_len < sizeof(echo) - 1; i++)
		echo[echo_len++] = s[i];
	echo[echo_len] = 0;
}

static const struct shell_input input = {
	.getc = script_getc, .getc_until = script_until, .put = script_put,
};

static char line[SHELL_LINE_MAX];

/* What the line is after these keys. */
static const char *type(const char *keys)
{
	script = keys;
	echo_len = 0;
	if (shell_read_line(&input, line, sizeof(line)) == -EINTR)
		return "EINTR";
	return line;
}

#define TYPED(t, keys, want) \
	KT_EXPECT(t, !strcmp(type(keys), want))

static int run(const char *text)
{
	static char buf[256];

	strlcpy(buf, text, sizeof(buf));
	return shell_run_line(buf);
}

/* A console that keeps what run() prints.  It stays registered for ever. */
static char said[512];
static size_t said_len;
static bool listening, registered;

static void listen_write(struct console *c, const char *s, size_t len)
{
	(void)c;
	for (size_t i = 0; listening && i < len; i++)
		if (said_len < sizeof(said) - 1)
			said[said_len++] = s[i];
}

static struct console listener = { .name = "kt", .write = listen_write };

/* Runs text and keeps its output in said[]; how many lines it printed. */
static u32 lines_of(const char *text)
{
	u32 lines = 0;

	if (!registered)
		console_register(&listener);
	registered = true;
	memset(said, 0, sizeof(said));
	said_len = 0;
	WRITE_ONCE(listening, true);
	run(text);
	WRITE_ONCE(listening, false);
	for (const char *p = said; *p; p++)
		lines += *p == '\n';
	return lines;
}

static int last_argc;
static char last_args[128];

static int cmd_kt(int argc, char **argv)
{
	last_argc = argc;
	last_args[0] = 0;
	for (int i = 1; i < argc; i++) {
		strlcat(last_args, "<", sizeof(last_args));
		strlcat(last_args, argv[i], sizeof(last_args));
		strlcat(last_args, ">", sizeof(last_args));
	}
	return argc > 1 && !strcmp(argv[1], "fail") ? -EIO : 0;
}

static void complete_kt(int arg, const char *prefix, void (*emit)(const char *))
{
	(void)prefix;
	if (arg == 1) {
		emit("alpha");
		emit("alphabet");
	} else if (arg == 2) {
		emit("second");
	}
}
SHELL_CMD_NAMED(kt, "kt-args", "[A [B [C]]]", "for the self-tests: takes words",
		0, 3, SHELL_HIDDEN, cmd_kt, complete_kt);

KTEST(shell, words)
{
	KT_EQ(t, run("kt-args one  two\tthree "), 0);
	KT_EXPECT(t, !strcmp(last_args, "<one><two><three>"));
	KT_EQ(t, run("kt-args 'a b' \"c;d\" e\"f g\"h"), 0);
	KT_EXPECT(t, !strcmp(last_args, "<a b><c;d><ef gh>"));
	KT_EQ(t, run("kt-args '' \"it's\""), 0);
	KT_EXPECT(t, !strcmp(last_args, "<><it's>"));
	KT_EQ(t, run("   "), 0);
	KT_EQ(t, run(""), 0);
}

KTEST(shell, several)
{
	last_argc = 0;
	KT_EQ(t, run("kt-args a;kt-args b c"), 0);
	KT_EXPECT(t, !strcmp(last_args, "<b><c>"));
	KT_EQ(t, run(";; kt-args fail ;"), -EIO);
	KT_EQ(t, run("kt-args fail; kt-args x"), 0);
	KT_EXPECT(t, !strcmp(last_args, "<x>"));
}

KTEST(shell, mistakes)
{
	last_argc = 0;
	KT_EQ(t, run("no-such-command"), -ENOENT);
	KT_EQ(t, run("kt-args 1 2 3 4"), -EINVAL);
	KT_EQ(t, run("kt-args 'not closed"), -EINVAL);
	KT_EQ(t, run("kt-args \"not closed; kt-args"), -EINVAL);
	KT_EQ(t, run("x x x x x x x x x x x x x x x x x x x x x x x x x x x x x "
		     "x x x x x x"), -E2BIG);
	KT_EQ(t, last_argc, 0);
	KT_EQ(t, run("no-such-command; kt-args still"), 0);
	KT_EXPECT(t, !strcmp(last_args, "<still>"));
}

KTEST(shell, one_line_each)
{
	KT_EQ(t, lines_of("no-such-command a b"), 1);
	KT_EXPECT(t, !strcmp(said, "unknown command \"no-such-command\": "
				   "try help\n"));
	KT_EQ(t, lines_of("kt-args 1 2 3 4"), 1);
	KT_EXPECT(t, !strcmp(said, "usage: kt-args [A [B [C]]]\n"));
	KT_EQ(t, lines_of("kt-args 'not closed"), 1);
	KT_EXPECT(t, strstr(said, "quote") != NULL);
	KT_EQ(t, lines_of("trace banana"), 1);
	KT_EXPECT(t, strstr(said, "not a number") != NULL);
	KT_EQ(t, lines_of("help nosuch"), 1);
	KT_EQ(t, lines_of("echo a; echo b"), 2);
	KT_EXPECT(t, !strcmp(said, "a\nb\n"));
	KT_EQ(t, lines_of("kt-args fine"), 0);
}

KTEST(shell, edit_moves)
{
	TYPED(t, "hello\r", "hello");
	TYPED(t, "hllo\001\033[Ce\n", "hello");
	TYPED(t, "ello\033[Hh\005!\n", "hello!");
	TYPED(t, "ac\033[Db\033OFd\n", "abcd");
	TYPED(t, "\033[D\033[Cx\033[1~y\033[4~z\n", "yxz");
}

KTEST(shell, edit_deletes)
{
	TYPED(t, "abcx\177d\n", "abcd");
	TYPED(t, "\177\b\033[3~ok\n", "ok");
	TYPED(t, "abc\033[D\033[D\033[3~\n", "ac");
	TYPED(t, "one two three\027\027x\n", "one x");
	TYPED(t, "gone\025stays\n", "stays");
	TYPED(t, "keep gone\033[D\033[D\033[D\033[D\013\n", "keep ");
	TYPED(t, "abc\001\004\n", "bc");
}

KTEST(shell, edit_garbage)
{
	TYPED(t, "a\033[99~\033[5;7Zb\n", "ab");
	TYPED(t, "a\033b\n", "a");		/* ESC b is one unknown key */
	TYPED(t, "x\001\002\021\022y\n", "yx");
	TYPED(t, "\303\244\303\266\177z\n", "\303\244z");
	TYPED(t, "\303\244b\033[D\033[Da\n", "a\303\244b");
	TYPED(t, "\377\200\177\177\177ok\n", "ok");
	TYPED(t, "drop me\003", "EINTR");
	TYPED(t, "after esc\033\nlost", "after esc");
	TYPED(t, "csi\033[1\nlost", "csi");
	TYPED(t, "drop\033\003", "EINTR");
	/* A lead byte without its rest does not eat the next key. */
	TYPED(t, "a\303\177b\n", "ab");
	TYPED(t, "ac\033[D\303\244\n", "a\303\244c");
	KT_EXPECT(t, strstr(echo, "\303\244c\b") != NULL);
}

static int nul_next;

static int nul_getc(void)
{
	static const char keys[] = { 'a', 0, 'b', '\n' };

	return keys[nul_next++ % 4];
}

KTEST(shell, edit_nul)
{
	struct shell_input in = input;

	nul_next = 0;
	in.getc = nul_getc;
	KT_EQ(t, shell_read_line(&in, line, sizeof(line)), 2);
	KT_EXPECT(t, !strcmp(line, "ab"));
}

KTEST(shell, edit_limit)
{
	static char keys[SHELL_LINE_MAX + 10];

	memset(keys, 'x', sizeof(keys) - 2);
	keys[sizeof(keys) - 2] = '\n';
	keys[sizeof(keys) - 1] = 0;
	type(keys);
	KT_EQ(t, strlen(line), SHELL_LINE_MAX - 1);
	KT_EXPECT(t, strchr(echo, '\a') != NULL);
}

KTEST(shell, history)
{
	type("first line\n");
	type("second line\n");
	TYPED(t, "\033[A\n", "second line");
	TYPED(t, "\033[A\033[A\n", "first line");
	TYPED(t, "mine\033[A\033[B\n", "mine");
	TYPED(t, "\020 more\n", "mine more");
	TYPED(t, "\033[B\033[B\n", "");
}

KTEST(shell, completion)
{
	TYPED(t, "kt-a\t\n", "kt-args ");
	TYPED(t, "kt-args al\t\n", "kt-args alpha");
	TYPED(t, "kt-args alphab\t\n", "kt-args alphabet ");
	TYPED(t, "kt-args x s\t\n", "kt-args x second ");
	TYPED(t, "echo a; kt-ar\tal\t\n", "echo a; kt-args alpha");
	TYPED(t, "zzz\t\n", "zzz");
	TYPED(t, "kt-args alpha\t\t\n", "kt-args alpha");
	KT_EXPECT(t, strstr(echo, "alpha  alphabet") != NULL);
}

KTEST(shell, numbers)
{
	u64 v = 7;

	KT_EQ(t, shell_parse_u64("kt", "0x10", &v), 0);
	KT_EQ(t, v, 16);
	KT_EQ(t, shell_parse_u64("kt", "12x", &v), -EINVAL);
	KT_EQ(t, shell_parse_u64("kt", "-1", &v), -EINVAL);
	KT_EQ(t, shell_parse_u64("kt", "", &v), -EINVAL);
	KT_EQ(t, v, 16);
}
