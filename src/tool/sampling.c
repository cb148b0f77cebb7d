#include "tool.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preset.h"

/* Keys beyond a character's range: options without a letter. From PARAMETERS on they are places in the table. */
enum { PRESET = 0x200, CONFIG, DEVICE, VERBOSE, PARAMETERS };

static const struct argp_option OTHERS[] = {
    {"preset", PRESET, "NAME", 0,
     "Start from what others draw by where nothing is said: default, greedy, transformers, openai, llama.cpp or vllm; "
     "or from a temperature by its use: code (0.2), factual (0.5), creative (0.85), brainstorm (1.2)",
     0},
    {"config", CONFIG, "FILE.json", 0,
     "Parameters from Transformers' generation_config.json, or from a request to OpenAI's API; counts more than "
     "--preset and less than other options",
     0},
    {"device", DEVICE, "NAME", 0,
     "Index, cpu, gpu, other, pocl, mesa, or a part of the device's or platform's name, as listed by `tombola "
     "devices'; name:4090 for a part that looks like one of the former; default: $TOMBOLA_DEVICE, else the best that "
     "works",
     0},
    {"verbose", VERBOSE, 0, 0, "Say on standard error which device was taken and why", 0},
};

/* "; temperature-last is top_k,top_p,temperature", for each order that has steps and a name. */
static tool_text orders_of(const tombola_field *field)
{
    tool_text text = {""};
    for (const tombola_preset *preset = field->presets; preset->name; preset++)
        for (size_t i = 0; i < TOMBOLA_MAX_FILTERS && preset->filters[i]; i++) {
            tool_text_add(&text, i > 0 ? "," : "; ");
            tool_text_add(&text, i > 0 ? "" : preset->name);
            tool_text_add(&text, i > 0 ? "" : " is ");
            tool_text_add(&text, field->values[preset->filters[i]]);
        }
    return text;
}

/* What the table of parameters does not say of an option. */
static tool_text more_help(const tombola_field *field)
{
    tool_text text = {""};
    if (field->kind == TOMBOLA_KIND_ORDER)
        return orders_of(field);
    if (strcmp(field->name, "temperature") == 0)
        tool_text_add(&text, "; some commands take several, as 0.5,1,inf");
    if (strcmp(field->name, "seed") == 0)
        tool_text_add(&text, "; random takes one from the system and says on standard error which");
    return text;
}

/* What stands for the value in the help of an option. */
static const char *value_name(const tombola_field *field)
{
    switch (field->kind) {
    case TOMBOLA_KIND_FLOAT:
        return "X";
    case TOMBOLA_KIND_CHOICE:
        return "NAME";
    case TOMBOLA_KIND_ORDER:
        return "ORDER";
    default:
        return "N";
    }
}

/* The end of the help of an option: its default in brackets, where the help has not told it. */
static tool_text default_of(const tombola_field *field)
{
    tool_text text = {""};
    if (field->kind == TOMBOLA_KIND_CHOICE)
        snprintf(text.text, sizeof text.text, " (default %s)", field->values[(size_t)field->neutral]);
    else if (field->kind != TOMBOLA_KIND_ORDER)
        snprintf(text.text, sizeof text.text, " (default %g)", field->neutral);
    return text;
}

/* The options: a line for each parameter, its name with hyphens, then the others. */
static const struct argp_option *all_options(void)
{
    static struct argp_option options[TOOL_MAX_PARAMETERS + sizeof OTHERS / sizeof OTHERS[0] + 1];
    static tool_text names[TOOL_MAX_PARAMETERS];
    static char helps[TOOL_MAX_PARAMETERS][2 * sizeof(tool_text) + 512];
    size_t count = 0;
    const tombola_field *field;
    for (; count < TOOL_MAX_PARAMETERS && (field = tombola_params_field(count)); count++) {
        names[count] = tool_params_option(field);
        snprintf(helps[count], sizeof helps[count], "%s%s%s", field->help, default_of(field).text,
                 more_help(field).text);
        options[count] = (struct argp_option){
            names[count].text + strlen("--"), PARAMETERS + (int)count, value_name(field), 0, helps[count], 0};
    }
    memcpy(options + count, OTHERS, sizeof OTHERS);
    return options;
}

