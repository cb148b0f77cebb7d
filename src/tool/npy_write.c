#include "npy.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

void npy_header_make(const char *descr, size_t rows, size_t columns, char header[NPY_HEADER_SIZE])
{
    char text[NPY_HEADER_SIZE], shape[48];
    if (columns)
        snprintf(shape, sizeof shape, "%zu, %zu", rows, columns);
    else
        snprintf(shape, sizeof shape, "%zu,", rows);
    const int length =
        snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape);
    memset(header, ' ', NPY_HEADER_SIZE);
    memcpy(header, "\x93NUMPY\1\0", 8);
    header[8] = NPY_HEADER_SIZE - 10;
    header[9] = 0;
    memcpy(header + 10, text, (size_t)length);
    header[NPY_HEADER_SIZE - 1] = '\n';
}

static const char *const DESCRS[] = {[TOMBOLA_FLOAT32] = "<f4", [TOMBOLA_FLOAT16] = "<f2", [TOMBOLA_BFLOAT16] = "<u2"};

int npy_write(const char *path, const npy *array)
{
    char header[NPY_HEADER_SIZE];
    npy_header_make(DESCRS[array->type], array->rows, array->vocabulary, header);
    FILE *file = fopen(path, "wb");
    if (!file) {
        warn("%s", path);
        return -1;
    }
    size_t size = tombola_type_size(array->type);
    int failed = fwrite(header, 1, sizeof header, file) != sizeof header;
    for (size_t row = 0; row < array->rows && !failed; row++)
        failed = fwrite((const char *)array->data + row * array->columns * size, size, array->vocabulary, file) !=
                 array->vocabulary;
    failed |= fclose(file) != 0;
    if (failed)
        warn("%s: cannot write", path);
    return failed ? -1 : 0;
}
