/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event loop that does exactly what its arguments say, for tests of the observer. It waits for a byte on stdin, does
 * each step once, waits for one event and ends. Steps, each a letter and a number:
 *   t5  epoll_wait with a timeout of 5 ms that nothing ends        e3  epoll_wait that returns 3 events at once
 *   p   epoll_wait with timeout 0 that returns 0 (a peek)           b20 burn 20 ms of CPU in user mode
 *   s15 nanosleep for 15 ms                                         y8192 write 8192 KiB to a file, fsync it
 *   k20 burn 20 ms of CPU in the kernel (read of /dev/zero)         a   accept4 that finds nothing
 *   c   accept4 that finds a connection                             m   touch 16 MiB of fresh memory
 *   q3  epoll_wait with timeout 0 that returns 3 events             r30 a blocking recv that 30 ms end (SO_RCVTIMEO)
 *   f20 read evicted pages of a mapped file for 20 ms: major faults     l20 wait for a lock that a thread holds for 20 ms
 *   n20 wake a real-time process on the same CPU that burns 20 ms       w20 write to a file for 20 ms
 *   h   say "hanging", then hang in read(2) on stdin until it is closed
 *   x7  repeat all steps so far 7 times in all
 * Its file is in $PLANTED_FOLDER, or /var/tmp.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENT_LIMIT = 64, MAPPED_BYTES = 16 << 20 };

static int epoll_fd, listen_fd, file_fd, zero_fd;
static int event_fds[EVENT_LIMIT];
static struct sockaddr_in address;
static char big[1 << 20];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void burn_user(int ms)
{
	double end = cpu_ms() + ms;
	volatile unsigned long sum = 0;

	while (cpu_ms() < end)
		for (int i = 0; i < 100000; i++)
			sum += i;
}

static void burn_kernel(int ms)
{
	double end = cpu_ms() + ms;

	/* Some reads for each look at the clock, which is a call too and must not have a share worth naming. */
	while (cpu_ms() < end)
		for (int i = 0; i < 4; i++)
			if (read(zero_fd, big, sizeof(big)) < 0)
				die("read");
}

static void wait_events(int count, int timeout)
{
	struct epoll_event got[EVENT_LIMIT];
	unsigned long value = 1;
	int i;

	for (i = 0; i < count; i++)
		if (write(event_fds[i], &value, 8) != 8)
			die("eventfd");
	if (epoll_wait(epoll_fd, got, EVENT_LIMIT, timeout) != count)
		die("events");
	for (i = 0; i < count; i++)
		if (read(got[i].data.fd, &value, 8) != 8)
			die("eventfd");
}

