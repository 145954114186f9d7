/* A simulated disk that keeps a record of its operations, and fails on demand.
 *
 * A program preloads this library. It records each change of a file below CHATROOM_DISK,
 * in order, in CHATROOM_DISK_TRACE. It also records the program's output to standard output
 * and to its peers in the same order, before anyone can read it. The file
 * CHATROOM_DISK_FAULT sets the fault; the library reads it at each change:
 *
 *   fsync N   the Nth fsync from now on, with EIO
 *   write N   the Nth write from now on, with EIO
 *   full N    all writes once N more bytes were written, with ENOSPC
 *   deaf      nothing fails, but no fsync does anything
 *
 * A record is: kind (1 byte), length of the name (4), offset (8), length of the
 * data (8), the name, the data. Numbers are in this machine's byte order.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 1024

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *root, *fault_file;
static size_t root_length;
static int trace = -1;
static char *names[FILES];

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_send)(int, const void *, size_t, int);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);

__attribute__((constructor)) static void start(void)
{
    real_open = dlsym(RTLD_NEXT, "open");
    real_close = dlsym(RTLD_NEXT, "close");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_send = dlsym(RTLD_NEXT, "send");
    real_writev = dlsym(RTLD_NEXT, "writev");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_rename = dlsym(RTLD_NEXT, "rename");
    root = getenv("CHATROOM_DISK");
    fault_file = getenv("CHATROOM_DISK_FAULT");
    const char *path = getenv("CHATROOM_DISK_TRACE");
    if (root && path && fault_file) {
        root_length = strlen(root);
        trace = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
}

/* The name below the disk's directory, "" for the directory itself, or NULL. */
static const char *inside(const char *path)
{
    if (trace < 0 || strncmp(path, root, root_length) != 0)
        return NULL;
    path += root_length;
    return *path == '/' ? path + 1 : *path ? NULL : path;
}

static const char *name_of(int fd)
{
    return fd >= 0 && fd < FILES ? names[fd] : NULL;
}

static void tell(char kind, const char *name, uint64_t offset, const void *data, uint64_t length)
{
    uint32_t name_length = strlen(name);
    int before = errno;
    struct iovec parts[] = {
        {&kind, 1},   {&name_length, 4},          {&offset, 8},
        {&length, 8}, {(void *)name, name_length}, {(void *)data, data ? length : 0},
    };
    if (real_writev(trace, parts, 6) < 0)
        abort();
    errno = before;
}

static char fault[32];
static long fault_left;

/* Whether the fault of this kind strikes now. For "full", *bytes becomes the number of
 * bytes that may still be written. */
