/* Compiled kernels on disk, a file for each key. No failure stops anything: what can't be read is as if it had never
 * been kept, and what can't be written is not kept. The folder has a bound (kernel_cache_sweep.h). */
#ifndef TOMBOLA_SRC_KERNEL_CACHE_H
#define TOMBOLA_SRC_KERNEL_CACHE_H

#include <stddef.h>

/* Some bytes that this module's caller owns. */
struct bytes {
    unsigned char *data;
    size_t size;
};

/* The folder for this process, to be freed; NULL if the environment gives none or switches it off. */
char *kernel_cache_folder(void);

/* What was stored under exactly this key, to be freed; data is NULL if there is none that is whole. */
struct bytes kernel_cache_load(const char *folder, struct bytes key);

/* Makes the folder if need be, and keeps it within its bound. Other processes may load and store the same key
 * meanwhile: each of them sees a whole file, or none. 0, or the errno of what went wrong. */
int kernel_cache_store(const char *folder, struct bytes key, struct bytes binary);

/* Why nothing is kept, as a clause, cut to fit.
 * folder  NULL: the environment gives none, or switches it off
 * code    what kernel_cache_store gave */
void kernel_cache_trouble(const char *folder, int code, char *clause, size_t size);

#endif
