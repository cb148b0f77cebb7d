#include "kernel_cache.h"

#include "kernel_cache_sweep.h"
#include "siphash.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A file is this header, the key and the binary. The numbers are in this machine's byte order: another's does
 * not match. The key is kept whole, so that keys whose hashes meet cost a compilation, never a wrong kernel. */
struct header {
    char magic[8];
    uint64_t key_size, binary_size;
    struct siphash binary_hash;
};

static const char magic[8] = {'t', 'o', 'm', 'b', 'o', 'l', 'a', '1'};

#define LARGEST_FILE ((size_t)256 << 20) /* no kernels come near: a larger file is not ours */

#define NAME_SIZE 80

char *kernel_cache_folder(void)
{
    const char *off = getenv("TOMBOLA_CACHE");
    if (off && (strcmp(off, "off") == 0 || strcmp(off, "0") == 0))
        return NULL;
    if (getuid() != geteuid() || getgid() != getegid())
        return NULL; /* the environment is not that of the user whom the files would belong to */
    const char *base = getenv("XDG_CACHE_HOME"), *below = "";
    if (!base || base[0] != '/') {
        base = getenv("HOME");
        below = "/.cache";
    }
    if (!base || base[0] != '/')
        return NULL;
    size_t size = strlen(base) + strlen(below) + sizeof "/tombola";
    char *folder = malloc(size);
    if (folder)
        snprintf(folder, size, "%s%s/tombola", base, below);
    return folder;
}

static void name_entry(char name[NAME_SIZE], struct bytes key)
{
    struct siphash hash = siphash(key.data, key.size);
    snprintf(name, NAME_SIZE, "%016" PRIx64 "%016" PRIx64, hash.high, hash.low);
}

/* Whether nobody but this user can have written it. */
static int is_ours(int file, mode_t type, struct stat *status)
{
    return fstat(file, status) == 0 && (status->st_mode & S_IFMT) == type && status->st_uid == geteuid() &&
           !(status->st_mode & (S_IWGRP | S_IWOTH));
}

/* -1 unless it is a folder of this user's alone, and no link to one. */
static int open_folder(const char *path)
{
    struct stat status;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0 || is_ours(folder, S_IFDIR, &status))
        return folder;
    close(folder);
    errno = EPERM;
    return -1;
}

/* With the one above it, as .cache may be missing in a new home; no more, as a home may not be there at all. 0, or the
 * errno. */
static int make_folder(const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    int code = errno;
    const char *end = strrchr(path, '/');
    char *above = code == ENOENT ? malloc((size_t)(end - path) + 1) : NULL;
    if (!above)
        return code;
    memcpy(above, path, (size_t)(end - path));
    above[end - path] = '\0';
    code = mkdir(above, 0700) == 0 && mkdir(path, 0700) == 0 ? 0 : errno;
    free(above);
    return code;
}

static int read_all(int file, void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t count = read(file, (char *)data + done, size - done);
        if (count == 0 || (count < 0 && errno != EINTR))
            return 0;
        done += count > 0 ? (size_t)count : 0;
    }
    return 1;
}

static int write_all(int file, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t count = write(file, (const char *)data + done, size - done);
        if (count == 0 || (count < 0 && errno != EINTR))
            return 0;
        done += count > 0 ? (size_t)count : 0;
    }
    return 1;
}

static struct header header_of(struct bytes key, struct bytes binary)
{
    struct header header = {
        .key_size = key.size, .binary_size = binary.size, .binary_hash = siphash(binary.data, binary.size)};
    memcpy(header.magic, magic, sizeof magic);
    return header;
}

/* The binary of an open file; data is NULL unless every byte of the file is as it was stored for this key. */
static struct bytes read_entry(int file, struct bytes key)
{
    struct bytes binary = {NULL, 0};
    struct stat status;
    struct header header;
    size_t before = sizeof header + key.size;
    if (!is_ours(file, S_IFREG, &status) || status.st_size > (off_t)LARGEST_FILE || (size_t)status.st_size <= before)
        return binary;
    size_t rest = (size_t)status.st_size - sizeof header;
    unsigned char *data = malloc(rest);
    if (data && read_all(file, &header, sizeof header) && read_all(file, data, rest)) {
        binary = (struct bytes){data + key.size, rest - key.size};
        struct header wanted = header_of(key, binary);
        if (memcmp(&header, &wanted, sizeof header) == 0 && memcmp(data, key.data, key.size) == 0) {
            memmove(data, binary.data, binary.size);
            return (struct bytes){data, binary.size};
        }
    }
    free(data);
    return (struct bytes){NULL, 0};
}

struct bytes kernel_cache_load(const char *folder, struct bytes key)
{
    struct bytes binary = {NULL, 0};
    int at = open_folder(folder);
    if (at < 0)
        return binary;
    char name[NAME_SIZE];
    name_entry(name, key);
    /* O_NONBLOCK: or else a pipe of that name would wait for a writer */
    int file = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file >= 0) {
        binary = read_entry(file, key);
        if (binary.data)
            futimens(file, NULL); /* used now: among those to go last */
        close(file);
    }
    close(at);
    return binary;
}

/* A name that no other thread or process uses at the same time; O_EXCL sees to it where this is not enough. */
static void name_draft(char draft[2 * NAME_SIZE], const char *name)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(draft, 2 * NAME_SIZE, "%s.%ld.%lld.%09ld", name, (long)getpid(), (long long)now.tv_sec, now.tv_nsec);
}

/* Whether a file may grow this large here: beyond the limit the process would be killed. */
static int may_write(size_t size)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || size <= limit.rlim_cur;
}

int kernel_cache_store(const char *folder, struct bytes key, struct bytes binary)
{
    if (key.size > LARGEST_FILE / 2 || binary.size == 0 || binary.size > LARGEST_FILE / 2 - sizeof(struct header) ||
        !may_write(sizeof(struct header) + key.size + binary.size))
        return EFBIG;
    int code = make_folder(folder), at = code ? -1 : open_folder(folder);
    if (at < 0)
        return code ? code : errno;
    char name[NAME_SIZE], draft[2 * NAME_SIZE];
    name_entry(name, key);
    name_draft(draft, name);
    int file = openat(at, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) {
        code = errno;
        goto done;
    }
    struct header header = header_of(key, binary);
    if (!write_all(file, &header, sizeof header) || !write_all(file, key.data, key.size) ||
        !write_all(file, binary.data, binary.size))
        code = errno;
    if (close(file) != 0 && !code) /* some file systems say only now that they are full */
        code = errno;
    if (!code && renameat(at, draft, at, name) != 0)
        code = errno;
    if (code)
        unlinkat(at, draft, 0);
    else
        kernel_cache_sweep(at, name);

done:
    close(at);
    return code;
}
