/* The autoregressive loop: continuous batching over the caller's model. */
#include "tombola.h"

#include <stdlib.h>

#include "adapt.h"
#include "error.h"
#include "params.h"
#include "pasts.h"
#include "process.h"
#include "processors.h"
#include "sampler.h"
#include "sequence_check.h"
#include "sequence_name.h"
#include "sized.h"

/* The sequences that are live, and a row of logits for each. */
struct round {
    tombola_sampler *sampler;
    tombola_model model;
    tombola_sequence *sequences; /* elements `sequence_size` apart */
    size_t sequence_size, count;
    void *logits;
    size_t capacity; /* rows */
    size_t rows;     /* live ones */
    /* of each row: */
    size_t *live;       /* its sequence, increasing */
    size_t *cache_rows; /* its row of the model's caches */
    size_t *left;       /* tokens that it may still draw */
    size_t *prompts;    /* tokens of its start context, but for those generated before */
    tombola_params *params;
    int32_t *tokens, *status;
    float *observed, *logprobs, *raw_logprobs;
    /* and of each row of the model's caches: */
    size_t *free_caches; /* those that no live sequence has; a stack */
    size_t free_count;
    struct pasts pasts;
};

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

static tombola_sequence *sequence_at(const struct round *round, size_t index)
{
    return (tombola_sequence *)((char *)round->sequences + index * round->sequence_size);
}

/* The same to be read, with the defaults for fields that its caller's struct lacks. It was checked before. */
static tombola_sequence read_sequence(const struct round *round, size_t index)
{
    tombola_sequence whole = tombola_sequence_default();
    sized_read("sequences", "tombola_sequence_default", &whole, sizeof whole, sequence_at(round, index), NULL);
    return whole;
}

static void free_round(struct round *round)
{
    free(round->logits);
    free(round->live);
    free(round->cache_rows);
    free(round->left);
    free(round->prompts);
    free(round->params);
    free(round->tokens);
    free(round->status);
    free(round->observed);
    free(round->logprobs);
    free(round->raw_logprobs);
    free(round->free_caches);
    pasts_free(&round->pasts);
}

/* On failure what was allocated is left for free_round. */
static tombola_status allocate_round(struct round *round, tombola_error *error)
{
    const struct plan *plan = &round->sampler->engine.plan;
    size_t capacity = plan->max_rows < round->count ? plan->max_rows : round->count;
    round->capacity = capacity;
    round->logits = calloc(capacity, plan->row_bytes);
    round->live = calloc(capacity, sizeof *round->live);
    round->cache_rows = calloc(capacity, sizeof *round->cache_rows);
    round->left = calloc(capacity, sizeof *round->left);
    round->prompts = calloc(capacity, sizeof *round->prompts);
    round->params = calloc(capacity, sizeof *round->params);
    round->tokens = calloc(capacity, sizeof *round->tokens);
    round->status = calloc(capacity, sizeof *round->status);
    round->observed = calloc(capacity, sizeof *round->observed);
    round->logprobs = calloc(capacity, sizeof *round->logprobs);
    round->raw_logprobs = calloc(capacity, sizeof *round->raw_logprobs);
    round->free_caches = calloc(capacity, sizeof *round->free_caches);
    if (!round->logits || !round->live || !round->cache_rows || !round->left || !round->prompts || !round->params ||
        !round->tokens || !round->status || !round->observed || !round->logprobs || !round->raw_logprobs ||
        !round->free_caches)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for %zu rows of %zu logits", capacity, plan->vocabulary);
    for (size_t cache = capacity; cache-- > 0;) /* 0 is taken first */
        round->free_caches[round->free_count++] = cache;
    return pasts_make(&round->pasts, capacity, error);
}

static int is_end_token(const tombola_sequence *sequence, int32_t token)
{
    for (size_t i = 0; i < sequence->end_token_count; i++) {
        if (sequence->end_tokens[i] == token)
            return 1;
    }
    return 0;
}

/* Appends what was drawn to its sequence and says in `finish` whether that ends it. */
static void append(tombola_sequence *sequence, tombola_params *params, int32_t token, int32_t status, size_t *left)
{
    if (status == TOMBOLA_ROW_INVALID) {
        sequence->finish = TOMBOLA_FINISH_INVALID_ROW;
        return;
    }
    if (status == TOMBOLA_ROW_EMPTY) {
        sequence->finish = TOMBOLA_FINISH_EMPTY_ROW;
        return;
    }
    sequence->tokens[sequence->length++] = token;
    if (params && sized_size(params) >= offsetof(tombola_params, offset) + sizeof params->offset)
        params->offset++; /* an older caller's struct has none */
    --*left;
    if (is_end_token(sequence, token))
        sequence->finish = TOMBOLA_FINISH_END_TOKEN;
    else if (*left == 0)
        sequence->finish = TOMBOLA_FINISH_LIMIT;
}

