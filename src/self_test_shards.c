#include "self_test_shards.h"

#include "error.h"
#include "self_test_results.h"
#include "shard.h"

#include <stdlib.h>
#include <string.h>

#define SHARDS 3 /* the second one without columns */
#define WAY "on shards"
#define MOST_ROUNDS 100 /* these rows take some 30 */

/* A batch on all shards. */
struct spread {
    size_t vocabulary, cuts[SHARDS + 1];
    tombola_params params[ROWS];
    tombola_rows rows; /* whole */
    tombola_shard *shards[SHARDS];
    char *messages;
    size_t room; /* bytes of a message */
};

static void close_shards(struct spread *s)
{
    for (int i = 0; i < SHARDS; i++)
        tombola_shard_release(s->shards[i]);
    free(s->messages);
}

static tombola_status open_shards(tombola_context *context, cl_program program, const tombola_sampler_options *options,
                                  int is_long, void *values, struct spread *s, tombola_error *error)
{
    const size_t count = is_long ? LONG_ROWS : ROWS, vocabulary = is_long ? LONG_VOCABULARY : VOCABULARY,
                 cut = vocabulary / 2 / BLOCK * BLOCK + BLOCK;
    tombola_status status = TOMBOLA_OK;
    *s = (struct spread){.vocabulary = vocabulary, .cuts = {0, cut, cut, vocabulary}, .rows = tombola_rows_default()};
    (is_long ? self_test_fill_long : self_test_fill_short)(values, s->params, options->type, options->input);
    s->rows.count = count;
    s->rows.logits.host = values;
    s->rows.stride = STRIDE(vocabulary);
    s->rows.params = s->params;
    for (int i = 0; i < SHARDS && !status; i++) {
        struct plan plan;
        status = plan_make_shard(context, vocabulary, s->cuts[i], s->cuts[i + 1], count, options, &plan, error);
        if (!status)
            status = shard_create_from(context, program, &plan, &s->shards[i], error);
    }
    return status;
}

/* Room for the messages of any round of the call under way. */
static tombola_status reserve(struct spread *s, tombola_error *error)
{
    tombola_shard_call call = {.struct_size = sizeof call};
    tombola_shard_last_call(s->shards[0], &call);
    free(s->messages);
    s->room = call.most;
    s->messages = malloc(SHARDS * s->room);
    return s->messages ? TOMBOLA_OK : fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for the self-test");
}

/* Messages of a device that fails may be anything. */
static tombola_status run_round(struct spread *s, int *is_done, tombola_error *error)
{
    tombola_status status = TOMBOLA_OK;
    tombola_error words = tombola_error_default();
    size_t size;
    for (int i = 0; i < SHARDS && !status; i++)
        status = tombola_shard_partial(s->shards[i], s->messages + (size_t)i * s->room, s->room, &size, &words);
    for (int i = 0; i < SHARDS && !status; i++)
        status = tombola_shard_merge(s->shards[i], s->messages, s->room, SHARDS, is_done, &words);
    return status == TOMBOLA_INVALID_ARGUMENT ? fail(error, TOMBOLA_SELF_TEST_FAILED,
                                                     "the device fails the known answers (" WAY "): %s", words.message)
           : status                           ? fail(error, status, "%s", words.message)
                                              : TOMBOLA_OK;
}

/* results: of each shard */
static tombola_status run(struct spread *s, const tombola_results *results, tombola_error *error)
{
    tombola_status status = TOMBOLA_OK;
    int is_done = 0;
    for (int i = 0; i < SHARDS && !status; i++) {
        tombola_rows rows = s->rows;
        rows.logits.host = (const char *)rows.logits.host +
                           s->cuts[i] * tombola_type_size(s->shards[i]->sampler->engine.plan.options.type);
        status = tombola_shard_begin(s->shards[i], &rows, &results[i], error);
    }
    if (!status)
        status = reserve(s, error);
    for (int round = 0; round < MOST_ROUNDS && !status && !is_done; round++)
        status = run_round(s, &is_done, error);
    return status || is_done
               ? status
               : fail(error, TOMBOLA_SELF_TEST_FAILED, "the device fails the known answers (" WAY "): it finds no end");
}

