#include "toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "expect.h"
#include "group.h"
#include "harness.h"

static void write_logit(tombola_type type, void *row, size_t place, float logit)
{
    if (type == TOMBOLA_FLOAT32)
        ((float *)row)[place] = logit;
    else if (type == TOMBOLA_FLOAT16)
        ((uint16_t *)row)[place] = isinf(logit) ? 0xFC00u : narrow_to_half(logit);
    else
        ((uint16_t *)row)[place] = isinf(logit) ? 0xFF80u : narrow_to_bfloat(logit);
}

uint64_t toy_state(uint64_t state, const int32_t *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++)
        state = state * 1000003u + (uint64_t)tokens[i];
    return state;
}

void toy_fill(tombola_type type, uint64_t state, void *row)
{
    for (size_t token = 0; token < VOCABULARY; token++)
        write_logit(type, row, token, (float)random_below(&state, 128) * 0.0625f); /* exact in every type */
}

int toy_forward(void *user, const tombola_step *step)
{
    struct batch *batch = user;
    batch->calls++;
    assert_int_equal(step->struct_size, sizeof *step);
    if (step->rows > batch->most_rows)
        batch->most_rows = step->rows;
    for (size_t row = 0; row < step->rows; row++) {
        const size_t index = step->live[row];
        if (row > 0)
            assert_less(step->live[row - 1], index);
        assert_less(index, batch->count);
        const tombola_sequence *sequence = &step->sequences[index];
        const uint64_t state = toy_state(TOY_START, sequence->tokens, sequence->length);
        char *start = (char *)step->logits + row * step->stride * tombola_type_size(batch->type);
        int spoilt = batch->bad_logit != 0.0f && index == batch->bad_sequence && sequence->length >= batch->bad_length;
        toy_fill(batch->type, state, start);
        for (size_t token = 0; token < VOCABULARY && spoilt; token++)
            write_logit(batch->type, start, token, batch->bad_logit);
    }
    return batch->calls == batch->failing_call ? 7 : 0;
}

tombola_model toy_model(struct batch *batch)
{
    tombola_model model = tombola_model_default();
    model.user = batch;
    model.forward = toy_forward;
    return model;
}

tombola_verdict hear(void *user, const tombola_sequence *sequences, size_t index, int32_t token)
{
    struct batch *batch = user;
    batch->heard++;
    assert_int_equal(sequences[index].tokens[sequences[index].length - 1], token);
    return batch->heard == batch->stop_at ? batch->stop_verdict : TOMBOLA_CONTINUE;
}

struct batch make_batch(size_t count)
{
    struct batch batch = {.count = count};
    for (size_t i = 0; i < count; i++) {
        tombola_sequence *sequence = &batch.sequences[i];
        *sequence = tombola_sequence_default();
        for (size_t place = 0; place <= i; place++)
            batch.tokens[i][place] = (int32_t)(place * 17 % VOCABULARY);
        sequence->length = i + 1;
        sequence->max_new_tokens = 10 + 3 * i;
        batch.params[i] = tombola_params_default();
        batch.params[i].temperature = i % 3 == 0 ? 0.0f : 0.5f + 0.25f * (float)i;
        batch.params[i].top_k = i % 4 == 1 ? 20 : 0;
        batch.params[i].top_p = i % 2 ? 0.9f : 1.0f;
        batch.params[i].seed = 42;
        batch.params[i].stream = (uint32_t)i;
    }
    return batch;
}

/* Sequences point into their batch only here, where it no longer moves. */
tombola_status run(struct batch *batch, size_t max_rows, tombola_error *error)
{
    tombola_sampler *sampler;
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = batch->type;
    assert_int_equal(tombola_sampler_create(context, VOCABULARY, max_rows, &options, &sampler, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < batch->count; i++)
        batch->sequences[i].tokens = batch->tokens[i];
    for (size_t i = 0; i < batch->count; i++)
        batch->sequences[i].params = &batch->params[i];
    const tombola_model model = toy_model(batch);
    tombola_status status =
        tombola_sampler_generate(sampler, batch->sequences, batch->count, &model, hear, batch, error);
    tombola_sampler_release(sampler);
    return status;
}

void assert_same(const struct batch *a, size_t i, const struct batch *b, size_t j)
{
    assert_int_equal(a->sequences[i].length, b->sequences[j].length);
    assert_int_equal(a->sequences[i].finish, b->sequences[j].finish);
    assert_int_equal(a->params[i].offset, b->params[j].offset);
    assert_memory_equal(a->tokens[i], b->tokens[j], a->sequences[i].length * sizeof a->tokens[i][0]);
}
