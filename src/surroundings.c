#include "surroundings.h"

#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define FILES_NEEDED 4

int surroundings_lack_files(char *clause, size_t size)
{
    int files[FILES_NEEDED], count = 0, trouble;
    while (count < FILES_NEEDED && (files[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        count++;
    trouble = count < FILES_NEEDED ? errno : 0;
    for (int i = 0; i < count; i++)
        close(files[i]);
    if (trouble != EMFILE && trouble != ENFILE)
        return 0;
    snprintf(clause, size, "only %d more files can be opened (%s; see ulimit -n)", count, strerror(trouble));
    return 1;
}

/* Where PoCL says in its manual that its cache is. */
static void pocl_cache_folder(char path[PATH_SIZE])
{
    const char *own = getenv("POCL_CACHE_DIR"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (own && *own)
        snprintf(path, PATH_SIZE, "%s", own);
    else if (cache && *cache)
        snprintf(path, PATH_SIZE, "%s/pocl/kcache", cache);
    else if (home)
        snprintf(path, PATH_SIZE, "%s/.cache/pocl/kcache", home);
    else
        snprintf(path, PATH_SIZE, "/tmp/pocl/kcache");
}

/* 0, or the errno of making the first part of the path that is missing, which is then taken away again; or of writing
 * to the folder, where that is there. */
static int trouble_with(const char *path)
{
    char part[PATH_SIZE];
    size_t length = 0;
    struct stat status;
    do { /* down the path, from one / to the next */
        length += 1 + strcspn(path + length + 1, "/");
        snprintf(part, sizeof part, "%.*s", (int)length, path);
        if (stat(part, &status) != 0) {
            if (errno != ENOENT || mkdir(part, 0700) != 0)
                return errno;
            rmdir(part);
            return 0;
        }
    } while (path[length]);
    return access(path, W_OK | X_OK) == 0 ? 0 : errno;
}

int surroundings_lack_pocl_cache(char *clause, size_t size)
{
    char path[PATH_SIZE];
    pocl_cache_folder(path);
    int trouble = path[0] ? trouble_with(path) : ENOENT;
    if (trouble == 0 || trouble == EEXIST)
        return 0;
    snprintf(clause, size, "PoCL's cache folder %s can't be made or written (%s; see POCL_CACHE_DIR)", path,
             strerror(trouble));
    return 1;
}

int surroundings_choose_devices(const char *platform, char *clause, size_t size)
{
    int is_rusticl = strcmp(platform, "rusticl") == 0;
    const char *name = is_rusticl ? "RUSTICL_ENABLE" : strcmp(platform, PLATFORM_POCL) == 0 ? "POCL_DEVICES" : NULL;
    const char *value = name ? getenv(name) : NULL;
    if (!name || (!value && !is_rusticl))
        return 0;
    if (value)
        snprintf(clause, size, "%s is \"%s\"", name, value);
    else
        snprintf(clause, size, "%s, which names the drivers to use, is not set", name);
    return 1;
}
