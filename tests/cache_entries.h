/* Keys and a binary to put into a kernel cache, and what is found there. For programs with faults.c in them. */
#ifndef CACHE_ENTRIES_H
#define CACHE_ENTRIES_H

#include "cache_folder.h"
#include "kernel_cache.h"

#define NOBODY 65534 /* a user who is not root */

extern const struct bytes key, other_key;
extern struct bytes binary; /* long enough for several writes */

/* A group's setup, which makes the binary and what make_top does. */
int make_entries(void **state);

/* Where a key's entry is. */
const char *path_of(struct bytes at);

void expect_nothing(struct bytes at);
void expect_loaded(struct bytes at, struct bytes expected);

/* The whole file of an entry; the caller frees it. */
struct bytes read_entry(struct bytes at);
void write_entry(struct bytes at, struct bytes whole);

#endif