static int strikes(const char *kind, size_t *bytes)
{
    char text[sizeof fault] = "";
    int fd = real_open(fault_file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (read(fd, text, sizeof text - 1) < 0)
            abort();
        real_close(fd);
    }
    if (strcmp(text, fault) != 0) {
        strcpy(fault, text);
        char *number = strchr(text, ' ');
        fault_left = number ? atol(number) : 0;
    }
    size_t length = strlen(kind);
    if (strncmp(fault, kind, length) != 0 || fault[length] != ' ')
        return 0;
    if (!bytes)
        return fault_left > 0 && --fault_left == 0;
    if ((long)*bytes <= fault_left) {
        fault_left -= *bytes;
        return 0;
    }
    *bytes = fault_left;
    fault_left = 0;
    return 1;
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    if (!real_open)
        start();
    const char *name = inside(path);
    if (!name)
        return real_open(path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat status;
    int is_new = stat(path, &status) != 0;
    int fd = real_open(path, flags, mode);
    if (fd >= FILES)
        abort();
    if (fd >= 0) {
        free(names[fd]);
        names[fd] = strdup(name);
        if (is_new)
            tell('c', name, 0, NULL, 0);
        else if (flags & O_TRUNC)
            tell('t', name, 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int close(int fd)
{
    if (!name_of(fd))
        return real_close(fd);
    pthread_mutex_lock(&lock);
    free(names[fd]);
    names[fd] = NULL;
    int result = real_close(fd);
    pthread_mutex_unlock(&lock);
    return result;
}

static ssize_t put(int fd, const char *name, const void *data, size_t length, off_t offset)
{
    if (strikes("write", NULL)) {
        errno = EIO;
        return -1;
    }
    if (strikes("full", &length) && length == 0) {
        errno = ENOSPC;
        return -1;
    }
    ssize_t count = real_pwrite(fd, data, length, offset);
    if (count > 0)
        tell('w', name, offset, data, count);
    return count;
}

ssize_t write(int fd, const void *data, size_t length)
{
    const char *name = name_of(fd);
    if (!name && (fd != 1 || trace < 0))
        return real_write(fd, data, length);
    pthread_mutex_lock(&lock);
    ssize_t count;
    if (!name) {
        /* Before others can read it. */
        tell('o', "", 0, data, length);
        count = real_write(fd, data, length);
    } else {
        int at_end = fcntl(fd, F_GETFL) & O_APPEND;
        off_t offset = lseek(fd, 0, at_end ? SEEK_END : SEEK_CUR);
        count = put(fd, name, data, length, offset);
        if (count > 0)
            lseek(fd, offset + count, SEEK_SET);
    }
    pthread_mutex_unlock(&lock);
    return count;
}

/* A write to a peer. */
ssize_t send(int fd, const void *data, size_t length, int flags)
{
    if (trace >= 0) {
        pthread_mutex_lock(&lock);
        tell('o', "", 0, data, length);
        pthread_mutex_unlock(&lock);
    }
    return real_send(fd, data, length, flags);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (name_of(fd))
        abort(); /* Not used for a file so far. */
    if (trace >= 0) {
        pthread_mutex_lock(&lock);
        for (int part = 0; part < count; part++)
            tell('o', "", 0, parts[part].iov_base, parts[part].iov_len);
        pthread_mutex_unlock(&lock);
    }
    return real_writev(fd, parts, count);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
    const char *name = name_of(fd);
    if (!name)
        return real_pwrite(fd, data, length, offset);
    pthread_mutex_lock(&lock);
    ssize_t count = put(fd, name, data, length, offset);
    pthread_mutex_unlock(&lock);
    return count;
}

ssize_t pwrite64(int, const void *, size_t, off64_t) __attribute__((alias("pwrite")));

int ftruncate(int fd, off_t length)
{
    const char *name = name_of(fd);
    if (!name)
        return real_ftruncate(fd, length);
    pthread_mutex_lock(&lock);
    int result = real_ftruncate(fd, length);
    if (result == 0)
        tell('t', name, length, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate64(int, off64_t) __attribute__((alias("ftruncate")));

int fsync(int fd)
{
    const char *name = name_of(fd);
    if (!name)
        return real_fsync(fd);
    pthread_mutex_lock(&lock);
    int result = 0;
    /* The record is the disk, and no test outlives it: a real fsync is not needed. */
    if (strikes("fsync", NULL)) {
        tell('f', name, 0, NULL, 0);
        errno = EIO;
        result = -1;
    } else if (strcmp(fault, "deaf") != 0) {
        tell('s', name, 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int fdatasync(int) __attribute__((alias("fsync")));

int unlink(const char *path)
{
    const char *name = inside(path);
    if (!name)
        return real_unlink(path);
    pthread_mutex_lock(&lock);
    int result = real_unlink(path);
    if (result == 0)
        tell('u', name, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int rename(const char *from, const char *to)
{
    const char *name = inside(from), *new_name = inside(to);
    if (!name || !new_name)
        return real_rename(from, to);
    pthread_mutex_lock(&lock);
    int result = real_rename(from, to);
    if (result == 0)
        tell('r', name, 0, new_name, strlen(new_name));
    pthread_mutex_unlock(&lock);
    return result;
}
