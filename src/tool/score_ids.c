#include "score_ids.h"

#include <err.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch_ends.h"
#include "text.h"

/* Adds a line's ids behind `count` others; the new number of them, or SIZE_MAX with a message. */
static size_t add_line(const char *path, size_t line, const char *text, size_t vocabulary, score_ids *ids, size_t count)
{
    json_error_t error;
    json_t *array = json_loads(text, 0, &error), *id;
    size_t i;
    if (!json_is_array(array)) {
        warnx("%s:%zu: this is no array of ids, as [13, 50256]%s%s", path, line, array ? "" : ": ",
              array ? "" : error.text);
        json_decref(array);
        return SIZE_MAX;
    }
    int32_t *tokens = realloc(ids->tokens, (count + json_array_size(array) + 1) * sizeof *tokens);
    ids->tokens = tokens ? tokens : ids->tokens;
    if (!tokens)
        warnx("out of memory");
    for (i = 0; tokens && i < json_array_size(array); i++) {
        id = json_array_get(array, i);
        const json_int_t value = json_is_integer(id) ? json_integer_value(id) : -1;
        if (value < 0 || (uint64_t)value >= vocabulary) {
            warnx("%s:%zu: id %zu of the line is not an integer from 0 to %zu", path, line, i + 1, vocabulary - 1);
            tokens = NULL;
        } else {
            tokens[count + i] = (int32_t)value;
        }
    }
    json_decref(array);
    return tokens ? count + i : SIZE_MAX;
}

static int read_lines(FILE *file, const char *path, size_t rows, size_t vocabulary, score_ids *ids)
{
    char *text = NULL;
    size_t room = 0, line = 0, row = 0, count = 0;
    while (count != SIZE_MAX && getline(&text, &room, file) >= 0) {
        const char *start = ++line == 1 ? text_after_mark(text) : text;
        if (start[strspn(start, " \t\r\n")] == '\0')
            continue;
        if (row == rows) {
            warnx("%s has more lines than the array has rows, %zu", path, rows);
            count = SIZE_MAX;
        } else {
            count = add_line(path, line, start, vocabulary, ids, count);
            ids->ends[row++] = count;
        }
    }
    free(text);
    if (count != SIZE_MAX && row < rows) {
        warnx("%s has %zu lines, but the array has %zu rows", path, row, rows);
        count = SIZE_MAX;
    }
    return count == SIZE_MAX ? -1 : 0;
}

int score_ids_read(const char *path, size_t rows, size_t vocabulary, score_ids *ids)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        warn("%s", path);
        return -1;
    }
    ids->ends = calloc(rows, sizeof *ids->ends);
    ids->batch_ends = calloc(rows, sizeof *ids->batch_ends);
    int status = -1;
    if (!ids->ends || !ids->batch_ends)
        warnx("out of memory");
    else
        status = read_lines(file, path, rows, vocabulary, ids);
    fclose(file);
    return status;
}

void score_ids_release(score_ids *ids)
{
    free(ids->tokens);
    free(ids->ends);
    free(ids->batch_ends);
}

void score_ids_apply(const score_ids *ids, size_t first, tombola_rows *rows)
{
    if (!ids->ends)
        return;
    rows->score_tokens = ids->tokens + batch_ends_cut(ids->ends, first, rows->count, ids->batch_ends);
    rows->score_ends = ids->batch_ends;
}
