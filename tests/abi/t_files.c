/* SPDX-License-Identifier: MIT */
/* Files, descriptors, directories, links. */
#include "t.h"
#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>

#define DIR_NAME "/tmp/t_files"

static char buf[8192];

static void data(void)
{
	struct stat st;
	int fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0640);

	T_OK("create", fd > 2);
	T_ERR("O_EXCL: exists", open("f", O_CREAT | O_EXCL | O_RDWR, 0600),
	      EEXIST);
	T_EQ("write", write(fd, "0123456789", 10), 10);
	T_EQ("lseek SET", lseek(fd, 2, SEEK_SET), 2);
	T_EQ("read", read(fd, buf, 3), 3);
	T_OK("what was written", !memcmp(buf, "234", 3));
	T_EQ("lseek CUR", lseek(fd, -1, SEEK_CUR), 4);
	T_EQ("lseek END", lseek(fd, -1, SEEK_END), 9);
	T_EQ("read at the end gives less", read(fd, buf, 100), 1);
	T_EQ("then nothing", read(fd, buf, 100), 0);
	T_ERR("lseek before the start", lseek(fd, -1, SEEK_SET), EINVAL);
	T_ERR("lseek how", lseek(fd, 0, 77), EINVAL);
	T_EQ("pwrite", pwrite(fd, "XY", 2, 5), 2);
	T_EQ("pread", pread(fd, buf, 4, 4), 4);
	T_OK("does not move the place", !memcmp(buf, "4XY7", 4) &&
	     lseek(fd, 0, SEEK_CUR) == 10);
	T_ERR("pread at -1", pread(fd, buf, 1, -1), EINVAL);
	T_EQ("write beyond the end", pwrite(fd, "z", 1, 5000), 1);
	T_EQ("the gap", pread(fd, buf, 8192, 0), 5001);
	T_OK("is zero", buf[10] == 0 && buf[4999] == 0 && buf[5000] == 'z');
	T_EQ("fstat", fstat(fd, &st), 0);
	T_OK("size, type, mode, links", st.st_size == 5001 &&
	     st.st_mode == (S_IFREG | 0640) && st.st_nlink == 1);
	T_EQ("ftruncate", ftruncate(fd, 4), 0);
	T_EQ("shorter", pread(fd, buf, 100, 0), 4);
	T_EQ("longer again", ftruncate(fd, 8), 0);
	T_OK("with zeroes", pread(fd, buf, 100, 0) == 8 && buf[4] == 0);
	T_ERR("ftruncate below 0", ftruncate(fd, -1), EINVAL);
	T_EQ("truncate by name", truncate("f", 2), 0);
	T_EQ("fsync", fsync(fd), 0);
	T_EQ("fdatasync", fdatasync(fd), 0);
	T_EQ("close", close(fd), 0);
	T_ERR("twice", close(fd), EBADF);
}

