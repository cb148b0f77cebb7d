#include "history_file.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "tool.h"

enum { HISTORIES = 0x500, END_TOKENS };

static const struct argp_option OPTIONS[] = {
    {"histories", HISTORIES, "FILE.jsonl", 0,
     "What came before in each row's sequence, for penalties: a line for each row, {\"prompt\": [ID, ...], \"output\": "
     "[ID, ...]}, or [ID, ...] where all of it is output",
     0},
    {"end-tokens", END_TOKENS, "ID,...", 0, "The tokens that end a sequence, for --min-tokens", 0},
    {0},
};

static void add_end_token(histories *h, const char *text, struct argp_state *state)
{
    uint64_t token;
    if (tool_integer_read(text, TOMBOLA_MAX_VOCABULARY - 1, &token))
        argp_error(state, "--end-tokens: '%s' is not a token's id, a whole number from 0 to %u", text,
                   TOMBOLA_MAX_VOCABULARY - 1);
    int32_t *more = realloc(h->end_tokens, (h->end_token_count + 1) * sizeof *more);
    if (!more)
        argp_failure(state, TOOL_FAILURE, 0, "out of memory");
    h->end_tokens = more;
    h->end_tokens[h->end_token_count++] = (int32_t)token;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    histories *h = state->input;
    char **list;
    size_t count;
    switch (key) {
    case HISTORIES:
        h->path = text;
        return 0;
    case END_TOKENS:
        if (!(list = tool_list_split(text, &count)))
            argp_failure(state, TOOL_FAILURE, 0, "out of memory");
        for (size_t i = 0; i < count; i++)
            add_end_token(h, list[i], state);
        free(list);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp histories_argp = {.options = OPTIONS, .parser = parse};

/* -------------------------------------------------------------------- lines */

typedef struct reader {
    const char *path;
    size_t rows, vocabulary;
    size_t line; /* 1 first */
    size_t row;
} reader;

static int fail_line(const reader *reader, const char *what)
{
    warnx("%s: line %zu: %s", reader->path, reader->line, what);
    return -1;
}

static int add_token(const reader *reader, histories *h, const json_t *token)
{
    if (!json_is_integer(token) || json_integer_value(token) < 0 ||
        json_integer_value(token) >= (json_int_t)reader->vocabulary) {
        char *text = json_dumps(token, JSON_ENCODE_ANY | JSON_COMPACT);
        warnx("%s: line %zu: %s is not a token's id, a whole number from 0 to %zu", reader->path, reader->line,
              text ? text : "a value", reader->vocabulary - 1);
        free(text);
        return -1;
    }
    if (h->token_count == h->token_room) {
        const size_t room = 2 * h->token_room + 1024;
        int32_t *more = realloc(h->tokens, room * sizeof *more);
        if (!more)
            return fail_line(reader, "out of memory");
        h->tokens = more;
        h->token_room = room;
    }
    h->tokens[h->token_count++] = (int32_t)json_integer_value(token);
    return 0;
}

/* NULL is an empty list. */
static int add_tokens(const reader *reader, histories *h, const json_t *list)
{
    size_t i;
    const json_t *token;
    if (list && !json_is_array(list))
        return fail_line(reader, "prompt and output are lists of tokens' ids");
    json_array_foreach(list, i, token)
    {
        if (add_token(reader, h, token))
            return -1;
    }
    return 0;
}

static int add_row(const reader *reader, histories *h, json_t *value)
{
    const size_t first = h->token_count;
    const char *key;
    json_t *item;
    if (reader->row == reader->rows) {
        warnx("%s: line %zu: a history for row %zu, but there are %zu rows of logits", reader->path, reader->line,
              reader->row, reader->rows);
        return -1;
    }
    if (!json_is_object(value) && !json_is_array(value))
        return fail_line(reader, "a history is a list of tokens' ids, or an object with prompt and output");
    json_object_foreach(value, key, item)
    {
        if (strcmp(key, "prompt") != 0 && strcmp(key, "output") != 0) {
            warnx("%s: line %zu: unknown key '%s'; there are prompt and output", reader->path, reader->line, key);
            return -1;
        }
    }
    if (add_tokens(reader, h, json_object_get(value, "prompt")))
        return -1;
    h->prompts[reader->row] = h->token_count - first;
    if (add_tokens(reader, h, json_is_array(value) ? value : json_object_get(value, "output")))
        return -1;
    h->ends[reader->row] = h->token_count;
    return 0;
}

static int read_lines(reader *reader, histories *h, const char *text)
{
    for (const char *line = text, *next; line; line = next) {
        const size_t length = strcspn(line, "\n");
        json_error_t error;
        next = line[length] ? line + length + 1 : NULL;
        reader->line++;
        if (strspn(line, " \t\r") >= length)
            continue;
        json_t *value = json_loadb(line, length, 0, &error);
        if (!value) {
            warnx("%s: line %zu, column %d: %s", reader->path, reader->line, error.column, error.text);
            return -1;
        }
        const int failed = add_row(reader, h, value);
        json_decref(value);
        if (failed)
            return -1;
        reader->row++;
    }
    if (reader->row == reader->rows)
        return 0;
    warnx("%s: histories for %zu rows, but there are %zu rows of logits", reader->path, reader->row, reader->rows);
    return -1;
}

/* -------------------------------------------------------------------- all */

static int load_file(histories *h, size_t rows, size_t vocabulary)
{
    reader reader = {.path = h->path, .rows = rows, .vocabulary = vocabulary};
    size_t length;
    char *text = text_file_read(h->path, &length);
    if (!text)
        return -1;
    h->ends = calloc(rows, sizeof *h->ends);
    h->prompts = calloc(rows, sizeof *h->prompts);
    h->batch_ends = calloc(rows, sizeof *h->batch_ends);
    int failed = text_check(h->path, text, length);
    if (!failed && (!h->ends || !h->prompts || !h->batch_ends)) {
        warnx("out of memory");
        failed = -1;
    }
    if (!failed)
        failed = read_lines(&reader, h, text);
    free(text);
    return failed;
}

static int load_end_tokens(histories *h, size_t rows, size_t vocabulary)
{
    for (size_t i = 0; i < h->end_token_count; i++)
        if ((size_t)h->end_tokens[i] >= vocabulary) {
            warnx("an end token: %ld is not from 0 to %zu", (long)h->end_tokens[i], vocabulary - 1);
            return -1;
        }
    h->end_token_ends = calloc(rows, sizeof *h->end_token_ends);
    h->batch_end_tokens = calloc(rows * h->end_token_count, sizeof *h->batch_end_tokens);
    if (!h->end_token_ends || !h->batch_end_tokens) {
        warnx("out of memory");
        return -1;
    }
    for (size_t row = 0; row < rows; row++) {
        memcpy(h->batch_end_tokens + row * h->end_token_count, h->end_tokens, h->end_token_count * sizeof(int32_t));
        h->end_token_ends[row] = (row + 1) * h->end_token_count;
    }
    return 0;
}

int histories_load(histories *h, size_t rows, size_t vocabulary)
{
    if (h->path && load_file(h, rows, vocabulary))
        return -1;
    return h->end_token_count > 0 ? load_end_tokens(h, rows, vocabulary) : 0;
}

void histories_release(histories *h)
{
    free(h->end_tokens);
    free(h->tokens);
    free(h->ends);
    free(h->prompts);
    free(h->batch_ends);
    free(h->end_token_ends);
    free(h->batch_end_tokens);
}

void histories_apply(const histories *h, size_t first, tombola_rows *rows)
{
    if (h->ends) {
        const size_t before = first ? h->ends[first - 1] : 0;
        for (size_t row = 0; row < rows->count; row++)
            h->batch_ends[row] = h->ends[first + row] - before;
        rows->history = h->tokens ? h->tokens + before : NULL;
        rows->history_ends = h->batch_ends;
        rows->prompt_lengths = h->prompts + first;
    }
    if (h->end_token_ends) { /* of every row the same */
        rows->end_tokens = h->batch_end_tokens;
        rows->end_token_ends = h->end_token_ends;
    }
}
