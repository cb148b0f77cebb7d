/* What may happen to files, loaded before the C library: no fdatasync brings those to the disk that have $DISK_FAULT in
 * their names, and $REMOVED_BEFORE_LOCK is gone when the first file is locked. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

__attribute__((visibility("default"))) int fdatasync(int file)
{
    char link[64], path[4096] = "";
    const char *name = getenv("DISK_FAULT");
    int (*next)(int);
    *(void **)&next = dlsym(RTLD_NEXT, "fdatasync");
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (name && readlink(link, path, sizeof path - 1) > 0 && strstr(path, name)) {
        errno = EIO;
        return -1;
    }
    return next(file);
}

__attribute__((visibility("default"))) int flock(int file, int operation)
{
    const char *name = getenv("REMOVED_BEFORE_LOCK");
    int (*next)(int, int);
    *(void **)&next = dlsym(RTLD_NEXT, "flock");
    if (name && unlink(name) == 0)
        unsetenv("REMOVED_BEFORE_LOCK");
    return next(file, operation);
}
