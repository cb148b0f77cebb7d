#include "token_texts.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "npy.h"
#include "text.h"
#include "tool.h"

/* Room for one more; NULL without memory, after a message. */
static token_text *add_text(token_texts *texts, size_t tokens)
{
    token_text *list = realloc(texts->list, (texts->count + 1) * sizeof *list);
    int32_t *ids = list ? malloc((tokens + 1) * sizeof *ids) : NULL;
    texts->list = list ? list : texts->list;
    if (!ids) {
        warnx("out of memory");
        return NULL;
    }
    list[texts->count] = (token_text){.tokens = ids};
    return &list[texts->count++];
}

void token_texts_release(token_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        free(texts->list[i].tokens);
    free(texts->list);
    *texts = (token_texts){0};
}

/* -------------------------------------------------------------------- lines */

typedef struct reader {
    const char *name;
    size_t vocabulary;
    size_t line; /* 1 first */
} reader;

static int fail_line(const reader *reader, const char *what)
{
    warnx("%s: line %zu: %s", reader->name, reader->line, what);
    return -1;
}

/* Appends a list's ids to a text that has room for them. NULL is an empty list. */
static int add_ids(const reader *reader, const json_t *list, token_text *text)
{
    size_t i;
    json_t *id;
    json_array_foreach(list, i, id)
    {
        const json_int_t value = json_integer_value(id);
        if (!json_is_integer(id) || value < 0 || value >= (json_int_t)reader->vocabulary) {
            char *shown = json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT);
            warnx("%s: line %zu: %.100s is not a token's id, a whole number from 0 to %zu", reader->name, reader->line,
                  shown ? shown : "a value", reader->vocabulary - 1);
            free(shown);
            return -1;
        }
        text->tokens[text->count++] = (int32_t)value;
    }
    return 0;
}

/* What those that write such lines tell besides, as `python -m tombola generate --output` does. */
static int is_passed_over(const char *key, const json_t *value)
{
    return strcmp(key, "id") == 0 ||
           ((strcmp(key, "text") == 0 || strcmp(key, "finish") == 0) && json_is_string(value));
}

static int check_keys(const reader *reader, json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (is_passed_over(key, value))
            continue;
        if (strcmp(key, "prompt") != 0 && strcmp(key, "output") != 0) {
            warnx("%s: line %zu: unknown key '%s'; there are prompt and output", reader->name, reader->line, key);
            return -1;
        }
        if (!json_is_array(value))
            return fail_line(reader, "prompt and output are lists of tokens' ids");
    }
    return 0;
}

static int add_value(const reader *reader, json_t *value, token_texts *texts)
{
    if (!json_is_array(value) && !json_is_object(value))
        return fail_line(reader, "not a list of tokens' ids, nor an object with prompt and output");
    if (json_is_object(value) && check_keys(reader, value))
        return -1;
    const json_t *prompt = json_object_get(value, "prompt");
    const json_t *output = json_is_array(value) ? value : json_object_get(value, "output");
    token_text *text = add_text(texts, json_array_size(prompt) + json_array_size(output));
    if (!text || add_ids(reader, prompt, text))
        return -1;
    text->prompt_length = text->count;
    return add_ids(reader, output, text);
}

static int add_line(const reader *reader, const char *text, size_t length, token_texts *texts)
{
    json_error_t error;
    if (strspn(text, " \t\r\n") == length)
        return 0;
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!value) {
        warnx("%s: line %zu, column %d: %s", reader->name, reader->line, error.column, error.text);
        return -1;
    }
    const int failed = add_value(reader, value, texts);
    json_decref(value);
    return failed;
}

static int read_lines(FILE *file, const char *name, size_t vocabulary, token_texts *texts)
{
    reader reader = {name, vocabulary, 0};
    char *text = NULL;
    size_t capacity = 0;
    ssize_t length;
    int failed = 0;
    while (!failed && (length = getline(&text, &capacity, file)) > 0) {
        const char *start = ++reader.line == 1 ? text_after_mark(text) : text;
        failed = add_line(&reader, start, (size_t)(text + length - start), texts);
    }
    free(text);
    if (!failed && ferror(file)) {
        warn("%s: cannot read", name);
        failed = -1;
    }
    return failed;
}

/* -------------------------------------------------------------------- all */

static int read_array(const char *path, size_t vocabulary, token_texts *texts)
{
    npy_tokens array;
    if (npy_tokens_read(path, vocabulary, &array))
        return -1;
    int failed = 0;
    for (size_t row = 0; row < array.rows && !failed; row++) {
        token_text *text = add_text(texts, array.columns);
        failed = text ? 0 : -1;
        if (text) {
            memcpy(text->tokens, array.data + row * array.columns, array.columns * sizeof *text->tokens);
            text->count = array.columns;
        }
    }
    free(array.data);
    return failed;
}

int token_texts_read(const char *path, size_t vocabulary, token_texts *texts)
{
    const size_t length = strlen(path);
    *texts = (token_texts){0};
    if (length > 4 && strcmp(path + length - 4, ".npy") == 0)
        return read_array(path, vocabulary, texts);
    const int is_standard = strcmp(path, "-") == 0;
    FILE *file = is_standard ? stdin : fopen(path, "r");
    if (!file) {
        warn("%s", path);
        return -1;
    }
    const int failed = read_lines(file, is_standard ? "standard input" : path, vocabulary, texts);
    if (!is_standard)
        fclose(file);
    return failed;
}

int token_texts_parse(const char *list, token_texts *texts)
{
    size_t count;
    *texts = (token_texts){0};
    char **ids = tool_list_split(list, &count);
    token_text *text = ids ? add_text(texts, count) : NULL;
    int failed = text ? 0 : -1;
    for (size_t i = 0; i < count && !failed; i++) {
        uint64_t id;
        failed = tool_integer_read(ids[i], TOMBOLA_MAX_VOCABULARY - 1, &id);
        if (!failed)
            text->tokens[text->count++] = (int32_t)id;
    }
    free(ids);
    return failed;
}
