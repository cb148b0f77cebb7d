/* What calls say of token sequences that are wrong, and of parameters that they have no use for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "calls.h"
#include "group.h"
#include "refused.h"

enum { COUNT = 2, TOKENS = 4 };

static tombola_sampler *sampler;
static tombola_params params[COUNT];
static const float logits[COUNT * TOKENS];

static tombola_rows plain_rows(void)
{
    tombola_params_fill(params, COUNT, tombola_params_default());
    return host_rows(logits, COUNT, TOKENS, params);
}

static void expect_wrong(const tombola_rows *rows, const char *message)
{
    static struct columns columns;
    tombola_error error = tombola_error_default();
    const tombola_results results = columns_results(&columns);
    expect_refusal(tombola_sampler_sample(sampler, rows, &results, &error), &error, message);
}

static void words_that_are_wrong_are_refused(void **state)
{
    (void)state;
    static const int32_t good[] = {0, 1, 2}, high[] = {0, 4, 2}, low[] = {0, 1, -1};
    static const size_t ends[] = {1, 3}, empty[] = {1, 1}, falling[] = {2, 1}, rows_ends[] = {1, 2}, falls[] = {2, 1},
                        all_first[] = {2, 2}, none_first[] = {0, 2};
    tombola_rows rows = plain_rows();
    rows.words = good;
    expect_wrong(&rows, "rows.banned_ends is NULL, but rows.words is not");
    rows.banned_ends = falls;
    expect_wrong(&rows, "rows.banned_ends[1] is 1, less than the end before it, 2");
    rows.banned_ends = rows_ends;
    expect_wrong(&rows, "rows.word_ends is NULL, but rows.banned_ends[1] is 2");
    rows.word_ends = falling;
    expect_wrong(&rows, "rows.word_ends[1], of row 1, is 1, less than the end before it, 2");
    rows.word_ends = empty;
    expect_wrong(&rows, "rows.word_ends[1] is 1: word 1 of row 1 has no tokens");
    rows.word_ends = ends;
    rows.words = high;
    expect_wrong(&rows, "rows.words[1], of word 1 of row 1, is 4, not from 0 to 3");
    rows.words = low;
    expect_wrong(&rows, "rows.words[2], of word 1 of row 1, is -1, not from 0 to 3");
    rows.banned_ends = all_first; /* which leaves row 0 the second word, too */
    expect_wrong(&rows, "rows.words[2], of word 1 of row 0, is -1, not from 0 to 3");
    rows.banned_ends = none_first;
    expect_wrong(&rows, "rows.words[2], of word 1 of row 1, is -1, not from 0 to 3");
    rows.banned_ends = rows_ends;
    rows.words = NULL;
    expect_wrong(&rows, "rows.words is NULL, but rows.banned_ends[1] is 2");
    rows.banned_ends = NULL;
    rows.breakers = high;
    rows.breaker_ends = ends;
    expect_wrong(&rows, "rows.breaker_row_ends is NULL, but rows.breakers is not");
    rows.breaker_row_ends = rows_ends;
    expect_wrong(&rows, "rows.breakers[1], of word 1 of row 1, is 4, not from 0 to 3");
}

static void forced_tokens_that_are_wrong_are_refused(void **state)
{
    (void)state;
    static const int32_t tokens[] = {0, 1, 9};
    static const size_t ends[] = {1, 3}, falling[] = {2, 1};
    tombola_rows rows = plain_rows();
    rows.forced = tokens;
    expect_wrong(&rows, "rows.forced_ends is NULL, but rows.forced is not");
    rows.forced_ends = falling;
    expect_wrong(&rows, "rows.forced_ends[1] is 1, less than the end before it, 2");
    rows.forced_ends = ends;
    expect_wrong(&rows, "rows.forced[2], of row 1, is 9, not from 0 to 3");
    rows = plain_rows();
    rows.thinking_start = tokens;
    rows.thinking_start_count = 3;
    expect_wrong(&rows, "rows.thinking_start[2] is 9, not from 0 to 3");
    rows = plain_rows();
    rows.thinking_end_count = 2;
    expect_wrong(&rows, "rows.thinking_end is NULL, but rows.thinking_end_count is 2");
}

static void parameters_out_of_range_are_refused(void **state)
{
    (void)state;
    tombola_rows rows = plain_rows();
    params[1].dry_multiplier = -1.0f;
    expect_wrong(&rows, "params[1].dry_multiplier is -1, not from 0 to 3.40282e+38");
    params[1].dry_multiplier = NAN;
    expect_wrong(&rows, "params[1].dry_multiplier is nan, not from 0 to 3.40282e+38");
    rows = plain_rows();
    params[1].dry_base = 0.5f;
    expect_wrong(&rows, "params[1].dry_base is 0.5, not from 1 to 3.40282e+38");
    rows = plain_rows();
    params[0].length_penalty_factor = 0.0f;
    expect_wrong(&rows, "params[0].length_penalty_factor is 0, not from 1.17549e-38 to 3.40282e+38");
}

static void rows_of_probabilities_have_no_penalties(void **state)
{
    (void)state;
    static struct columns columns;
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, TOKENS};
    const tombola_results results = columns_results(&columns);
    tombola_sampler *other = make_sampler(context, &make, COUNT, TOMBOLA_DISPATCH_AUTO);
    tombola_error error = tombola_error_default();
    const tombola_rows rows = plain_rows();
    params[1].dry_multiplier = 0.5f;
    expect_refusal(tombola_sampler_sample(other, &rows, &results, &error), &error,
                   "params[1].dry_multiplier is 0.5, but it is for logits, and options.input is "
                   "TOMBOLA_PROBABILITIES");
    tombola_sampler_release(other);
}

static int open_sampler(void **state)
{
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, TOKENS};
    const int failed = open_context(state);
    sampler = make_sampler(context, &make, COUNT, TOMBOLA_DISPATCH_AUTO);
    return failed;
}

static int close_sampler(void **state)
{
    tombola_sampler_release(sampler);
    return close_context(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_that_are_wrong_are_refused),
        cmocka_unit_test(forced_tokens_that_are_wrong_are_refused),
        cmocka_unit_test(parameters_out_of_range_are_refused),
        cmocka_unit_test(rows_of_probabilities_have_no_penalties),
    };
    return cmocka_run_group_tests(tests, open_sampler, close_sampler);
}