tool_sampling tool_sampling_default(size_t temperature_limit)
{
    return (tool_sampling){.temperature_limit = temperature_limit, .params = tombola_params_default()};
}

static void read_field(tool_sampling *sampling, const char *option, const tombola_field *field, const char *text,
                       struct argp_state *state)
{
    if (tool_params_read(&sampling->params, field, text))
        argp_error(state, "%s: '%s' is not %s%s", option, text, tool_params_expected(field).text,
                   tool_params_hint(field, text).text);
}

/* 0,7 is two temperatures, and may be meant for one. Such a one has a single digit before its comma. */
static void warn_of_comma(const char *text)
{
    if (text[1] == ',' && *tool_comma_hint(text).text)
        warnx("--temperature %s: these are two temperatures, %c and %s; for a single one write %c.%s", text, text[0],
              text + 2, text[0], text + 2);
}

static void read_temperatures(tool_sampling *sampling, const tombola_field *field, char *text, struct argp_state *state)
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
        read_field(sampling, "--temperature", field, list[i], state);
        sampling->temperatures[i] = sampling->params.temperature;
    }
    sampling->temperature_count = count;
    sampling->has_temperature = 1;
    warn_of_comma(text);
    free(list);
}

static void read_parameter(tool_sampling *sampling, const tombola_field *field, char *text, struct argp_state *state)
{
    if (strcmp(field->name, "temperature") == 0) {
        read_temperatures(sampling, field, text, state);
    } else if (strcmp(field->name, "seed") == 0) {
        if (tool_seed_read(text, UINT64_MAX, &sampling->params.seed, &sampling->has_random_seed))
            argp_error(state, "--seed: '%s' is not random or %s", text, tool_params_expected(field).text);
    } else {
        read_field(sampling, tool_params_option(field).text, field, text, state);
    }
}

static size_t size_of(const tombola_field *field)
{
    switch (field->kind) {
    case TOMBOLA_KIND_UINT64:
        return sizeof(uint64_t);
    case TOMBOLA_KIND_ORDER:
        return TOMBOLA_MAX_FILTERS;
    default:
        return sizeof(uint32_t);
    }
}

/* Puts preset and file below what options have said. */
static void settle(tool_sampling *sampling, struct argp_state *state)
{
    tombola_params params = tombola_params_default();
    if (sampling->preset && preset_read(sampling->preset, &params))
        argp_error(state, "--preset: no preset is called '%s'; there are %s", sampling->preset, preset_names().text);
    if (sampling->config_path && config_read(sampling->config_path, sampling->takes_tokens, &params, &sampling->config))
        exit(TOOL_FAILURE); /* after a message */
    const tombola_field *field;
    for (size_t i = 0; i < TOOL_MAX_PARAMETERS && (field = tombola_params_field(i)); i++)
        if (sampling->is_given[i])
            memcpy((char *)&params + field->offset, (const char *)&sampling->params + field->offset, size_of(field));
    sampling->params = params;
    if (!sampling->has_temperature && (sampling->preset || sampling->config.has_temperature))
        sampling->temperatures[sampling->temperature_count++] = params.temperature;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    tool_sampling *sampling = state->input;
    if (key >= PARAMETERS && key < PARAMETERS + TOOL_MAX_PARAMETERS) {
        sampling->is_given[key - PARAMETERS] = 1;
        read_parameter(sampling, tombola_params_field((size_t)(key - PARAMETERS)), text, state);
        return 0;
    }
    switch (key) {
    case PRESET:
        sampling->preset = text;
        return 0;
    case CONFIG:
        sampling->config_path = text;
        return 0;
    case DEVICE:
        sampling->device = text;
        return 0;
    case VERBOSE:
        sampling->verbose = 1;
        return 0;
    case ARGP_KEY_END:
        settle(sampling, state);
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
    "Logits are divided by the temperature first; then come the filters, in the order temperature-first unless "
    "--filters gives another. To top-p a share counts as reached within 2^-20 of the mass, so that decimal fractions "
    "behave as on paper.";

const struct argp *tool_sampling_argp(void)
{
    static struct argp argp = {.parser = parse, .doc = DOC};
    argp.options = all_options();
    return &argp;
}

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
