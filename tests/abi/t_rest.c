/* SPDX-License-Identifier: MIT */
/*
 * What no other program here calls: who one is, owners and times of files,
 * waiting with a signal mask, statx, and corners of mremap and lseek.
 */
#include "t.h"
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>

#define NAME	"/tmp/t_rest"
#define RW	(PROT_READ | PROT_WRITE)

/* The first fields of Linux's. */
struct statx_head {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad;
	uint64_t ino, size, blocks, attributes_mask;
	struct { int64_t sec; uint32_t nsec; int32_t pad; } time[4];
	uint64_t rest[16];
};

static void groups_and_sessions(void)
{
	gid_t got[4];

	T_OK("a child is in its parent's group", getpgid(0) == getpgrp() &&
	     getpgrp() != getpid());
	T_EQ("a group of its own", setpgid(0, 0), 0);
	T_EQ("has its number", getpgid(0), getpid());
	T_ERR("a leader cannot leave", setsid(), EPERM);
	T_ERR("nobody's group", getpgid(0x3ffffff), ESRCH);
	T_EQ("no groups", setgroups(0, NULL), 0);
	T_EQ("are none", getgroups(4, got), 0);
}

static void a_session(void)
{
	T_EQ("a session", setsid(), getpid());
	T_OK("and a group", getsid(0) == getpid() && getpgrp() == getpid());
}

static void other_user(void)
{
	uid_t u[3];
	gid_t g[3];

	T_EQ("setresgid", setresgid(21, 22, 23), 0);
	T_EQ("getresgid", getresgid(&g[0], &g[1], &g[2]), 0);
	T_OK("all three", g[0] == 21 && g[1] == 22 && g[2] == 23);
	T_OK("getgid", getgid() == 21 && getegid() == 22);
	T_EQ("setresuid leaves one", setresuid((uid_t)-1, 0, 33), 0);
	T_EQ("getresuid", getresuid(&u[0], &u[1], &u[2]), 0);
	T_OK("the others changed", u[0] == 0 && u[1] == 0 && u[2] == 33);
	T_EQ("setregid", setregid(41, 42), 0);
	T_OK("both", getgid() == 41 && getegid() == 42);
	T_EQ("setreuid", setreuid(31, 0), 0);
	T_OK("as asked", getuid() == 31 && geteuid() == 0);
	T_EQ("setgid", setgid(51), 0);
	T_OK("all groups", getgid() == 51 && getegid() == 51);
	T_EQ("setuid", setuid(52), 0);
	T_OK("all users", getuid() == 52 && geteuid() == 52);
}

/* Nothing is made, and nothing cut, when there is no number for it. */
static void no_descriptor_left(void)
{
	struct rlimit few = { 3, 3 };
	struct stat st;
	int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0644);

	T_EQ("a file", write(fd, "kept", 4), 4);
	close(fd);
	T_EQ("three descriptors", setrlimit(RLIMIT_NOFILE, &few), 0);
	T_ERR("no fourth", open(NAME ".new", O_RDWR | O_CREAT, 0600), EMFILE);
	T_ERR("nothing was made", access(NAME ".new", F_OK), ENOENT);
	T_ERR("nor to cut", open(NAME, O_RDWR | O_TRUNC), EMFILE);
	T_OK("nothing was cut", !stat(NAME, &st) && st.st_size == 4);
	unlink(NAME);
}

static void owners(void)
{
	int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0644);
	struct stat st;

	T_EQ("chown", chown(NAME, 7, 8), 0);
	T_OK("is told", !fstat(fd, &st) && st.st_uid == 7 && st.st_gid == 8);
	T_EQ("fchown of one", fchown(fd, (uid_t)-1, 9), 0);
	T_OK("leaves the other", !fstat(fd, &st) && st.st_uid == 7 &&
	     st.st_gid == 9);
	T_EQ("a link", symlink(NAME, NAME ".l"), 0);
	T_EQ("lchown", lchown(NAME ".l", 5, 6), 0);
	T_OK("is the link's", !lstat(NAME ".l", &st) && st.st_uid == 5);
	T_OK("not the file's", !stat(NAME ".l", &st) && st.st_uid == 7);
	unlink(NAME ".l");
	close(fd);
	unlink(NAME);
}