static void receive_until_timeout(int ms)
{
	struct timeval limit = { 0, ms * 1000 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die("connect");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (recv(fd, big, 1, 0) >= 0 || errno != EAGAIN)
		die("recv");
	close(fd);
}

static char *mapped;

static void map_file(void)
{
	for (int i = 0; i < MAPPED_BYTES; i += sizeof(big))
		if (write(file_fd, big, sizeof(big)) != sizeof(big))
			die("write");
	if (fsync(file_fd))
		die("fsync");
	mapped = mmap(0, MAPPED_BYTES, PROT_READ, MAP_SHARED, file_fd, 0);
	madvise(mapped, MAPPED_BYTES, MADV_RANDOM);
}

/* Pages of a file are thrown out, then read through the mapping, each from the disk. */
static void fault_pages(int ms)
{
	double end = wall_ms() + ms;

	while (wall_ms() < end) {
		madvise(mapped, MAPPED_BYTES, MADV_DONTNEED);
		if (posix_fadvise(file_fd, 0, MAPPED_BYTES, POSIX_FADV_DONTNEED))
			die("fadvise");
		for (int i = 0; i < MAPPED_BYTES && wall_ms() < end; i += 4096)
			(void)((volatile char *)mapped)[i];
	}
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int lock_ms, is_locked;

static void *hold_lock(void *unused)
{
	struct timespec pause = { 0, lock_ms * 1000000L };

	prctl(PR_SET_NAME, "lock-holder");
	pthread_mutex_lock(&lock);
	__atomic_store_n(&is_locked, 1, __ATOMIC_RELEASE);
	nanosleep(&pause, 0);
	pthread_mutex_unlock(&lock);
	return unused;
}

static void wait_for_lock(int ms)
{
	pthread_t holder;

	lock_ms = ms;
	/* Not taken back by the holder: who is kept from the CPU for as long as it holds would wait for ever. */
	is_locked = 0;
	if (pthread_create(&holder, 0, hold_lock, 0))
		die("pthread_create");
	while (!__atomic_load_n(&is_locked, __ATOMIC_ACQUIRE))
		sched_yield();
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
	pthread_join(holder, 0);
}

static int to_neighbour = -1;

/* A process of its own, so that it is somebody else who ran. It lives as long as the pipe to it is open. */
static void start_neighbour(void)
{
	struct sched_param urgent = { .sched_priority = 10 };
	int there[2], back[2];
	char byte = 0;

	if (pipe(there) || pipe(back))
		die("pipe");
	if (fork() == 0) {
		prctl(PR_SET_NAME, "neighbour");
		close(there[1]);
		if (sched_setscheduler(0, SCHED_FIFO, &urgent))
			die("SCHED_FIFO");
		if (write(back[1], &byte, 1) != 1)
			die("neighbour");
		while (read(there[0], &byte, 1) == 1)
			burn_user(byte);
		_exit(0);
	}
	close(there[0]);
	if (read(back[0], &byte, 1) != 1)
		die("neighbour");
	to_neighbour = there[1];
}

static void wake_neighbour(int ms)
{
	char byte = ms;

	if (write(to_neighbour, &byte, 1) != 1)
		die("neighbour");
}

static void step(const char *text)
{
	struct epoll_event got[1];
	int number = atoi(text + 1), fd, i;
	struct timespec pause = { number / 1000, number % 1000 * 1000000L };
	void *memory;

	switch (text[0]) {
	case 't':
		/* A stop ends a wait early. */
		while ((i = epoll_wait(epoll_fd, got, 1, number)) < 0 && errno == EINTR)
			;
		if (i != 0)
			die("timeout");
		break;
	case 'e':
		wait_events(number, -1);
		break;
	case 'f':
		fault_pages(number);
		break;
	case 'l':
		wait_for_lock(number);
		break;
	case 'n':
		wake_neighbour(number);
		break;
	case 'w':
		for (double end = wall_ms() + number; wall_ms() < end;)
			if (write(file_fd, big, sizeof(big)) != sizeof(big))
				die("write");
		if (ftruncate(file_fd, 0) || lseek(file_fd, 0, SEEK_SET))
			die("truncate");
		break;
	case 'h':
		puts("hanging");
		fflush(stdout);
		while (read(0, big, 1) > 0)
			;
		break;
	case 'q':
		wait_events(number, 0);
		break;
	case 'r':
		receive_until_timeout(number);
		break;
	case 'p':
		if (epoll_wait(epoll_fd, got, 1, 0) != 0)
			die("peek");
		break;
	case 'b':
		burn_user(number);
		break;
	case 'k':
		burn_kernel(number);
		break;
	case 's':
		nanosleep(&pause, 0);
		break;
	case 'y':
		for (i = 0; i < number; i += 1024)
			if (write(file_fd, big, sizeof(big)) != sizeof(big))
				die("write");
		if (fsync(file_fd))
			die("fsync");
		break;
	case 'a':
		if (accept4(listen_fd, 0, 0, SOCK_NONBLOCK) >= 0 || errno != EAGAIN)
			die("accept of nothing");
		break;
	case 'c':
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
			die("connect");
		close(fd);
		fd = accept4(listen_fd, 0, 0, SOCK_NONBLOCK);
		if (fd < 0)
			die("accept");
		close(fd);
		break;
	case 'm':
		memory = mmap(0, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		for (i = 0; i < 16 << 20; i += 4096)
			((volatile char *)memory)[i] = 1;
		munmap(memory, 16 << 20);
		break;
	default:
		fprintf(stderr, "unknown step %s\n", text);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	socklen_t length = sizeof(address);
	const char *folder = getenv("PLANTED_FOLDER");
	char path[256], byte;
	struct epoll_event event = { .events = EPOLLIN, .data.fd = 0 };
	int i, round, j;

	epoll_fd = epoll_create1(0);
	zero_fd = open("/dev/zero", O_RDONLY);
	snprintf(path, sizeof(path), "%s/loopscope-planted-XXXXXX", folder ? folder : "/var/tmp");
	file_fd = mkstemp(path);
	unlink(path);
	listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listen_fd, (struct sockaddr *)&address, sizeof(address)) || listen(listen_fd, 128))
		die("listen");
	getsockname(listen_fd, (struct sockaddr *)&address, &length);
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 0, &event);
	for (i = 0; i < EVENT_LIMIT; i++) {
		event_fds[i] = eventfd(0, EFD_NONBLOCK);
		event.data.fd = event_fds[i];
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event_fds[i], &event);
	}
	for (i = 1; i < argc; i++)
		if (argv[i][0] == 'f' && !mapped)
			map_file();
		else if (argv[i][0] == 'n' && to_neighbour < 0)
			start_neighbour();
	puts("ready");
	fflush(stdout);

	/* The probes come during this wait, so it is the one wait they do not see begin: they count from the next on. */
	if (epoll_wait(epoll_fd, &event, 1, -1) != 1 || read(0, &byte, 1) != 1)
		die("start");
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, 0, 0);
	for (i = 1; i < argc; i++) {
		if (argv[i][0] != 'x') {
			step(argv[i]);
			continue;
		}
		for (round = 1; round < atoi(argv[i] + 1); round++)
			for (j = 1; j < i; j++)
				step(argv[j]);
	}
	/* One last wait, which ends the last cycle. */
	wait_events(1, -1);
	return 0;
}
