/*
 * A program whose system calls and functions are known beforehand. It waits in poll(2) for a byte on its standard
 * input, does what its arguments say, writes a byte, and waits in poll again until its input ends. For tests only.
 *
 *   calls:N      N each of getppid, getuid, lseek (of which the odd ones fail with EBADF), nanosleep of 1 ms,
 *                read from /dev/zero, write to /dev/null, dup (fails with EBADF)
 *   threads:T:N  T threads, each N of getppid, one after the other
 *   fork:N       a child that does N of getppid, waited for
 *   functions:N  N times outer(), which calls inner() twice and leaf(); and recurse(3)
 *   tail:N       N times jumper(), which ends in a jump to landing()
 *   forked-functions:N  the same as functions:N in a child, which waits 300 ms first
 *   longjmp:N    N times jumps(), left by longjmp from within thrower()
 *   deep:N       recurse(N)
 *   sleep:N      N nanosleeps of 2 ms
 *   spin:MS      spins for MS milliseconds of wall time
 *   yield:N      N of sched_yield
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROBED __attribute__((noinline, noclone, externally_visible))

static volatile long sink;
static jmp_buf back;

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void spin(double ms)
{
	double end = now_ms() + ms;
	while (now_ms() < end)
		sink++;
}

static void nap(long us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };
	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL);
}

PROBED long leaf(long n) { sink += n; return n * 3; }
PROBED long inner(long n) { spin(1); return n + 1; }
PROBED long outer(long n)
{
	sink += inner(n);
	nap(2000);
	sink += inner(n);
	return leaf(n);
}
PROBED long recurse(long n) { return n <= 0 ? sink : recurse(n - 1) + 1; }
PROBED long landing(long n) { sink += n; return n * 5; }
__attribute__((noinline, noclone, externally_visible, optimize("optimize-sibling-calls"))) long jumper(long n)
{
	sink += n;
	return landing(n + 1);
}
static inline __attribute__((always_inline)) long always_inlined(long n) { return n * 7 + sink; }
PROBED void thrower(void) { longjmp(back, 1); }
PROBED void jumps(void) { thrower(); sink++; }
PROBED void after(void) { sink++; }

static void do_calls(int n)
{
	int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
	char byte = 0;
	for (int i = 0; i < n; i++) {
		syscall(SYS_getppid);
		syscall(SYS_getuid);
		syscall(SYS_lseek, i % 2 ? -1 : zero, 0, SEEK_SET);
		nap(1000);
		syscall(SYS_read, zero, &byte, 1);
		syscall(SYS_write, null, &byte, 1);
		syscall(SYS_dup, -1);
	}
	close(zero);
	close(null);
}

static void *many(void *count)
{
	for (long i = 0; i < (long)count; i++)
		syscall(SYS_getppid);
	return NULL;
}

static void do_step(const char *step)
{
	long a = 0, b = 0;
	if (sscanf(step, "calls:%ld", &a) == 1) {
		do_calls(a);
	} else if (sscanf(step, "threads:%ld:%ld", &a, &b) == 2) {
		for (long i = 0; i < a; i++) {
			pthread_t thread;
			pthread_create(&thread, NULL, many, (void *)b);
			pthread_join(thread, NULL);
		}
	} else if (sscanf(step, "fork:%ld", &a) == 1) {
		pid_t child = fork();
		if (child == 0) {
			many((void *)a);
			_exit(0);
		}
		waitpid(child, NULL, 0);
	} else if (sscanf(step, "functions:%ld", &a) == 1) {
		for (long i = 0; i < a; i++) {
			outer(i);
			recurse(3);
		}
	} else if (sscanf(step, "tail:%ld", &a) == 1) {
		for (long i = 0; i < a; i++)
			sink += always_inlined(jumper(i));
	} else if (sscanf(step, "forked-functions:%ld", &a) == 1) {
		pid_t child = fork();
		if (child == 0) {
			nap(300000);
			for (long i = 0; i < a; i++)
				leaf(i);
			_exit(0);
		}
		waitpid(child, NULL, 0);
	} else if (sscanf(step, "longjmp:%ld", &a) == 1) {
		for (volatile long i = 0; i < a; i++) {
			if (setjmp(back) == 0)
				jumps();
			after();
		}
	} else if (sscanf(step, "deep:%ld", &a) == 1) {
		recurse(a);
	} else if (sscanf(step, "sleep:%ld", &a) == 1) {
		while (a-- > 0)
			nap(2000);
	} else if (sscanf(step, "spin:%ld", &a) == 1) {
		spin(a);
	} else if (sscanf(step, "yield:%ld", &a) == 1) {
		while (a-- > 0)
			syscall(SYS_sched_yield);
	}
}

static int wait_for_byte(void)
{
	struct pollfd input = { 0, POLLIN, 0 };
	char byte;
	poll(&input, 1, -1);
	return read(0, &byte, 1) == 1;
}

int main(int count, char **steps)
{
	if (write(1, "r", 1) != 1 || !wait_for_byte())
		return 1;
	for (int i = 1; i < count; i++)
		do_step(steps[i]);
	if (write(1, "d", 1) != 1)
		return 1;
	wait_for_byte();
	return 0;
}