static void file_times(void)
{
	struct timespec ts[2] = { { 1000, 5 }, { 2000, 6 } };
	struct timeval tv[2] = { { 3000, 7 }, { 4000, 8 } };
	int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0644);
	struct stat st;

	T_EQ("utimensat", utimensat(AT_FDCWD, NAME, ts, 0), 0);
	T_OK("both", !fstat(fd, &st) && st.st_atim.tv_sec == 1000 &&
	     st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 6);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_sec = 2500;
	T_EQ("futimens of one", futimens(fd, ts), 0);
	T_OK("leaves the other", !fstat(fd, &st) &&
	     st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec == 2500);
	T_EQ("utimes", syscall(SYS_utimes, NAME, tv), 0);
	T_OK("in microseconds", !fstat(fd, &st) && st.st_atim.tv_sec == 3000 &&
	     st.st_mtim.tv_nsec == 8000);
	ts[1].tv_nsec = 1000000000;
	T_ERR("no such nanosecond", futimens(fd, ts), EINVAL);
	T_ERR("nothing there", utimensat(AT_FDCWD, NAME ".no", NULL, 0),
	      ENOENT);
	close(fd);
	unlink(NAME);
}

static long do_statx(int dfd, const char *path, int flags, void *to)
{
	return syscall(SYS_statx, dfd, path, flags, 0x7ffU, to);
}

static void more_stat(void)
{
	int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0640), fds[2];
	struct statx_head x;
	struct statfs fs;
	struct stat st;

	memset(&x, 0xff, sizeof(x));
	T_EQ("7 bytes", write(fd, "7 bytes", 7), 7);
	T_EQ("statx", do_statx(AT_FDCWD, NAME, 0, &x), 0);
	fstat(fd, &st);
	T_OK("says what it knows", (x.mask & 0x7ff) == 0x7ff);
	T_OK("what stat says", x.size == 7 && x.mode == (S_IFREG | 0640) &&
	     x.nlink == 1 && x.ino == st.st_ino && x.uid == st.st_uid &&
	     x.time[3].sec == st.st_mtim.tv_sec);
	T_EQ("of a descriptor", do_statx(fd, "", AT_EMPTY_PATH, &x), 0);
	T_OK("the same", x.size == 7 && x.ino == st.st_ino);
	T_EQ("of a pipe", pipe(fds) || do_statx(fds[0], "", AT_EMPTY_PATH, &x),
	     0);
	T_OK("is one", (x.mode & S_IFMT) == S_IFIFO);
	T_EQ("a link", symlink(NAME, NAME ".l"), 0);
	T_EQ("itself", do_statx(AT_FDCWD, NAME ".l", AT_SYMLINK_NOFOLLOW, &x),
	     0);
	T_OK("is a link", (x.mode & S_IFMT) == S_IFLNK);
	T_EQ("access by descriptor", syscall(SYS_faccessat2, fd, "", R_OK,
	     AT_EMPTY_PATH), 0);
	T_EQ("statfs", statfs("/tmp", &fs), 0);
	T_OK("makes sense", fs.f_bsize > 0 && fs.f_blocks >= fs.f_bfree);
	T_EQ("fstatfs", fstatfs(fd, &fs), 0);
	unlink(NAME ".l");
	close(fds[0]);
	close(fds[1]);
	close(fd);
	unlink(NAME);
}

static volatile sig_atomic_t signals;

static void count(int sig)
{
	(void)sig;
	signals++;
}

