#include "id_lines.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "text.h"

typedef struct reader {
    const char *path;
    size_t vocabulary;
    int may_be_empty; /* a list */
    size_t line;      /* 1 first */
} reader;

/* Appends what a line holds, for which there is room. */
static int add_line(const reader *reader, const json_t *list, id_lines *lines)
{
    size_t end = lines->count ? lines->ends[lines->count - 1] : 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *id = json_array_get(list, i);
        const json_int_t value = json_integer_value(id);
        if (!json_is_integer(id) || value < 0 || (uint64_t)value >= reader->vocabulary) {
            warnx("%s: line %zu: entry %zu is not a token's id, a whole number from 0 to %zu", reader->path,
                  reader->line, i + 1, reader->vocabulary - 1);
            return -1;
        }
        lines->ids[end++] = (int32_t)value;
    }
    lines->ends[lines->count++] = end;
    return 0;
}

static int read_line(const reader *reader, const char *text, size_t length, id_lines *lines)
{
    json_error_t error;
    json_t *list = json_loadb(text, length, 0, &error);
    int failed = -1;
    if (!list)
        warnx("%s: line %zu is not JSON: %s", reader->path, reader->line, error.text);
    else if (!json_is_array(list) || (!reader->may_be_empty && json_array_size(list) == 0))
        warnx("%s: line %zu is not a list of token ids, as [5, 17]", reader->path, reader->line);
    else
        failed = add_line(reader, list, lines);
    json_decref(list);
    return failed;
}

static int is_blank(const char *text, size_t length)
{
    return strspn(text, " \t\r") >= length;
}

int id_lines_read(const char *path, size_t vocabulary, int may_be_empty, id_lines *lines)
{
    reader reader = {.path = path, .vocabulary = vocabulary, .may_be_empty = may_be_empty};
    size_t size, numbers = 1, newlines = 1;
    int failed = 0;
    char *text = text_file_read(path, &size);
    if (!text)
        return -1;
    for (size_t i = 0; i < size; i++) { /* no line has more ids than commas, and one more */
        numbers += text[i] == ',' || text[i] == '\n';
        newlines += text[i] == '\n';
    }
    lines->ids = malloc(numbers * sizeof *lines->ids);
    lines->ends = malloc(newlines * sizeof *lines->ends);
    if (!lines->ids || !lines->ends) {
        warnx("out of memory");
        failed = -1;
    }
    for (const char *at = text; at < text + size && !failed;) {
        const char *newline = memchr(at, '\n', (size_t)(text + size - at));
        const size_t length = newline ? (size_t)(newline - at) : (size_t)(text + size - at);
        reader.line++;
        if (!is_blank(at, length))
            failed = read_line(&reader, at, length, lines);
        at += length + 1;
    }
    free(text);
    return failed;
}

int id_lines_add(id_lines *lines, const json_t *list)
{
    const size_t count = json_array_size(list), end = lines->count ? lines->ends[lines->count - 1] : 0;
    int32_t *ids = realloc(lines->ids, (end + count + 1) * sizeof *ids);
    lines->ids = ids ? ids : lines->ids;
    size_t *ends = ids ? realloc(lines->ends, (lines->count + 1) * sizeof *ends) : NULL;
    lines->ends = ends ? ends : lines->ends;
    if (!ids || !ends) {
        warnx("out of memory");
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        ids[end + i] = (int32_t)json_integer_value(json_array_get(list, i));
    ends[lines->count++] = end + count;
    return 0;
}

void id_lines_release(id_lines *lines)
{
    free(lines->ids);
    free(lines->ends);
}
