#include "output_file.h"

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int output_file_try(const char *path)
{
    struct stat before;
    const int is_there = lstat(path, &before) == 0;
    FILE *file = fopen(path, "ab"); /* which does not empty it */
    if (!file) {
        warn("%s", path);
        return -1;
    }
    fclose(file);
    if (!is_there)
        unlink(path);
    return 0;
}

int output_file_is_same(const char *one, const char *other)
{
    struct stat a, b;
    if (!one || !other)
        return 0;
    const int are_there = stat(one, &a) == 0 && stat(other, &b) == 0;
    if (!are_there)
        return strcmp(one, other) == 0;
    return S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}
