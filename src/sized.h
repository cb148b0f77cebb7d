/* Structs that cross the interface and may be older or newer than the library's: each begins with its size. */
#ifndef TOMBOLA_SRC_SIZED_H
#define TOMBOLA_SRC_SIZED_H

#include "tombola.h"

/* Lays a caller's struct over the library's own, which holds the defaults: fields that the caller lacks keep them.
 * name   of the argument for messages, "rows"
 * maker  the function that makes one, "tombola_rows_default"
 * Fails where struct_size is none, or where a newer caller has set fields that are not known here. */
tombola_status sized_read(const char *name, const char *maker, void *own, size_t own_size, const void *theirs,
                          tombola_error *error);

/* Copies the library's own struct to a caller's, as far as both go; struct_size stays the caller's. A caller's
 * struct_size that is none gets nothing. */
void sized_write(void *theirs, const void *own, size_t own_size);

/* The struct_size at the beginning of a struct; and whether a number can be one. */
uint32_t sized_size(const void *theirs);
int sized_is_one(size_t size);

#endif
