/* The autoregressive loop: continuous batching over the caller's model. */
#include "tombola.h"

#include "adapt.h"
#include "error.h"
#include "live.h"
#include "process.h"
#include "processors.h"
#include "sampler.h"
#include "sequence_check.h"
#include "sequence_name.h"
#include "sized.h"

const char *tombola_finish_string(tombola_finish finish)
{
    switch (finish) {
    case TOMBOLA_FINISH_NONE:
        return "not finished";
    case TOMBOLA_FINISH_END_TOKEN:
        return "end token";
    case TOMBOLA_FINISH_LIMIT:
        return "limit";
    case TOMBOLA_FINISH_STOPPED:
        return "stopped";
    case TOMBOLA_FINISH_INVALID_ROW:
        return "invalid row";
    case TOMBOLA_FINISH_EMPTY_ROW:
        return "empty row";
    }
    return "unknown";
}

static tombola_status check_arguments(const tombola_sampler *sampler, const tombola_sequence *sequences, size_t count,
                                      const tombola_model *theirs, tombola_model *model, tombola_error *error)
{
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!sequences)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sequences is NULL");
    if (count == 0)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "count is 0, must be at least 1");
    if (!theirs)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "model is NULL");
    *model = tombola_model_default();
    tombola_status status = sized_read("model", "tombola_model_default", model, sizeof *model, theirs, error);
    if (status != TOMBOLA_OK)
        return status;
    if (model->reserved)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "model.reserved is %lu, not 0", (unsigned long)model->reserved);
    if (!model->forward)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "model.forward is NULL");
    const uint32_t size = sized_size(sequences);
    for (size_t i = 0; i < count && status == TOMBOLA_OK; i++)
        status = sequence_check((const tombola_sequence *)((const char *)sequences + i * size), i, size,
                                sampler->engine.plan.vocabulary, error);
    return status;
}

/* The live rows, with what is ours to set. */
static tombola_rows own_rows(const struct live *live)
{
    tombola_rows rows = tombola_rows_default();
    rows.count = live->rows;
    rows.logits.host = live->logits;
    rows.params = live->params;
    return rows;
}

static tombola_status ask_model(const struct live *live, tombola_rows *batch, tombola_error *error)
{
    *batch = own_rows(live);
    const tombola_step step = {
        .struct_size = sizeof step,
        .sequences = live->sequences,
        .rows = live->rows,
        .live = live->indices,
        .cache_rows = live->cache_rows,
        .logits = live->logits,
        .stride = live->sampler->engine.plan.vocabulary,
        .batch = batch,
    };
    int answer = live->model.forward(live->model.user, &step);
    if (answer == 0)
        return TOMBOLA_OK;
    return fail(error, TOMBOLA_MODEL_FAILED, "the model returned %d for %zu rows, the first for sequences[%zu]", answer,
                live->rows, live->indices[0]);
}

/* Gives rows the pasts of their sequences, where the parameters of any need them, forced tokens or banned words do. */
static tombola_status add_pasts(struct live *live, tombola_rows *rows, tombola_error *error)
{
    int is_needed = 0;
    tombola_status status = TOMBOLA_OK;
    live->pasts.rows = 0;
    for (size_t row = 0; row < live->rows && !status; row++) {
        const tombola_sequence sequence = live_sequence(live, live->indices[row]);
        const int needs = rows->banned_ends || sequence.forced_count > 0 || processors_need_history(&live->params[row]);
        status = pasts_add(&live->pasts, needs ? &sequence : NULL, needs ? live->prompts[row] : 0, error);
        is_needed |= needs;
    }
    if (is_needed)
        pasts_hand(&live->pasts, rows);
    return status;
}

