/* SPDX-License-Identifier: MIT */
/* /proc of oneself and of a child; mincore; faults counted. */
#include <dirent.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/abi/t.h"

static char buf[1 << 16];

/* The whole of a file into buf; its length, or -1. */
static long slurp(const char *path)
{
	long n, len = 0;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return -1;
	while ((n = read(fd, buf + len, sizeof(buf) - 1 - (size_t)len)) > 0)
		len += n;
	buf[len] = 0;
	close(fd);
	return n < 0 ? -1 : len;
}

static const char *of(pid_t pid, const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return path;
}

/* The number behind a name at the beginning of a line; -1. */
static long field(const char *name)
{
	size_t len = strlen(name);

	for (char *p = buf; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (!strncmp(p, name, len))
			return strtol(p + len, NULL, 10);
		if (!*p)
			break;
	}
	return -1;
}

static void own_texts(void)
{
	char state;
	int pid, ppid, pgrp, sid;

	T_OK("stat", slurp("/proc/self/stat") > 0);
	T_EQ("its first fields", sscanf(buf, "%d (t_proc) %c %d %d %d", &pid,
					&state, &ppid, &pgrp, &sid), 5);
	T_OK("are ours", pid == getpid() && ppid == getppid() &&
	     pgrp == getpgrp() && sid == getsid(0) && state == 'R');
	T_OK("status", slurp("/proc/self/status") > 0);
	T_EQ("Pid", field("Pid:"), getpid());
	T_EQ("PPid", field("PPid:"), getppid());
	T_EQ("Threads", field("Threads:"), 1);
	T_OK("VmRSS", field("VmRSS:") > 0 && field("VmRSS:") <= field("VmSize:"));
	T_OK("statm", slurp("/proc/self/statm") > 0);
	T_OK("seven numbers", sscanf(buf, "%d %d", &pid, &ppid) == 2 &&
	     pid >= ppid && ppid > 0);
	T_OK("cmdline", slurp("/proc/self/cmdline") > 0 &&
	     strstr(buf, "t_proc"));
	T_EQ("ends with its NUL", slurp("/proc/self/cmdline"),
	     (long)strlen(buf) + 1);
	T_EQ("comm", slurp("/proc/self/comm"), 7);
	T_OK("is the name", !strcmp(buf, "t_proc\n"));
	T_OK("the same by number", slurp(of(getpid(), "comm")) == 7);
	T_OK("exe", readlink("/proc/self/exe", buf, 1000) > 0);
	T_ERR("nobody's", open("/proc/99999999/stat", O_RDONLY), ENOENT);
	T_ERR("no such file", open("/proc/self/nothing", O_RDONLY), ENOENT);
	T_ERR("it cannot be written", open("/proc/self/stat/x", O_RDONLY),
	      ENOTDIR);
}

static void files(void)
{
	char link[256] = "";
	int fd = open("/proc/self/comm", O_RDONLY), found = 0;
	struct dirent *de;
	DIR *dir;

	dir = opendir("/proc/self/fd");
	while (dir && (de = readdir(dir)))
		found += atoi(de->d_name) == fd && de->d_name[0] != '.';
	T_EQ("an open file is listed", found, 1);
	if (dir)
		closedir(dir);
	snprintf(buf, 64, "/proc/self/fd/%d", fd);
	T_OK("where it leads", readlink(buf, link, 255) > 0 &&
	     strstr(link, "/comm"));
	close(fd);
	T_ERR("closed: gone", readlink(buf, link, 255), ENOENT);
	fd = open("/tmp/t_proc.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	T_EQ("write", write(fd, "text", 4), 4);
	snprintf(buf, 64, "/proc/self/fd/%d", fd);
	T_EQ("opened through its link", slurp(buf), 4);
	T_OK("the same file", !strcmp(buf, "text"));
	close(fd);
	unlink("/tmp/t_proc.file");
	T_EQ("by way of cwd", chdir("/tmp"), 0);
	fd = open("/proc/self/cwd/t_proc.new", O_RDWR | O_CREAT | O_EXCL, 0600);
	T_OK("created", fd >= 0);
	close(fd);
	T_EQ("unlinked", unlink("/tmp/t_proc.new"), 0);
}

static void of_a_child(void)
{
	int go[2], found = 0, status;
	struct dirent *de;
	char c;
	pid_t pid;
	DIR *dir;

	pipe(go);
	pid = fork();
	if (!pid) {
		close(go[1]);
		read(go[0], &c, 1);
		_exit(7);
	}
	close(go[0]);
	dir = opendir("/proc");
	while (dir && (de = readdir(dir)))
		found += atoi(de->d_name) == pid || atoi(de->d_name) == getpid();
	T_EQ("both are in /proc", found, 2);
	if (dir)
		closedir(dir);
	T_OK("its status", slurp(of(pid, "status")) > 0);
	T_EQ("its parent", field("PPid:"), getpid());
	T_OK("its maps", slurp(of(pid, "maps")) > 0 && strstr(buf, "[stack]"));
	T_OK("its exe", readlink(of(pid, "exe"), buf, 1000) > 0);
	close(go[1]);
	waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT);
	T_OK("a zombie's stat", slurp(of(pid, "stat")) > 0);
	T_OK("says so", strstr(buf, ") Z "));
	T_EQ("no maps", slurp(of(pid, "maps")), 0);
	T_EQ("waited for", waitpid(pid, &status, 0), pid);
	T_EQ("its status", WEXITSTATUS(status), 7);
	T_EQ("it is gone", slurp(of(pid, "stat")), -1);
}

