#include "state_carried.h"

#include "calls.h"
#include "expect.h"
#include "group.h"

/* The same tokens by hand; leaves the state after the last one. */
static void expect_by_hand(tombola_sampler *sampler, const tombola_sequence *sequence, size_t prompt,
                           tombola_params *params)
{
    for (size_t length = prompt; length < sequence->length; length++) {
        float logits[VOCABULARY] = {0}, observed = 0;
        int32_t token;
        const tombola_rows rows = host_rows(logits, 1, 0, params);
        tombola_results results = tombola_results_default();
        toy_fill(TOMBOLA_FLOAT32, toy_state(TOY_START, sequence->tokens, length), logits);
        results.tokens.host = &token;
        results.observed.host = &observed;
        assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, NULL), TOMBOLA_OK);
        assert_int_equal(sequence->tokens[length], token);
        tombola_params_observe(params, observed);
        params->offset++;
    }
}

void expect_state_carried(const struct batch *start, state_has_moved *has_moved)
{
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, VOCABULARY};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    for (size_t max_rows = 1; max_rows <= start->count; max_rows += 2) {
        struct batch batch = *start;
        assert_int_equal(run(&batch, max_rows, NULL), TOMBOLA_OK);
        for (size_t i = 0; i < start->count; i++) {
            tombola_params params = start->params[i];
            expect_by_hand(sampler, &batch.sequences[i], i + 1, &params);
            assert_memory_equal(&batch.params[i], &params, sizeof params);
            assert_int_equal(has_moved(&start->params[i], &params), i % 2);
        }
    }
    tombola_sampler_release(sampler);
}
