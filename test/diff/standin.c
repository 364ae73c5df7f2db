/* Lets keepalived's checking process run on a kernel without IPVS: answers the IP_VS_SO_* socket options with success
   and an empty table, and passes everything else on. Loaded with LD_PRELOAD by checker.test.ts. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST (64 + 1024 + 64)
#define IS_IPVS(level, option) ((level) == IPPROTO_IP && (option) >= FIRST && (option) < FIRST + 64)

int getsockopt(int fd, int level, int option, void *value, socklen_t *length)
{
	const unsigned version = 0x010201;
	if (!IS_IPVS(level, option)) {
		int (*next)(int, int, int, void *, socklen_t *) = dlsym(RTLD_NEXT, "getsockopt");
		return next(fd, level, option, value, length);
	}
	memset(value, 0, *length);
	if (option == FIRST + 1 && *length >= sizeof version)
		memcpy(value, &version, sizeof version);
	return 0;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	int (*next)(int, int, int, const void *, socklen_t) = dlsym(RTLD_NEXT, "setsockopt");
	return IS_IPVS(level, option) ? 0 : next(fd, level, option, value, length);
}
