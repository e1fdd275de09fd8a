/* SPDX-License-Identifier: MIT */
/*
 * The terminal: console bytes through Linux's line discipline.
 *
 * T1. Each byte wakes the shell's thread, which waits for the program in front:
 *     it takes the bytes through the discipline (tty_service), so echo and the
 *     keys that send signals work whether or not the program reads.
 * T2. ring[head..ready) can be read, ring[ready..tail) is the line being
 *     edited.  EOF_MARK is an end of file between bytes; in canonical mode a
 *     read ends with a newline, before an EOF_MARK it takes away, or when the
 *     caller's buffer is full.
 *
 * Locks: tty.lock guards everything (spinning: poll looks with its state set).
 * Tests: tests/drive/programs.py
 */
#include "arch/uaccess.h"
#include "kernel/dev.h"
#include "kernel/printk.h"
#include "lib/err.h"
#include "lib/string.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/times.h"
#include "sys/tty.h"

#define RING		4096U		/* a power of two */
#define EOF_MARK	0x100
#define CHUNK		256
#define TCSBRK		0x5409
#define TIOCNOTTY	0x5422

static const struct linux_termios sane = {
	.c_iflag = ICRNL,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = 0xbf,		/* B38400 CS8 CREAD HUPCL */
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE |
		   IEXTEN,
	.c_cc = { 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22 },
};

static struct {
	spinlock_t lock;		/* LOCK_TTY */
	struct linux_termios mode;
	struct linux_winsize size;
	u32 fg_pgrp;			/* 0: the shell has the terminal */
	u32 head, ready, tail;		/* free running */
	u16 ring[RING];
	void (*shell_hook)(void);	/* ^C's; what to put back */
	struct wait_queue_head wq;	/* there is something to read */
	u32 interrupts;			/* ^C typed */
	u32 mid_line;			/* a: output ended without a newline */
} tty = {
	.lock = SPINLOCK_INIT(LOCK_TTY),
	.size = { 24, 80, 0, 0 },
	.wq = WAIT_QUEUE_HEAD_INIT(tty.wq),
};

/* From the input interrupt (T1). */
static void input_hook(void)
{
	wake_up_all(&kernel_child_wait);
}

void tty_take(u32 pgid)
{
	spin_lock(&tty.lock);
	tty.mode = sane;
	tty.head = tty.ready = tty.tail = 0;
	tty.fg_pgrp = pgid;
	tty.interrupts = tty.mid_line = 0;
	tty.shell_hook = READ_ONCE(console_intr_hook);
	WRITE_ONCE(console_intr_hook, NULL);
	WRITE_ONCE(console_input_hook, input_hook);
	spin_unlock(&tty.lock);
}

void tty_give_back(void)
{
	spin_lock(&tty.lock);
	WRITE_ONCE(console_input_hook, NULL);
	WRITE_ONCE(console_intr_hook, tty.shell_hook);
	tty.fg_pgrp = 0;
	spin_unlock(&tty.lock);
}

bool tty_at_line_start(void)
{
	return !READ_ONCE(tty.mid_line);
}

bool tty_needs_service(void)
{
	return console_input_pending();
}

static void echo(u16 c)
{
	char buf[2] = { '^', (char)(c ^ 0x40) };
	char plain = (char)c;

	if (!(tty.mode.c_lflag & ECHO) || c == EOF_MARK)
		return;
	if ((c < 32 && c != '\n' && c != '\t' &&
	     (tty.mode.c_lflag & ECHOCTL)) || c == 127)
		console_write(buf, 2);
	else
		console_write(&plain, 1);
}

static void push(u16 c)
{
	/* One place stays free for the line's end. */
	if (tty.tail - tty.head >= RING - 1 && c != '\n' && c != EOF_MARK)
		return;
	if (tty.tail - tty.head >= RING)
		return;
	tty.ring[tty.tail++ % RING] = c;
	echo(c);
}

static void erase_one(void)
{
	u16 c;

	do {		/* all bytes of an UTF-8 character */
		c = tty.ring[--tty.tail % RING];
	} while ((c & 0xc0) == 0x80 && tty.tail != tty.ready);
	if (!(tty.mode.c_lflag & ECHO))
		return;
	console_write("\b \b", 3);
	if (c < 32)
		console_write("\b \b", 3);
}

static void erase_word(void)
{
	while (tty.tail != tty.ready &&
	       tty.ring[(tty.tail - 1) % RING] == ' ')
		erase_one();
	while (tty.tail != tty.ready &&
	       tty.ring[(tty.tail - 1) % RING] != ' ')
		erase_one();
}

