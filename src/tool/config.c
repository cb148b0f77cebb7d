#include "config.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "tool.h"

/* Names that others have for parameters. A parameter that is not in the library's table is none. */
static const struct alias {
    const char *field, *parameter;
} ALIASES[] = {
    {"temp", "temperature"},                     /* llama.cpp */
    {"typ_p", "typical_p"},                      /* llama.cpp */
    {"mirostat_tau", "mirostat_entropy"},        /* llama.cpp */
    {"mirostat_eta", "mirostat_rate"},           /* llama.cpp */
    {"repeat_penalty", "repetition_penalty"},    /* llama.cpp */
    {"repeat_last_n", "penalty_window"},         /* llama.cpp, see read_whole */
    {"dry_penalty_last_n", "dry_window"},        /* llama.cpp */
    {"min_new_tokens", "min_tokens"},            /* Transformers */
    {"min_tokens_to_keep", "min_keep"},          /* Transformers */
    {"no_repeat_ngram_size", "no_repeat_ngram"}, /* Transformers */
    {"thinking_token_budget", "thinking_budget"} /* vLLM */
};

struct reader {
    const char *path;
    int takes_tokens;
    tombola_params *params;
    config *config;
    /* For each parameter of the table, the field that has set it. */
    const char **setters;
    int is_greedy;      /* do_sample is false */
    char ignored[1024]; /* the fields that are, with commas between */
};

/* Says that a field's value is not what is expected; -1. */
static int refuse(const struct reader *reader, const char *field, const json_t *value, const char *expected)
{
    char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    warnx("%s: %s is %.100s, not %s", reader->path, field, shown ? shown : "?", expected);
    free(shown);
    return -1;
}

static void ignore(struct reader *reader, const char *field)
{
    const size_t length = strlen(reader->ignored);
    snprintf(reader->ignored + length, sizeof reader->ignored - length, "%s%s", length ? ", " : "", field);
}

/* ------------------------------------------------------------------- tokens */

#define ID_EXPECTED "ids of tokens, from 0 to 8388607"
_Static_assert(TOMBOLA_MAX_VOCABULARY == 8388608, "messages have another end of ids");

/* A token that is banned stays so, whatever else is said of it. */
static int add_bias(const struct reader *reader, const char *field, uint64_t token, double value)
{
    config *config = reader->config;
    config_bias *biases = config->biases;
    const config_bias added = {{(int32_t)token, (float)value}, field};
    for (size_t i = 0; i < config->bias_count; i++) {
        if (biases[i].bias.token != added.bias.token)
            continue;
        if (isfinite(biases[i].bias.value) && isfinite(added.bias.value)) {
            warnx("%s: %s has token %ld twice", reader->path, field, (long)added.bias.token);
            return -1;
        }
        biases[i] = isfinite(added.bias.value) ? biases[i] : added;
        return 0;
    }
    biases = realloc(biases, (config->bias_count + 1) * sizeof *biases);
    if (!biases) {
        warnx("out of memory");
        return -1;
    }
    config->biases = biases;
    biases[config->bias_count++] = added;
    return 0;
}

/* {"50256": -100}, as OpenAI has it. */
static int read_logit_bias(struct reader *reader, const char *field, const json_t *value)
{
    static const char EXPECTED[] = "an object of finite numbers by " ID_EXPECTED;
    const char *key;
    json_t *bias;
    if (!json_is_object(value))
        return refuse(reader, field, value, EXPECTED);
    json_object_foreach((json_t *)value, key, bias)
    {
        uint64_t token;
        const double number = json_number_value(bias);
        if (tool_integer_read(key, TOMBOLA_MAX_VOCABULARY - 1, &token) || !json_is_number(bias) ||
            !isfinite((float)number))
            return refuse(reader, field, value, EXPECTED);
        if (add_bias(reader, field, token, number))
            return -1;
    }
    return 0;
}

static int is_id(const json_t *value)
{
    const json_int_t id = json_integer_value(value);
    return json_is_integer(value) && id >= 0 && id < (json_int_t)TOMBOLA_MAX_VOCABULARY;
}

