/* SPDX-License-Identifier: MIT */
/* fork, vfork, wait4, waitid, execve, identity, what a child inherits. */
#include "t.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int private_word = 1;

static void identity(void)
{
	T_OK("getpid is positive", getpid() > 0);
	T_EQ("the leader's tid is its pid", syscall(SYS_gettid), getpid());
	T_OK("getppid is not negative", getppid() >= 0);
	T_EQ("uid and euid agree", getuid(), geteuid());
	T_EQ("gid and egid agree", getgid(), getegid());
}

static void fork_copies(void)
{
	int *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid(), pid, got;
	int status;

	pid = fork();
	if (!pid) {
		int good = getppid() == parent && getpid() != parent;

		private_word = 2;
		*shared = good && private_word == 2 ? 77 : 1;
		_exit(42);
	}
	got = wait4(pid, &status, 0, NULL);
	T_OK("wait4 gives the child", got == pid);
	T_OK("exit status 42", WIFEXITED(status) && WEXITSTATUS(status) == 42);
	T_EQ("private memory is the child's own", private_word, 1);
	T_EQ("shared memory is shared", *shared, 77);
	T_ERR("no child is left", wait4(-1, &status, 0, NULL), ECHILD);
	munmap(shared, PAGE);
}

static void many_children(void)
{
	unsigned int seen = 0;
	int status;

	for (int i = 0; i < 8; i++) {
		if (!fork())
			_exit(i);
	}
	while (wait4(-1, &status, 0, NULL) > 0)
		seen |= 1U << WEXITSTATUS(status);
	T_EQ("eight children, each with its status", seen, 0xff);
}

static void waiting(void)
{
	struct rusage ru;
	siginfo_t si;
	int fds[2], status = 0;
	pid_t pid;
	char c;

	if (pipe(fds))
		return;
	pid = fork();
	if (!pid) {
		close(fds[1]);
		_exit(read(fds[0], &c, 1) ? 1 : 7);
	}
	T_EQ("WNOHANG: not yet", waitpid(pid, &status, WNOHANG), 0);
	T_ERR("wait4 for somebody else's", wait4(1, &status, 0, NULL), ECHILD);
	T_ERR("wait4 with bad options", wait4(pid, &status, 0x10000, NULL),
	      EINVAL);
	close(fds[0]);
	close(fds[1]);
	memset(&si, 0, sizeof(si));
	T_EQ("waitid WNOWAIT", waitid(P_PID, (id_t)pid, &si,
				      WEXITED | WNOWAIT), 0);
	T_OK("waitid: who and what", si.si_pid == pid && si.si_status == 7 &&
	     si.si_code == CLD_EXITED && si.si_signo == SIGCHLD);
	T_EQ("it is still there", wait4(pid, &status, 0, &ru), pid);
	T_EQ("status 7", status, 7 << 8);
	T_ERR("waitid without WEXITED", waitid(P_ALL, 0, &si, 0), EINVAL);
}

static void killed_child(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		for (;;)
			pause();
	}
	T_EQ("kill", kill(pid, SIGKILL), 0);
	waitpid(pid, &status, 0);
	T_OK("died of SIGKILL", WIFSIGNALED(status) &&
	     WTERMSIG(status) == SIGKILL);
	T_ERR("kill after the end", kill(pid, 0), ESRCH);
}

static void vforking(void)
{
	volatile int word = 0;
	pid_t pid = vfork();
	int status;

	if (!pid) {
		word = 5;
		_exit(3);
	}
	T_EQ("vfork shares memory and waits", word, 5);
	waitpid(pid, &status, 0);
	T_EQ("vfork child's status", WEXITSTATUS(status), 3);
}

static void orphan(void)
{
	int fds[2];
	char c = 0;

	if (pipe(fds))
		return;
	if (!fork()) {
		pid_t before = getpid();

		if (!fork()) {
			while (getppid() == before)
				sched_yield();
			c = 'x';
			_exit(write(fds[1], &c, 1) != 1);
		}
		_exit(0);
	}
	wait(NULL);
	close(fds[1]);
	T_OK("an orphan gets another parent", read(fds[0], &c, 1) == 1 &&
	     c == 'x');
	close(fds[0]);
}

static void exec_child(const char *self, char *const argv[])
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		char *const env[] = { "WORD=seen", NULL };

		execve(self, argv, env);
		_exit(100);
	}
	waitpid(pid, &status, 0);
	T_EQ("execve: the new program's status", WEXITSTATUS(status), 23);
}

static void exec_errors(void)
{
	char *const argv[] = { "x", NULL };
	int fd = open("/tmp/t_fork.noexec", O_CREAT | O_WRONLY | O_TRUNC, 0755);

	if (write(fd, "not a program at all, no", 24) != 24)
		t_failures++;
	close(fd);
	T_ERR("execve of nothing", execve("/tmp/t_fork.none", argv, NULL),
	      ENOENT);
	T_ERR("execve of a directory", execve("/tmp", argv, NULL), EACCES);
	T_ERR("execve of no program", execve("/tmp/t_fork.noexec", argv, NULL),
	      ENOEXEC);
	chmod("/tmp/t_fork.noexec", 0644);
	T_ERR("execve without the x bit",
	      execve("/tmp/t_fork.noexec", argv, NULL), EACCES);
	T_ERR("a file in the path", execve("/tmp/t_fork.noexec/x", argv, NULL),
	      ENOTDIR);
	unlink("/tmp/t_fork.noexec");
}

/* The program that exec_child starts. */
static int second_life(int argc, char **argv)
{
	const char *word = getenv("WORD");

	T_OK("arguments come through", argc == 3 && !strcmp(argv[1], "again") &&
	     !strcmp(argv[2], "a b"));
	T_OK("so does the environment", word && !strcmp(word, "seen"));
	T_ERR("close-on-exec is closed", fcntl(50, F_GETFD), EBADF);
	T_EQ("others stay open", fcntl(51, F_GETFD), 0);
	return t_failures ? 1 : 23;
}

int main(int argc, char **argv)
{
	char *const again[] = { argv[0], "again", "a b", NULL };

	if (argc > 1)
		return second_life(argc, argv);
	identity();
	fork_copies();
	many_children();
	waiting();
	killed_child();
	vforking();
	orphan();
	dup3(1, 50, O_CLOEXEC);
	dup2(1, 51);
	exec_child("/proc/self/exe", again);
	exec_errors();
	return t_done();
}
