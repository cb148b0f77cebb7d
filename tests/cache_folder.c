#define _GNU_SOURCE /* mkdtemp */
#include "cache_folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "faults.h"

char top[] = "/tmp/tombola-test-XXXXXX";
char folder[PATH];

int make_top(void **state)
{
    (void)state;
    return mkdtemp(top) == NULL;
}

int remove_top(void **state)
{
    (void)state;
    char command[PATH];
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command);
}

int new_folder(void **state)
{
    (void)state;
    static int count;
    snprintf(folder, sizeof folder, "%s/%d", top, count++);
    faults_begin();
    return 0;
}

size_t list_files(char path[2 * PATH])
{
    size_t count = 0;
    DIR *opened = opendir(folder);
    path[0] = '\0';
    if (!opened)
        return 0;
    for (struct dirent *entry; (entry = readdir(opened));)
        if (entry->d_name[0] != '.') {
            count++;
            snprintf(path, 2 * PATH, "%s/%s", folder, entry->d_name);
        }
    closedir(opened);
    return count;
}

size_t count_files(void)
{
    char path[2 * PATH];
    return list_files(path);
}
