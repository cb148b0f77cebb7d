#include "live.h"

#include <stddef.h>
#include <stdlib.h>

#include "adapt.h"
#include "error.h"
#include "sampler.h"
#include "sized.h"

static tombola_sequence *sequence_at(const struct live *live, size_t index)
{
    return (tombola_sequence *)((char *)live->sequences + index * live->sequence_size);
}

tombola_sequence live_sequence(const struct live *live, size_t index)
{
    tombola_sequence whole = tombola_sequence_default();
    sized_read("sequences", "tombola_sequence_default", &whole, sizeof whole, sequence_at(live, index), NULL);
    return whole;
}

static tombola_status allocate(struct live *live, tombola_error *error)
{
    const struct plan *plan = &live->sampler->engine.plan;
    size_t capacity = plan->max_rows < live->count ? plan->max_rows : live->count;
    live->capacity = capacity;
    live->logits = calloc(capacity, plan->row_bytes);
    live->indices = calloc(capacity, sizeof *live->indices);
    live->cache_rows = calloc(capacity, sizeof *live->cache_rows);
    live->left = calloc(capacity, sizeof *live->left);
    live->prompts = calloc(capacity, sizeof *live->prompts);
    live->params = calloc(capacity, sizeof *live->params);
    live->tokens = calloc(capacity, sizeof *live->tokens);
    live->status = calloc(capacity, sizeof *live->status);
    live->observed = calloc(capacity, sizeof *live->observed);
    live->logprobs = calloc(capacity, sizeof *live->logprobs);
    live->raw_logprobs = calloc(capacity, sizeof *live->raw_logprobs);
    live->free_caches = calloc(capacity, sizeof *live->free_caches);
    if (!live->logits || !live->indices || !live->cache_rows || !live->left || !live->prompts || !live->params ||
        !live->tokens || !live->status || !live->observed || !live->logprobs || !live->raw_logprobs ||
        !live->free_caches)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for %zu rows of %zu logits", capacity, plan->vocabulary);
    for (size_t cache = capacity; cache-- > 0;) /* 0 is taken first */
        live->free_caches[live->free_count++] = cache;
    return pasts_make(&live->pasts, capacity, error);
}

tombola_status live_begin(struct live *live, tombola_error *error)
{
    for (size_t i = 0; i < live->count; i++)
        sequence_at(live, i)->finish = TOMBOLA_FINISH_NONE;
    return allocate(live, error);
}

/* The row's sequence is live no more. */
static void end_row(struct live *live, size_t row)
{
    if (live->model.end)
        live->model.end(live->model.user, live->sequences, live->indices[row], live->cache_rows[row]);
    live->free_caches[live->free_count++] = live->cache_rows[row];
}

void live_end(struct live *live)
{
    for (size_t row = 0; row < live->rows; row++)
        end_row(live, row);
    free(live->logits);
    free(live->indices);
    free(live->cache_rows);
    free(live->left);
    free(live->prompts);
    free(live->params);
    free(live->tokens);
    free(live->status);
    free(live->observed);
    free(live->logprobs);
    free(live->raw_logprobs);
    free(live->free_caches);
    pasts_free(&live->pasts);
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
static void tell(const struct live *live, size_t row, const tombola_sequence *sequence)
{
    const size_t place = sequence->max_new_tokens - live->left[row];
    if (live->status[row] != TOMBOLA_ROW_OK)
        return;
    if (sequence->logprobs)
        sequence->logprobs[place] = live->logprobs[row];
    if (sequence->raw_logprobs)
        sequence->raw_logprobs[place] = live->raw_logprobs[row];
}

/* What the row's sequence has learned from its token, for the next one and for its caller. */
static void learn(struct live *live, size_t row, tombola_params *theirs)
{
    tombola_params *own = &live->params[row];
    if (live->status[row] != TOMBOLA_ROW_OK || !adapt_is_on(own))
        return;
    adapt_next(own, live->observed[row]);
    if (theirs)
        adapt_hand(own, theirs);
}

int live_deliver(struct live *live, tombola_token_callback on_token, void *token_user)
{
    size_t rows = live->rows, kept = 0;
    int goes_on = 1;
    for (size_t row = 0; row < rows; row++) {
        size_t index = live->indices[row];
        tombola_sequence *sequence = sequence_at(live, index);
        if (goes_on) {
            const tombola_sequence whole = live_sequence(live, index);
            tell(live, row, &whole);
            append(sequence, whole.params, live->tokens[row], live->status[row], &live->left[row]);
            live->params[row].offset++;
            learn(live, row, whole.params);
        }
        if (goes_on && on_token && live->status[row] == TOMBOLA_ROW_OK) {
            tombola_verdict verdict = on_token(token_user, live->sequences, index, live->tokens[row]);
            if (verdict != TOMBOLA_CONTINUE && sequence->finish == TOMBOLA_FINISH_NONE)
                sequence->finish = TOMBOLA_FINISH_STOPPED;
            goes_on = verdict != TOMBOLA_STOP_ALL;
        }
        if (sequence->finish != TOMBOLA_FINISH_NONE) {
            end_row(live, row);
            continue;
        }
        live->indices[kept] = index;
        live->cache_rows[kept] = live->cache_rows[row];
        live->left[kept] = live->left[row];
        live->prompts[kept] = live->prompts[row];
        live->params[kept] = live->params[row];
        kept++;
    }
    live->rows = kept;
    return goes_on;
}

tombola_status live_refill(struct live *live, tombola_error *error)
{
    for (; live->rows < live->capacity && live->waiting < live->count; live->waiting++) {
        const size_t index = live->waiting, row = live->rows, cache = live->free_caches[live->free_count - 1];
        tombola_params *params = &live->params[row];
        if (live->model.begin) {
            int answer = live->model.begin(live->model.user, live->sequences, index, cache);
            if (answer != 0)
                return fail(error, TOMBOLA_MODEL_FAILED, "the model returned %d when sequences[%zu] began", answer,
                            index);
        }
        const tombola_sequence sequence = live_sequence(live, index);
        live->free_count--;
        *params = tombola_params_default();
        if (!sequence.params)
            params->stream = (uint32_t)index;
        else /* checked before */
            sized_read("params", "tombola_params_default", params, sizeof *params, sequence.params, NULL);
        live->indices[row] = index;
        live->cache_rows[row] = cache;
        live->left[row] = sequence.max_new_tokens;
        live->prompts[row] = sequence.length - sequence.generated;
        live->rows++;
    }
    return TOMBOLA_OK;
}
