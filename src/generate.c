/* The autoregressive loop: continuous batching over the caller's model. */
#include "tombola.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "params.h"
#include "process.h"
#include "sampler.h"

struct batch {
    void *logits;
    size_t row_stride; /* elements */
    size_t capacity;   /* rows */
    size_t rows;       /* live ones */
    size_t *live;      /* their sequences, increasing */
    size_t *left;      /* tokens that each may still draw */
    tombola_params *params;
    tombola_draw *draws;
};

tombola_sequence tombola_sequence_default(void)
{
    tombola_sequence sequence;
    memset(&sequence, 0, sizeof sequence);
    sequence.struct_size = sizeof sequence;
    sequence.params = tombola_params_default();
    return sequence;
}

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

static tombola_status check_tokens(const char *field, const int32_t *tokens, size_t count, size_t index,
                                   size_t vocabulary, tombola_error *error)
{
    for (size_t place = 0; place < count; place++) {
        if (tokens[place] < 0 || (size_t)tokens[place] >= vocabulary)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "sequences[%zu].%s[%zu] is %ld, but tokens are 0 to %zu",
                        index, field, place, (long)tokens[place], vocabulary - 1);
    }
    return TOMBOLA_OK;
}

static tombola_status check_sequence(const tombola_sequence *sequence, size_t index, size_t vocabulary,
                                     tombola_error *error)
{
    if (sequence->struct_size != sizeof *sequence)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "sequences[%zu].struct_size is %lu instead of %zu: start from tombola_sequence_default()", index,
                    (unsigned long)sequence->struct_size, sizeof *sequence);
    if (!sequence->tokens)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sequences[%zu].tokens is NULL", index);
    if (sequence->max_new_tokens == 0)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sequences[%zu].max_new_tokens is 0, must be at least 1", index);
    const size_t most = SIZE_MAX / sizeof(int32_t);
    if (sequence->length > most || sequence->max_new_tokens > most - sequence->length)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "sequences[%zu].length %zu and max_new_tokens %zu are more than memory can hold", index,
                    sequence->length, sequence->max_new_tokens);
    if (sequence->end_token_count > 0 && !sequence->end_tokens)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sequences[%zu].end_tokens is NULL, but end_token_count is %zu",
                    index, sequence->end_token_count);
    tombola_status status =
        check_tokens("end_tokens", sequence->end_tokens, sequence->end_token_count, index, vocabulary, error);
    if (status == TOMBOLA_OK)
        status = check_tokens("tokens", sequence->tokens, sequence->length, index, vocabulary, error);
    if (status != TOMBOLA_OK)
        return status;
    struct row_params converted;
    tombola_error reason;
    status = params_convert(&sequence->params, 1, &converted, &reason);
    if (status != TOMBOLA_OK)
        return fail(error, status, "sequences[%zu]: %s", index, reason.message);
    return TOMBOLA_OK;
}

static tombola_status check_arguments(const tombola_sampler *sampler, const tombola_sequence *sequences, size_t count,
                                      tombola_model model, tombola_error *error)
{
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!sequences)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sequences is NULL");
    if (count == 0)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "count is 0, must be at least 1");
    if (!model)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "model is NULL");
    for (size_t i = 0; i < count; i++) {
        tombola_status status = check_sequence(&sequences[i], i, sampler_vocabulary(sampler), error);
        if (status != TOMBOLA_OK)
            return status;
    }
    return TOMBOLA_OK;
}

static void free_batch(struct batch *batch)
{
    free(batch->logits);
    free(batch->live);
    free(batch->left);
    free(batch->params);
    free(batch->draws);
}

