/* Bytes of open files: all of them, however many calls that takes, and whatever interrupts these. */
#ifndef FILE_BYTES_H
#define FILE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How many of `size` bytes there are before the file ends; -1 with errno. */
ssize_t file_read_at(int file, void *bytes, size_t size, uint64_t at);

/* at  where they go; NULL: behind what was written last, as devices and pipes have it
 * 0, or -1 with errno. */
int file_write(int file, const void *bytes, size_t size, const uint64_t *at);

#endif
