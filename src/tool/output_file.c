#include "output_file.h"

#include <err.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
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

static int is_same_node(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Of files that are not there yet: whether they will have the same name in the same folder. */
static int is_same_place(const char *one, const char *other)
{
    /* dirname and basename cut their argument to pieces, each its own. */
    char *paths[] = {strdup(one), strdup(other), strdup(one), strdup(other)};
    struct stat a, b;
    int is_same = strcmp(one, other) == 0;
    if (!is_same && paths[0] && paths[1] && paths[2] && paths[3])
        is_same = strcmp(basename(paths[0]), basename(paths[1])) == 0 && stat(dirname(paths[2]), &a) == 0 &&
                  stat(dirname(paths[3]), &b) == 0 && is_same_node(&a, &b);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        free(paths[i]);
    return is_same;
}

int output_file_is_same(const char *one, const char *other)
{
    struct stat a, b;
    if (!one || !other)
        return 0;
    const int is_there = stat(one, &a) == 0, other_is_there = stat(other, &b) == 0;
    if (is_there && other_is_there)
        return S_ISREG(a.st_mode) && is_same_node(&a, &b);
    return !is_there && !other_is_there && is_same_place(one, other);
}
