/* What is wrong with histories, end tokens and penalties is said, and nothing is drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

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

/* The parameter of that name, one of 32 bits, is set. */
static void set_number(const char *name, double value, tombola_params *params)
{
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        const uint32_t number = (uint32_t)value;
        const float real = (float)value;
        if (strcmp(field->name, name) == 0) {
            memcpy((char *)params + field->offset,
                   field->kind == TOMBOLA_KIND_FLOAT ? (const void *)&real : (const void *)&number, sizeof number);
            return;
        }
    }
    fail_msg("no parameter is called %s", name);
}

/* What a parameter would do nothing without. */
static void parameters_that_lack_what_they_need_are_said(void **state)
{
    (void)state;
    enum { V = 10, ROWS = 4 };
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    const float logits[ROWS * V] = {0};
    const int32_t token[] = {3};
    const size_t none[ROWS] = {0};
    tombola_params params[ROWS];
    tombola_sampler *sampler = make_sampler(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO);
    struct columns columns;
    const tombola_results results = columns_results(&columns);
    enum { HISTORY = 1, ENDS = 2, FORCED = 4, START = 8, END = 16 };
    static const char no_history[] = "there is no rows.history for it: rows.history_ends is NULL",
                      no_ends[] = "there are no rows.end_tokens for it: rows.end_token_ends is NULL";
    const struct {
        const char *name;
        double value;
        int lacks; /* the last of what is missing */
        const char *shown, *message;
    } cases[] = {
        {"repetition_penalty", 1.25, HISTORY, "1.25", no_history},
        {"frequency_penalty", -0.5, HISTORY, "-0.5", no_history},
        {"presence_penalty", 0.5, HISTORY, "0.5", no_history},
        {"dry_multiplier", 0.5, HISTORY, "0.5", no_history},
        {"no_repeat_ngram", 2, HISTORY, "2", no_history},
        {"watermark", 4, HISTORY, "4", no_history},
        {"length_penalty_factor", 1.5, HISTORY, "1.5", no_history},
        {"length_penalty_factor", 1.5, ENDS, "1.5", no_ends},
        {"min_tokens", 7, ENDS, "7", no_ends},
        {"forced_from", 2, HISTORY, "2", no_history},
        {"forced_from", 2, FORCED, "2", "there are no rows.forced for it: rows.forced_ends is NULL"},
        {"thinking_budget", 9, HISTORY, "9", no_history},
        {"thinking_budget", 9, START, "9", "there is no rows.thinking_start for it: rows.thinking_start_count is 0"},
        {"thinking_budget", 9, END, "9", "there is no rows.thinking_end for it: rows.thinking_end_count is 0"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char message[256];
        tombola_error error = tombola_error_default();
        for (size_t row = 0; row < ROWS; row++)
            params[row] = params_at(1.0f);
        set_number(cases[i].name, cases[i].value, &params[2]);
        tombola_rows rows = host_rows(logits, ROWS, 0, params);
        rows.history_ends = cases[i].lacks == HISTORY ? NULL : none;
        rows.end_token_ends = cases[i].lacks == ENDS ? NULL : none;
        rows.forced_ends = cases[i].lacks == FORCED ? NULL : none;
        rows.thinking_start = rows.thinking_end = token;
        rows.thinking_start_count = cases[i].lacks != START;
        rows.thinking_end_count = cases[i].lacks != END;
        snprintf(message, sizeof message, "params[2].%s is %s, but %s", cases[i].name, cases[i].shown,
                 cases[i].message);
        expect_refusal(tombola_sampler_sample(sampler, &rows, &results, &error), &error, message);
        rows.history_ends = rows.end_token_ends = rows.forced_ends = none; /* of no tokens: that is enough */
        rows.thinking_start_count = rows.thinking_end_count = 1;
        assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    }
    tombola_sampler_release(sampler);
}

/* A caller whose struct ends before these parameters has none of them. */
static void older_parameters_need_nothing(void **state)
{
    (void)state;
    enum { V = 10, ROWS = 2 };
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    const float logits[ROWS * V] = {0};
    struct {
        tombola_params first, second;
    } params = {params_at(1.0f), params_at(1.0f)};
    const uint32_t older = (uint32_t)offsetof(tombola_params, repetition_penalty);
    char *bytes = (char *)&params;
    memmove(bytes + older, &params.second, older);
    memset(bytes + 2 * (size_t)older, 0x11, sizeof params - 2 * (size_t)older);
    memcpy(bytes, &older, sizeof older);
    memcpy(bytes + older, &older, sizeof older);
    tombola_sampler *sampler = make_sampler(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO);
    struct columns columns;
    const tombola_results results = columns_results(&columns);
    const tombola_rows rows = host_rows(logits, ROWS, 0, &params.first);
    tombola_error error = tombola_error_default();
    assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_with_a_history_is_said),
        cmocka_unit_test(parameters_that_lack_what_they_need_are_said),
        cmocka_unit_test(older_parameters_need_nothing),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
