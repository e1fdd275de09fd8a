/* SPDX-License-Identifier: MIT */
/* memfd_create, its seals, ftruncate and fallocate. */
#include "t.h"
#include <sys/stat.h>

#define RW (PROT_READ | PROT_WRITE)
#define KEEP 1
#define PUNCH 2

static long blocks_zero(int fd, long off, long len)
{
	char c;

	for (long i = 0; i < len; i++)
		if (pread(fd, &c, 1, off + i) != 1 || c)
			return i;
	return len;
}

static long size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -1 : (long)st.st_size;
}

static void basics(void)
{
	int fd = memfd_create("name", 0);
	char buf[8] = "", name[251];
	struct stat st;

	T_OK("memfd_create", fd >= 0);
	T_OK("it is a regular file without a name", !fstat(fd, &st) &&
	     S_ISREG(st.st_mode) && !st.st_size && !st.st_nlink);
	T_EQ("it is empty", read(fd, buf, 8), 0);
	T_EQ("write", write(fd, "12345678", 8), 8);
	T_OK("read back", pread(fd, buf, 8, 0) == 8 && !memcmp(buf, "12345678", 8));
	T_EQ("not to be sealed", fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	T_ERR("no seal sticks", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	T_EQ("close-on-exec not set", fcntl(fd, F_GETFD), 0);
	close(fd);
	fd = memfd_create("x", MFD_CLOEXEC);
	T_EQ("close-on-exec set", fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	T_ERR("unknown flags", memfd_create("x", 0x400), EINVAL);
	T_ERR("bad name", syscall(SYS_memfd_create, 8L, 0L), EFAULT);
	memset(name, 'n', 250);
	name[250] = 0;
	T_ERR("a name too long", memfd_create(name, 0), EINVAL);
	name[249] = 0;
	fd = memfd_create(name, 0);
	T_OK("the longest name", fd >= 0);
	close(fd);
}

static void sizes(void)
{
	int fd = memfd_create("sizes", 0);

	T_EQ("ftruncate up", ftruncate(fd, 10000), 0);
	T_EQ("its size", size_of(fd), 10000);
	T_EQ("zeros", blocks_zero(fd, 9000, 1000), 1000);
	T_EQ("pwrite", pwrite(fd, "abc", 3, 5000), 3);
	T_EQ("ftruncate down", ftruncate(fd, 5001), 0);
	T_EQ("and up", ftruncate(fd, 6000), 0);
	T_EQ("what was cut is gone", blocks_zero(fd, 5001, 999), 999);
	T_EQ("fallocate grows", fallocate(fd, 0, 8000, 1000), 0);
	T_EQ("to the end of it", size_of(fd), 9000);
	T_EQ("fallocate inside", fallocate(fd, 0, 0, 100), 0);
	T_EQ("changes nothing", size_of(fd), 9000);
	T_EQ("fallocate, size kept", fallocate(fd, KEEP, 9000, 9000), 0);
	T_EQ("is kept", size_of(fd), 9000);
	T_ERR("no length", fallocate(fd, 0, 0, 0), EINVAL);
	T_ERR("negative offset", fallocate(fd, 0, -1, 5), EINVAL);
	T_ERR("a hole that moves the end", fallocate(fd, PUNCH, 0, 5),
	      EOPNOTSUPP);
	T_ERR("unknown mode", fallocate(fd, 0x1000, 0, 5), EOPNOTSUPP);
	T_ERR("wraps", fallocate(fd, 0, 0x7fffffffffffffffL, 9), EFBIG);
	T_ERR("no file", fallocate(-1, 0, 0, 5), EBADF);
	close(fd);
}

static void holes(void)
{
	int fd = memfd_create("holes", 0);
	char page[PAGE], *map, *copy;

	memset(page, 'h', PAGE);
	for (int i = 0; i < 5; i++)
		pwrite(fd, page, PAGE, i * (long)PAGE);
	map = mmap(NULL, 5 * PAGE, RW, MAP_SHARED, fd, 0);
	copy = mmap(NULL, 5 * PAGE, RW, MAP_PRIVATE, fd, 0);
	T_OK("map", map != MAP_FAILED && copy != MAP_FAILED);
	copy[2 * PAGE] = 'c';
	T_OK("all is there", map[PAGE] == 'h' && map[3 * PAGE] == 'h');
	T_EQ("punch", fallocate(fd, PUNCH | KEEP, PAGE / 2, 3 * PAGE), 0);
	T_EQ("zeros", blocks_zero(fd, PAGE / 2, 3 * PAGE), 3 * PAGE);
	T_OK("before it", map[PAGE / 2 - 1] == 'h');
	T_OK("behind it", map[PAGE / 2 + 3 * PAGE] == 'h');
	T_OK("through the mapping", !map[PAGE] && !map[2 * PAGE]);
	T_OK("a private copy stays", copy[2 * PAGE] == 'c' &&
	     copy[2 * PAGE + 1] == 'h');
	map[PAGE] = 'n';
	T_OK("the hole can be written", pread(fd, page, 1, PAGE) == 1 &&
	     page[0] == 'n');
	T_EQ("the size stays", size_of(fd), 5 * PAGE);
	T_EQ("a small hole", fallocate(fd, PUNCH | KEEP, 4 * PAGE + 5, 10), 0);
	T_OK("is small", map[4 * PAGE + 4] == 'h' && !map[4 * PAGE + 5] &&
	     !map[4 * PAGE + 14] && map[4 * PAGE + 15] == 'h');
	T_EQ("beyond the end", fallocate(fd, PUNCH | KEEP, 9 * PAGE, 5), 0);
	close(fd);
}

static void seals(void)
{
	int fd = memfd_create("seals", MFD_ALLOW_SEALING);
	char *p;

	ftruncate(fd, 2 * PAGE);
	T_EQ("no seals", fcntl(fd, F_GET_SEALS), 0);
	T_EQ("seal the size", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK |
				    F_SEAL_GROW), 0);
	T_ERR("no shrinking", ftruncate(fd, PAGE), EPERM);
	T_ERR("no growing", ftruncate(fd, 3 * PAGE), EPERM);
	T_EQ("the same size", ftruncate(fd, 2 * PAGE), 0);
	T_ERR("no write beyond", pwrite(fd, "x", 1, 2 * PAGE), EPERM);
	T_ERR("no fallocate beyond", fallocate(fd, 0, 0, 3 * PAGE), EPERM);
	T_EQ("a write inside", pwrite(fd, "x", 1, 5), 1);
	p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	T_ERR("mapped for writing", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE),
	      EBUSY);
	munmap(p, PAGE);
	T_EQ("seal writes", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	T_ERR("no write", pwrite(fd, "x", 1, 5), EPERM);
	T_ERR("no hole", fallocate(fd, PUNCH | KEEP, 0, 5), EPERM);
	T_ERR("no writable mapping", (long)mmap(NULL, PAGE, RW, MAP_SHARED, fd,
						0), EPERM);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	T_OK("a readable one", p != MAP_FAILED && p[5] == 'x');
	T_ERR("that stays so", mprotect(p, PAGE, RW), EACCES);
	p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	T_OK("a private one", p != MAP_FAILED && (p[5] = 'y') == 'y');
	T_ERR("unknown seal", fcntl(fd, F_ADD_SEALS, 0x1000), EINVAL);
	T_EQ("the last seal", fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
	T_ERR("is the last", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	T_EQ("all of them", fcntl(fd, F_GET_SEALS), 15);
	T_ERR("seals of a pipe", fcntl(1, F_GET_SEALS), EINVAL);
	close(fd);
}

int main(void)
{
	basics();
	sizes();
	holes();
	seals();
	return t_done();
}
