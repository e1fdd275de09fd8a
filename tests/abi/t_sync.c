/* SPDX-License-Identifier: MIT */
/* fsync, fdatasync, sync, syncfs, sync_file_range, msync, fadvise, readahead. */
#include "t.h"
#include <sys/stat.h>

#define RW (PROT_READ | PROT_WRITE)
#define NAME "/tmp/t_sync.file"

static int fd, pipes[2];

static void syncs(void)
{
	T_EQ("fsync", fsync(fd), 0);
	T_EQ("fdatasync", fdatasync(fd), 0);
	T_EQ("syncfs", syncfs(fd), 0);
	sync();
	T_ERR("fsync of a pipe", fsync(pipes[0]), EINVAL);
	T_ERR("fsync of /dev/null", fsync(open("/dev/null", O_RDONLY)),
	      EINVAL);
	T_ERR("fsync of no file", fsync(-1), EBADF);
	T_ERR("fdatasync of a closed one", fdatasync(999), EBADF);
	T_ERR("syncfs of no file", syncfs(-1), EBADF);
}

static void ranges(void)
{
	T_EQ("sync_file_range", sync_file_range(fd, 0, 100, 7), 0);
	T_EQ("to the end", sync_file_range(fd, 4096, 0, 2), 0);
	T_EQ("of nothing", sync_file_range(fd, 0, 0, 0), 0);
	T_ERR("unknown flags", sync_file_range(fd, 0, 1, 8), EINVAL);
	T_ERR("negative offset", sync_file_range(fd, -1, 1, 2), EINVAL);
	T_ERR("negative length", sync_file_range(fd, 0, -1, 2), EINVAL);
	T_ERR("of a pipe", sync_file_range(pipes[1], 0, 1, 2), ESPIPE);
	T_ERR("of no file", sync_file_range(-1, 0, 1, 2), EBADF);
}

static void hints(void)
{
	static const int advice[] = {
		POSIX_FADV_NORMAL, POSIX_FADV_RANDOM, POSIX_FADV_SEQUENTIAL,
		POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE,
	};
	int ok = 1;

	for (unsigned i = 0; i < sizeof(advice) / sizeof(advice[0]); i++)
		ok &= !posix_fadvise(fd, 0, 8192, advice[i]);
	T_OK("fadvise", ok);
	T_EQ("fadvise to the end", posix_fadvise(fd, 0, 0, 4), 0);
	T_EQ("unknown advice", posix_fadvise(fd, 0, 0, 9), EINVAL);
	T_EQ("fadvise of a pipe", posix_fadvise(pipes[0], 0, 0, 0), ESPIPE);
	T_EQ("fadvise of no file", posix_fadvise(-1, 0, 0, 0), EBADF);
	T_EQ("readahead", syscall(SYS_readahead, fd, 0L, 8192UL), 0);
	T_ERR("readahead of no file", syscall(SYS_readahead, -1, 0L, 1UL),
	      EBADF);
	T_ERR("readahead of a pipe", syscall(SYS_readahead, pipes[0], 0L, 1UL),
	      EINVAL);
}

static void msyncs(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0), buf[6] = "";

	T_OK("map", p != MAP_FAILED);
	memcpy(p, "mapped", 6);
	T_EQ("msync SYNC", msync(p, 4 * PAGE, MS_SYNC), 0);
	T_EQ("msync ASYNC", msync(p, 100, MS_ASYNC), 0);
	T_EQ("msync INVALIDATE", msync(p, PAGE, MS_SYNC | MS_INVALIDATE), 0);
	T_EQ("msync of nothing", msync(p, 0, MS_SYNC), 0);
	T_OK("read sees it", pread(fd, buf, 6, 0) == 6 &&
	     !memcmp(buf, "mapped", 6));
	T_ERR("both kinds", msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	T_ERR("unknown flags", msync(p, PAGE, 8), EINVAL);
	T_ERR("misaligned", msync(p + 1, PAGE, MS_SYNC), EINVAL);
	T_EQ("a length that rounds to 0", msync(p, -1UL, MS_SYNC), 0);
	T_ERR("a wrap", msync(p, -2UL * PAGE, MS_SYNC), ENOMEM);
	munmap(p + PAGE, PAGE);
	T_ERR("a hole", msync(p, 4 * PAGE, MS_SYNC), ENOMEM);
	munmap(p, 4 * PAGE);
	T_ERR("nothing there", msync(p, PAGE, MS_ASYNC), ENOMEM);
}

int main(void)
{
	fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
	T_OK("open", fd >= 0 && !pipe(pipes));
	T_EQ("ftruncate", ftruncate(fd, 5 * PAGE), 0);
	syncs();
	ranges();
	hints();
	msyncs();
	unlink(NAME);
	return t_done();
}
