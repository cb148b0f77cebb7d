#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "harness.h"

void write_file(const char *path, const void *content, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(content, 1, size, file) != size || fclose(file) != 0)
        fail_msg("cannot write %s", path);
}

char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("there is no %s", path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *content = allocate(*size, 1);
    if (fread(content, 1, *size, file) != *size)
        fail_msg("cannot read %s", path);
    fclose(file);
    return content;
}

char *make_npy(int version, const char *header, const void *data, size_t data_size, size_t *size)
{
    size_t length = strlen(header) + 1, start = version == 1 ? 10 : 12;
    *size = start + length + data_size;
    char *file = allocate(*size, 1);
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (char)version;
    file[8] = (char)(length & 255);
    file[9] = (char)(length >> 8);
    memcpy(file + start, header, length - 1);
    file[start + length - 1] = '\n';
    memcpy(file + start + length, data, data_size);
    return file;
}

void write_npy(const char *path, const char *header, const void *data, size_t data_size)
{
    size_t size;
    char *file = make_npy(1, header, data, data_size, &size);
    write_file(path, file, size);
    free(file);
}
