#include "params_csv.h"

#include <csv.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "tool.h"

#define MAX_COLUMNS 64 /* more than there are names, none of which may come twice */

typedef struct reader {
    const char *path;
    size_t line;   /* of the file, 1 first */
    size_t field;  /* fields of this line read so far */
    size_t record; /* lines with something on them so far, the header included */
    const tombola_field *columns[MAX_COLUMNS];
    size_t column_count;
    tombola_params *params;
    size_t rows;
    int failed; /* a message is out: no more of them */
} reader;

static int has_column(const reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->column_count; i++)
        if (strcmp(reader->columns[i]->name, name) == 0)
            return 1;
    return 0;
}

static void read_name(reader *reader, const char *text)
{
    const tombola_field *field = tool_params_find(text);
    if (!field) {
        warnx("%s: line %zu: unknown column '%s'; there are %s", reader->path, reader->line, text,
              tool_params_names().text);
        reader->failed = 1;
        return;
    }
    if (has_column(reader, field->name)) {
        warnx("%s: line %zu: column '%s' comes twice", reader->path, reader->line, field->name);
        reader->failed = 1;
        return;
    }
    reader->columns[reader->column_count++] = field;
}

static void read_value(reader *reader, const char *text)
{
    size_t row = reader->record - 1;
    if (reader->field >= reader->column_count || row >= reader->rows)
        return; /* counted, and reported with the line or the file */
    const tombola_field *field = reader->columns[reader->field];
    if (tool_params_read(&reader->params[row], field, text) == 0)
        return;
    if (*text)
        warnx("%s: line %zu, column '%s': '%s' is not %s%s", reader->path, reader->line, field->name, text,
              tool_params_expected(field).text, tool_params_hint(field, text).text);
    else
        warnx("%s: line %zu, column '%s': the value is missing", reader->path, reader->line, field->name);
    reader->failed = 1;
}

static void on_field(void *text, size_t size, void *user)
{
    reader *reader = user;
    if (reader->failed)
        return;
    if (strlen(text) != size) {
        warnx("%s: line %zu: a NUL byte", reader->path, reader->line);
        reader->failed = 1;
    } else if (reader->record == 0) {
        read_name(reader, text);
    } else {
        read_value(reader, text);
    }
    reader->field++;
}

static void on_record(int end, void *user)
{
    (void)end;
    reader *reader = user;
    if (!reader->failed && reader->field != reader->column_count) {
        warnx("%s: line %zu: %zu values for %zu columns", reader->path, reader->line, reader->field,
              reader->column_count);
        reader->failed = 1;
    }
    reader->field = 0;
    reader->record++;
}

/* A line at a time, since libcsv passes over empty ones and the messages count them. */
static int parse_lines(FILE *file, struct csv_parser *parser, reader *reader)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    while (!reader->failed && (length = getline(&line, &capacity, file)) > 0) {
        const char *text = line;
        size_t size = (size_t)length;
        if (++reader->line == 1) {
            text = text_after_mark(line); /* some spreadsheets write one */
            size -= (size_t)(text - line);
        }
        if (reader->line == 1 && text_has_utf16_mark(line, size)) {
            warnx("%s: " TEXT_UTF16, reader->path);
            reader->failed = 1;
            break;
        }
        if (csv_parse(parser, text, size, on_field, on_record, reader) != size) {
            warnx("%s: line %zu: %s", reader->path, reader->line,
                  csv_error(parser) == CSV_EPARSE ? "a quote where none may be" : "out of memory");
            reader->failed = 1;
        }
    }
    free(line);
    if (!reader->failed && ferror(file)) {
        warn("%s: cannot read", reader->path);
        reader->failed = 1;
    }
    if (!reader->failed && csv_fini(parser, on_field, on_record, reader)) {
        warnx("%s: a quote is not closed", reader->path);
        reader->failed = 1;
    }
    return reader->failed ? -1 : 0;
}

static int check_counts(const reader *reader)
{
    if (reader->record == 0) {
        warnx("%s: no header with the names of the columns", reader->path);
        return -1;
    }
    if (reader->record - 1 != reader->rows) {
        warnx("%s: parameters for %zu rows, but there are %zu rows of logits", reader->path, reader->record - 1,
              reader->rows);
        return -1;
    }
    return 0;
}

/* A row with a seed of its own draws the same wherever it stands. */
static void settle_streams(const reader *reader)
{
    for (size_t row = 0; row < reader->rows && has_column(reader, "seed") && !has_column(reader, "stream"); row++)
        reader->params[row].stream -= (uint32_t)row; /* the row's number, which was added */
}

int params_csv_read(const char *path, size_t rows, tombola_params *params)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        warn("%s", path);
        return -1;
    }
    int failed = -1;
    reader reader = {.path = path, .params = params, .rows = rows};
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL)) {
        warnx("out of memory");
        goto done;
    }
    failed = parse_lines(file, &parser, &reader) || check_counts(&reader);
    if (!failed)
        settle_streams(&reader);
    csv_free(&parser);
done:
    fclose(file);
    return failed ? -1 : 0;
}
