/* Lets the process that checks servers run on a kernel without IPVS, keepalived's and ours: says that there is an IPVS which
   is empty and takes every order. keepalived asks by the IP_VS_SO_* socket options, ours by generic netlink; everything else
   is passed on. Loaded with LD_PRELOAD. Where KEEPALIVED_TEST_ORDERS names a file, each call that gives orders adds a line to
   it: nanoseconds of CLOCK_MONOTONIC. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FIRST (64 + 1024 + 64)
#define IS_IPVS(level, option) ((level) == IPPROTO_IP && (option) >= FIRST && (option) < FIRST + 64)
/* The type of its messages, as far as this stand-in is concerned. */
#define IPVS 33
#define DESCRIPTORS 1024

typedef int (*get_option)(int, int, int, void *, socklen_t *);
typedef int (*set_option)(int, int, int, const void *, socklen_t);
typedef int (*make_socket)(int, int, int);
typedef int (*close_socket)(int);
typedef ssize_t (*send_bytes)(int, const void *, size_t, int);
typedef ssize_t (*receive_bytes)(int, void *, size_t, int);

#define NEXT(type, name)                                                                                               \
	static type next;                                                                                              \
	if (next == NULL)                                                                                              \
		next = (type)dlsym(RTLD_NEXT, name)

/* Sockets of generic netlink, and the last message sent on each: its answer is made when somebody reads. */
static struct {
	int generic;
	int waiting;
	struct nlmsghdr last;
} sockets[DESCRIPTORS];

static int is_generic(int fd)
{
	return fd >= 0 && fd < DESCRIPTORS && sockets[fd].generic;
}

static void note_order(void)
{
	static int file = -2;
	struct timespec now;
	char line[32];
	if (file == -2) {
		const char *name = getenv("KEEPALIVED_TEST_ORDERS");
		file = name == NULL ? -1 : open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	}
	if (file < 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	const int length = snprintf(line, sizeof line, "%lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
	if (write(file, line, length) < 0)
		file = -1;
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *length)
{
	const unsigned version = 0x010201;
	NEXT(get_option, "getsockopt");
	if (!IS_IPVS(level, option))
		return next(fd, level, option, value, length);
	memset(value, 0, *length);
	if (option == FIRST + 1 && *length >= sizeof version)
		memcpy(value, &version, sizeof version);
	return 0;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	NEXT(set_option, "setsockopt");
	if (!IS_IPVS(level, option))
		return next(fd, level, option, value, length);
	note_order();
	return 0;
}

int socket(int domain, int type, int protocol)
{
	NEXT(make_socket, "socket");
	const int fd = next(domain, type, protocol);
	if (fd >= 0 && fd < DESCRIPTORS) {
		memset(&sockets[fd], 0, sizeof sockets[fd]);
		sockets[fd].generic = domain == AF_NETLINK && protocol == NETLINK_GENERIC;
	}
	return fd;
}

int close(int fd)
{
	NEXT(close_socket, "close");
	if (is_generic(fd))
		sockets[fd].generic = 0;
	return next(fd);
}

/* libnl, which keepalived uses, sends with sendmsg: its messages reach the kernel. */
ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
	NEXT(send_bytes, "send");
	if (!is_generic(fd))
		return next(fd, bytes, length, flags);
	for (size_t at = 0; length - at >= NLMSG_HDRLEN; at += NLMSG_ALIGN(sockets[fd].last.nlmsg_len)) {
		memcpy(&sockets[fd].last, (const char *)bytes + at, NLMSG_HDRLEN);
		if (sockets[fd].last.nlmsg_len < NLMSG_HDRLEN || sockets[fd].last.nlmsg_len >= length - at)
			break;
	}
	sockets[fd].waiting = 1;
	if ((sockets[fd].last.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		note_order();
	return length;
}

static void add(char **end, unsigned short type, const struct nlmsghdr *question, const void *body, size_t length)
{
	struct nlmsghdr *message = (struct nlmsghdr *)*end;
	memset(message, 0, NLMSG_SPACE(length));
	message->nlmsg_len = NLMSG_LENGTH(length);
	message->nlmsg_type = type;
	message->nlmsg_seq = question->nlmsg_seq;
	*end += NLMSG_SPACE(length);
	memcpy(NLMSG_DATA(message), body, length);
}

ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
	/* The answer of the kernel's controller: the type and the name of the family. */
	static const struct {
		struct genlmsghdr head;
		struct nlattr id;
		unsigned short type, pad;
		struct nlattr named;
		char name[8];
	} family = {{CTRL_CMD_NEWFAMILY, 2, 0}, {6, CTRL_ATTR_FAMILY_ID}, IPVS, 0, {4 + 5, CTRL_ATTR_FAMILY_NAME}, "IPVS"};
	NEXT(receive_bytes, "recv");
	if (!is_generic(fd) || !sockets[fd].waiting || size < 256)
		return next(fd, buffer, size, flags);
	const struct nlmsghdr *question = &sockets[fd].last;
	char *end = (char *)buffer;
	sockets[fd].waiting = 0;
	if ((question->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP) {
		const int ok = 0;
		if (question->nlmsg_type == GENL_ID_CTRL)
			add(&end, GENL_ID_CTRL, question, &family, sizeof family);
		add(&end, NLMSG_DONE, question, &ok, sizeof ok);
	} else {
		struct nlmsgerr acknowledgement = {0, *question};
		add(&end, NLMSG_ERROR, question, &acknowledgement, sizeof acknowledgement);
	}
	return end - (char *)buffer;
}
