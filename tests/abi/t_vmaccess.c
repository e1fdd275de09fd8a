/* SPDX-License-Identifier: MIT */
/* process_vm_readv, process_vm_writev, /proc/self/mem. */
#include "t.h"
#include <limits.h>
#include <sys/uio.h>

#define RW (PROT_READ | PROT_WRITE)

static long vm_read(pid_t pid, void *to, void *from, size_t n)
{
	struct iovec l = { to, n }, r = { from, n };

	return process_vm_readv(pid, &l, 1, &r, 1, 0);
}

static long vm_write(pid_t pid, void *to, void *from, size_t n)
{
	struct iovec l = { from, n }, r = { to, n };

	return process_vm_writev(pid, &l, 1, &r, 1, 0);
}

static void itself(void)
{
	char *p = t_map(4 * PAGE, RW), buf[64];
	struct iovec l[3], r[3];

	memcpy(p + PAGE - 4, "over a page", 12);
	T_EQ("read over a page's end", vm_read(getpid(), buf, p + PAGE - 4, 12),
	     12);
	T_OK("the bytes", !strcmp(buf, "over a page"));
	T_EQ("write", vm_write(getpid(), p + 2 * PAGE - 3, "written", 8), 8);
	T_OK("they are there", !strcmp(p + 2 * PAGE - 3, "written"));
	l[0] = (struct iovec){ buf, 3 };
	l[1] = (struct iovec){ buf + 10, 0 };
	l[2] = (struct iovec){ buf + 20, 5 };
	r[0] = (struct iovec){ p + PAGE - 4, 5 };
	r[1] = (struct iovec){ p + 2 * PAGE - 3, 3 };
	memset(buf, 0, sizeof(buf));
	T_EQ("vectors of other shapes", process_vm_readv(getpid(), l, 3, r, 2,
	     0), 8);
	T_OK("in order", !memcmp(buf, "ove", 3) && !memcmp(buf + 20, "r wri", 5));
	munmap(p + 3 * PAGE, PAGE);
	T_EQ("up to a hole", vm_read(getpid(), buf, p + 3 * PAGE - 10, 20), 10);
	T_ERR("in a hole", vm_read(getpid(), buf, p + 3 * PAGE, 8), EFAULT);
	r[1] = (struct iovec){ p + 3 * PAGE, 3 };
	T_EQ("what came before a hole counts", process_vm_readv(getpid(), l, 3,
	     r, 2, 0), 5);
	mprotect(p, PAGE, PROT_READ);
	T_ERR("rights are kept", vm_write(getpid(), p, "x", 1), EFAULT);
	mprotect(p, PAGE, PROT_NONE);
	T_ERR("for reading too", vm_read(getpid(), buf, p, 1), EFAULT);
	munmap(p, 3 * PAGE);
}

static void refusals(void)
{
	char a[8], *hole = t_map(PAGE, PROT_NONE);
	struct iovec v = { a, 8 }, neg = { a, (size_t)-1 };

	munmap(hole, PAGE);
	T_ERR("flags", process_vm_readv(getpid(), &v, 1, &v, 1, 1), EINVAL);
	T_ERR("no such process", vm_read(0x3ffffff, a, a, 8), ESRCH);
	T_EQ("nothing local", process_vm_readv(0x3ffffff, &v, 0, &v, 1, 0), 0);
	T_EQ("nothing remote", process_vm_readv(0x3ffffff, &v, 1, &v, 0, 0), 0);
	T_ERR("too many", process_vm_readv(getpid(), &v, 1025, &v, 1, 0),
	      EINVAL);
	T_ERR("too many there", process_vm_readv(getpid(), &v, 1, &v, 1025, 0),
	      EINVAL);
	T_ERR("a negative length", process_vm_readv(getpid(), &neg, 1, &v, 1,
	      0), EINVAL);
	T_ERR("vector nowhere", process_vm_readv(getpid(), (void *)hole, 1, &v,
	      1, 0), EFAULT);
	T_ERR("local nowhere", vm_read(getpid(), hole, a, 8), EFAULT);
	T_ERR("kernel address", vm_read(getpid(), a,
	      (void *)0xffff800000000000UL, 8), EFAULT);
}

