/* Every real server of the bench of checks: whoever connects to port 8001 is let go, whoever asks on port 8002 gets a page. Which
   address was called when stands in the file that the first word names, once this program is told to end (SIGTERM; SIGUSR1 asks how many calls there have been): records
   of address (4 bytes, as on the wire), port (4 bytes) and nanoseconds of CLOCK_MONOTONIC (8 bytes). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST (1 << 23)

struct call {
	uint32_t address, port;
	uint64_t at;
};

static volatile sig_atomic_t ended, asked;

static void hear(int number)
{
	if (number == SIGTERM)
		ended = 1;
	else
		asked = 1;
}

static int listener(uint16_t port)
{
	const int on = 1, wait = 5;
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(port)};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	/* Of one that asks nothing is heard when its question is there. */
	if (port == 8002)
		setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &wait, sizeof wait);
	if (bind(fd, (struct sockaddr *)&where, sizeof where) < 0 || listen(fd, 65535) < 0) {
		perror("listen");
		exit(1);
	}
	return fd;
}

int main(int count, char **words)
{
	static const char page[] = "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";
	struct call *calls = (struct call *)malloc(MOST * sizeof *calls);
	struct pollfd doors[2] = {{listener(8001), POLLIN, 0}, {listener(8002), POLLIN, 0}};
	size_t length = 0;
	if (count != 2 || calls == NULL)
		return 2;
	signal(SIGTERM, hear);
	signal(SIGUSR1, hear);
	puts("ready");
	fflush(stdout);
	while (!ended) {
		if (asked) {
			asked = 0;
			printf("%zu calls\n", length);
			fflush(stdout);
		}
		if (poll(doors, 2, 100) <= 0)
			continue;
		for (int door = 0; door < 2; door++) {
			for (int burst = 0; burst < 64; burst++) {
				struct sockaddr_in own;
				struct timespec now;
				socklen_t size = sizeof own;
				char question[4096];
				const int fd = accept4(doors[door].fd, NULL, NULL, SOCK_NONBLOCK);
				if (fd < 0)
					break;
				clock_gettime(CLOCK_MONOTONIC, &now);
				if (getsockname(fd, (struct sockaddr *)&own, &size) == 0 && length < MOST)
					calls[length++] = (struct call){own.sin_addr.s_addr, ntohs(own.sin_port),
									now.tv_sec * 1000000000ull + now.tv_nsec};
				if (door == 1 && read(fd, question, sizeof question) > 0 &&
				    write(fd, page, sizeof page - 1) < 0)
					perror("write");
				close(fd);
			}
		}
	}
	FILE *file = fopen(words[1], "w");
	return file != NULL && fwrite(calls, sizeof *calls, length, file) == length && fclose(file) == 0 ? 0 : 1;
}
