/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program under a process number of one's choice, as chance gives it after a while: PID PROGRAM [ARGUMENT...].
 * clone3(2) with set_tid, Linux 5.5; needs CAP_CHECKPOINT_RESTORE. Ends as the program does; 3 when the number is taken.
 */
#define _GNU_SOURCE
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words)
{
	pid_t wanted = count > 2 ? atoi(words[1]) : 0;
	struct clone_args args = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted, .set_tid_size = 1 };
	int status;
	long pid;

	if (wanted <= 0)
		return 2;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0) {
		perror("clone3");
		return 3;
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv(words[2], words + 2);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