/* That sequences have what their parameters need: all, before any is drawn, or those that are live. */
static tombola_status check_needs(const struct live *live, int is_of_live, const tombola_rows *batch,
                                  tombola_error *error)
{
    tombola_status status = TOMBOLA_OK;
    for (size_t i = 0; i < (is_of_live ? live->rows : live->count) && !status; i++) {
        const size_t index = is_of_live ? live->indices[i] : i;
        status =
            sequence_check_needs(live_sequence(live, index).params, index, &live->sampler->engine.plan, batch, error);
    }
    return status;
}

/* The columns that live sequences want. */
static tombola_results wanted_of(const struct live *live)
{
    tombola_results results = tombola_results_default();
    results.tokens.host = live->tokens;
    results.status.host = live->status;
    for (size_t row = 0; row < live->rows; row++) {
        const tombola_sequence sequence = live_sequence(live, live->indices[row]);
        if (adapt_is_on(&live->params[row]))
            results.observed.host = live->observed;
        if (sequence.logprobs)
            results.logprobs.host = live->logprobs;
        if (sequence.raw_logprobs)
            results.raw_logprobs.host = live->raw_logprobs;
    }
    return results;
}

/* The live rows, with what the model may set as it is in `batch`. */
static tombola_rows rows_set_by_model(const struct live *live, const tombola_rows *batch)
{
    tombola_rows rows = own_rows(live);
    rows.logits = batch->logits;
    rows.stride = batch->stride;
    rows.indices = batch->indices;
    rows.masks = batch->masks;
    rows.mask_stride = batch->mask_stride;
    rows.mask_count = batch->mask_count;
    rows.mask_of_row = batch->mask_of_row;
    rows.biases = batch->biases;
    rows.bias_ends = batch->bias_ends;
    rows.words = batch->words;
    rows.word_ends = batch->word_ends;
    rows.banned_ends = batch->banned_ends;
    rows.breakers = batch->breakers;
    rows.breaker_ends = batch->breaker_ends;
    rows.breaker_row_ends = batch->breaker_row_ends;
    rows.thinking_start = batch->thinking_start;
    rows.thinking_start_count = batch->thinking_start_count;
    rows.thinking_end = batch->thinking_end;
    rows.thinking_end_count = batch->thinking_end_count;
    return rows;
}

static tombola_status draw(struct live *live, const tombola_rows *batch, tombola_error *error)
{
    tombola_rows rows = rows_set_by_model(live, batch);
    tombola_status status = add_pasts(live, &rows, error);
    if (status)
        return status;
    const tombola_results results = wanted_of(live);
    status = tombola_sampler_sample(live->sampler, &rows, &results, error);
    if (status == TOMBOLA_INVALID_ARGUMENT && !check_needs(live, 1, batch, error))
        sequence_name(live->sampler, &rows, &results, live->indices, error);
    return status;
}

tombola_status tombola_sampler_generate(tombola_sampler *sampler, tombola_sequence *sequences, size_t count,
                                        const tombola_model *model, tombola_token_callback on_token, void *token_user,
                                        tombola_error *error)
{
    struct live live = {.sampler = sampler, .sequences = sequences, .count = count};
    tombola_status status = check_arguments(sampler, sequences, count, model, &live.model, error);
    if (status != TOMBOLA_OK)
        return status;
    status = sampler_check_room(sampler, error); /* before the model begins anything */
    if (status != TOMBOLA_OK)
        return status;
    live.sequence_size = sized_size(sequences);
    status = check_needs(&live, 0, NULL, error);
    if (status != TOMBOLA_OK)
        return status;

    int is_first = 1;
    status = live_begin(&live, error);
    while (status == TOMBOLA_OK) {
        status = live_refill(&live, error);
        if (status != TOMBOLA_OK || live.rows == 0)
            break;
        tombola_rows batch;
        status = ask_model(&live, &batch, error);
        if (status == TOMBOLA_OK && is_first)
            status = check_needs(&live, 0, &batch, error);
        is_first = 0;
        if (status == TOMBOLA_OK)
            status = draw(&live, &batch, error);
        if (status == TOMBOLA_OK && !live_deliver(&live, on_token, token_user))
            break;
    }
    live_end(&live);
    return status;
}
