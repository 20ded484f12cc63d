/*
 * What trace-cost measures: one operation over and over for a time, each line of standard input a window. Prints how
 * many there were and how long they took, ns. Argument: what to do.
 *
 *   call      getppid(2), the shortest system call
 *   read      read(2) of 512 bytes from /dev/zero
 *   function  a function that returns at once
 *   switch    a byte to another process on the same CPU and back: two switches, two wake-ups
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile long sink;
static int zero, to[2], from[2];

__attribute__((noinline, noclone, externally_visible)) void probed(long n) { sink += n; }

static long now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void once(char what)
{
	char bytes[512];
	switch (what) {
	case 'c': syscall(SYS_getppid); break;
	case 'r': sink += read(zero, bytes, sizeof(bytes)); break;
	case 'f': probed(1); break;
	case 's':
		sink += write(to[1], bytes, 1);
		sink += read(from[0], bytes, 1);
	}
}

int main(int count, char **words)
{
	char what = count > 1 ? words[1][0] : 'c', byte;
	long window_ns;
	zero = open("/dev/zero", O_RDONLY);
	if (what == 's') {
		if (pipe(to) || pipe(from))
			return 1;
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, 9);
			while (read(to[0], &byte, 1) == 1)
				sink += write(from[1], &byte, 1);
			_exit(0);
		}
	}
	printf("ready\n");
	fflush(stdout);
	while (scanf("%ld", &window_ns) == 1) {
		long done = 0, start = now_ns(), now = start;
		while (now - start < window_ns) {
			for (int i = 0; i < 64; i++)
				once(what);
			done += 64;
			now = now_ns();
		}
		printf("%ld %ld\n", done, now - start);
		fflush(stdout);
	}
	return 0;
}