/* [1, 2], as Transformers has it. */
static int read_suppressed(struct reader *reader, const char *field, const json_t *value)
{
    size_t i;
    json_t *id;
    if (!json_is_array(value))
        return refuse(reader, field, value, "a list of " ID_EXPECTED);
    json_array_foreach(value, i, id)
    {
        if (!is_id(id))
            return refuse(reader, field, value, "a list of " ID_EXPECTED);
        if (add_bias(reader, field, (uint64_t)json_integer_value(id), -INFINITY))
            return -1;
    }
    return 0;
}

/* [[[5], -2.5]], as Transformers has it in files: of single tokens these are biases. */
static int read_sequence_bias(struct reader *reader, const char *field, const json_t *value)
{
    static const char EXPECTED[] = "a list of pairs: a list of " ID_EXPECTED ", and a finite number";
    int has_longer = 0;
    size_t i, place;
    json_t *pair, *id;
    if (!json_is_array(value))
        return refuse(reader, field, value, EXPECTED);
    json_array_foreach(value, i, pair)
    {
        const json_t *ids = json_array_get(pair, 0), *bias = json_array_get(pair, 1);
        const double number = json_number_value(bias);
        if (json_array_size(pair) != 2 || json_array_size(ids) == 0 || !json_is_number(bias) ||
            !isfinite((float)number))
            return refuse(reader, field, value, EXPECTED);
        json_array_foreach(ids, place, id)
        {
            if (!is_id(id))
                return refuse(reader, field, value, EXPECTED);
        }
        has_longer |= json_array_size(ids) > 1;
        if (json_array_size(ids) == 1 &&
            add_bias(reader, field, (uint64_t)json_integer_value(json_array_get(ids, 0)), number))
            return -1;
    }
    if (has_longer)
        ignore(reader, "sequence_bias of two or more tokens");
    return 0;
}

/* [[5, 17], [3]], as Transformers has it. */
static int read_bad_words(struct reader *reader, const char *field, const json_t *value)
{
    static const char EXPECTED[] = "a list of lists of " ID_EXPECTED;
    size_t i, place;
    json_t *word, *id;
    if (!json_is_array(value))
        return refuse(reader, field, value, EXPECTED);
    json_array_foreach(value, i, word)
    {
        if (json_array_size(word) == 0)
            return refuse(reader, field, value, EXPECTED);
        json_array_foreach(word, place, id)
        {
            if (!is_id(id))
                return refuse(reader, field, value, EXPECTED);
        }
        if (id_lines_add(&reader->config->words, word))
            return -1;
    }
    return 0;
}

static int add_end_token(config *config, const char *field, int32_t token)
{
    config_end *ends = realloc(config->ends, (config->end_count + 1) * sizeof *ends);
    if (!ends) {
        warnx("out of memory");
        return -1;
    }
    config->ends = ends;
    config->ends[config->end_count++] = (config_end){token, field};
    return 0;
}

/* 2 or [2, 3], as Transformers has it. */
static int read_end_tokens(struct reader *reader, const char *field, const json_t *value)
{
    const size_t count = json_is_array(value) ? json_array_size(value) : 1;
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_is_array(value) ? json_array_get(value, i) : value;
        if (!is_id(id))
            return refuse(reader, field, value, "an id of a token, or a list of " ID_EXPECTED);
        if (add_end_token(reader->config, field, (int32_t)json_integer_value(id)))
            return -1;
    }
    return 0;
}

static int read_samples(struct reader *reader, const char *field, const json_t *value)
{
    const json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 1 || number > (json_int_t)TOMBOLA_MAX_SAMPLES)
        return refuse(reader, field, value, "a whole number from 1 to 128");
    reader->config->samples = (uint32_t)number;
    return 0;
}
_Static_assert(TOMBOLA_MAX_SAMPLES == 128, "the message has another number");

static int read_do_sample(struct reader *reader, const char *field, const json_t *value)
{
    if (!json_is_boolean(value))
        return refuse(reader, field, value, "true or false");
    if (json_is_false(value))
        reader->is_greedy = 1;
    return 0;
}