static uint64_t entry(const void *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t e = 0;

	T_EQ("pagemap", pread(fd, &e, 8, (long)((uintptr_t)p / PAGE * 8)), 8);
	close(fd);
	return e;
}

static void memory(void)
{
	char *p = t_map(4 * PAGE, PROT_READ | PROT_WRITE), line[64], *at;
	unsigned char vec[8];

	p[PAGE] = 1;
	T_OK("a touched page is present", entry(p + PAGE) >> 63);
	T_OK("and exclusive", entry(p + PAGE) >> 56 & 1);
	T_OK("an untouched is not", !(entry(p) >> 63));
	snprintf(line, sizeof(line), "%lx-", (unsigned long)p);
	T_OK("maps", slurp("/proc/self/maps") > 0 && strstr(buf, line));
	/* Its neighbours may be one mapping with it: another kind. */
	mprotect(p, 4 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	T_OK("smaps", slurp("/proc/self/smaps") > 0);
	at = strstr(buf, line);
	T_OK("its rights", at && strstr(at, "rwxp") < strchr(at, '\n'));
	memmove(buf, at, strlen(at) + 1);
	T_EQ("Size", field("Size:"), 16);
	T_EQ("Rss", field("Rss:"), 4);
	T_EQ("Private_Dirty", field("Private_Dirty:"), 4);
	T_EQ("Anonymous", field("Anonymous:"), 4);
	T_EQ("mincore", mincore(p, 4 * PAGE, vec), 0);
	T_OK("one of four", !vec[0] && vec[1] == 1 && !vec[2] && !vec[3]);
	T_ERR("misaligned", mincore(p + 1, PAGE, vec), EINVAL);
	T_ERR("nowhere to", mincore(p, PAGE, (void *)1), EFAULT);
	munmap(p, PAGE);
	T_ERR("a hole", mincore(p, 4 * PAGE, vec), ENOMEM);
	T_EQ("of nothing", mincore(p, 0, vec), 0);
	munmap(p, 4 * PAGE);
}

static void machine(void)
{
	T_OK("meminfo", slurp("/proc/meminfo") > 0);
	T_OK("makes sense", field("MemTotal:") >= field("MemFree:") &&
	     field("MemFree:") > 0);
	T_OK("stat", slurp("/proc/stat") > 0 && !strncmp(buf, "cpu ", 4));
	T_OK("uptime", slurp("/proc/uptime") > 0 && strtod(buf, NULL) > 0);
	T_OK("loadavg", slurp("/proc/loadavg") > 0 && strchr(buf, '/'));
	T_OK("cpuinfo", slurp("/proc/cpuinfo") > 0 &&
	     !strncmp(buf, "processor", 9));
	T_OK("vmstat", slurp("/proc/vmstat") > 0);
	T_OK("counts faults", field("pgfault ") > 0);
	T_OK("mounts", slurp("/proc/mounts") > 0);
}

static void faults(void)
{
	struct rusage a, b;
	char *p = t_map(64 * PAGE, PROT_READ | PROT_WRITE);

	madvise(p, 64 * PAGE, MADV_NOHUGEPAGE);
	getrusage(RUSAGE_SELF, &a);
	for (int i = 0; i < 64; i++)
		p[(unsigned long)i * PAGE] = 1;
	getrusage(RUSAGE_SELF, &b);
	T_OK("64 faults are counted", b.ru_minflt - a.ru_minflt >= 64 &&
	     b.ru_minflt - a.ru_minflt < 100);
	T_EQ("by thread", getrusage(RUSAGE_THREAD, &b), 0);
	T_ERR("whose?", getrusage(2, &b), EINVAL);
	munmap(p, 64 * PAGE);
}

int main(void)
{
	own_texts();
	files();
	of_a_child();
	memory();
	machine();
	faults();
	return t_done();
}