static void canonical_input(u8 c)
{
	const u8 *cc = tty.mode.c_cc;

	if (c == cc[VERASE] || c == '\b') {
		if (tty.tail != tty.ready)
			erase_one();
	} else if (c == cc[VKILL]) {
		while (tty.tail != tty.ready)
			erase_one();
	} else if (c == cc[VWERASE]) {
		erase_word();
	} else if (c == cc[VEOF]) {
		push(EOF_MARK);
		tty.ready = tty.tail;
	} else {
		push(c);
		if (c == '\n' || (cc[VEOL] && c == cc[VEOL]))
			tty.ready = tty.tail;
	}
}

/* The signal a byte stands for, or 0. */
static u32 signal_of(u8 c)
{
	const u8 *cc = tty.mode.c_cc;

	if (!(tty.mode.c_lflag & ISIG) || !c)
		return 0;
	if (c == cc[VINTR])
		return SIGINT;
	if (c == cc[VQUIT])
		return SIGQUIT;
	return c == cc[VSUSP] ? SIGTSTP : 0;
}

static void input(u8 c)
{
	u32 sig = signal_of(c);
	struct linux_siginfo info = { .signo = (s32)sig, .code = SI_KERNEL };

	if (sig) {
		tty.interrupts += sig == SIGINT;
		echo(c);
		if (tty.mode.c_lflag & ECHO)
			console_write("\n", 1);
		tty.ready = tty.tail = tty.head;
		if (tty.fg_pgrp)
			send_signal_pgrp(tty.fg_pgrp, &info);
		return;
	}
	if (c == '\r') {
		if (tty.mode.c_iflag & IGNCR)
			return;
		if (tty.mode.c_iflag & ICRNL)
			c = '\n';
	} else if (c == '\n' && (tty.mode.c_iflag & INLCR)) {
		c = '\r';
	}
	if (tty.mode.c_lflag & ICANON) {
		canonical_input(c);
	} else {
		push(c);
		tty.ready = tty.tail;
	}
}

/* T1.  tty.lock held.  Bytes that can be read. */
static u32 drain(void)
{
	int c;

	/* The shell's bytes are not for programs in the background. */
	while (tty.fg_pgrp && (c = console_poll()) >= 0)
		input((u8)c);
	return tty.ready - tty.head;
}

u32 tty_service(void)
{
	u32 interrupts;

	spin_lock(&tty.lock);
	drain();
	interrupts = tty.interrupts;
	spin_unlock(&tty.lock);
	wake_up_all(&tty.wq);
	return interrupts;
}

static bool readable(void)
{
	return READ_ONCE(tty.ready) != READ_ONCE(tty.head);
}

/* Moves up to n bytes; *end: the read is complete (T2). */
static u32 take(char *buf, u32 n, bool *end)
{
	bool canon = tty.mode.c_lflag & ICANON;
	u32 got = 0;
	u16 c;

	while (got < n && tty.head != tty.ready && !*end) {
		c = tty.ring[tty.head++ % RING];
		if (c == EOF_MARK) {
			*end = true;
			break;
		}
		buf[got++] = (char)c;
		*end = canon && c == '\n';
	}
	return got;
}

/* Readers in the background are stopped, or get an error. */
static s64 check_foreground(void)
{
	struct linux_siginfo info = { .signo = SIGTTIN, .code = SI_KERNEL };
	struct process *p = cur_proc();
	bool orphan;

	if (p->pgid == READ_ONCE(tty.fg_pgrp))
		return 0;
	spin_lock(&proc_lock);
	orphan = !p->parent || p->parent->sid != p->sid;
	spin_unlock(&proc_lock);
	if (orphan || p->action[SIGTTIN - 1].handler == SIG_IGN ||
	    (cur_uthread()->blocked & SIGBIT(SIGTTIN)))
		return -EIO;
	send_signal_pgrp(p->pgid, &info);
	return -ERESTARTSYS;
}

/* 1: there is input; 0: the time of a raw read is over; or -Exxx. */
static s64 wait_for_input(const struct file *f)
{
	bool raw = !(tty.mode.c_lflag & ICANON);
	u8 min = tty.mode.c_cc[VMIN], time = tty.mode.c_cc[VTIME];
	u64 deadline;

	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	if (raw && !min) {
		deadline = ktime_get() + time * (NSEC_PER_SEC / 10);
		if (!time || !wait_event_until(&tty.wq, readable(), deadline))
			return signal_pending() ? -ERESTARTSYS : 0;
		return 1;
	}
	if (wait_event_interruptible(&tty.wq, readable()))
		return -ERESTARTSYS;
	return 1;
}

