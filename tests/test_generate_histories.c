/* The autoregressive loop with penalties: each sequence is drawn with its own tokens as its history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "calls.h"
#include "expect.h"
#include "group.h"
#include "toy.h"

static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, VOCABULARY};

/* Every other sequence has penalties, and some a minimum length. */
static struct batch make_penalised(size_t count)
{
    struct batch batch = make_batch(count);
    for (size_t i = 0; i < count; i++) {
        tombola_params *params = &batch.params[i];
        params->repetition_penalty = i % 2 ? 1.5f : 1.0f;
        params->frequency_penalty = i % 4 == 3 ? 0.75f : 0.0f;
        params->presence_penalty = i % 4 == 1 ? -1.0f : 0.0f;
        params->penalty_prompt = (uint32_t)i % 3;
        params->penalty_window = i == 5 ? 6 : 0;
        params->min_tokens = i == 4 ? 8 : 0;
    }
    return batch;
}

/* The next token of a sequence that has so many, by hand. */
static int32_t draw_by_hand(tombola_sampler *sampler, const tombola_sequence *sequence, const int32_t *tokens,
                            size_t length, size_t prompt, tombola_params params)
{
    float logits[VOCABULARY] = {0};
    int32_t token;
    tombola_rows rows = host_rows(logits, 1, 0, &params);
    tombola_results results = tombola_results_default();
    toy_fill(TOMBOLA_FLOAT32, toy_state(TOY_START, tokens, length), logits);
    rows.history = tokens;
    rows.history_ends = &length;
    rows.prompt_lengths = &prompt;
    rows.end_tokens = sequence->end_tokens;
    rows.end_token_ends = &sequence->end_token_count;
    results.tokens.host = &token;
    call_rows(sampler, &rows, &results);
    return token;
}

static void sequences_are_drawn_with_their_own_tokens_as_history(void **state)
{
    (void)state;
    enum { COUNT = 6 };
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    for (size_t max_rows = 1; max_rows < COUNT + 1; max_rows += 2) {
        const struct batch start = make_penalised(COUNT);
        struct batch batch = start;
        size_t other = 0;
        assert_int_equal(run(&batch, max_rows, NULL), TOMBOLA_OK);
        for (size_t i = 0; i < COUNT; i++) {
            const tombola_sequence *sequence = &batch.sequences[i];
            const size_t prompt = i + 1;
            for (size_t length = prompt; length < sequence->length; length++) {
                tombola_params params = start.params[i];
                params.offset = length - prompt;
                assert_int_equal(draw_by_hand(sampler, sequence, batch.tokens[i], length, prompt, params),
                                 batch.tokens[i][length]);
                params = params_at(params.temperature); /* not for nothing */
                params.stream = (uint32_t)i;
                params.seed = 42;
                params.offset = length - prompt;
                other +=
                    draw_by_hand(sampler, sequence, batch.tokens[i], length, prompt, params) != batch.tokens[i][length];
            }
        }
        assert_less(0, other);
    }
    tombola_sampler_release(sampler);
}

static void a_sequence_does_not_end_before_it_has_its_minimum(void **state)
{
    (void)state;
    struct batch whole = make_batch(3), batch = make_batch(3);
    int32_t end_tokens[3];
    assert_int_equal(run(&whole, ROWS, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < 3; i++) {
        end_tokens[i] = whole.tokens[2][3 + i]; /* its first three draws */
    }
    batch.sequences[2].end_tokens = end_tokens;
    batch.sequences[2].end_token_count = 3;
    struct batch sooner = batch;
    batch.params[2].min_tokens = 5;
    assert_int_equal(run(&batch, ROWS, NULL), TOMBOLA_OK);
    assert_int_equal(run(&sooner, ROWS, NULL), TOMBOLA_OK);
    assert_int_equal(sooner.sequences[2].length, 4);
    assert_less(3 + 5, batch.sequences[2].length);
    for (size_t place = 3; place < 3 + 5; place++) {
        for (size_t i = 0; i < 3; i++) {
            assert_int_not_equal(batch.tokens[2][place], end_tokens[i]);
        }
    }
    assert_same(&batch, 0, &whole, 0);
    assert_same(&batch, 1, &whole, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_are_drawn_with_their_own_tokens_as_history),
        cmocka_unit_test(a_sequence_does_not_end_before_it_has_its_minimum),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
