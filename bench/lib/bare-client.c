/*
 * The floor of http-closed: what a closed loop costs that looks at nothing. Each reply, whatever it is, is read once and
 * answered with the next request; no parser, no clock, no figures but a count. What it takes for a request is the kernel's
 * and two calls' of C, so no client that sends and receives by itself can be much below.
 *
 *   bare-client PORT CONNECTIONS SECONDS
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define EVENTS 256
/* A look at the clock once in so many turns costs nothing. */
#define TURNS 64

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: bare-client PORT CONNECTIONS SECONDS\n");
		return 2;
	}
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	char request[128];
	int length = snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n\r\n", argv[1]);
	int count = atoi(argv[2]), epoll = epoll_create1(0), one = 1;
	for (int i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
		if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
			perror("connect");
			return 1;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		fcntl(fd, F_SETFL, O_NONBLOCK);
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
		if (send(fd, request, length, MSG_NOSIGNAL) != length)
			return 1;
	}
	struct epoll_event events[EVENTS];
	char reply[4096];
	long replies = 0, turns = 0;
	double start = now(), end = start + atof(argv[3]), at = start;
	while (at < end) {
		/* Whoever stops answering ends the run late, not never. */
		int ready = epoll_wait(epoll, events, EVENTS, 1000);
		for (int i = 0; i < ready; i++) {
			int fd = events[i].data.fd;
			if (recv(fd, reply, sizeof(reply), 0) <= 0)
				continue;
			replies++;
			if (send(fd, request, length, MSG_NOSIGNAL) != length)
				return 1;
		}
		if (++turns % TURNS == 0 || ready <= 0)
			at = now();
	}
	printf("%ld replies in %.6f s\n", replies, at - start);
	return 0;
}