static void of_child(void)
{
	char *p = t_map(PAGE, RW), buf[16] = "", path[32];
	int up[2], down[2], fd;
	pid_t pid;
	char c;

	strcpy(p, "before fork");
	if (pipe(up) || pipe(down))
		return;
	pid = fork();
	if (!pid) {
		if (write(up[1], "r", 1) != 1 || read(down[0], &c, 1) != 1)
			_exit(1);
		_exit(strcmp(p, "from outside") ? 2 : 0);
	}
	T_EQ("the child is there", read(up[0], &c, 1), 1);
	strcpy(p, "parent only");
	T_EQ("read it", vm_read(pid, buf, p, 12), 12);
	T_OK("its bytes, not ours", !strcmp(buf, "before fork"));
	T_EQ("write to it", vm_write(pid, p, "from outside", 13), 13);
	T_OK("ours stay", !strcmp(p, "parent only"));
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	T_EQ("its mem", pread(fd, buf, 13, (off_t)(unsigned long)p), 13);
	T_OK("says so too", !strcmp(buf, "from outside"));
	T_EQ("let it go on", write(down[1], "g", 1), 1);
	waitpid(pid, &down[0], 0);
	T_EQ("it saw it", down[0], 0);
	T_ERR("a process that is gone", vm_read(pid, buf, p, 8), ESRCH);
	T_EQ("its mem is empty", pread(fd, buf, 8, (off_t)(unsigned long)p), 0);
	close(fd);
}

static void mem(void)
{
	char *p = t_map(2 * PAGE, RW), buf[16] = "";
	int fd = open("/proc/self/mem", O_RDWR);
	int pipe_fd[2];
	off_t at = (off_t)(unsigned long)p;

	T_OK("open mem", fd >= 0);
	strcpy(p, "address");
	T_EQ("pread", pread(fd, buf, 8, at), 8);
	T_OK("what is there", !strcmp(buf, "address"));
	T_EQ("lseek", lseek(fd, at + 3, SEEK_SET), at + 3);
	T_EQ("read moves on", read(fd, buf, 2), 2);
	T_EQ("by two", lseek(fd, 0, SEEK_CUR), at + 5);
	mprotect(p, PAGE, PROT_READ);
	T_EQ("a forced write", pwrite(fd, "forced", 7, at), 7);
	T_OK("is seen", !strcmp(p, "forced"));
	T_EQ("and no right was given", pipe(pipe_fd), 0);
	T_EQ("one byte", write(pipe_fd[1], "y", 1), 1);
	T_ERR("read into it fails", read(pipe_fd[0], p, 1), EFAULT);
	mprotect(p, PAGE, PROT_NONE);
	T_EQ("a forced read", pread(fd, buf, 7, at), 7);
	T_OK("of PROT_NONE", !strcmp(buf, "forced"));
	T_EQ("a forced write there", pwrite(fd, "again", 6, at), 6);
	T_EQ("a page never touched", pread(fd, buf, 1, at + (off_t)PAGE), 1);
	munmap(p + PAGE, PAGE);
	T_EQ("up to a hole", pread(fd, buf, 10, at + (off_t)PAGE - 4), 4);
	T_ERR("in a hole", pread(fd, buf, 1, at + (off_t)PAGE), EIO);
	T_ERR("write in a hole", pwrite(fd, buf, 1, at + (off_t)PAGE), EIO);
	mprotect(p, PAGE, RW);
	T_OK("again is there", !strcmp(p, "again"));
	T_ERR("into nowhere", pread(fd, p + PAGE, 1, at), EFAULT);
	close(fd);
}

/* A private file page without write permission gets a copy, the file stays. */
static void forced_file(void)
{
	int file = open("/tmp/t_vmaccess", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int fd = open("/proc/self/mem", O_RDWR);
	char *p, *s, buf[8] = "";

	T_EQ("a file", write(file, "original", 8), 8);
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
	s = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
	T_EQ("forced write to private", pwrite(fd, "changed!", 8,
	     (off_t)(unsigned long)p), 8);
	T_OK("the copy", !memcmp(p, "changed!", 8));
	T_EQ("file read", pread(file, buf, 8, 0), 8);
	T_OK("the file", !memcmp(buf, "original", 8));
	T_ERR("shared and read-only: no", pwrite(fd, "x", 1,
	      (off_t)(unsigned long)s), EIO);
	munmap(p, PAGE);
	munmap(s, PAGE);
	close(fd);
	close(file);
	unlink("/tmp/t_vmaccess");
}

/* Read-only after fork: a forced write must not reach the other's page. */
static void forced_after_fork(void)
{
	char *p = t_map(PAGE, RW);
	int status, fd;
	pid_t pid;

	strcpy(p, "shared");
	pid = fork();
	if (!pid) {
		mprotect(p, PAGE, PROT_READ);
		fd = open("/proc/self/mem", O_RDWR);
		if (pwrite(fd, "child!", 6, (off_t)(unsigned long)p) != 6)
			_exit(1);
		_exit(strcmp(p, "child!") ? 2 : 0);
	}
	waitpid(pid, &status, 0);
	T_EQ("the child wrote", status, 0);
	T_OK("to its own", !strcmp(p, "shared"));
}

int main(void)
{
	itself();
	refusals();
	of_child();
	mem();
	forced_file();
	forced_after_fork();
	return t_done();
}