/* On failure what was allocated is left for free_batch. */
static tombola_status allocate_batch(struct batch *batch, const tombola_sampler *sampler, size_t count,
                                     tombola_error *error)
{
    size_t vocabulary = sampler_vocabulary(sampler);
    size_t row_bytes = vocabulary * tombola_type_size(sampler_type(sampler));
    size_t capacity = sampler_max_rows(sampler) < count ? sampler_max_rows(sampler) : count;

    batch->row_stride = vocabulary;
    batch->capacity = capacity;
    batch->logits = calloc(capacity, row_bytes);
    batch->live = calloc(capacity, sizeof *batch->live);
    batch->left = calloc(capacity, sizeof *batch->left);
    batch->params = calloc(capacity, sizeof *batch->params);
    batch->draws = calloc(capacity, sizeof *batch->draws);
    if (!batch->logits || !batch->live || !batch->left || !batch->params || !batch->draws)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for %zu rows of %zu logits", capacity, vocabulary);
    return TOMBOLA_OK;
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
static void append(tombola_sequence *sequence, const tombola_draw *draw, size_t *left)
{
    if (draw->status == TOMBOLA_ROW_INVALID) {
        sequence->finish = TOMBOLA_FINISH_INVALID_ROW;
        return;
    }
    if (draw->status == TOMBOLA_ROW_EMPTY) {
        sequence->finish = TOMBOLA_FINISH_EMPTY_ROW;
        return;
    }
    sequence->tokens[sequence->length++] = draw->token;
    sequence->params.offset++;
    --*left;
    if (is_end_token(sequence, draw->token))
        sequence->finish = TOMBOLA_FINISH_END_TOKEN;
    else if (*left == 0)
        sequence->finish = TOMBOLA_FINISH_LIMIT;
}

/* Gives the batch's draws to their sequences and closes the gaps that finished ones leave.
 * Returns 0 once the callback has asked to stop all: later sequences then have not taken
 * their draw, nor advanced their offset, and would draw the same again. */
static int deliver(struct batch *batch, tombola_sequence *sequences, tombola_token_callback on_token, void *token_user)
{
    size_t kept = 0;
    for (size_t row = 0; row < batch->rows; row++) {
        size_t index = batch->live[row];
        tombola_sequence *sequence = &sequences[index];
        append(sequence, &batch->draws[row], &batch->left[row]);
        if (on_token && batch->draws[row].status == TOMBOLA_ROW_OK) {
            tombola_verdict verdict = on_token(token_user, sequences, index, batch->draws[row].token);
            if (verdict != TOMBOLA_CONTINUE && sequence->finish == TOMBOLA_FINISH_NONE)
                sequence->finish = TOMBOLA_FINISH_STOPPED;
            if (verdict == TOMBOLA_STOP_ALL)
                return 0;
        }
        if (sequence->finish == TOMBOLA_FINISH_NONE) {
            batch->live[kept] = index;
            batch->left[kept] = batch->left[row];
            kept++;
        }
    }
    batch->rows = kept;
    return 1;
}

/* Waiting sequences take the free places. They come after all live ones, so the order stays. */
static void refill(struct batch *batch, const tombola_sequence *sequences, size_t count, size_t *waiting)
{
    for (; batch->rows < batch->capacity && *waiting < count; batch->rows++, ++*waiting) {
        batch->live[batch->rows] = *waiting;
        batch->left[batch->rows] = sequences[*waiting].max_new_tokens;
    }
    for (size_t row = 0; row < batch->rows; row++)
        batch->params[row] = sequences[batch->live[row]].params;
}

tombola_status tombola_sampler_generate(tombola_sampler *sampler, tombola_sequence *sequences, size_t count,
                                        tombola_model model, void *model_user, tombola_token_callback on_token,
                                        void *token_user, tombola_error *error)
{
    tombola_status status = check_arguments(sampler, sequences, count, model, error);
    if (status != TOMBOLA_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        sequences[i].finish = TOMBOLA_FINISH_NONE;

    struct batch batch = {0};
    size_t waiting = 0; /* the first sequence that has not been in the batch yet */
    status = allocate_batch(&batch, sampler, count, error);
    if (status != TOMBOLA_OK)
        goto done;
    for (;;) {
        refill(&batch, sequences, count, &waiting);
        if (batch.rows == 0)
            break;
        int answer = model(model_user, sequences, batch.live, batch.rows, batch.logits, batch.row_stride);
        if (answer != 0) {
            status =
                fail(error, TOMBOLA_MODEL_FAILED, "the model returned %d for %zu rows, the first for sequences[%zu]",
                     answer, batch.rows, batch.live[0]);
            goto done;
        }
        status = tombola_sampler_sample(sampler, batch.logits, batch.rows, batch.row_stride, batch.params, batch.draws,
                                        error);
        if (status != TOMBOLA_OK || !deliver(&batch, sequences, on_token, token_user))
            goto done;
    }
done:
    free_batch(&batch);
    return status;
}
