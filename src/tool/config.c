#include "config_reader.h"

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

int config_refuse(const struct config_reader *reader, const char *field, const json_t *value, const char *expected)
{
    char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    warnx("%s: %s is %.100s, not %s", reader->path, field, shown ? shown : "?", expected);
    free(shown);
    return -1;
}

void config_ignore(struct config_reader *reader, const char *field)
{
    const size_t length = strlen(reader->ignored);
    snprintf(reader->ignored + length, sizeof reader->ignored - length, "%s%s", length ? ", " : "", field);
}

static int read_samples(struct config_reader *reader, const char *field, const json_t *value)
{
    const json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 1 || number > (json_int_t)TOMBOLA_MAX_SAMPLES)
        return config_refuse(reader, field, value, "a whole number from 1 to 128");
    reader->config->samples = (uint32_t)number;
    return 0;
}
_Static_assert(TOMBOLA_MAX_SAMPLES == 128, "the message has another number");

static int read_do_sample(struct config_reader *reader, const char *field, const json_t *value)
{
    if (!json_is_boolean(value))
        return config_refuse(reader, field, value, "true or false");
    if (json_is_false(value))
        reader->is_greedy = 1;
    return 0;
}

/* --------------------------------------------------------------- parameters */

static int read_number(struct config_reader *reader, const char *field, const json_t *value,
                       const tombola_field *parameter)
{
    float number = (float)json_number_value(value);
    if (number < 0.0f && strcmp(parameter->name, "top_n_sigma") == 0) /* llama.cpp turns it off by -1 */
        number = 0.0f;
    if (!json_is_number(value) || !((double)number >= parameter->low && (double)number <= parameter->high) ||
        !isfinite(number))
        return config_refuse(reader, field, value, tool_params_expected(parameter).text);
    memcpy((char *)reader->params + parameter->offset, &number, sizeof number);
    return 0;
}

static int read_whole(struct config_reader *reader, const char *field, const json_t *value,
                      const tombola_field *parameter)
{
    char digits[32];
    json_int_t number = json_integer_value(value);
    /* llama.cpp's windows of 0 tokens turn penalties off, and -1 makes them the whole history, as 0 does here. */
    const int is_window = strstr(field, "last_n") != NULL;
    if (json_is_integer(value) && is_window && number == 0)
        return config_refuse(reader, field, value,
                             "-1 or more than 0: a window of 0 tokens there turns the penalty off");
    /* vLLM and llama.cpp turn top-k off by -1. */
    if (json_is_integer(value) && number == -1 && (is_window || strcmp(parameter->name, "top_k") == 0))
        number = 0;
    snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, number);
    if (!json_is_integer(value) || tool_params_read(reader->params, parameter, digits))
        return config_refuse(reader, field, value, tool_params_expected(parameter).text);
    return 0;
}

/* A name; some are numbers, as mirostat's versions. */
static int read_words(struct config_reader *reader, const char *field, const json_t *value,
                      const tombola_field *parameter)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    const char *name = json_is_integer(value) ? digits : json_string_value(value);
    if (!name || tool_params_read(reader->params, parameter, name))
        return config_refuse(reader, field, value, tool_params_expected(parameter).text);
    return 0;
}

static const tombola_field *find_parameter(const char *field)
{
    for (size_t i = 0; i < sizeof ALIASES / sizeof ALIASES[0]; i++)
        if (strcmp(ALIASES[i].field, field) == 0)
            return tool_params_find(ALIASES[i].parameter);
    return tool_params_find(field);
}

static int read_parameter(struct config_reader *reader, const char *field, const json_t *value,
                          const tombola_field *parameter)
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
static int read_length_penalty(struct config_reader *reader, const char *field, const json_t *value)
{
    const tombola_field *start = tool_params_find("length_penalty_start");
    const tombola_field *factor = tool_params_find("length_penalty_factor");
    if (!start || !factor) {
        config_ignore(reader, field);
        return 0;
    }
    if (!json_is_array(value) || json_array_size(value) != 2)
        return config_refuse(reader, field, value, "a list of two: where the penalty starts, and its factor");
    return read_parameter(reader, field, json_array_get(value, 0), start) ||
           read_parameter(reader, field, json_array_get(value, 1), factor);
}

/* Fields that are no parameters of the same value. */
static const struct other {
    const char *field;
    int is_of_tokens; /* or how many to draw */
    int (*read)(struct config_reader *reader, const char *field, const json_t *value);
} OTHERS[] = {
    {"exponential_decay_length_penalty", 0, read_length_penalty}, /* Transformers */
    {"do_sample", 0, read_do_sample},                             /* Transformers */
    {"logit_bias", 1, config_read_logit_bias},                    /* OpenAI */
    {"suppress_tokens", 1, config_read_suppressed},               /* Transformers */
    {"sequence_bias", 1, config_read_sequence_bias},              /* Transformers */
    {"bad_words_ids", 1, config_read_bad_words},                  /* Transformers */
    {"eos_token_id", 1, config_read_end_tokens},                  /* Transformers */
    {"stop_token_ids", 1, config_read_end_tokens},                /* vLLM */
    {"n", 1, read_samples},                                       /* OpenAI */
    {"num_return_sequences", 1, read_samples}                     /* Transformers */
};

static int read_field(struct config_reader *reader, const char *field, const json_t *value)
{
    if (json_is_null(value)) /* as if it were not there */
        return 0;
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++)
        if (strcmp(OTHERS[i].field, field) == 0 && (reader->takes_tokens || !OTHERS[i].is_of_tokens))
            return OTHERS[i].read(reader, OTHERS[i].field, value);
    const tombola_field *parameter = find_parameter(field);
    if (parameter)
        return read_parameter(reader, field, value, parameter);
    config_ignore(reader, field);
    return 0;
}

static int read_object(struct config_reader *reader, json_t *object)
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
    struct config_reader reader = {.path = path, .takes_tokens = takes_tokens, .params = params, .config = config};
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
