/* Files for the command to read, and what it wrote to others. */
#ifndef FILES_H
#define FILES_H

#include <stddef.h>

/* All of these die of an error; the caller frees what they return. */
void write_file(const char *path, const void *content, size_t size);
char *read_file(const char *path, size_t *size);

/* The bytes of a .npy file. */
char *make_npy(int version, const char *header, const void *data, size_t data_size, size_t *size);

/* Writes one of version 1. */
void write_npy(const char *path, const char *header, const void *data, size_t data_size);

#endif
