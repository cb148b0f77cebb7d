#include "sample_options.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "needs.h"
#include "output_file.h"

static const char DOC[] =
    "Draws a token for each row of the array of logits in LOGITS.npy, or in standard input for -."
    "\v"
    "The array has 2 dimensions, rows x vocabulary (one with a single dimension is one row), of float32, float16 or "
    "bfloat16, or of float64 whose values are all float32 too.\n\n"
    "The temperature is 1 unless given. Row i draws from stream i (plus --stream; with --samples N from N streams, the "
    "first i * N), so that equal rows differ. The CSV file of --params has a header that names any of the parameters, "
    "as top_p for --top-p, then a line for each row; what it gives counts in place of the options. With a column of "
    "seeds and none of streams all rows have the same stream (0, or --stream), so that a row draws the same wherever "
    "it stands in the file.\n\n"
    "A row that holds NaN or +inf is invalid, one of only -inf is empty: no token is drawn from it.\n\n"
    "`mpirun -n 4 tombola sample LOGITS.npy --output TOKENS.npy' draws on four ranks. Those of one machine take its "
    "GPUs in turn, or the devices that --device lists with commas between, or with --device all every one; more ranks "
    "than devices share them. Ranks on a CPU share its cores.";

enum { PROBABILITIES = 0x100, PARAMS, BOUNDARY, COLUMNS, JSON };

static const struct argp_option OPTIONS[] = {
    {"probabilities", PROBABILITIES, 0, 0, "The rows are probabilities, not logits; they need not sum to 1", 0},
    {"params", PARAMS, "FILE.csv", 0, "Parameters for each row", 0},
    {"boundary", BOUNDARY, 0, 0,
     "Tell the last token that passed the filters too, in the order from the most likely on, and its logit", 0},
    {"columns", COLUMNS, "LIST", 0,
     "Tell more of each token, any of " TOLD_NAMES
     ": the logarithm of its probability among what passed the filters, and in the row as given at temperature 1; its "
     "place among all tokens, 1 the most likely; how clearly its race was won; the entropy, in nats, of what it was "
     "drawn from; and what mirostat and adaptive-p go on from, the first of these before adaptive-p",
     0},
    {"json", JSON, 0, 0, "An object a line in place of the table", 0},
    {0},
};

/* What the file of --config says of tokens, below what options say. 0, or -1 without memory. */
static int take_tokens(sample_options *options)
{
    const config *config = &options->sampling.config;
    histories *histories = &options->histories;
    for (size_t i = 0; i < config->bias_count; i++)
        if (constraints_add(&options->constraints, config->biases[i].bias))
            return -1;
    if (config->words.count > 0)
        options->sequences.banned.given = &config->words;
    if (options->reports.samples == 0)
        options->reports.samples = config->samples;
    if (histories->end_token_count > 0 || config->end_count == 0)
        return 0;
    histories->end_tokens = calloc(config->end_count, sizeof *histories->end_tokens);
    if (!histories->end_tokens)
        return -1;
    for (size_t i = 0; i < config->end_count; i++)
        histories->end_tokens[i] = config->ends[i].token;
    histories->end_token_count = config->end_count;
    options->has_config_ends = 1;
    return 0;
}

uint32_t sample_options_supply(const sample_options *options)
{
    const sequences *s = &options->sequences;
    return (options->probabilities ? 0 : TOMBOLA_NEEDS_LOGITS) | (options->histories.path ? TOMBOLA_NEEDS_HISTORY : 0) |
           (options->histories.end_token_count ? TOMBOLA_NEEDS_END_TOKENS : 0) |
           (s->forced_path ? TOMBOLA_NEEDS_FORCED : 0) | (s->start_count && s->end_count ? TOMBOLA_NEEDS_THINKING : 0);
}

sample_files sample_options_files(const sample_options *options)
{
    const sequences *s = &options->sequences;
    const reports *r = &options->reports;
    return (sample_files){.inputs = {{"--params", options->params, 0},
                                     {"--mask", options->constraints.mask_path, 1},
                                     {"--bias-file", options->constraints.bias_path, 0},
                                     {"--histories", options->histories.path, 0},
                                     {"--banned-words", s->banned.path, 0},
                                     {"--dry-breakers", s->breakers.path, 0},
                                     {"--forced", s->forced_path, 0},
                                     {"--score", r->score_path, 0},
                                     {"--config", options->sampling.config_path, 0}},
                          .reports = {{"--kept-ids", r->kept_ids_path, 0},
                                      {"--kept-probabilities", r->probabilities_path, 0},
                                      {"--processed-logits", r->logits_path, 0}}};
}

const char *option_file_path(const option_file *input)
{
    return input->path && input->may_be_standard && strcmp(input->path, "-") == 0 ? "/dev/stdin" : input->path;
}

enum { OUTPUTS = 1 + SAMPLE_REPORTS };