/* --------------------------------------------------------------- parameters */

static int read_number(struct reader *reader, const char *field, const json_t *value, const tombola_field *parameter)
{
    float number = (float)json_number_value(value);
    if (number < 0.0f && strcmp(parameter->name, "top_n_sigma") == 0) /* llama.cpp turns it off by -1 */
        number = 0.0f;
    if (!json_is_number(value) || !((double)number >= parameter->low && (double)number <= parameter->high) ||
        !isfinite(number))
        return refuse(reader, field, value, tool_params_expected(parameter).text);
    memcpy((char *)reader->params + parameter->offset, &number, sizeof number);
    return 0;
}

static int read_whole(struct reader *reader, const char *field, const json_t *value, const tombola_field *parameter)
{
    char digits[32];
    json_int_t number = json_integer_value(value);
    /* llama.cpp's windows of 0 tokens turn penalties off, and -1 makes them the whole history, as 0 does here. */
    const int is_window = strstr(field, "last_n") != NULL;
    if (json_is_integer(value) && is_window && number == 0)
        return refuse(reader, field, value, "-1 or more than 0: a window of 0 tokens there turns the penalty off");
    /* vLLM and llama.cpp turn top-k off by -1. */
    if (json_is_integer(value) && number == -1 && (is_window || strcmp(parameter->name, "top_k") == 0))
        number = 0;
    snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, number);
    if (!json_is_integer(value) || tool_params_read(reader->params, parameter, digits))
        return refuse(reader, field, value, tool_params_expected(parameter).text);
    return 0;
}

/* A name; some are numbers, as mirostat's versions. */
static int read_words(struct reader *reader, const char *field, const json_t *value, const tombola_field *parameter)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    const char *name = json_is_integer(value) ? digits : json_string_value(value);
    if (!name || tool_params_read(reader->params, parameter, name))
        return refuse(reader, field, value, tool_params_expected(parameter).text);
    return 0;
}

static const tombola_field *find_parameter(const char *field)
{
    for (size_t i = 0; i < sizeof ALIASES / sizeof ALIASES[0]; i++)
        if (strcmp(ALIASES[i].field, field) == 0)
            return tool_params_find(ALIASES[i].parameter);
    return tool_params_find(field);
}

static int read_parameter(struct reader *reader, const char *field, const json_t *value, const tombola_field *parameter)
{
    size_t place = 0;
    while (tombola_params_field(place) != parameter)
        place++;
    if (reader->setters[place]) {
        warnx("%s: %s and %s say the same thing: give one of them", reader->path, reader->setters[place], field);
        return -1;
    }
    reader->setters[place] = field;
    reader->config->has_temperature |= strcmp(parameter->name, "temperature") == 0;
    switch (parameter->kind) {
    case TOMBOLA_KIND_FLOAT:
        return read_number(reader, field, value, parameter);
    case TOMBOLA_KIND_UINT32:
    case TOMBOLA_KIND_UINT64:
        return read_whole(reader, field, value, parameter);
    case TOMBOLA_KIND_CHOICE:
    case TOMBOLA_KIND_ORDER:
        return read_words(reader, field, value, parameter);
    }
    return -1;
}

/* [start, factor], as Transformers has it, for two parameters. */
static int read_length_penalty(struct reader *reader, const char *field, const json_t *value)
{
    const tombola_field *start = tool_params_find("length_penalty_start");
    const tombola_field *factor = tool_params_find("length_penalty_factor");
    if (!start || !factor) {
        ignore(reader, field);
        return 0;
    }
    if (!json_is_array(value) || json_array_size(value) != 2)
        return refuse(reader, field, value, "a list of two: where the penalty starts, and its factor");
    return read_parameter(reader, field, json_array_get(value, 0), start) ||
           read_parameter(reader, field, json_array_get(value, 1), factor);
}

