#include "kernel_cache_sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct entry {
    char name[KERNEL_CACHE_NAME_LENGTH + 1];
    struct timespec used;
    unsigned long long bytes;
};

struct entries {
    struct entry *at;
    size_t count, room;
};

static int has_our_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == KERNEL_CACHE_NAME_LENGTH;
}

/* Out of memory leaves the entry out, and so in the folder. */
static void add(struct entries *entries, const char *name, const struct stat *status)
{
    if (entries->count == entries->room) {
        size_t room = entries->room ? 2 * entries->room : KERNEL_CACHE_ENTRIES * 2;
        struct entry *grown = realloc(entries->at, room * sizeof *grown);
        if (!grown)
            return;
        entries->at = grown;
        entries->room = room;
    }
    struct entry *entry = &entries->at[entries->count++];
    memcpy(entry->name, name, sizeof entry->name);
    entry->used = status->st_mtim;
    entry->bytes = (unsigned long long)status->st_size;
}

/* Collects the entries, and removes the old drafts. */
static void look_through(int folder, DIR *opened, struct entries *entries)
{
    const time_t now = time(NULL);
    for (struct dirent *found; (found = readdir(opened));) {
        struct stat status;
        if (!has_our_name(found->d_name) || fstatat(folder, found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        char after = found->d_name[KERNEL_CACHE_NAME_LENGTH];
        if (after == '\0')
            add(entries, found->d_name, &status);
        else if (after == '.' && now - status.st_mtime > KERNEL_CACHE_DRAFT_SECONDS)
            unlinkat(folder, found->d_name, 0);
    }
}

static int used_later(const void *left, const void *right)
{
    const struct timespec *a = &((const struct entry *)left)->used, *b = &((const struct entry *)right)->used;
    if (a->tv_sec != b->tv_sec)
        return a->tv_sec < b->tv_sec ? 1 : -1;
    return a->tv_nsec < b->tv_nsec ? 1 : a->tv_nsec > b->tv_nsec ? -1 : 0;
}

void kernel_cache_sweep(int folder, const char *kept)
{
    struct entries entries = {NULL, 0, 0};
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* closedir closes it */
    DIR *opened = again >= 0 ? fdopendir(again) : NULL;
    if (!opened) {
        if (again >= 0)
            close(again);
        return;
    }
    look_through(folder, opened, &entries);
    closedir(opened);
    if (entries.count > 0)
        qsort(entries.at, entries.count, sizeof *entries.at, used_later);
    size_t count = 1;
    unsigned long long bytes = 0;
    for (size_t i = 0; i < entries.count; i++)
        if (strcmp(entries.at[i].name, kept) == 0)
            bytes = entries.at[i].bytes;
    for (size_t i = 0; i < entries.count; i++) {
        if (strcmp(entries.at[i].name, kept) == 0)
            continue;
        count++;
        bytes += entries.at[i].bytes;
        if (count > KERNEL_CACHE_ENTRIES || bytes > KERNEL_CACHE_BYTES)
            unlinkat(folder, entries.at[i].name, 0);
    }
    free(entries.at);
}
