#include "npy.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

/* The preamble and a header of one line, as long as numpy makes them. */
#define HEADER_SIZE 128

static const char *const DESCRS[] = {[TOMBOLA_FLOAT32] = "<f4", [TOMBOLA_FLOAT16] = "<f2", [TOMBOLA_BFLOAT16] = "<u2"};

int npy_write(const char *path, const npy *array)
{
    char header[HEADER_SIZE + 1];
    memset(header, ' ', HEADER_SIZE);
    memcpy(header, "\x93NUMPY\1\0", 8);
    header[8] = HEADER_SIZE - 10;
    header[9] = 0;
    int length =
        snprintf(header + 10, HEADER_SIZE - 10, "{'descr': '%s', 'fortran_order': False, 'shape': (%zu, %zu), }",
                 DESCRS[array->type], array->rows, array->vocabulary);
    header[10 + length] = ' ';
    header[HEADER_SIZE - 1] = '\n';
    FILE *file = fopen(path, "wb");
    if (!file) {
        warn("%s", path);
        return -1;
    }
    size_t size = tombola_type_size(array->type);
    int failed = fwrite(header, 1, HEADER_SIZE, file) != HEADER_SIZE;
    for (size_t row = 0; row < array->rows && !failed; row++)
        failed = fwrite((const char *)array->data + row * array->columns * size, size, array->vocabulary, file) !=
                 array->vocabulary;
    failed |= fclose(file) != 0;
    if (failed)
        warn("%s: cannot write", path);
    return failed ? -1 : 0;
}
