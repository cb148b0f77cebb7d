/* What is wrong with the folder of compiled kernels, in words. */
#include "kernel_cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void tell_environment(char *clause, size_t size)
{
    const char *off = getenv("TOMBOLA_CACHE");
    if (off && (strcmp(off, "off") == 0 || strcmp(off, "0") == 0))
        snprintf(clause, size, "TOMBOLA_CACHE is \"%s\"", off);
    else if (getuid() != geteuid() || getgid() != getegid())
        snprintf(clause, size, "this program runs with the rights of another user than the one who started it");
    else
        snprintf(clause, size, "neither XDG_CACHE_HOME nor HOME is an absolute path");
}

void kernel_cache_trouble(const char *folder, int code, char *clause, size_t size)
{
    struct stat status;
    if (!folder)
        tell_environment(clause, size);
    else if (lstat(folder, &status) != 0)
        snprintf(clause, size, "the folder %s can't be made (%s)", folder, strerror(code ? code : errno));
    else if (!S_ISDIR(status.st_mode))
        snprintf(clause, size, "%s is not a folder", folder);
    else if (status.st_uid != geteuid())
        snprintf(clause, size, "the folder %s belongs to user %ld, not to this one, %ld", folder, (long)status.st_uid,
                 (long)geteuid());
    else if (status.st_mode & (S_IWGRP | S_IWOTH))
        snprintf(clause, size, "others may write to the folder %s, whose mode is %03o", folder,
                 (unsigned)(status.st_mode & 07777));
    else
        snprintf(clause, size, "the folder %s can't be written (%s)", folder, strerror(code));
}
