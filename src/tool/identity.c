#include "identity.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static json_t *text_of(const char *format, double number)
{
    char text[64];
    snprintf(text, sizeof text, format, number);
    return json_string(text);
}

/* A parameter's value. */
static json_t *value_of(const tombola_field *field, const tombola_params *params)
{
    const char *at = (const char *)params + field->offset;
    float real;
    uint32_t number;
    uint64_t wide;
    char text[32];
    switch (field->kind) {
    case TOMBOLA_KIND_FLOAT:
        memcpy(&real, at, sizeof real);
        return text_of("%.9g", (double)real);
    case TOMBOLA_KIND_UINT64: /* beyond JSON's integers */
        memcpy(&wide, at, sizeof wide);
        snprintf(text, sizeof text, "%llu", (unsigned long long)wide);
        return json_string(text);
    case TOMBOLA_KIND_ORDER: {
        json_t *order = json_array();
        for (size_t i = 0; i < TOMBOLA_MAX_FILTERS && at[i]; i++)
            json_array_append_new(order, json_string(field->values[(unsigned char)at[i]]));
        return order;
    }
    case TOMBOLA_KIND_UINT32:
    case TOMBOLA_KIND_CHOICE:
        break;
    }
    memcpy(&number, at, sizeof number);
    return json_integer(number);
}

/* These are 0, or -1 where something can't be told. */
static int add_params(json_t *all, const tombola_params *params)
{
    const tombola_field *field;
    int failed = 0;
    for (size_t i = 0; (field = tombola_params_field(i)); i++)
        failed |= json_object_set_new(all, tool_params_option(field).text, value_of(field, params));
    return failed;
}

static json_t *list_ids(const int32_t *ids, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_integer(ids[i]));
    return list;
}

static int add_lists(json_t *all, const sample_options *o)
{
    json_t *biases = json_array();
    int failed = 0;
    for (size_t i = 0; i < o->constraints.option_count; i++) {
        const tombola_bias bias = o->constraints.options[i].bias;
        failed |=
            json_array_append_new(biases, json_pack("[i, o]", (int)bias.token, text_of("%.9g", (double)bias.value)));
    }
    failed |= json_object_set_new(all, "--bias", biases);
    failed |= json_object_set_new(all, "--end-tokens", list_ids(o->histories.end_tokens, o->histories.end_token_count));
    failed |= json_object_set_new(all, "--thinking-start", list_ids(o->sequences.start, o->sequences.start_count));
    failed |= json_object_set_new(all, "--thinking-end", list_ids(o->sequences.end, o->sequences.end_count));
    return failed;
}

/* JSON takes UTF-8 alone, and files may be called by any bytes: then it is an object, which no other name is. */
static json_t *name_of_file(const char *path)
{
    json_t *name = json_string(path);
    char *text = name ? NULL : malloc(3 * strlen(path) + 1), *end = text;
    if (!text)
        return name;
    for (const char *c = path; *c; c++)
        end += sprintf(end, (unsigned char)*c >= 0x80 || *c == '%' ? "%%%02X" : "%c", (unsigned char)*c);
    name = json_pack("{s:s}", "percent-encoded", text);
    free(text);
    return name;
}

/* A file by its size, and when it was changed. */
static int add_file(json_t *all, const option_file *input)
{
    const char *path = option_file_path(input);
    struct stat file;
    if (!path)
        return json_object_set_new(all, input->option, json_null());
    if (stat(path, &file) || !S_ISREG(file.st_mode))
        return json_object_set_new(all, input->option, json_pack("{s:o}", "file", name_of_file(path)));
    return json_object_set_new(all, input->option,
                               json_pack("{s:o, s:I, s:I}", "file", name_of_file(path), "size",
                                         (json_int_t)file.st_size, "changed",
                                         (json_int_t)file.st_mtim.tv_sec * 1000000000 + file.st_mtim.tv_nsec));
}

option_file identity_find_stream(const sample_options *o)
{
    const sample_files files = sample_options_files(o);
    struct stat file;
    for (size_t i = 0; i < SAMPLE_INPUTS; i++) {
        const char *path = option_file_path(&files.inputs[i]);
        if (path && (stat(path, &file) || !S_ISREG(file.st_mode)))
            return files.inputs[i];
    }
    return (option_file){0};
}

static json_t *name_or_null(const char *path)
{
    return path ? name_of_file(path) : json_null();
}

static int add_outputs(json_t *all, const sample_options *o, const sample_files *files)
{
    json_t *columns = json_array();
    int failed = json_object_set_new(all, "--samples", json_integer(o->reports.samples ? o->reports.samples : 1));
    failed |= json_object_set_new(all, "--boundary", json_boolean(o->boundary));
    for (int i = 0; i < o->told.count; i++)
        failed |= json_array_append_new(columns, json_integer(o->told.wanted[i]));
    failed |= json_object_set_new(all, "--columns", columns);
    failed |= json_object_set_new(all, "--top-logprobs", json_integer(o->reports.top_logprobs));
    for (size_t i = 0; i < SAMPLE_REPORTS; i++)
        failed |= json_object_set_new(all, files->reports[i].option, name_or_null(files->reports[i].path));
    return failed;
}

json_t *identity_make(const sample_options *o, const npy_rows *array)
{
    const sample_files files = sample_options_files(o);
    json_t *all = json_object();
    if (!all)
        return NULL;
    int failed = json_object_set_new(all, "the contract", json_integer(tombola_contract()));
    failed |=
        json_object_set_new(all, "the array",
                            json_pack("{s:o, s:I, s:I, s:I, s:I, s:s, s:I}", "file", name_of_file(array->name), "size",
                                      (json_int_t)array->file_size, "rows", (json_int_t)array->rows, "columns",
                                      (json_int_t)array->columns, "vocabulary", (json_int_t)array->vocabulary, "type",
                                      tool_type_name(array->type), "changed", (json_int_t)array->changed));
    failed |= json_object_set_new(all, "--probabilities", json_boolean(o->probabilities));
    failed |= add_params(all, &o->sampling.params);
    failed |= add_lists(all, o);
    for (size_t i = 0; i < SAMPLE_INPUTS; i++)
        failed |= add_file(all, &files.inputs[i]);
    failed |= add_outputs(all, o, &files);
    if (!failed)
        return all;
    json_decref(all);
    return NULL;
}

uint64_t identity_hash(const json_t *identity)
{
    json_t *copy = json_deep_copy(identity);
    const char *name;
    json_t *value;
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    json_object_foreach(copy, name, value) if (json_is_object(value)) json_object_del(value, "changed");
    char *text = copy ? json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    for (const char *c = text; c && *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    free(text);
    json_decref(copy);
    return hash;
}
