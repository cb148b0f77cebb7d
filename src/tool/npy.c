#include "npy.h"

#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "npy_rows.h"

/* All rows, with room for elements of so many bytes at least; free() them. NULL with a message on standard error. */
static void *read_all(npy_rows *rows, size_t least_size)
{
    const size_t bytes = rows->rows * rows->columns * rows->element_size;
    tool_text trouble;
    void *data = malloc(rows->element_size < least_size ? bytes / rows->element_size * least_size : bytes);
    if (!data) {
        warnx("%s: no memory for %zu x %zu %s (%zu bytes)", rows->name, rows->rows, rows->columns, rows->what, bytes);
    } else if (npy_rows_read(rows, 0, rows->rows, data, &trouble)) {
        warnx("%s", trouble.text);
        free(data);
        data = NULL;
    }
    return data;
}

int npy_read(const char *path, const npy_wish *wish, npy *array)
{
    npy_rows rows;
    *array = (npy){0};
    if (npy_rows_open(path, wish, &rows) == 0)
        *array = (npy){rows.rows, rows.columns, rows.vocabulary, rows.type, read_all(&rows, 0)};
    npy_rows_close(&rows);
    return array->data ? 0 : -1;
}

/* Integers of so many bytes, in this machine's order, as ids: in place, since none becomes wider but those of two
 * bytes, which go from the last to the first. */
static int convert_ids(const npy_rows *rows, size_t vocabulary, void *data)
{
    const size_t count = rows->rows * rows->columns;
    for (size_t n = 0; n < count; n++) {
        const size_t i = rows->element_size < sizeof(int32_t) ? count - 1 - n : n;
        const char *from = (const char *)data + i * rows->element_size;
        uint16_t narrow;
        uint32_t plain;
        uint64_t wide;
        if (rows->element_size == sizeof narrow) {
            memcpy(&narrow, from, sizeof narrow);
            wide = narrow;
        } else if (rows->element_size == sizeof plain) {
            memcpy(&plain, from, sizeof plain);
            wide = plain; /* a negative one is too large */
        } else {
            memcpy(&wide, from, sizeof wide);
        }
        if (wide >= vocabulary) {
            warnx("%s: row %zu, column %zu: the id is not from 0 to %zu", rows->name, i / rows->columns,
                  i % rows->columns, vocabulary - 1);
            return -1;
        }
        const int32_t id = (int32_t)wide;
        memcpy((char *)data + i * sizeof id, &id, sizeof id);
    }
    return 0;
}

int npy_tokens_read(const char *path, size_t vocabulary, npy_tokens *tokens)
{
    static const npy_kind KINDS[] = {{"<i4", 4}, {"<i8", 8}, {"<u4", 4}, {"<u2", 2}};
    npy_rows rows;
    *tokens = (npy_tokens){0};
    if (npy_rows_open_kind(path, KINDS, sizeof KINDS / sizeof KINDS[0], "tokens",
                           "ids of tokens are int32 ('<i4'), int64, uint16 or uint32", &rows) == 0)
        *tokens = (npy_tokens){rows.rows, rows.columns, read_all(&rows, sizeof(int32_t))};
    if (tokens->data && convert_ids(&rows, vocabulary, tokens->data)) {
        free(tokens->data);
        tokens->data = NULL;
    }
    npy_rows_close(&rows);
    return tokens->data ? 0 : -1;
}