/* Tells the row's sequence what it wants to know of its token, before that is counted in `left`. */
static void tell(const struct round *round, size_t row, const tombola_sequence *sequence)
{
    const size_t place = sequence->max_new_tokens - round->left[row];
    if (round->status[row] != TOMBOLA_ROW_OK)
        return;
    if (sequence->logprobs)
        sequence->logprobs[place] = round->logprobs[row];
    if (sequence->raw_logprobs)
        sequence->raw_logprobs[place] = round->raw_logprobs[row];
}

/* What the row's sequence has learned from its token, for the next one and for its caller. */
static void learn(struct round *round, size_t row, tombola_params *theirs)
{
    tombola_params *own = &round->params[row];
    if (round->status[row] != TOMBOLA_ROW_OK || !adapt_is_on(own))
        return;
    adapt_next(own, round->observed[row]);
    if (theirs)
        adapt_hand(own, theirs);
}

/* The row's sequence is live no more. */
static void end_row(struct round *round, size_t row)
{
    if (round->model.end)
        round->model.end(round->model.user, round->sequences, round->live[row], round->cache_rows[row]);
    round->free_caches[round->free_count++] = round->cache_rows[row];
}

/* Gives the draws to their sequences and closes the gaps that finished ones leave.
 * Returns 0 once the callback has asked to stop all: later sequences then have not taken
 * their draw, nor advanced their offset, and would draw the same again. */
static int deliver(struct round *round, tombola_token_callback on_token, void *token_user)
{
    size_t rows = round->rows, kept = 0;
    int goes_on = 1;
    for (size_t row = 0; row < rows; row++) {
        size_t index = round->live[row];
        tombola_sequence *sequence = sequence_at(round, index);
        if (goes_on) {
            const tombola_sequence whole = read_sequence(round, index);
            tell(round, row, &whole);
            append(sequence, whole.params, round->tokens[row], round->status[row], &round->left[row]);
            round->params[row].offset++;
            learn(round, row, whole.params);
        }
        if (goes_on && on_token && round->status[row] == TOMBOLA_ROW_OK) {
            tombola_verdict verdict = on_token(token_user, round->sequences, index, round->tokens[row]);
            if (verdict != TOMBOLA_CONTINUE && sequence->finish == TOMBOLA_FINISH_NONE)
                sequence->finish = TOMBOLA_FINISH_STOPPED;
            goes_on = verdict != TOMBOLA_STOP_ALL;
        }
        if (sequence->finish != TOMBOLA_FINISH_NONE) {
            end_row(round, row);
            continue;
        }
        round->live[kept] = index;
        round->cache_rows[kept] = round->cache_rows[row];
        round->left[kept] = round->left[row];
        round->prompts[kept] = round->prompts[row];
        round->params[kept] = round->params[row];
        kept++;
    }
    round->rows = kept;
    return goes_on;
}

/* Waiting sequences take the free places. They come after all live ones, so the order stays. */
static tombola_status refill(struct round *round, size_t *waiting, tombola_error *error)
{
    for (; round->rows < round->capacity && *waiting < round->count; ++*waiting) {
        size_t row = round->rows, cache = round->free_caches[round->free_count - 1];
        tombola_params *params = &round->params[row];
        if (round->model.begin) {
            int answer = round->model.begin(round->model.user, round->sequences, *waiting, cache);
            if (answer != 0)
                return fail(error, TOMBOLA_MODEL_FAILED, "the model returned %d when sequences[%zu] began", answer,
                            *waiting);
        }
        const tombola_sequence sequence = read_sequence(round, *waiting);
        round->free_count--;
        *params = tombola_params_default();
        if (!sequence.params)
            params->stream = (uint32_t)*waiting;
        else /* checked before */
            sized_read("params", "tombola_params_default", params, sizeof *params, sequence.params, NULL);
        round->live[row] = *waiting;
        round->cache_rows[row] = cache;
        round->left[row] = sequence.max_new_tokens;
        round->prompts[row] = sequence.length - sequence.generated;
        round->rows++;
    }
    return TOMBOLA_OK;
}

static tombola_rows live_rows(const struct round *round)
{
    tombola_rows rows = tombola_rows_default();
    rows.count = round->rows;
    rows.logits.host = round->logits;
    rows.params = round->params;
    return rows;
}

