/* SPDX-License-Identifier: MIT */
/* move_pages, as far as one node shows it. */
#include "t.h"

#define RW (PROT_READ | PROT_WRITE)
#define MOVE 2

#define MOVE_PAGES(pid, n, pages, nodes, status, flags)			\
	syscall(SYS_move_pages, (long)(pid), (long)(n), pages, nodes,	\
		status, (long)(flags))

static int file_page(char **p)
{
	int fd = open("/tmp/t_movepages", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || ftruncate(fd, PAGE))
		return -1;
	*p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	unlink("/tmp/t_movepages");
	return fd;
}

static void where(char *p, char *hole)
{
	void *pages[5] = { p, p + PAGE, p + 2 * PAGE, hole, p + 7 };
	int status[5] = { 99, 99, 99, 99, 99 };

	T_EQ("ask", MOVE_PAGES(0, 5, pages, NULL, status, 0), 0);
	T_EQ("a written page is on node 0", status[0], 0);
	T_EQ("a page never touched", status[1], -ENOENT);
	T_EQ("a page only read: the zero page", status[2], -EFAULT);
	T_EQ("no mapping", status[3], -EFAULT);
	T_EQ("any address in the page", status[4], 0);
}

static void moves(char *p, char *hole)
{
	int nodes[4] = { 0, 0, 0, 0 }, status[4] = { 99, 99, 99, 99 };
	void *pages[4] = { p, p + 3 * PAGE, p + PAGE, hole };

	strcpy(p, "stays the same");
	strcpy(p + 3 * PAGE, "this too");
	T_EQ("move", MOVE_PAGES(getpid(), 4, pages, nodes, status, MOVE), 0);
	T_EQ("moved", status[0], 0);
	T_EQ("moved too", status[1], 0);
	T_EQ("nothing there", status[2], -ENOENT);
	T_EQ("no mapping to move", status[3], -EFAULT);
	T_OK("bytes", !strcmp(p, "stays the same") &&
	     !strcmp(p + 3 * PAGE, "this too"));
	p[0] = 'S';
	T_OK("writable", p[0] == 'S');
}

static void files(void)
{
	int nodes[1] = { 0 }, status[1] = { 99 }, fd;
	char buf[8] = "", *p = NULL;
	void *pages[1];

	fd = file_page(&p);
	T_OK("a shared file page", fd >= 0 && p != MAP_FAILED);
	strcpy(p, "in file");
	pages[0] = p;
	T_EQ("move it", MOVE_PAGES(0, 1, pages, nodes, status, MOVE), 0);
	T_EQ("its status", status[0], 0);
	p[0] = 'I';
	T_EQ("read the file", pread(fd, buf, 8, 0), 8);
	T_OK("written through the mapping", !strcmp(buf, "In file"));
	munmap(p, PAGE);
	close(fd);
}

static void shared(char *p)
{
	int status;
	pid_t pid;
	int up[2];
	char c;

	strcpy(p, "of both");
	if (pipe(up))
		return;
	pid = fork();
	if (!pid) {
		int nodes[1] = { 0 }, st[1] = { 99 };
		void *pages[1] = { p };

		if (MOVE_PAGES(0, 1, pages, nodes, st, 4) || st[0])
			_exit(1);
		p[0] = 'O';
		if (write(up[1], "x", 1) != 1)
			_exit(2);
		_exit(strcmp(p, "Of both") ? 3 : 0);
	}
	T_EQ("the child moved it", read(up[0], &c, 1), 1);
	T_OK("ours is as it was", !strcmp(p, "of both"));
	waitpid(pid, &status, 0);
	T_EQ("and the child's its own", status, 0);
}

static void refusals(char *p)
{
	void *pages[1] = { p };
	int nodes[1] = { 0 }, bad[1] = { 1000 }, status[1];

	T_ERR("flags", MOVE_PAGES(0, 1, pages, nodes, status, 64), EINVAL);
	T_ERR("no such process", MOVE_PAGES(0x3ffffff, 1, pages, nodes, status, MOVE),
	      ESRCH);
	T_ERR("no such node", MOVE_PAGES(0, 1, pages, bad, status, MOVE), ENODEV);
	T_ERR("pages nowhere", MOVE_PAGES(0, 1, (void **)8, nodes, status, MOVE),
	      EFAULT);
	T_ERR("nodes nowhere", MOVE_PAGES(0, 1, pages, (int *)8, status, MOVE),
	      EFAULT);
	T_ERR("status nowhere", MOVE_PAGES(0, 1, pages, NULL, (int *)8, 0), EFAULT);
	T_EQ("no pages", MOVE_PAGES(0, 0, pages, nodes, status, MOVE), 0);
}

int main(void)
{
	char *p = t_map(8 * PAGE, RW), *hole = t_map(PAGE, RW);
	volatile char c;

	munmap(hole, PAGE);
	p[0] = 1;
	c = p[2 * PAGE];
	(void)c;
	where(p, hole);
	moves(p, hole);
	files();
	shared(p);
	refusals(p);
	return t_done();
}
