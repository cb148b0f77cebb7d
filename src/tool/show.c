#include "tool.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "figures.h"
#include "needs.h"

static const char DOC[] = "Shows what the temperature and the filters do to one distribution, as a table and as bars: "
                          "a column for each temperature (1 unless given)."
                          "\v"
                          "For example:\n"
                          "  tombola show --probabilities 0.5,0.3,0.15,0.05 --temperature 0.5,1,2,inf\n"
                          "  tombola show --logits 2,1,0,-1 --labels A,B,C,D --top-p 0.9 --draws 1000";

enum { PROBABILITIES = 0x100, LOGITS, LABELS, DRAWS, JSON };

static const struct argp_option OPTIONS[] = {
    {"probabilities", PROBABILITIES, "LIST", 0, "The distribution, as 0.5,0.3,0.2; need not sum to 1", 0},
    {"logits", LOGITS, "LIST", 0, "The distribution as logits, as 2,1,-inf; -inf masks a token out", 0},
    {"labels", LABELS, "LIST", 0, "What to call the tokens in place of 0, 1, 2, as A,B,C", 0},
    {"draws", DRAWS, "N", 0, "Draw N tokens at each temperature and count them", 0},
    {"json", JSON, 0, 0, "An object a line for each temperature in place of the table", 0},
    {0},
};

typedef struct options {
    tool_sampling sampling;
    tombola_input input;
    float *values; /* NULL as long as neither list was given */
    size_t count;
    char **labels;
    size_t label_count;
    uint64_t draws;
    int json;
} options;

static void read_values(options *options, const char *name, char *text, tombola_input input, struct argp_state *state)
{
    if (options->values)
        argp_error(state, "takes one of --probabilities and --logits, once");
    char **list = tool_list_split(text, &options->count);
    options->values = list ? calloc(options->count, sizeof *options->values) : NULL;
    if (!options->values)
        argp_failure(state, TOOL_FAILURE, 0, "out of memory");
    if (options->count > TOMBOLA_MAX_CANDIDATES)
        argp_error(state, "%s: at most %u values, not %zu", name, TOMBOLA_MAX_CANDIDATES, options->count);
    options->input = input;
    for (size_t i = 0; i < options->count; i++) {
        if (input == TOMBOLA_LOGITS && tool_float_read(list[i], -INFINITY, FLT_MAX, &options->values[i]))
            argp_error(state, "%s: '%s' is not a number or -inf", name, list[i]);
        if (input == TOMBOLA_PROBABILITIES && tool_float_read(list[i], 0, FLT_MAX, &options->values[i]))
            argp_error(state, "%s: '%s' is not a number of 0 or more", name, list[i]);
    }
    free(list);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->sampling;
        return 0;
    case PROBABILITIES:
        read_values(options, "--probabilities", text, TOMBOLA_PROBABILITIES, state);
        return 0;
    case LOGITS:
        read_values(options, "--logits", text, TOMBOLA_LOGITS, state);
        return 0;
    case LABELS:
        free(options->labels);
        if (!(options->labels = tool_list_split(text, &options->label_count)))
            argp_failure(state, TOOL_FAILURE, 0, "out of memory");
        return 0;
    case DRAWS:
        if (tool_integer_read(text, 1000000000, &options->draws))
            argp_error(state, "--draws: '%s' is not a whole number from 0 to 1000000000", text);
        return 0;
    case JSON:
        options->json = 1;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "takes no argument, but got '%s'", text);
        return 0;
    case ARGP_KEY_END:
        if (!options->values)
            argp_error(state, "which distribution? Give --probabilities or --logits");
        if (options->labels && options->label_count != options->count)
            argp_error(state, "--labels: %zu labels for %zu tokens", options->label_count, options->count);
        needs_settle(&options->sampling, TOMBOLA_NEEDS_LOGITS, 0, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int tool_show(int argc, char **argv)
{
    const struct argp_child children[] = {{tool_sampling_argp(), 0, "Sampling:", 1}, {0}};
    const struct argp argp = {.options = OPTIONS, .parser = parse, .doc = DOC, .children = children};
    options options = {.sampling = tool_sampling_default(TOOL_MAX_TEMPERATURES)};
    if (tool_parse(&argp, argc, argv, &options))
        return TOOL_FAILURE;
    if (options.sampling.temperature_count == 0)
        options.sampling.temperatures[options.sampling.temperature_count++] = 1;

    figures figures = {
        .tokens = options.count,
        .columns = options.sampling.temperature_count,
        .temperatures = options.sampling.temperatures,
        .labels = options.labels,
        .draws = options.draws,
    };
    int failed = figures_compute(&figures, &options.sampling, options.values, options.input);
    if (!failed && options.json)
        failed = figures_print_json(&figures);
    else if (!failed)
        figures_print(&figures);
    figures_release(&figures);
    free(options.values);
    free(options.labels);
    config_release(&options.sampling.config);
    return failed ? TOOL_FAILURE : 0;
}
