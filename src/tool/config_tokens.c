/* What files of --config say of tokens: biases, words and ends. */
#include "config_reader.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>

#include "tool.h"

#define ID_EXPECTED "ids of tokens, from 0 to 8388607"
_Static_assert(TOMBOLA_MAX_VOCABULARY == 8388608, "messages have another end of ids");

/* A token that is banned stays so, whatever else is said of it. */
static int add_bias(const struct config_reader *reader, const char *field, uint64_t token, double value)
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
int config_read_logit_bias(struct config_reader *reader, const char *field, const json_t *value)
{
    static const char EXPECTED[] = "an object of finite numbers by " ID_EXPECTED;
    const char *key;
    json_t *bias;
    if (!json_is_object(value))
        return config_refuse(reader, field, value, EXPECTED);
    json_object_foreach((json_t *)value, key, bias)
    {
        uint64_t token;
        const double number = json_number_value(bias);
        if (tool_integer_read(key, TOMBOLA_MAX_VOCABULARY - 1, &token) || !json_is_number(bias) ||
            !isfinite((float)number))
            return config_refuse(reader, field, value, EXPECTED);
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

static int are_ids(const json_t *list)
{
    size_t i = 0;
    while (i < json_array_size(list) && is_id(json_array_get(list, i)))
        i++;
    return json_is_array(list) && i == json_array_size(list);
}

/* [1, 2], as Transformers has it. */
int config_read_suppressed(struct config_reader *reader, const char *field, const json_t *value)
{
    size_t i;
    json_t *id;
    if (!are_ids(value))
        return config_refuse(reader, field, value, "a list of " ID_EXPECTED);
    json_array_foreach(value, i, id)
    {
        if (add_bias(reader, field, (uint64_t)json_integer_value(id), -INFINITY))
            return -1;
    }
    return 0;
}

/* [[[5], -2.5]], as Transformers has it in files: of single tokens these are biases. */
int config_read_sequence_bias(struct config_reader *reader, const char *field, const json_t *value)
{
    static const char EXPECTED[] = "a list of pairs: a list of " ID_EXPECTED ", and a finite number";
    int has_longer = 0;
    size_t i;
    json_t *pair;
    if (!json_is_array(value))
        return config_refuse(reader, field, value, EXPECTED);
    json_array_foreach(value, i, pair)
    {
        const json_t *ids = json_array_get(pair, 0), *bias = json_array_get(pair, 1);
        const double number = json_number_value(bias);
        if (json_array_size(pair) != 2 || json_array_size(ids) == 0 || !are_ids(ids) || !json_is_number(bias) ||
            !isfinite((float)number))
            return config_refuse(reader, field, value, EXPECTED);
        has_longer |= json_array_size(ids) > 1;
        if (json_array_size(ids) == 1 &&
            add_bias(reader, field, (uint64_t)json_integer_value(json_array_get(ids, 0)), number))
            return -1;
    }
    if (has_longer)
        config_ignore(reader, "sequence_bias of two or more tokens");
    return 0;
}

/* [[5, 17], [3]], as Transformers has it. */
int config_read_bad_words(struct config_reader *reader, const char *field, const json_t *value)
{
    static const char EXPECTED[] = "a list of lists of " ID_EXPECTED;
    size_t i;
    json_t *word;
    if (!json_is_array(value))
        return config_refuse(reader, field, value, EXPECTED);
    json_array_foreach(value, i, word)
    {
        if (json_array_size(word) == 0 || !are_ids(word))
            return config_refuse(reader, field, value, EXPECTED);
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
int config_read_end_tokens(struct config_reader *reader, const char *field, const json_t *value)
{
    const size_t count = json_is_array(value) ? json_array_size(value) : 1;
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_is_array(value) ? json_array_get(value, i) : value;
        if (!is_id(id))
            return config_refuse(reader, field, value, "an id of a token, or a list of " ID_EXPECTED);
        if (add_end_token(reader->config, field, (int32_t)json_integer_value(id)))
            return -1;
    }
    return 0;
}