static void open_flags(void)
{
	int fd = open("f", O_RDONLY), fd2;

	T_ERR("write to a read-only one", write(fd, "x", 1), EBADF);
	T_ERR("truncate it", ftruncate(fd, 0), EINVAL);
	close(fd);
	fd = open("f", O_WRONLY);
	T_ERR("read from a write-only one", read(fd, buf, 1), EBADF);
	close(fd);
	fd = open("f", O_WRONLY | O_APPEND);
	fd2 = open("f", O_WRONLY | O_APPEND);
	T_OK("append goes to the end", write(fd, "A", 1) == 1 &&
	     write(fd2, "B", 1) == 1 && lseek(fd2, 0, SEEK_CUR) == 4);
	close(fd);
	close(fd2);
	fd = open("f", O_RDWR | O_TRUNC);
	T_EQ("O_TRUNC", lseek(fd, 0, SEEK_END), 0);
	close(fd);
	T_ERR("no such file", open("none", O_RDONLY), ENOENT);
	T_ERR("no such directory", open("none/f", O_CREAT | O_RDWR, 0600),
	      ENOENT);
	T_ERR("a file is no directory", open("f/x", O_RDONLY), ENOTDIR);
	T_ERR("O_DIRECTORY", open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	T_ERR("write to a directory", open(".", O_RDWR), EISDIR);
	T_ERR("an empty name", open("", O_RDONLY), ENOENT);
	memset(buf, 'n', 300);
	buf[300] = 0;
	T_ERR("a name too long", open(buf, O_RDONLY), ENAMETOOLONG);
	memset(buf, '/', 5000);
	buf[5000] = 0;
	T_ERR("a path too long", open(buf, O_RDONLY), ENAMETOOLONG);
	fd = creat("g", 0600);
	T_OK("creat", fd > 2 && write(fd, "g", 1) == 1);
	close(fd);
}

static void vectors(void)
{
	struct iovec v[3] = { { "ab", 2 }, { NULL, 0 }, { "cde", 3 } };
	char a[3], b[9];
	struct iovec r[2] = { { a, 3 }, { b, 9 } };
	int fd = open("f", O_RDWR | O_TRUNC);

	T_EQ("writev", writev(fd, v, 3), 5);
	lseek(fd, 0, SEEK_SET);
	T_EQ("readv", readv(fd, r, 2), 5);
	T_OK("split as asked", !memcmp(a, "abc", 3) && !memcmp(b, "de", 2));
	T_ERR("too many parts", writev(fd, v, 2000), EINVAL);
	T_EQ("none", writev(fd, v, 0), 0);
	v[0].iov_len = (size_t)-1;
	T_ERR("a negative length", writev(fd, v, 1), EINVAL);
	close(fd);
}

static void descriptors(void)
{
	int fd = open("f", O_RDONLY), d;

	d = dup(fd);
	lseek(fd, 3, SEEK_SET);
	T_OK("dup shares the place", d > fd && lseek(d, 0, SEEK_CUR) == 3);
	T_EQ("dup2", dup2(fd, 40), 40);
	T_EQ("dup2 on itself", dup2(fd, fd), fd);
	T_ERR("dup3 on itself", dup3(fd, fd, 0), EINVAL);
	T_ERR("dup of none", dup(99), EBADF);
	T_ERR("dup2 out of range", dup2(fd, 1 << 30), EBADF);
	T_EQ("F_DUPFD", fcntl(fd, F_DUPFD, 60), 60);
	T_EQ("F_DUPFD_CLOEXEC", fcntl(fd, F_DUPFD_CLOEXEC, 60), 61);
	T_EQ("F_GETFD", fcntl(61, F_GETFD), FD_CLOEXEC);
	T_EQ("F_SETFD", fcntl(61, F_SETFD, 0) | fcntl(61, F_GETFD), 0);
	T_EQ("F_GETFL", fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	T_EQ("F_SETFL", fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	T_OK("is shared too", fcntl(d, F_GETFL) & O_NONBLOCK);
	T_ERR("fcntl: unknown", fcntl(fd, 9999), EINVAL);
	T_ERR("TCGETS on a file", ioctl(fd, TCGETS, buf), ENOTTY);
	T_ERR("TIOCGWINSZ on a file", ioctl(fd, TIOCGWINSZ, buf), ENOTTY);
	T_ERR("ioctl on none", ioctl(99, TCGETS, buf), EBADF);
	close(40);
	close(60);
	close(61);
	close(d);
	close(fd);
}

static void directories(void)
{
	unsigned int seen = 0, others = 0;
	struct dirent *e;
	struct stat st;
	DIR *dir;

	T_EQ("mkdir", mkdir("d", 0755), 0);
	T_ERR("mkdir again", mkdir("d", 0755), EEXIST);
	T_ERR("mkdir nowhere", mkdir("none/d", 0755), ENOENT);
	T_EQ("mkdirat", mkdirat(AT_FDCWD, "d/e", 0700), 0);
	T_OK("stat of a directory", !stat("d", &st) && S_ISDIR(st.st_mode));
	T_EQ("chdir", chdir("d"), 0);
	T_OK("getcwd", getcwd(buf, sizeof(buf)) &&
	     !strcmp(buf, DIR_NAME "/d"));
	T_ERR("getcwd: too small", syscall(SYS_getcwd, buf, 5), ERANGE);
	T_EQ("chdir ..", chdir(".."), 0);
	T_ERR("chdir to a file", chdir("f"), ENOTDIR);
	dir = opendir(".");
	while (dir && (e = readdir(dir))) {
		if (!strcmp(e->d_name, "d") && e->d_type == DT_DIR)
			seen |= 1;
		else if (!strcmp(e->d_name, "f") && e->d_type == DT_REG)
			seen |= 2;
		else if (!strcmp(e->d_name, "g"))
			seen |= 4;
		else if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			seen += 8;
		else
			others++;
	}
	T_EQ("getdents64 finds all", seen, 7 + 16);
	T_EQ("and nothing else", others, 0);
	T_EQ("fchdir", fchdir(dirfd(dir)), 0);
	T_ERR("getdents64: too small", syscall(SYS_getdents64,
	      open("/", O_RDONLY | O_DIRECTORY), buf, 8), EINVAL);
	closedir(dir);
	T_ERR("rmdir: not empty", rmdir("d"), ENOTEMPTY);
	T_ERR("unlink of a directory", unlink("d"), EISDIR);
	T_ERR("rmdir of a file", rmdir("f"), ENOTDIR);
	T_EQ("unlinkat AT_REMOVEDIR", unlinkat(AT_FDCWD, "d/e", AT_REMOVEDIR),
	     0);
	T_EQ("rmdir", rmdir("d"), 0);
	T_ERR("rmdir again", rmdir("d"), ENOENT);
}

static void links(void)
{
	struct stat st;
	int fd;

	T_EQ("link", link("g", "h"), 0);
	T_OK("two names", !stat("h", &st) && st.st_nlink == 2);
	T_ERR("link over one that exists", link("g", "f"), EEXIST);
	T_EQ("unlink one", unlink("g"), 0);
	T_OK("the other stays", !stat("h", &st) && st.st_nlink == 1);
	T_EQ("symlink", symlink("h", "s"), 0);
	T_EQ("readlink", readlink("s", buf, 100), 1);
	T_OK("says where to", buf[0] == 'h');
	T_ERR("readlink of a file", readlink("h", buf, 100), EINVAL);
	T_OK("stat follows", !stat("s", &st) && S_ISREG(st.st_mode));
	T_OK("lstat does not", !lstat("s", &st) && S_ISLNK(st.st_mode));
	T_ERR("O_NOFOLLOW", open("s", O_RDONLY | O_NOFOLLOW), ELOOP);
	T_EQ("symlink to itself", symlink("l", "l"), 0);
	T_ERR("a loop", open("l", O_RDONLY), ELOOP);
	T_EQ("rename", rename("h", "i"), 0);
	T_ERR("the old name is gone", stat("h", &st), ENOENT);
	T_ERR("the link dangles", stat("s", &st), ENOENT);
	T_EQ("rename over another", rename("i", "f"), 0);
	T_ERR("rename of nothing", rename("none", "x"), ENOENT);
	T_EQ("renameat2 NOREPLACE", syscall(SYS_renameat2, AT_FDCWD, "f",
					    AT_FDCWD, "j", 1), 0);
	fd = open("j", O_RDONLY);
	T_EQ("unlink an open file", unlink("j"), 0);
	T_OK("it can still be read", read(fd, buf, 10) == 1 && buf[0] == 'g' &&
	     !fstat(fd, &st) && st.st_nlink == 0);
	close(fd);
	T_EQ("unlink symbolic links", unlink("s") | unlink("l"), 0);
	T_ERR("unlink of nothing", unlink("j"), ENOENT);
}

static void modes(void)
{
	struct stat st;
	mode_t old = umask(027);
	int fd = open("m", O_RDWR | O_CREAT, 0777);

	T_OK("umask", !stat("m", &st) && (st.st_mode & 0777) == 0750);
	T_EQ("umask gives the last one", umask(old), 027);
	T_EQ("chmod", chmod("m", 0600), 0);
	T_EQ("fchmod", fchmod(fd, 0644), 0);
	T_EQ("fchmodat", fchmodat(AT_FDCWD, "m", 0444, 0), 0);
	T_OK("the last one holds", !stat("m", &st) &&
	     (st.st_mode & 07777) == 0444);
	T_EQ("access F_OK", access("m", F_OK), 0);
	T_EQ("access R_OK", access("m", R_OK), 0);
	T_ERR("access X_OK", access("m", X_OK), EACCES);
	T_ERR("access to nothing", access("none", F_OK), ENOENT);
	T_EQ("fstatat", fstatat(AT_FDCWD, "m", &st, 0), 0);
	T_EQ("fstatat of a descriptor", fstatat(fd, "", &st, AT_EMPTY_PATH), 0);
	T_ERR("fstatat: bad flags", fstatat(fd, "", &st, 0x80000), EINVAL);
	close(fd);
	unlink("m");
}

static void relative(void)
{
	int d = open(".", O_RDONLY | O_DIRECTORY), fd;

	fd = openat(d, "r", O_CREAT | O_RDWR, 0600);
	T_OK("openat", fd > 2);
	close(fd);
	T_EQ("symlinkat", symlinkat("r", d, "q"), 0);
	T_EQ("readlinkat", readlinkat(d, "q", buf, 10), 1);
	T_EQ("linkat", linkat(d, "r", d, "p", 0), 0);
	T_EQ("renameat", renameat(d, "p", d, "o"), 0);
	T_EQ("faccessat", faccessat(d, "o", R_OK, 0), 0);
	T_ERR("openat of a bad descriptor", openat(99, "r", O_RDONLY), EBADF);
	T_EQ("unlinkat", unlinkat(d, "o", 0) | unlinkat(d, "q", 0) |
	     unlinkat(d, "r", 0), 0);
	fd = open("f", O_CREAT | O_RDWR, 0600);
	T_ERR("openat of a file", openat(fd, "x", O_RDONLY), ENOTDIR);
	close(fd);
	close(d);
	unlink("f");
}

static void devices(void)
{
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
	struct stat st;

	T_EQ("/dev/null takes all", write(null, buf, 1000), 1000);
	T_EQ("and gives nothing", read(null, buf, 1000), 0);
	memset(buf, 1, 100);
	T_EQ("/dev/zero", read(zero, buf, 100), 100);
	T_OK("gives zeroes", buf[0] == 0 && buf[99] == 0);
	T_OK("a device's type", !fstat(null, &st) && S_ISCHR(st.st_mode));
	close(null);
	close(zero);
	T_OK("/proc/self/exe", readlink("/proc/self/exe", buf, 1000) > 0);
}

int main(void)
{
	umask(022);
	mkdir(DIR_NAME, 0700);
	if (chdir(DIR_NAME))
		return 2;
	data();
	open_flags();
	vectors();
	descriptors();
	directories();
	links();
	modes();
	relative();
	devices();
	T_EQ("leave", chdir("/") | rmdir(DIR_NAME), 0);
	return t_done();
}
