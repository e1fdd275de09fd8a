/* SPDX-License-Identifier: MIT */
/* Message queues: order, limits, waiting, being told. */
#include <mqueue.h>
#include <poll.h>
#include <sys/stat.h>

#include "tests/abi/t.h"

static const char name[] = "/rewalk-t_mqueue";
static volatile sig_atomic_t told, code, value;

static void on_signal(int sig, siginfo_t *info, void *uc)
{
	(void)sig;
	(void)uc;
	told++;
	code = info->si_code;
	value = info->si_value.sival_int;
}

static mqd_t make(long max, long size)
{
	struct mq_attr attr = { .mq_maxmsg = max, .mq_msgsize = size };

	return mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
}

static void errors(void)
{
	char buf[16];

	T_ERR("no such queue", mq_open("/rewalk-none", O_RDWR), ENOENT);
	T_ERR("no name", mq_open("/", O_CREAT | O_RDWR, 0600, NULL), ENOENT);
	T_ERR("a path", mq_open("/a/b", O_CREAT | O_RDWR, 0600, NULL), EACCES);
	T_ERR("no room", make(0, 8), EINVAL);
	T_ERR("too many", make(1000000, 8), EINVAL);
	T_ERR("too large", make(1, 100000000), EINVAL);
	T_ERR("unlink nothing", mq_unlink("/rewalk-none"), ENOENT);
	T_ERR("send to no queue", mq_send(1, "x", 1, 0), EBADF);
	T_ERR("receive from none", mq_receive(-1, buf, 16, NULL), EBADF);
}

static void order(void)
{
	struct mq_attr attr;
	mqd_t q = make(4, 8);
	unsigned int prio = 0;
	char buf[8];

	T_OK("made", q >= 0);
	T_ERR("it exists", make(4, 8), EEXIST);
	T_EQ("attributes", mq_getattr(q, &attr), 0);
	T_OK("as asked for", attr.mq_maxmsg == 4 && attr.mq_msgsize == 8 &&
	     !attr.mq_curmsgs && !attr.mq_flags);
	T_EQ("send", mq_send(q, "low", 3, 1), 0);
	T_EQ("send", mq_send(q, "high1", 5, 9), 0);
	T_EQ("send", mq_send(q, "high2", 5, 9), 0);
	T_EQ("send nothing", mq_send(q, "", 0, 3), 0);
	T_ERR("too long", mq_send(q, "123456789", 9, 0), EMSGSIZE);
	T_ERR("priority", mq_send(q, "x", 1, 32768), EINVAL);
	T_ERR("small buffer", mq_receive(q, buf, 7, NULL), EMSGSIZE);
	T_EQ("four are there", mq_getattr(q, &attr) ? -1 : attr.mq_curmsgs, 4);
	T_EQ("highest first", mq_receive(q, buf, 8, &prio), 5);
	T_OK("the older one", prio == 9 && !memcmp(buf, "high1", 5));
	T_EQ("then", mq_receive(q, buf, 8, &prio), 5);
	T_OK("the younger", prio == 9 && !memcmp(buf, "high2", 5));
	T_EQ("the empty one", mq_receive(q, buf, 8, &prio), 0);
	T_EQ("its priority", prio, 3);
	T_EQ("the low one", mq_receive(q, buf, 8, &prio), 3);
	mq_close(q);
	T_EQ("unlinked", mq_unlink(name), 0);
}

