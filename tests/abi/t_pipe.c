/* SPDX-License-Identifier: MIT */
/* Pipes, poll and select on them. */
#include "t.h"
#include <poll.h>
#include <sys/select.h>

static void basics(void)
{
	char buf[16];
	int p[2];

	T_EQ("pipe", pipe(p), 0);
	T_EQ("write", write(p[1], "hello", 5), 5);
	T_OK("read gives what there is", read(p[0], buf, 16) == 5 &&
	     !memcmp(buf, "hello", 5));
	T_EQ("write of nothing", write(p[1], "", 0), 0);
	T_ERR("read from the write end", read(p[1], buf, 1), EBADF);
	T_ERR("write to the read end", write(p[0], buf, 1), EBADF);
	T_ERR("no seeking", lseek(p[0], 0, SEEK_SET), ESPIPE);
	T_ERR("nor pread", pread(p[0], buf, 1, 0), ESPIPE);
	T_EQ("write before the end closes", write(p[1], "xy", 2), 2);
	close(p[1]);
	T_EQ("the rest is still there", read(p[0], buf, 16), 2);
	T_EQ("then the end", read(p[0], buf, 16), 0);
	close(p[0]);
	T_ERR("closed", close(p[0]), EBADF);
	T_ERR("pipe2 with bad flags", pipe2(p, 1), EINVAL);
	T_EQ("pipe2 O_CLOEXEC", pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	T_EQ("is set", fcntl(p[0], F_GETFD), FD_CLOEXEC);
	T_ERR("O_NONBLOCK: empty", read(p[0], buf, 1), EAGAIN);
	close(p[0]);
	close(p[1]);
}

static void full(void)
{
	static char block[4096];
	int p[2], n = 0;

	if (pipe2(p, O_NONBLOCK))
		return;
	while (write(p[1], block, sizeof(block)) == sizeof(block))
		n++;
	T_OK("a full pipe: EAGAIN", errno == EAGAIN);
	T_EQ("64 KiB fit", n, 16);
	T_ERR("an atomic write does not fit in part",
	      write(p[1], block, 100), EAGAIN);
	T_EQ("a read makes room", read(p[0], block, sizeof(block)), 4096);
	T_EQ("for as much", write(p[1], block, sizeof(block)), 4096);
	close(p[0]);
	close(p[1]);
}

static volatile int broken;

static void on_pipe(int sig)
{
	broken = sig;
}

static void broken_pipe(void)
{
	int p[2];

	if (pipe(p))
		return;
	close(p[0]);
	signal(SIGPIPE, on_pipe);
	T_ERR("nobody reads: EPIPE", write(p[1], "x", 1), EPIPE);
	T_EQ("and SIGPIPE", broken, SIGPIPE);
	signal(SIGPIPE, SIG_DFL);
	close(p[1]);
}

/* More than a pipe holds goes through it, in order. */
static void stream(void)
{
	unsigned char buf[3000];
	unsigned int next = 0, good = 1, total = 300000;
	int p[2], status;
	ssize_t n;

	if (pipe(p))
		return;
	if (!fork()) {
		close(p[0]);
		while (next < total) {
			unsigned int len = 1 + next % sizeof(buf);

			if (len > total - next)
				len = total - next;
			for (unsigned int i = 0; i < len; i++)
				buf[i] = (unsigned char)((next + i) * 7 >> 3);
			if (write(p[1], buf, len) != (ssize_t)len)
				_exit(1);
			next += len;
		}
		_exit(0);
	}
	close(p[1]);
	while ((n = read(p[0], buf, 1777)) > 0) {
		for (ssize_t i = 0; i < n; i++, next++)
			good &= buf[i] == (unsigned char)(next * 7 >> 3);
	}
	wait(&status);
	T_OK("300,000 bytes in order", good && next == total && !status);
	close(p[0]);
}

static void polling(void)
{
	struct pollfd pf[3];
	int p[2];

	if (pipe(p))
		return;
	pf[0] = (struct pollfd){ .fd = p[0], .events = POLLIN };
	pf[1] = (struct pollfd){ .fd = p[1], .events = POLLOUT };
	pf[2] = (struct pollfd){ .fd = 77, .events = POLLIN };
	T_EQ("poll: writable and a bad one", poll(pf, 3, 0), 2);
	T_OK("which", !pf[0].revents && pf[1].revents == POLLOUT &&
	     pf[2].revents == POLLNVAL);
	T_EQ("poll with a time-out", poll(pf, 1, 20), 0);
	T_EQ("write", write(p[1], "a", 1), 1);
	T_OK("poll: readable", poll(pf, 1, -1) == 1 && pf[0].revents == POLLIN);
	if (!fork()) {
		t_sleep_ms(30);
		_exit(write(p[1], "b", 1) != 1);
	}
	(void)!read(p[0], &pf[2], 1);
	T_OK("poll waits", poll(pf, 1, 10000) == 1 && pf[0].revents == POLLIN);
	wait(NULL);
	close(p[1]);
	T_OK("poll: hung up", poll(pf, 1, 0) == 1 &&
	     pf[0].revents == (POLLIN | POLLHUP));
	close(p[0]);
}

static void selecting(void)
{
	struct timeval tv = { 0, 10000 };
	fd_set r, w;
	int p[2];

	if (pipe(p))
		return;
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	FD_ZERO(&w);
	FD_SET(p[1], &w);
	T_EQ("select", select(p[1] + 1, &r, &w, NULL, NULL), 1);
	T_OK("writable, not readable", !FD_ISSET(p[0], &r) &&
	     FD_ISSET(p[1], &w));
	FD_SET(p[0], &r);
	T_EQ("select with a time-out", select(p[0] + 1, &r, NULL, NULL, &tv),
	     0);
	(void)!write(p[1], "x", 1);
	FD_SET(p[0], &r);
	T_OK("readable", select(p[0] + 1, &r, NULL, NULL, NULL) == 1 &&
	     FD_ISSET(p[0], &r));
	close(p[0]);
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	T_ERR("a closed one", select(p[0] + 1, &r, NULL, NULL, &tv), EBADF);
	close(p[1]);
}

int main(void)
{
	basics();
	full();
	broken_pipe();
	stream();
	polling();
	selecting();
	return t_done();
}