/* before  its name, in messages */
static void check_input(const option_file *input, const char *before, const option_file outputs[OUTPUTS],
                        struct argp_state *state)
{
    for (size_t i = 0; i < OUTPUTS; i++)
        if (output_file_is_same(outputs[i].path, option_file_path(input)))
            argp_error(state, "%s %s: would overwrite %s%s", outputs[i].option, outputs[i].path, before, input->option);
}

/* What is written is no other output, and nothing that is read. */
static void check_files(const sample_options *options, struct argp_state *state)
{
    const sample_files files = sample_options_files(options);
    const option_file array = {"the array", options->logits, 1};
    option_file outputs[OUTPUTS] = {{"--output", options->job.output, 0}};
    memcpy(outputs + 1, files.reports, sizeof files.reports);
    for (size_t i = 0; i < OUTPUTS; i++)
        for (size_t j = i + 1; j < OUTPUTS; j++)
            if (output_file_is_same(outputs[i].path, outputs[j].path))
                argp_error(state, "%s and %s: both write %s", outputs[i].option, outputs[j].option, outputs[j].path);
    check_input(&array, "", outputs, state);
    for (size_t i = 0; i < SAMPLE_INPUTS; i++)
        check_input(&files.inputs[i], "the file of ", outputs, state);
}

/* What an array of tokens has no place for. */
static void check_array(const sample_options *options, struct argp_state *state)
{
    const struct {
        int is_given;
        const char *name;
    } others[] = {{options->format == SAMPLE_JSON, "--json"},
                  {options->boundary, "--boundary"},
                  {options->told.count > 0, "--columns"},
                  {options->reports.score_path != NULL, "--score"},
                  {options->reports.top_logprobs > 0, "--top-logprobs"}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i].is_given)
            argp_error(state, "%s: an array of tokens, %s, has no place for it; write to a .jsonl file", others[i].name,
                       options->job.output);
}

static void settle_format(sample_options *options, struct argp_state *state)
{
    if (job_output_is_array(&options->job)) {
        check_array(options, state);
        options->format = SAMPLE_ARRAY;
    } else if (options->job.output) {
        options->format = SAMPLE_JSON;
    }
    if (options->reports.score_path && options->format != SAMPLE_JSON)
        argp_error(state, "--score: tells its numbers with --json alone");
    if (options->reports.top_logprobs && options->format != SAMPLE_JSON)
        argp_error(state, "--top-logprobs: tells its tokens with --json alone");
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    sample_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->wish;
        state->child_inputs[1] = &options->constraints;
        state->child_inputs[2] = &options->histories;
        state->child_inputs[3] = &options->sequences;
        state->child_inputs[4] = &options->reports;
        state->child_inputs[5] = &options->job;
        state->child_inputs[6] = &options->sampling;
        return 0;
    case PROBABILITIES:
        options->probabilities = 1;
        return 0;
    case PARAMS:
        options->params = text;
        return 0;
    case BOUNDARY:
        options->boundary = 1;
        return 0;
    case COLUMNS: {
        const char *wrong = told_read(&options->told, text);
        if (wrong)
            argp_error(state, "--columns: '%s' is none of %s, or comes twice", wrong, TOLD_NAMES);
        return 0;
    }
    case JSON:
        options->format = SAMPLE_JSON;
        return 0;
    case ARGP_KEY_ARG:
        if (options->logits)
            argp_error(state, "takes one file, but got '%s' and '%s'", options->logits, text);
        options->logits = text;
        return 0;
    case ARGP_KEY_END:
        if (take_tokens(options))
            argp_failure(state, TOOL_FAILURE, 0, "out of memory");
        needs_settle(&options->sampling, sample_options_supply(options), 1, state);
        if (options->probabilities && (options->constraints.option_count || options->constraints.bias_path))
            argp_error(state, "--probabilities: biases are for logits; --mask is for both");
        if (options->reports.samples > 1 && options->sampling.params.watermark > 0)
            warnx("--samples %u: with a watermark all samples of a row are the same", options->reports.samples);
        settle_format(options, state);
        check_files(options, state);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which file? Name a .npy file, or - for standard input");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int sample_options_parse(int argc, char **argv, sample_options *options)
{
    const struct argp_child children[] = {
        {&npy_argp, 0, "The array:", 1},           {&constraints_argp, 0, "Tokens:", 2},
        {&histories_argp, 0, "Histories:", 3},     {&sequences_argp, 0, "Token sequences:", 4},
        {&reports_argp, 0, "Results:", 5},         {&job_argp, 0, "Large files:", 6},
        {tool_sampling_argp(), 0, "Sampling:", 7}, {0}};
    const struct argp argp = {
        .options = OPTIONS, .parser = parse, .args_doc = "LOGITS.npy", .doc = DOC, .children = children};
    *options = (sample_options){.sampling = tool_sampling_default(1)};
    options->sampling.takes_tokens = 1;
    return tool_parse(&argp, argc, argv, options);
}

void sample_options_release(sample_options *options)
{
    constraints_release(&options->constraints);
    histories_release(&options->histories);
    sequences_release(&options->sequences);
    config_release(&options->sampling.config);
}
