/* What is wrong with histories, end tokens and penalties is said, and nothing is drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "calls.h"
#include "group.h"
#include "refused.h"

static void what_is_wrong_with_a_history_is_said(void **state)
{
    (void)state;
    enum { V = 10 };
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V},
                             of_probabilities = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, V};
    float logits[2 * V] = {0};
    int32_t history[] = {1, 2, 3, 4, 5}, bad[] = {1, 2, 3, 10, 5}, negative[] = {-1, 2, 3, 4, 5};
    size_t ends[] = {3, 5}, falling[] = {3, 2}, prompts[] = {3, 3};
    tombola_params params[2] = {params_at(1.0f), params_at(1.0f)};
    tombola_sampler *sampler = make_sampler(context, &make, 2, TOMBOLA_DISPATCH_AUTO),
                    *other = make_sampler(context, &of_probabilities, 2, TOMBOLA_DISPATCH_AUTO);
    const tombola_rows plain = host_rows(logits, 2, 0, params);
    struct columns columns;
    const tombola_results results = columns_results(&columns);
    const struct {
        const int32_t *history;
        const size_t *ends, *prompts;
        const int32_t *end_tokens;
        const size_t *end_token_ends;
        const char *message;
    } cases[] = {
        {history, NULL, NULL, NULL, NULL, "rows.history_ends is NULL, but rows.history is not"},
        {NULL, ends, NULL, NULL, NULL, "rows.history is NULL, but rows.history_ends[1] is 5"},
        {history, falling, NULL, NULL, NULL, "rows.history_ends[1] is 2, less than the end before it, 3"},
        {history, ends, prompts, NULL, NULL, "rows.prompt_lengths[1] is 3, but the history of row 1 has 2 tokens"},
        {NULL, NULL, prompts, NULL, NULL, "rows.prompt_lengths[0] is 3, but the history of row 0 has 0 tokens"},
        {bad, ends, NULL, NULL, NULL, "rows.history[3], of row 1, is 10, not from 0 to 9"},
        {negative, ends, NULL, NULL, NULL, "rows.history[0], of row 0, is -1, not from 0 to 9"},
        {NULL, NULL, NULL, bad, ends, "rows.end_tokens[3], of row 1, is 10, not from 0 to 9"},
        {NULL, NULL, NULL, history, NULL, "rows.end_token_ends is NULL, but rows.end_tokens is not"},
        {NULL, NULL, NULL, NULL, ends, "rows.end_tokens is NULL, but rows.end_token_ends[1] is 5"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_error error = tombola_error_default();
        tombola_rows rows = plain;
        rows.history = cases[i].history;
        rows.history_ends = cases[i].ends;
        rows.prompt_lengths = cases[i].prompts;
        rows.end_tokens = cases[i].end_tokens;
        rows.end_token_ends = cases[i].end_token_ends;
        expect_refusal(tombola_sampler_sample(sampler, &rows, &results, &error), &error, cases[i].message);
    }
    tombola_error error = tombola_error_default();
    params[1].min_tokens = 3;
    expect_refusal(tombola_sampler_sample(other, &plain, &results, &error), &error,
                   "params[1].min_tokens is 3, but it is for logits, and options.input is TOMBOLA_PROBABILITIES");
    params[0].repetition_penalty = 1.5f;
    expect_refusal(
        tombola_sampler_sample(other, &plain, &results, &error), &error,
        "params[0].repetition_penalty is 1.5, but it is for logits, and options.input is TOMBOLA_PROBABILITIES");
    params[0].repetition_penalty = 0.0f;
    expect_refusal(tombola_sampler_sample(sampler, &plain, &results, &error), &error,
                   "params[0].repetition_penalty is 0, not from 1.17549e-38 to 3.40282e+38");
    params[0].repetition_penalty = 1.0f;
    params[1].frequency_penalty = INFINITY;
    expect_refusal(tombola_sampler_sample(sampler, &plain, &results, &error), &error,
                   "params[1].frequency_penalty is inf, not from -3.40282e+38 to 3.40282e+38");
    params[1].frequency_penalty = 0.0f;
    params[1].presence_penalty = NAN;
    expect_refusal(tombola_sampler_sample(sampler, &plain, &results, &error), &error,
                   "params[1].presence_penalty is nan, not from -3.40282e+38 to 3.40282e+38");
    params[1].presence_penalty = 0.0f;
    params[1].penalty_prompt = 3;
    expect_refusal(tombola_sampler_sample(sampler, &plain, &results, &error), &error,
                   "params[1].penalty_prompt is 3, not from 0 to 2");
    tombola_sampler_release(sampler);
    tombola_sampler_release(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_with_a_history_is_said),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
