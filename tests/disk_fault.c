/* A disk that fails: loaded before the C library, it lets no fdatasync bring files to the disk that have $DISK_FAULT in
 * their names. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
