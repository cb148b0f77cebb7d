#include "tool.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "constraints.h"
#include "history_file.h"
#include "needs.h"
#include "npy.h"
#include "params_csv.h"
#include "reports.h"
#include "sequences.h"
#include "told.h"

/* Rows go to the device in batches of about this many bytes, so that it need not hold a
 * large file as a whole. */
#define BATCH_BYTES ((size_t)64 << 20)

static const char DOC[] =
    "Draws a token for each row of the array of logits in LOGITS.npy, or in standard input for -."
    "\v"
    "The array has 2 dimensions, rows x vocabulary (one with a single dimension is one row), of float32, float16 or "
    "bfloat16, or of float64 whose values are all float32 too.\n\n"
    "The temperature is 1 unless given. Row i draws from stream i (plus --stream; with --samples N from N streams, the "
    "first i * N), so that equal rows differ. The CSV "
    "file of --params "
    "has a header that names any of the "
    "parameters, as top_p for --top-p, then a line for each row; what it gives counts in "
    "place of the options. With a column of seeds and none of streams all rows have the same stream (0, or --stream), "
    "so that a row draws the "
    "same wherever it stands in the file.\n\n"
    "A row that holds NaN or +inf is invalid, one of only -inf is empty: no token is drawn from it.";

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

typedef struct options {
    tool_sampling sampling;
    const char *logits;
    const char *params;
    npy_wish wish;
    constraints constraints;
    histories histories;
    int has_config_ends; /* the end tokens are those of the file of --config */
    sequences sequences;
    int probabilities;
    int boundary;
    told told;
    reports reports;
    int json;
} options;

/* What the file of --config says of tokens, below what options say. 0, or -1 without memory. */
static int take_tokens(options *options)
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

/* What there is for parameters that need something. */
static uint32_t supply_of(const options *options)
{
    const sequences *s = &options->sequences;
    return (options->probabilities ? 0 : TOMBOLA_NEEDS_LOGITS) | (options->histories.path ? TOMBOLA_NEEDS_HISTORY : 0) |
           (options->histories.end_token_count ? TOMBOLA_NEEDS_END_TOKENS : 0) |
           (s->forced_path ? TOMBOLA_NEEDS_FORCED : 0) | (s->start_count && s->end_count ? TOMBOLA_NEEDS_THINKING : 0);
}

/* An array's file; where it is standard input, a name that tells which file that is, if it is one. */
static const char *file_of(const char *array)
{
    return array && strcmp(array, "-") == 0 ? "/dev/stdin" : array;
}