static s64 tty_read(struct file *f, vaddr_t to, u64 len, u64 *pos)
{
	char buf[CHUNK];
	bool end = false;
	u64 done = 0;
	s64 err;
	u32 n;

	(void)pos;
	while (done < len && !end) {
		err = check_foreground();
		if (err)
			return done ? (s64)done : err;
		spin_lock(&tty.lock);
		drain();
		n = take(buf, (u32)min(len - done, (u64)CHUNK), &end);
		spin_unlock(&tty.lock);
		if (n && copy_to_user(to + done, buf, n))
			return -EFAULT;
		done += n;
		if (n || end)
			continue;
		if (done)
			break;
		err = wait_for_input(f);
		if (err <= 0)
			return err;
	}
	return (s64)done;
}

static s64 tty_write(struct file *f, vaddr_t from, u64 len, u64 *pos)
{
	char buf[CHUNK];
	u64 done = 0, n;

	(void)f;
	(void)pos;
	while (done < len) {
		n = min(len - done, (u64)CHUNK);
		if (copy_from_user(buf, from + done, n))
			return done ? (s64)done : -EFAULT;
		console_write(buf, n);
		WRITE_ONCE(tty.mid_line, buf[n - 1] != '\n');
		done += n;
		if (signal_pending())
			break;
	}
	return (s64)done;
}

static u32 tty_poll(struct file *f, struct poll_table *pt)
{
	u32 n;

	(void)f;
	if (pt)
		poll_wait(pt, &tty.wq);
	spin_lock(&tty.lock);
	n = drain();
	spin_unlock(&tty.lock);
	return POLLOUT | POLLWRNORM | (n ? POLLIN | POLLRDNORM : 0);
}

enum tty_flush { TTY_KEEP, TTY_FLUSH };

static s64 set_mode(vaddr_t from, enum tty_flush flush)
{
	struct linux_termios mode;

	if (get_user_val(mode, from))
		return -EFAULT;
	spin_lock(&tty.lock);
	tty.mode = mode;
	if (flush == TTY_FLUSH)
		tty.head = tty.tail;
	if (!(mode.c_lflag & ICANON) || flush == TTY_FLUSH)
		tty.ready = tty.tail;
	spin_unlock(&tty.lock);
	return 0;
}

static s64 set_foreground(vaddr_t from)
{
	u32 pgrp;

	if (get_user_val(pgrp, from))
		return -EFAULT;
	if ((s32)pgrp <= 0)
		return -EINVAL;
	spin_lock(&tty.lock);
	if (tty.fg_pgrp)		/* not while the shell reads */
		tty.fg_pgrp = pgrp;
	spin_unlock(&tty.lock);
	return 0;
}

static s64 tty_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct linux_winsize size;
	u32 n;

	(void)f;
	switch (cmd) {
	case TCGETS:
		return put_user_val(arg, tty.mode);
	case TCSETS:
	case TCSETSW:
		return set_mode(arg, TTY_KEEP);
	case TCSETSF:
		return set_mode(arg, TTY_FLUSH);
	case TIOCGWINSZ:
		return put_user_val(arg, tty.size);
	case TIOCSWINSZ:
		if (get_user_val(size, arg))
			return -EFAULT;
		tty.size = size;
		return 0;
	case TIOCGPGRP:
		n = READ_ONCE(tty.fg_pgrp);
		return put_user_val(arg, n);
	case TIOCSPGRP:
		return set_foreground(arg);
	case TIOCGSID:
		n = cur_proc()->sid;
		return put_user_val(arg, n);
	case FIONREAD:
		spin_lock(&tty.lock);
		n = drain();
		spin_unlock(&tty.lock);
		return put_user_val(arg, n);
	case TCFLSH:
		spin_lock(&tty.lock);
		tty.head = tty.ready = tty.tail;
		spin_unlock(&tty.lock);
		return 0;
	case TIOCSCTTY:
	case TIOCNOTTY:
	case TCSBRK:
		return 0;
	default:
		return -ENOTTY;
	}
}

const struct file_ops tty_fops = {
	.read = tty_read,
	.write = tty_write,
	.ioctl = tty_ioctl,
	.poll = tty_poll,
};