/* A signal that is pending is taken with the mask of the wait, at once. */
static void waits(void)
{
	struct timespec ms = { 0, 1000000 };
	struct pollfd p = { .events = POLLIN };
	sigset_t none, usr1;
	fd_set set;
	int fds[2];

	T_EQ("a pipe", pipe(fds), 0);
	p.fd = fds[0];
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	signal(SIGUSR1, count);
	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	T_EQ("ppoll, nothing comes", ppoll(&p, 1, &ms, NULL), 0);
	T_EQ("pselect, nothing comes", pselect(fds[0] + 1, &set, NULL, NULL,
	     &ms, NULL), 0);
	T_EQ("tkill", syscall(SYS_tkill, gettid(), SIGUSR1), 0);
	T_EQ("it is blocked", signals, 0);
	T_ERR("ppoll lets it in", ppoll(&p, 1, NULL, &none), EINTR);
	T_EQ("its handler ran", signals, 1);
	raise(SIGUSR1);
	FD_SET(fds[0], &set);
	T_ERR("pselect too", pselect(fds[0] + 1, &set, NULL, NULL, NULL, &none),
	      EINTR);
	T_EQ("once more", signals, 2);
	T_EQ("a byte", write(fds[1], "x", 1), 1);
	T_EQ("ppoll sees it", ppoll(&p, 1, NULL, &usr1), 1);
	T_EQ("so does pselect", pselect(fds[0] + 1, &set, NULL, NULL, NULL,
	     &usr1), 1);
	close(fds[0]);
	close(fds[1]);
}

static void odds_and_ends(void)
{
	char name[16] = "";
	cpu_set_t was, one;

	T_EQ("PR_SET_NAME", prctl(PR_SET_NAME, "another name, long"), 0);
	T_EQ("PR_GET_NAME", prctl(PR_GET_NAME, name), 0);
	T_OK("cut at 15", !strcmp(name, "another name, l"));
	T_EQ("affinity", sched_getaffinity(0, sizeof(was), &was), 0);
	CPU_ZERO(&one);
	for (int cpu = 0; !CPU_COUNT(&one); cpu++) {
		if (CPU_ISSET(cpu, &was))
			CPU_SET(cpu, &one);
	}
	T_EQ("one CPU", sched_setaffinity(0, sizeof(one), &one), 0);
	T_EQ("it runs there", CPU_ISSET(sched_getcpu(), &one) != 0, 1);
	T_EQ("told", sched_getaffinity(0, sizeof(one), &one), 0);
	T_EQ("is one", CPU_COUNT(&one), 1);
	T_EQ("back", sched_setaffinity(0, sizeof(was), &was), 0);
}

static void seek_data(void)
{
	int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);

	T_EQ("100 bytes", write(fd, NAME NAME NAME NAME NAME NAME NAME NAME
	     NAME NAME, 110), 110);
	T_EQ("data is where one is", lseek(fd, 50, 3), 50);
	T_EQ("the hole is behind the end", lseek(fd, 50, 4), 110);
	T_ERR("nothing is behind it", lseek(fd, 110, 3), ENXIO);
	close(fd);
	unlink(NAME);
}

/* Of nothing, shared: a second place for the same memory. */
static void doubled(void)
{
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *q = mremap(p + PAGE, 0, PAGE, MREMAP_MAYMOVE);

	T_OK("mremap of nothing, shared", q != MAP_FAILED && q != p + PAGE);
	strcpy(p + PAGE, "one");
	T_OK("the same memory", !strcmp(q, "one"));
	strcpy(q, "two");
	T_OK("both ways", !strcmp(p + PAGE, "two"));
	munmap(p, 2 * PAGE);
	T_OK("on its own", !strcmp(q, "two"));
	munmap(q, PAGE);
}

int main(void)
{
	T_EQ("groups", t_in_child(groups_and_sessions), 0);
	T_EQ("session", t_in_child(a_session), 0);
	T_EQ("user", t_in_child(other_user), 0);
	T_EQ("descriptors", t_in_child(no_descriptor_left), 0);
	owners();
	file_times();
	more_stat();
	waits();
	odds_and_ends();
	seek_data();
	doubled();
	return t_done();
}