/* ------------------------------------------------------------------ short rows */

/* What there is for each token goes to the first one's arrays. */
static void place_outputs(struct answers *first, size_t column, tombola_results *results)
{
    results->probability_stride = VOCABULARY;
    results->probabilities.host = first->probabilities + column;
    results->log_probabilities.host = first->log_probabilities + column;
    results->kept_probabilities.host = first->kept_probabilities + column;
    results->processed_logits.host = first->processed_logits + column;
}

/* Puts together what each has listed of its own columns: the first one's lists become those of whole rows. */
static void gather_kept(struct answers *got)
{
    int32_t tokens[KEPT_ROOM];
    uint64_t ends[ROWS], end = 0;
    for (int row = 0; row < ROWS; row++) {
        for (int i = 0; i < SHARDS; i++)
            for (uint64_t at = row ? got[i].kept_ends[row - 1] : 0; at < got[i].kept_ends[row]; at++, end++)
                if (end < KEPT_ROOM && at < KEPT_ROOM)
                    tokens[end] = got[i].kept_tokens[at];
        ends[row] = end;
    }
    memcpy(got->kept_ends, ends, sizeof ends);
    memcpy(got->kept_tokens, tokens, (end < KEPT_ROOM ? end : KEPT_ROOM) * sizeof *tokens);
}

static tombola_status run_short(struct spread *s, tombola_input input, unsigned kernels, struct answers *got,
                                tombola_error *error)
{
    tombola_results results[SHARDS];
    const unsigned asked = kernels & KERNEL_BIT(KERNEL_SHARD_LAST) ? KERNELS_OF_ROWS : 0;
    for (int i = 0; i < SHARDS; i++) {
        results[i] = self_test_reports(&got[i], input, asked, &s->rows);
        if (asked)
            place_outputs(got, s->cuts[i], &results[i]);
    }
    tombola_status status = run(s, results, error);
    if (status)
        return status;
    if (asked)
        gather_kept(got);
    return self_test_compare(got, input, asked, WAY, error);
}

/* ------------------------------------------------------------------ long rows */

static tombola_status run_long(struct spread *s, tombola_input input, struct answers *got, tombola_error *error)
{
    tombola_results results[SHARDS];
    tombola_status status = TOMBOLA_OK;
    const enum long_rows last = input == TOMBOLA_LOGITS ? LONG_ROWS_PENALISED : LONG_ROWS_CONSTRAINED;
    for (int i = 0; i < SHARDS; i++)
        results[i] = self_test_draws(&got[i]);
    for (enum long_rows rows = LONG_ROWS_PLAIN; rows <= last && !status; rows++) {
        if (rows == LONG_ROWS_CONSTRAINED)
            self_test_constrain(&got->constraints, &s->rows, input);
        if (rows == LONG_ROWS_PENALISED)
            self_test_penalise(&got->past, s->params, &s->rows);
        status = run(s, results, error);
        for (int i = 0; i < SHARDS && !status; i++)
            status = self_test_compare_long(&got[i], input, rows, WAY, error);
    }
    return status;
}

tombola_status self_test_run_shards(tombola_context *context, cl_program program, tombola_type type,
                                    tombola_input input, unsigned kernels, tombola_error *error)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = type;
    options.input = input;
    options.in_flight = 1;
    tombola_status status = TOMBOLA_OK;
    void *values = malloc((size_t)LONG_ROWS * STRIDE(LONG_VOCABULARY) * sizeof(float)); /* the larger of the two */
    struct answers *got = malloc(SHARDS * sizeof *got);
    if (!values || !got)
        status = fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for the self-test");
    const int last = (kernels & KERNEL_BIT(KERNEL_SHARD)) != 0;
    for (int is_long = 0; is_long <= last && !status; is_long++) {
        struct spread s;
        status = open_shards(context, program, &options, is_long, values, &s, error);
        if (!status)
            status = is_long ? run_long(&s, input, got, error) : run_short(&s, input, kernels, got, error);
        close_shards(&s);
    }
    free(got);
    free(values);
    return status;
}
