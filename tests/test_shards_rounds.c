/* How many rounds and bytes shards take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "expect.h"
#include "group.h"
#include "rows.h"
#include "shards.h"

enum { ROWS = 8, VOCABULARY = 6000, HEAD = sizeof(tombola_shard_head) };

static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, VOCABULARY};
static float logits[ROWS * VOCABULARY];
static tombola_params params[ROWS];
static uint64_t random_state = 1;

static tombola_rows rows_of_kind(enum row_kind kind, tombola_params all)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        const struct row_recipe recipe = {kind, row, VOCABULARY, TOMBOLA_FLOAT32, TOMBOLA_LOGITS};
        row_fill(&recipe, logits + row * VOCABULARY, NULL);
        params[row] = all;
        params[row].seed = row;
    }
    return host_rows(logits, ROWS, 0, params);
}

/* Draws with these parameters from shards; at most so many rounds, and bytes of a row in all of them. */
static void expect_cost(enum row_kind kind, tombola_params all, uint32_t rounds, uint64_t bytes)
{
    struct shards s;
    const struct shard_wants wants = {.rows = ROWS, .samples = 1};
    struct shard_results *got = shard_results_make(wants), *right = shard_results_make(wants);
    const tombola_rows rows = rows_of_kind(kind, all);
    const tombola_results columns = shard_results_columns(right);
    tombola_sampler *sampler = make_sampler(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO);
    call_rows(sampler, &rows, &columns);
    shards_open(&s, &context, 1, &make, ROWS, 3, &random_state);
    shards_draw(&s, &rows, got, &random_state);
    assert_memory_equal(got->tokens, right->tokens, ROWS * sizeof *got->tokens);
    assert_at_most(s.call.rounds, rounds);
    assert_at_most(s.call.bytes, s.call.rounds * HEAD + ROWS * bytes);
    assert_at_most(s.call.bytes, s.call.rounds * s.call.most);
    shards_close(&s);
    tombola_sampler_release(sampler);
    shard_results_release(got);
    shard_results_release(right);
}

static void rounds_and_bytes_are_few(void **state)
{
    (void)state;
    enum { LISTED = 64, HISTOGRAM = 8 + 256 * 8, MASS = 8 * (1 + 9 + LISTED), ENDS = 16 + 40 };
    tombola_params plain = params_at(0.8f), p;
    expect_cost(ROW_GAUSSIAN, params_at(0.0f), 1, 64);
    expect_cost(ROW_GAUSSIAN, plain, 1, 64);
    p = plain, p.min_p = 0.1f;
    expect_cost(ROW_GAUSSIAN, p, 2, 64);
    p = plain, p.top_k = 50;
    expect_cost(ROW_GAUSSIAN, p, 2, 64 + 8 * 50);
    p = plain, p.top_k = 2000;
    expect_cost(ROW_GAUSSIAN, p, 2 + 7, ENDS + 7 * HISTOGRAM);
    p = plain, p.top_p = 0.9f;
    expect_cost(ROW_PEAKED, p, 3, ENDS + MASS);
    expect_cost(ROW_GAUSSIAN, p, 3 + 7, ENDS + MASS + 7 * HISTOGRAM);
    expect_cost(ROW_EQUAL, p, 3 + 7, ENDS + MASS + 7 * HISTOGRAM);
    p.top_k = 50;
    expect_cost(ROW_GAUSSIAN, p, 3, ENDS + 8 * 50 + MASS);
    p = plain, p.method = TOMBOLA_INVERSE_CDF;
    expect_cost(ROW_GAUSSIAN, p, 3, ENDS + MASS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_and_bytes_are_few),
    };
    return cmocka_run_group_tests_name("rounds of shards", tests, open_context, close_context);
}
