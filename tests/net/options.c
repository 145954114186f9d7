/* A system that can do less, for the tests of options.rs: it is loaded into a program
 * (LD_PRELOAD). CHATROOM_LACKS names what is missing:
 *
 *   tcp           every option of TCP (ENOPROTOOPT)
 *   socket        SO_REUSEADDR, SO_KEEPALIVE, SO_LINGER (ENOPROTOOPT)
 *   dual          sockets for both versions of IP: IPV6_V6ONLY is always on
 *   v6            IPv6 (EAFNOSUPPORT)
 *   v6-forbidden  IPv6, as a sandbox has it (EPERM)
 *   netlink       netlink (EPERM)
 *   limits        setting limits (EPERM)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* Whether the word is one of those in CHATROOM_LACKS. */
static int lacks(const char *word)
{
    const char *at = getenv("CHATROOM_LACKS");
    size_t length = strlen(word);

    while (at && *at) {
        size_t here = strcspn(at, " ");
        if (here == length && !strncmp(at, word, length))
            return 1;
        at += here + (at[here] == ' ');
    }
    return 0;
}

static int fail(int error)
{
    errno = error;
    return -1;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    static int (*real)(int, int, int, const void *, socklen_t);

    if (!real)
        real = dlsym(RTLD_NEXT, "setsockopt");
    if (level == IPPROTO_TCP && lacks("tcp"))
        return fail(ENOPROTOOPT);
    if (level == SOL_SOCKET && lacks("socket")
        && (name == SO_REUSEADDR || name == SO_KEEPALIVE || name == SO_LINGER))
        return fail(ENOPROTOOPT);
    if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY && lacks("dual")) {
        int on = 1;

        real(fd, level, name, &on, sizeof on);
        return *(const int *)value ? 0 : fail(EINVAL);
    }
    return real(fd, level, name, value, length);
}

int socket(int domain, int type, int protocol)
{
    static int (*real)(int, int, int);

    if (!real)
        real = dlsym(RTLD_NEXT, "socket");
    if (domain == AF_INET6 && lacks("v6"))
        return fail(EAFNOSUPPORT);
    if ((domain == AF_INET6 && lacks("v6-forbidden")) || (domain == AF_NETLINK && lacks("netlink")))
        return fail(EPERM);
    return real(domain, type, protocol);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    static int (*real)(__rlimit_resource_t, const struct rlimit *);

    if (!real)
        real = dlsym(RTLD_NEXT, "setrlimit");
    return lacks("limits") ? fail(EPERM) : real(resource, limit);
}