/* What is read may not be written too. */
static void check_inputs(const options *options, struct argp_state *state)
{
    const sequences *s = &options->sequences;
    const report_input inputs[] = {
        {"the array", file_of(options->logits)},
        {"the file of --params", options->params},
        {"the file of --mask", file_of(options->constraints.mask_path)},
        {"the file of --bias-file", options->constraints.bias_path},
        {"the file of --histories", options->histories.path},
        {"the file of --banned-words", s->banned.path},
        {"the file of --dry-breakers", s->breakers.path},
        {"the file of --forced", s->forced_path},
        {"the file of --score", options->reports.score_path},
        {"the file of --config", options->sampling.config_path},
    };
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        reports_expect_apart(&options->reports, &inputs[i], state);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->wish;
        state->child_inputs[1] = &options->constraints;
        state->child_inputs[2] = &options->histories;
        state->child_inputs[3] = &options->sequences;
        state->child_inputs[4] = &options->reports;
        state->child_inputs[5] = &options->sampling;
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
        options->json = 1;
        return 0;
    case ARGP_KEY_ARG:
        if (options->logits)
            argp_error(state, "takes one file, but got '%s' and '%s'", options->logits, text);
        options->logits = text;
        return 0;
    case ARGP_KEY_END:
        if (take_tokens(options))
            argp_failure(state, TOOL_FAILURE, 0, "out of memory");
        needs_settle(&options->sampling, supply_of(options), 1, state);
        if (options->probabilities && (options->constraints.option_count || options->constraints.bias_path))
            argp_error(state, "--probabilities: biases are for logits; --mask is for both");
        if (options->reports.samples > 1 && options->sampling.params.watermark > 0)
            warnx("--samples %u: with a watermark all samples of a row are the same", options->reports.samples);
        if (options->reports.score_path && !options->json)
            argp_error(state, "--score: tells its numbers with --json alone");
        if (options->reports.top_logprobs && !options->json)
            argp_error(state, "--top-logprobs: tells its tokens with --json alone");
        check_inputs(options, state);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which file? Name a .npy file, or - for standard input");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int width_of(size_t number)
{
    int width = 1;
    while (number /= 10)
        width++;
    return width;
}

/* A token; or those of several samples. */
static json_t *tokens_of(const tombola_results *results, size_t i)
{
    const size_t samples = told_samples(results);
    const int32_t *tokens = results->tokens.host + i * samples;
    if (samples == 1)
        return json_integer(tokens[0]);
    json_t *list = json_array();
    for (size_t sample = 0; list && sample < samples; sample++)
        if (json_array_append_new(list, json_integer(tokens[sample]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static int add_boundary(const tombola_results *results, size_t i, json_t *object)
{
    if (!results->boundary.host)
        return 0;
    const tombola_boundary last = results->boundary.host[i];
    return json_object_set_new(
        object, "boundary",
        last.token < 0 ? json_null() : json_pack("{s:i, s:f}", "token", last.token, "logit", (double)last.logit));
}

static int print_json(size_t row, const options *options, const tombola_rows *rows, const tombola_results *results,
                      size_t i)
{
    json_t *object = json_pack("{s:I, s:o, s:s, s:I}", "row", (json_int_t)row, "token", tokens_of(results, i), "status",
                               tombola_row_status_string((tombola_row_status)results->status.host[i]), "kept",
                               (json_int_t)results->kept.host[i]);
    if (object && (add_boundary(results, i, object) || told_add(&options->told, results, i, object) ||
                   reports_add(&options->reports, rows, results, i, object))) {
        json_decref(object);
        object = NULL;
    }
    return tool_json_print(stdout, object);
}

/* The columns of a table, wide enough for any row and token of this array. */
typedef struct layout {
    int row, token;
} layout;

static layout layout_of(const npy *array)
{
    layout layout = {width_of(array->rows - 1), width_of(array->vocabulary)};
    layout.row = layout.row < 3 ? 3 : layout.row;
    layout.token = layout.token < 5 ? 5 : layout.token;
    return layout;
}

static void print_head(layout layout, const options *options)
{
    printf("%*s  %*s  %-7s  %*s", layout.row, "row", layout.token, "token", "status", layout.token, "kept");
    told_print_head(&options->told);
    puts(options->boundary ? "  boundary  logit" : "");
}

static void print_line(layout layout, size_t row, const tombola_results *results, const told *told, size_t i,
                       size_t sample)
{
    const int32_t token = results->tokens.host[i * told_samples(results) + sample];
    printf("%*zu  %*d  %-7s  %*u", layout.row, row, layout.token, token,
           tombola_row_status_string((tombola_row_status)results->status.host[i]), layout.token, results->kept.host[i]);
    told_print(told, results, i, sample);
    if (results->boundary.host)
        printf("  %8d  %.9g", results->boundary.host[i].token, (double)results->boundary.host[i].logit);
    putchar('\n');
}

static int draw_batches(tombola_sampler *sampler, const npy *array, size_t batch, const tombola_params *params,
                        tombola_results *results, options *options)
{
    layout layout = layout_of(array);
    size_t row_bytes = array->columns * tombola_type_size(array->type);
    for (size_t first = 0; first < array->rows; first += batch) {
        tombola_rows rows = tombola_rows_default();
        rows.count = array->rows - first < batch ? array->rows - first : batch;
        rows.logits.host = (const char *)array->data + first * row_bytes;
        rows.stride = array->columns;
        rows.params = params + first;
        constraints_apply(&options->constraints, first, &rows);
        histories_apply(&options->histories, first, &rows);
        sequences_apply(&options->sequences, first, &rows);
        reports_apply(&options->reports, first, &rows, results);
        tombola_error error = tombola_error_default();
        if (tombola_sampler_sample(sampler, &rows, results, &error)) {
            warnx("%s", error.message);
            return TOOL_FAILURE;
        }
        reports_take(&options->reports, rows.count, results);
        if (first == 0 && !options->json) /* not before the parameters have proved right */
            print_head(layout, options);
        for (size_t i = 0; i < rows.count; i++) {
            for (size_t sample = 0; !options->json && sample < told_samples(results); sample++)
                print_line(layout, first + i, results, &options->told, i, sample);
            if (options->json && print_json(first + i, options, &rows, results, i))
                return TOOL_FAILURE;
        }
        if (ferror(stdout))
            return TOOL_FAILURE;
    }
    return 0;
}

static tombola_params *make_params(const options *options, size_t rows)
{
    tombola_params *params = calloc(rows, sizeof *params);
    if (!params) {
        warnx("out of memory");
        return NULL;
    }
    for (size_t i = 0; i < rows; i++) {
        params[i] = options->sampling.params;
        params[i].stream += (uint32_t)i * (options->reports.samples ? options->reports.samples : 1);
    }
    if (options->params && (params_csv_read(options->params, rows, params) ||
                            needs_check(options->params, params, rows, supply_of(options)))) {
        free(params);
        return NULL;
    }
    return params;
}

static int draw_array(options *options, const npy *array)
{
    int status = TOOL_FAILURE;
    tombola_context *context = NULL;
    tombola_sampler *sampler = NULL;
    tombola_results results = tombola_results_default();
    tombola_error error = tombola_error_default();
    size_t batch = BATCH_BYTES / (array->columns * tombola_type_size(array->type));
    batch = batch < 1 ? 1 : batch > array->rows ? array->rows : batch;

    tombola_params *params = make_params(options, array->rows);
    if (!params || sequences_load(&options->sequences, array->rows, batch, array->vocabulary) ||
        reports_begin(&options->reports, array, batch, &results))
        goto done;
    if (!(results.tokens.host = calloc(batch * told_samples(&results), sizeof(int32_t))) ||
        !(results.status.host = calloc(batch, sizeof(int32_t))) ||
        !(results.kept.host = calloc(batch, sizeof(uint32_t))) ||
        (options->boundary && !(results.boundary.host = calloc(batch, sizeof(tombola_boundary)))) ||
        told_allocate(&options->told, &results, batch)) {
        warnx("out of memory");
        goto done;
    }
    if (!(context = tool_sampling_open(&options->sampling)))
        goto done;
    tombola_sampler_options sampler_options = tombola_sampler_options_default();
    sampler_options.type = array->type;
    sampler_options.input = options->probabilities ? TOMBOLA_PROBABILITIES : TOMBOLA_LOGITS;
    sampler_options.in_thread = TOMBOLA_IN_THREAD_OFF; /* to open it takes longer than it saves in a few calls */
    if (tombola_sampler_create(context, array->vocabulary, batch, &sampler_options, &sampler, &error)) {
        warnx("%s", error.message);
        goto done;
    }
    status = draw_batches(sampler, array, batch, params, &results, options);
    if (!status && reports_write(&options->reports))
        status = TOOL_FAILURE;
done:
    tombola_sampler_release(sampler);
    tombola_context_close(context);
    free(results.tokens.host);
    free(results.status.host);
    free(results.kept.host);
    free(results.boundary.host);
    told_release(&results);
    reports_release(&options->reports, &results);
    free(params);
    return status;
}

int tool_sample(int argc, char **argv)
{
    const struct argp_child children[] = {{&npy_argp, 0, "The array:", 1},
                                          {&constraints_argp, 0, "Tokens:", 2},
                                          {&histories_argp, 0, "Histories:", 3},
                                          {&sequences_argp, 0, "Token sequences:", 4},
                                          {&reports_argp, 0, "Results:", 5},
                                          {tool_sampling_argp(), 0, "Sampling:", 6},
                                          {0}};
    const struct argp argp = {
        .options = OPTIONS, .parser = parse, .args_doc = "LOGITS.npy", .doc = DOC, .children = children};
    options options = {.sampling = tool_sampling_default(1)};
    options.sampling.takes_tokens = 1;
    if (tool_parse(&argp, argc, argv, &options))
        return TOOL_FAILURE;

    npy array = {0};
    int status = TOOL_FAILURE;
    if (npy_read(options.logits, &options.wish, &array) == 0 &&
        config_check(options.sampling.config_path, &options.sampling.config, options.has_config_ends,
                     array.vocabulary) == 0 &&
        constraints_load(&options.constraints, array.rows, array.vocabulary) == 0 &&
        histories_load(&options.histories, array.rows, array.vocabulary) == 0)
        status = draw_array(&options, &array);
    free(array.data);
    constraints_release(&options.constraints);
    histories_release(&options.histories);
    sequences_release(&options.sequences);
    config_release(&options.sampling.config);
    return status;
}