/* Fields that are no parameters of the same value. */
static const struct other {
    const char *field;
    int is_of_tokens; /* or how many to draw */
    int (*read)(struct reader *reader, const char *field, const json_t *value);
} OTHERS[] = {
    {"exponential_decay_length_penalty", 0, read_length_penalty}, /* Transformers */
    {"do_sample", 0, read_do_sample},                             /* Transformers */
    {"logit_bias", 1, read_logit_bias},                           /* OpenAI */
    {"suppress_tokens", 1, read_suppressed},                      /* Transformers */
    {"sequence_bias", 1, read_sequence_bias},                     /* Transformers */
    {"bad_words_ids", 1, read_bad_words},                         /* Transformers */
    {"eos_token_id", 1, read_end_tokens},                         /* Transformers */
    {"stop_token_ids", 1, read_end_tokens},                       /* vLLM */
    {"n", 1, read_samples},                                       /* OpenAI */
    {"num_return_sequences", 1, read_samples}                     /* Transformers */
};

static int read_field(struct reader *reader, const char *field, const json_t *value)
{
    if (json_is_null(value)) /* as if it were not there */
        return 0;
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++)
        if (strcmp(OTHERS[i].field, field) == 0 && (reader->takes_tokens || !OTHERS[i].is_of_tokens))
            return OTHERS[i].read(reader, OTHERS[i].field, value);
    const tombola_field *parameter = find_parameter(field);
    if (parameter)
        return read_parameter(reader, field, value, parameter);
    ignore(reader, field);
    return 0;
}

static int read_object(struct reader *reader, json_t *object)
{
    const char *field;
    json_t *value;
    if (!json_is_object(object)) {
        warnx("%s: not an object of JSON", reader->path);
        return -1;
    }
    json_object_foreach(object, field, value)
    {
        if (read_field(reader, field, value))
            return -1;
    }
    if (reader->is_greedy) { /* whatever the temperature: it is what Transformers does */
        reader->params->temperature = 0.0f;
        reader->config->has_temperature = 1;
    }
    if (*reader->ignored)
        warnx("%s: ignored: %s", reader->path, reader->ignored);
    return 0;
}

static json_t *load(const char *path)
{
    json_error_t error;
    size_t length;
    char *text = text_file_read(path, &length);
    if (!text)
        return NULL;
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!object)
        warnx("%s: line %d: %s", path, error.line, error.text);
    free(text);
    return object;
}

int config_read(const char *path, int takes_tokens, tombola_params *params, config *config)
{
    *config = (struct config){0};
    struct reader reader = {.path = path, .takes_tokens = takes_tokens, .params = params, .config = config};
    json_t *object = load(path);
    if (!object)
        return -1;
    reader.setters = calloc(tool_params_count(), sizeof *reader.setters);
    if (!reader.setters)
        warnx("out of memory");
    const int failed = !reader.setters || read_object(&reader, object);
    free(reader.setters);
    json_decref(object);
    return failed ? -1 : 0;
}

static int check_token(const char *path, const char *field, int32_t token, size_t vocabulary)
{
    if ((size_t)token < vocabulary)
        return 0;
    warnx("%s: %s has token %ld, not from 0 to %zu", path, field, (long)token, vocabulary - 1);
    return -1;
}

int config_check(const char *path, const config *config, int wants_ends, size_t vocabulary)
{
    int failed = 0;
    for (size_t i = 0; i < config->bias_count && !failed; i++)
        failed = check_token(path, config->biases[i].field, config->biases[i].bias.token, vocabulary);
    const size_t ids = config->words.count ? config->words.ends[config->words.count - 1] : 0;
    for (size_t i = 0; i < ids && !failed; i++)
        failed = check_token(path, "bad_words_ids", config->words.ids[i], vocabulary);
    for (size_t i = 0; wants_ends && i < config->end_count && !failed; i++)
        failed = check_token(path, config->ends[i].field, config->ends[i].token, vocabulary);
    return failed;
}

void config_release(config *config)
{
    free(config->biases);
    free(config->ends);
    id_lines_release(&config->words);
    *config = (struct config){0};
}
