#include "bias_csv.h"

#include <err.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "tool.h"

enum { ROW, TOKEN, VALUE, COLUMNS };

static const char *const NAMES[COLUMNS] = {"row", "token", "value"};

typedef struct reader {
    const char *path;
    size_t rows, vocabulary;
    size_t line;          /* 1 first */
    int columns[COLUMNS]; /* what each column of the file is */
} reader;

int bias_value_read(const char *text, float *value)
{
    return tool_float_read(text, -INFINITY, FLT_MAX, value);
}

/* Cuts a line at its commas and takes blanks and quotes off. The number of fields, of which COLUMNS are kept. */
static size_t split(char *line, char **fields)
{
    size_t count = 0;
    for (char *next = line; next; count++) {
        char *field = next, *comma = strchr(field, ',');
        next = comma ? comma + 1 : NULL;
        if (comma)
            *comma = '\0';
        field += strspn(field, " \t\"");
        for (size_t length = strlen(field); length > 0 && strchr(" \t\r\"", field[length - 1]);)
            field[--length] = '\0';
        if (count < COLUMNS)
            fields[count] = field;
    }
    return count;
}

static int read_header(reader *reader, char **fields, size_t count)
{
    unsigned found = 0;
    for (size_t i = 0; i < count && i < COLUMNS; i++)
        for (int name = 0; name < COLUMNS; name++)
            if (strcmp(fields[i], NAMES[name]) == 0) {
                reader->columns[i] = name;
                found |= 1u << name;
            }
    if (count == COLUMNS && found == (1u << COLUMNS) - 1)
        return 0;
    warnx("%s: line %zu: the header names the columns row, token and value", reader->path, reader->line);
    return -1;
}

static int fail_field(const reader *reader, int column, const char *text, const char *expected, size_t most)
{
    char range[64] = "";
    if (column != VALUE)
        snprintf(range, sizeof range, "%zu", most);
    if (*text)
        warnx("%s: line %zu, column '%s': '%s' is not %s%s%s", reader->path, reader->line, NAMES[column], text,
              expected, range, column == VALUE ? tool_comma_hint(text).text : "");
    else
        warnx("%s: line %zu, column '%s': the value is missing", reader->path, reader->line, NAMES[column]);
    return -1;
}

static int read_entry(const reader *reader, char **fields, size_t count, bias_entry *entry)
{
    if (count != COLUMNS) {
        warnx("%s: line %zu: %zu values for %d columns", reader->path, reader->line, count, COLUMNS);
        return -1;
    }
    entry->line = reader->line;
    for (size_t i = 0; i < COLUMNS; i++) {
        const int column = reader->columns[i];
        const size_t most = (column == ROW ? reader->rows : reader->vocabulary) - 1;
        uint64_t number;
        if (column == VALUE) {
            if (bias_value_read(fields[i], &entry->bias.value))
                return fail_field(reader, column, fields[i], BIAS_VALUE, 0);
            continue;
        }
        if (tool_integer_read(fields[i], most, &number))
            return fail_field(reader, column, fields[i], "a whole number from 0 to ", most);
        if (column == ROW)
            entry->row = (size_t)number;
        else
            entry->bias.token = (int32_t)number;
    }
    return 0;
}

static int read_lines(reader *reader, char *text, bias_entry *entries, size_t *count)
{
    int has_header = 0;
    *count = 0;
    for (char *next = text; next;) {
        char *line = next, *end = strchr(line, '\n'), *fields[COLUMNS];
        next = end ? end + 1 : NULL;
        if (end)
            *end = '\0';
        reader->line++;
        if (line[strspn(line, " \t\r")] == '\0')
            continue;
        size_t found = split(line, fields);
        if (!has_header && read_header(reader, fields, found))
            return -1;
        if (has_header && read_entry(reader, fields, found, &entries[(*count)++]))
            return -1;
        has_header = 1;
    }
    if (!has_header)
        warnx("%s: no header with the names of the columns, row, token and value", reader->path);
    return has_header ? 0 : -1;
}

static size_t count_lines(const char *text)
{
    size_t lines = 1;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

int bias_csv_read(const char *path, size_t rows, size_t vocabulary, bias_entry **entries, size_t *count)
{
    reader reader = {.path = path, .rows = rows, .vocabulary = vocabulary};
    size_t length;
    char *text = text_file_read(path, &length);
    if (!text)
        return -1;
    int failed = text_check(path, text, length);
    *entries = failed ? NULL : calloc(count_lines(text), sizeof **entries);
    if (!failed && !*entries) {
        warnx("out of memory");
        failed = -1;
    }
    if (!failed)
        failed = read_lines(&reader, text, *entries, count);
    free(text);
    if (!failed)
        return 0;
    free(*entries);
    *entries = NULL;
    return -1;
}
