/* Compiled kernels on disk, a file for each key. Every failure is silent: what can't be read is as if it
 * had never been kept, and what can't be written is not kept. */
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

/* Makes the folder if need be. Other processes may load and store the same key meanwhile: each of them
 * sees a whole file, or none. */
void kernel_cache_store(const char *folder, struct bytes key, struct bytes binary);

#endif