static tombola_status ask_model(const struct round *round, tombola_rows *batch, tombola_error *error)
{
    *batch = live_rows(round);
    const tombola_step step = {
        .struct_size = sizeof step,
        .sequences = round->sequences,
        .rows = round->rows,
        .live = round->live,
        .cache_rows = round->cache_rows,
        .logits = round->logits,
        .stride = round->sampler->engine.plan.vocabulary,
        .batch = batch,
    };
    int answer = round->model.forward(round->model.user, &step);
    if (answer == 0)
        return TOMBOLA_OK;
    return fail(error, TOMBOLA_MODEL_FAILED, "the model returned %d for %zu rows, the first for sequences[%zu]", answer,
                round->rows, round->live[0]);
}

/* Gives rows the pasts of their sequences, where the parameters of any need them, forced tokens or banned words do. */
static tombola_status add_pasts(struct round *round, tombola_rows *rows, tombola_error *error)
{
    int is_needed = 0;
    tombola_status status = TOMBOLA_OK;
    round->pasts.rows = 0;
    for (size_t row = 0; row < round->rows && !status; row++) {
        const tombola_sequence sequence = read_sequence(round, round->live[row]);
        const int needs =
            rows->banned_ends || sequence.forced_count > 0 || processors_need_history(&round->params[row]);
        status = pasts_add(&round->pasts, needs ? &sequence : NULL, needs ? round->prompts[row] : 0, error);
        is_needed |= needs;
    }
    if (is_needed)
        pasts_hand(&round->pasts, rows);
    return status;
}

/* That sequences have what their parameters need: all, before any is drawn, or those that are live. */
static tombola_status check_needs(const struct round *round, int is_of_live, const tombola_rows *batch,
                                  tombola_error *error)
{
    tombola_status status = TOMBOLA_OK;
    for (size_t i = 0; i < (is_of_live ? round->rows : round->count) && !status; i++) {
        const size_t index = is_of_live ? round->live[i] : i;
        status =
            sequence_check_needs(read_sequence(round, index).params, index, &round->sampler->engine.plan, batch, error);
    }
    return status;
}

/* The columns that live sequences want. */
static tombola_results wanted_of(const struct round *round)
{
    tombola_results results = tombola_results_default();
    results.tokens.host = round->tokens;
    results.status.host = round->status;
    for (size_t row = 0; row < round->rows; row++) {
        const tombola_sequence sequence = read_sequence(round, round->live[row]);
        if (adapt_is_on(&round->params[row]))
            results.observed.host = round->observed;
        if (sequence.logprobs)
            results.logprobs.host = round->logprobs;
        if (sequence.raw_logprobs)
            results.raw_logprobs.host = round->raw_logprobs;
    }
    return results;
}

/* Draws from the model's logits, under the masks and with the biases and words that it has set in `batch`. */
static tombola_status draw(struct round *round, const tombola_rows *batch, tombola_error *error)
{
    tombola_rows rows = live_rows(round);
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
    tombola_status status = add_pasts(round, &rows, error);
    if (status)
        return status;
    const tombola_results results = wanted_of(round);
    status = tombola_sampler_sample(round->sampler, &rows, &results, error);
    if (status == TOMBOLA_INVALID_ARGUMENT && !check_needs(round, 1, batch, error))
        sequence_name(round->sampler, &rows, &results, round->live, error);
    return status;
}

tombola_status tombola_sampler_generate(tombola_sampler *sampler, tombola_sequence *sequences, size_t count,
                                        const tombola_model *model, tombola_token_callback on_token, void *token_user,
                                        tombola_error *error)
{
    struct round round = {.sampler = sampler, .sequences = sequences, .count = count};
    tombola_status status = check_arguments(sampler, sequences, count, model, &round.model, error);
    if (status != TOMBOLA_OK)
        return status;
    status = sampler_check_room(sampler, error); /* before the model begins anything */
    if (status != TOMBOLA_OK)
        return status;
    round.sequence_size = sized_size(sequences);
    status = check_needs(&round, 0, NULL, error);
    if (status != TOMBOLA_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        sequence_at(&round, i)->finish = TOMBOLA_FINISH_NONE;

    size_t waiting = 0; /* the first sequence that has not been live yet */
    int is_first = 1;
    status = allocate_round(&round, error);
    while (status == TOMBOLA_OK) {
        status = refill(&round, &waiting, error);
        if (status != TOMBOLA_OK || round.rows == 0)
            break;
        tombola_rows batch;
        status = ask_model(&round, &batch, error);
        if (status == TOMBOLA_OK && is_first)
            status = check_needs(&round, 0, &batch, error);
        is_first = 0;
        if (status == TOMBOLA_OK)
            status = draw(&round, &batch, error);
        if (status == TOMBOLA_OK && !deliver(&round, on_token, token_user))
            break;
    }
    for (size_t row = 0; row < round.rows; row++)
        end_row(&round, row);
    free_round(&round);
    return status;
}