static void limits(void)
{
	struct timespec past = { 1, 0 }, bad = { 0, -1 };
	struct mq_attr attr = { .mq_flags = O_NONBLOCK }, old;
	struct pollfd p = { .events = POLLIN | POLLOUT };
	mqd_t q = make(1, 8);
	char buf[8];

	p.fd = q;
	T_EQ("room, no message", poll(&p, 1, 0) == 1 ? p.revents : -1, POLLOUT);
	T_ERR("empty: in time", mq_timedreceive(q, buf, 8, NULL, &past),
	      ETIMEDOUT);
	T_ERR("a bad time", mq_timedreceive(q, buf, 8, NULL, &bad), EINVAL);
	T_EQ("send", mq_send(q, "1", 1, 0), 0);
	T_EQ("no room", poll(&p, 1, 0) == 1 ? p.revents : -1, POLLIN);
	T_ERR("full: in time", mq_timedsend(q, "2", 1, 0, &past), ETIMEDOUT);
	T_EQ("not to wait", mq_setattr(q, &attr, &old), 0);
	T_OK("what was", !old.mq_flags && old.mq_curmsgs == 1);
	T_ERR("full: now", mq_send(q, "2", 1, 0), EAGAIN);
	T_EQ("receive", mq_receive(q, buf, 8, NULL), 1);
	T_ERR("empty: now", mq_receive(q, buf, 8, NULL), EAGAIN);
	attr.mq_flags = 1 << 20;
	T_ERR("other flags", mq_setattr(q, &attr, NULL), EINVAL);
	mq_close(q);
	T_EQ("unlinked", mq_unlink(name), 0);
	T_ERR("gone", mq_open(name, O_RDWR), ENOENT);
}

static void across_fork(void)
{
	mqd_t q = make(1, 8), ro;
	char buf[8];
	pid_t pid;

	ro = mq_open(name, O_RDONLY);
	T_OK("opened again", ro >= 0);
	T_ERR("to read only", mq_send(ro, "x", 1, 0), EBADF);
	pid = fork();
	if (!pid) {
		t_sleep_ms(30);
		for (int i = 0; i < 20; i++) {
			buf[0] = (char)('a' + i);
			mq_send(q, buf, 1, 0);	/* waits for the reader */
		}
		_exit(0);
	}
	for (int i = 0; i < 20; i++) {
		if (mq_receive(ro, buf, 8, NULL) != 1 || buf[0] != 'a' + i)
			T_EQ("message in order", i, -1);
	}
	waitpid(pid, NULL, 0);
	T_OK("twenty through a queue of one", 1);
	mq_close(q);
	mq_close(ro);
	mq_unlink(name);
}

static void notified(void)
{
	struct sigaction sa = { .sa_sigaction = on_signal,
				.sa_flags = SA_SIGINFO };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGUSR1 };
	mqd_t q = make(4, 8);
	char buf[8];

	sigaction(SIGUSR1, &sa, NULL);
	ev.sigev_value.sival_int = 17;
	T_EQ("registered", mq_notify(q, &ev), 0);
	T_ERR("one at a time", mq_notify(q, &ev), EBUSY);
	T_EQ("send", mq_send(q, "1", 1, 0), 0);
	T_EQ("told", told, 1);
	T_OK("why", code == SI_MESGQ && value == 17);
	T_EQ("send", mq_send(q, "2", 1, 0), 0);
	T_EQ("only once", told, 1);
	T_EQ("registered", mq_notify(q, &ev), 0);
	T_EQ("send", mq_send(q, "3", 1, 0), 0);
	T_EQ("it was not empty", told, 1);
	T_EQ("not any more", mq_notify(q, NULL), 0);
	while (mq_getattr(q, &(struct mq_attr){ 0 }) == 0 &&
	       mq_setattr(q, &(struct mq_attr){ .mq_flags = O_NONBLOCK },
			  NULL) == 0 && mq_receive(q, buf, 8, NULL) >= 0)
		;
	T_EQ("send", mq_send(q, "4", 1, 0), 0);
	T_EQ("nobody is told", told, 1);
	ev.sigev_signo = 99;
	T_ERR("signal 99", mq_notify(q, &ev), EINVAL);
	mq_close(q);
	mq_unlink(name);
}

int main(void)
{
	errors();
	order();
	limits();
	across_fork();
	notified();
	return t_done();
}
