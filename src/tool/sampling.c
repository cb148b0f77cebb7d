#include "tool.h"

#include <err.h>
#include <stdlib.h>

/* Keys beyond a character's range: options without a letter. */
enum { TEMPERATURE = 0x200, TOP_K, TOP_P, MIN_P, SEED, OFFSET, DEVICE, VERBOSE };

static const struct argp_option OPTIONS[] = {
    {"temperature", TEMPERATURE, "T", 0,
     "0 (always the most likely token) to inf (all alike); some commands take several, as 0.5,1,inf", 0},
    {"top-k", TOP_K, "K", 0, "Keep the K most likely tokens; 0 keeps all (default)", 0},
    {"top-p", TOP_P, "P", 0, "Keep the most likely tokens until they hold the share P, 0 to 1 (default 1: all)", 0},
    {"min-p", MIN_P, "M", 0, "Keep tokens at least M times as likely as the first, 0 to 1 (default 0: all)", 0},
    {"seed", SEED, "N", 0,
     "The random stream (default 0); the same seed draws the same tokens on every device. random takes one from the "
     "system and says on standard error which",
     0},
    {"offset", OFFSET, "N", 0, "Where in the random stream to start (default 0)", 0},
    {"device", DEVICE, "NAME", 0,
     "Index or a part of the name, as listed by `tombola devices'; default: $TOMBOLA_DEVICE, else the best that works",
     0},
    {"verbose", VERBOSE, 0, 0, "Say on standard error which device was taken and why", 0},
    {0},
};

tool_sampling tool_sampling_default(size_t temperature_limit)
{
    return (tool_sampling){.temperature_limit = temperature_limit, .params = tombola_params_default()};
}

static void read_field(tool_sampling *sampling, const char *option, const char *name, const char *text,
                       struct argp_state *state)
{
    const char *expected = tool_params_read(&sampling->params, name, text);
    if (expected)
        argp_error(state, "%s: '%s' is not %s%s", option, text, expected, tool_params_hint(name, text).text);
}

/* 0,7 is two temperatures, and may be meant for one. Such a one has a single digit before its comma. */
static void warn_of_comma(const char *text)
{
    if (text[1] == ',' && *tool_comma_hint(text).text)
        warnx("--temperature %s: these are two temperatures, %c and %s; for a single one write %c.%s", text, text[0],
              text + 2, text[0], text + 2);
}

static void read_temperatures(tool_sampling *sampling, char *text, struct argp_state *state)
{
    size_t count;
    char **list = tool_list_split(text, &count);
    if (!list)
        argp_failure(state, TOOL_FAILURE, 0, "out of memory");
    if (count > sampling->temperature_limit && sampling->temperature_limit == 1)
        argp_error(state, "--temperature: takes a single value here, not '%s'%s", text, tool_comma_hint(text).text);
    if (count > sampling->temperature_limit)
        argp_error(state, "--temperature: takes at most %zu values, not %zu", sampling->temperature_limit, count);
    for (size_t i = count; i-- > 0;) { /* down, so that params ends with the first */
        read_field(sampling, "--temperature", "temperature", list[i], state);
        sampling->temperatures[i] = sampling->params.temperature;
    }
    sampling->temperature_count = count;
    warn_of_comma(text);
    free(list);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    tool_sampling *sampling = state->input;
    switch (key) {
    case TEMPERATURE:
        read_temperatures(sampling, text, state);
        return 0;
    case TOP_K:
        read_field(sampling, "--top-k", "top_k", text, state);
        return 0;
    case TOP_P:
        read_field(sampling, "--top-p", "top_p", text, state);
        return 0;
    case MIN_P:
        read_field(sampling, "--min-p", "min_p", text, state);
        return 0;
    case SEED:
        if (tool_seed_read(text, UINT64_MAX, &sampling->params.seed, &sampling->has_random_seed))
            argp_error(state, "--seed: '%s' is not random or a whole number from 0 to 18446744073709551615", text);
        return 0;
    case OFFSET:
        read_field(sampling, "--offset", "offset", text, state);
        return 0;
    case DEVICE:
        sampling->device = text;
        return 0;
    case VERBOSE:
        sampling->verbose = 1;
        return 0;
    case ARGP_KEY_SUCCESS:
        if (sampling->has_random_seed)
            tool_seed_print(sampling->params.seed);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Help prints it last. */
static const char DOC[] =
    "\v"
    "Logits are divided by the temperature first; then come top-k, top-p and min-p, in this order. To top-p a share "
    "counts as reached within 2^-20 of the mass, so that decimal fractions behave as on paper.";

const struct argp tool_sampling_argp = {.options = OPTIONS, .parser = parse, .doc = DOC};

tombola_context *tool_sampling_open(const tool_sampling *sampling)
{
    tombola_context *context;
    tombola_error error = tombola_error_default();
    if (tombola_context_open(sampling->device, NULL, &context, &error)) {
        warnx("%s", error.message);
        return NULL;
    }
    if (sampling->verbose)
        fputs(tombola_context_choice(context), stderr);
    return context;
}
