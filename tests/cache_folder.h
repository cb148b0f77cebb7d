/* Folders for kernel caches, in one that is removed at the end. For programs with faults.c in them. */
#ifndef CACHE_FOLDER_H
#define CACHE_FOLDER_H

#include <stddef.h>

#define PATH 512

extern char top[];        /* where the folders are */
extern char folder[PATH]; /* a test's own, yet to be made */

/* A group's setup and teardown. */
int make_top(void **state);
int remove_top(void **state);

/* A test's setup: a new name for the folder, and nothing fails. */
int new_folder(void **state);

/* How many files the folder has, and the path of one of them; "" if there is none. */
size_t list_files(char path[2 * PATH]);
size_t count_files(void);

#endif
