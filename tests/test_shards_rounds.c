/* How many rounds and bytes shards take. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "expect.h"
#include "group.h"
#include "rows.h"
#include "shards.h"

enum { ROWS = 8, VOCABULARY = 6000, LONG = 20000, HEAD = sizeof(tombola_shard_head) };

static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, VOCABULARY};
static const struct make make_long = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, LONG}; /* long enough to be probed */
static float logits[ROWS * LONG];
static tombola_params params[ROWS];
static uint64_t random_state = 1;

static tombola_rows rows_of_kind(uint32_t vocabulary, enum row_kind kind, tombola_params all)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        const struct row_recipe recipe = {kind, row, vocabulary, TOMBOLA_FLOAT32, TOMBOLA_LOGITS};
        row_fill(&recipe, logits + row * vocabulary, NULL);
        params[row] = all;
        params[row].seed = row;
    }
    return host_rows(logits, ROWS, 0, params);
}

/* Draws rows from so many shards, as one device does; at most so many rounds, and bytes of a row in all of them. */
static void expect_rows(const struct make *made, const tombola_rows *rows, size_t shards, uint32_t rounds,
                        uint64_t bytes)
{
    struct shards s;
    const struct shard_wants wants = {.rows = ROWS, .samples = 1};
    struct shard_results *got = shard_results_make(wants), *right = shard_results_make(wants);
    const tombola_results columns = shard_results_columns(right);
    tombola_sampler *sampler = make_sampler(context, made, ROWS, TOMBOLA_DISPATCH_AUTO);
    call_rows(sampler, rows, &columns);
    shards_open(&s, &context, 1, made, ROWS, shards, &random_state);
    shards_draw(&s, rows, got, &random_state);
    assert_memory_equal(got->tokens, right->tokens, ROWS * sizeof *got->tokens);
    assert_at_most(s.call.rounds, rounds);
    assert_at_most(s.call.bytes, s.call.rounds * HEAD + ROWS * bytes);
    assert_at_most(s.call.bytes, s.call.rounds * s.call.most);
    shards_close(&s);
    tombola_sampler_release(sampler);
    shard_results_release(got);
    shard_results_release(right);
}

static void expect_cost(enum row_kind kind, tombola_params all, uint32_t rounds, uint64_t bytes)
{
    const tombola_rows rows = rows_of_kind(VOCABULARY, kind, all);
    expect_rows(&make, &rows, 3, rounds, bytes);
}

static void rounds_and_bytes_are_few(void **state)
{
    (void)state;
    enum { LISTED = 128, HISTOGRAM = 8 + 514 * 8, MASS = 8 * (1 + 9 + LISTED), ENDS = 16 + 40 };
    tombola_params plain = params_at(0.8f), p;
    expect_cost(ROW_GAUSSIAN, params_at(0.0f), 1, 64);
    expect_cost(ROW_GAUSSIAN, plain, 1, 64);
    p = plain, p.min_p = 0.1f;
    expect_cost(ROW_GAUSSIAN, p, 2, 64);
    p = plain, p.top_k = 50;
    expect_cost(ROW_GAUSSIAN, p, 2, 64 + 8 * 50);
    p = plain, p.top_k = 2000;
    expect_cost(ROW_GAUSSIAN, p, 5, ENDS + 3 * HISTOGRAM);
    p = plain, p.top_p = 0.9f;
    expect_cost(ROW_PEAKED, p, 2, ENDS + MASS);
    expect_cost(ROW_GAUSSIAN, p, 5, ENDS + MASS + 3 * HISTOGRAM);
    p.top_k = 50;
    expect_cost(ROW_GAUSSIAN, p, 2, 64 + 8 * 50);
    p = plain, p.method = TOMBOLA_INVERSE_CDF;
    expect_cost(ROW_GAUSSIAN, p, 3, ENDS + MASS);
}

static void no_data_takes_more_than_some_rounds(void **state)
{
    (void)state;
    static const struct {
        uint32_t rounds;
        uint64_t bytes;
    } most[] = {{2, 64 + 8 * 50}, {7, 15500}, {7, 16500}, {12, 37000}, {8, 8500}, {2, 64}};
    for (size_t filter = 0; filter < COUNT_OF(most); filter++) {
        tombola_params p = params_at(0.8f);
        p.top_k = filter == 0 ? 50 : filter == 1 ? 2000 : 0;
        p.top_p = filter == 2 ? 0.95f : 1.0f;
        p.min_k = filter == 3 ? 3.0f : 0.0f;
        p.typical_p = filter == 4 ? 0.9f : 1.0f;
        p.min_p = filter == 5 ? 0.05f : 0.0f;
        for (int kind = 0; kind < ROW_KINDS; kind++) {
            const tombola_rows rows = rows_of_kind(LONG, (enum row_kind)kind, p);
            expect_rows(&make_long, &rows, 3, most[filter].rounds, most[filter].bytes);
        }
    }
}

/* How many tokens of one row shards keep, with these cuts. */
static uint32_t kept_by_shards(const struct make *made, const tombola_rows *row, const size_t *cuts, size_t count)
{
    struct shards s;
    const struct shard_wants wants = {.rows = 1, .samples = 1};
    struct shard_results *got = shard_results_make(wants);
    shards_open_at(&s, &context, 1, made, 1, cuts, count, &random_state);
    shards_draw(&s, row, got, &random_state);
    const uint32_t kept = got->kept[0];
    shards_close(&s);
    shard_results_release(got);
    return kept;
}

/* Logits whose weights have no estimates, of which a shard keeps its nucleus: what it has kept is no mass. */
static void rows_without_estimates_are_as_one_device_draws_them(void **state)
{
    (void)state;
    enum { WIDE = 20480, FEW = 70 };
    static const struct make made = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, WIDE};
    const size_t cuts[] = {0, WIDE};
    tombola_params p = params_at(1e-5f);
    p.top_p = 0.5f;
    float *row = allocate(WIDE, sizeof *row);
    for (size_t i = 0; i < FEW; i++)
        row[i * 256] = 20.0f;
    const tombola_rows rows = host_rows(row, 1, 0, &p);
    assert_int_equal(kept_by_shards(&made, &rows, cuts, 1), FEW / 2);
    free(row);
}

/* One round for what columns weigh, one for what is behind their first tokens, one for the draw; and one where the mass
 * is in doubt. That a shard's columns have nothing of the nucleus, or all of it, makes no difference. */
static void a_nucleus_of_two_hundred_tokens_takes_four_rounds(void **state)
{
    (void)state;
    enum { HEAD_TOKENS = 260, WORDS = 6 + 128 + 512 };
    tombola_params p = params_at(1.0f);
    p.top_p = 0.9f;
    for (size_t shards = 1; shards <= MOST_SHARDS; shards += shards == 1 ? 3 : 4)
        for (size_t step = 1; step <= LONG / HEAD_TOKENS; step += 25) {
            const tombola_rows rows = rows_of_kind(LONG, ROW_GAUSSIAN, p);
            for (size_t i = 0; i < ROWS * LONG; i++)
                logits[i] *= 0.25f;
            for (size_t row = 0; row < ROWS; row++)
                for (size_t i = 0; i < HEAD_TOKENS; i++)
                    logits[row * LONG + i * step] = 16.0f - 0.01f * (float)i;
            expect_rows(&make_long, &rows, shards, 4, 8 * (uint64_t)(WORDS + HEAD_TOKENS));
        }
}

/* Weights that fall slower and slower: what is kept from the first read ends before the nucleus does, and looking there
 * would cost a round. Only shards of 128 blocks or more keep any. */
static void a_nucleus_with_a_long_tail_takes_five_rounds(void **state)
{
    (void)state;
    enum { WIDE = 131072 };
    static const struct make made = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, WIDE};
    float *wide = allocate(ROWS * WIDE, sizeof *wide);
    for (size_t row = 0; row < ROWS; row++) {
        params[row] = params_at(1.0f);
        params[row].top_p = 0.9f;
        for (size_t rank = 0; rank < WIDE; rank++)
            wide[row * WIDE + (rank * 7919 + row) % WIDE] = -1.6f * logf((float)(rank + 9 + row));
    }
    const tombola_rows rows = host_rows(wide, ROWS, 0, params);
    for (size_t shards = 1; shards <= 2; shards++)
        expect_rows(&made, &rows, shards, 5, 12000);
    free(wide);
}

/* A nucleus that ends among tokens of one key, of which the first shard has kept too few: those of the other one that
 * are kept rank behind the others. */
static void kept_tokens_of_a_key_that_others_have_too_do_not_count(void **state)
{
    (void)state;
    enum {
        WIDE = 65536,
        HALF = WIDE / 2,
        HEADS = 120,
        OTHER_HEADS = 20,
        TIED = 200,
        NUCLEUS = HEADS + OTHER_HEADS + 20
    };
    static const struct make made = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, WIDE};
    const size_t cuts[] = {0, HALF, WIDE};
    float *row = allocate(WIDE, sizeof *row);
    double part = (NUCLEUS - HEADS - OTHER_HEADS - 0.5) * exp(9.5), whole = 0;
    for (size_t shard = 0; shard < 2; shard++) {
        for (size_t i = 0; i < TIED; i++)
            row[shard * HALF + i * 140 + 3] = 9.5f;
        for (size_t i = 0; i < (shard == 0 ? HEADS : OTHER_HEADS); i++)
            row[shard * HALF + i * 256 + 8] = 10.0f - (float)(2 * i + shard) / 1024.0f;
    }
    for (size_t i = 0; i < WIDE; i++) {
        whole += exp((double)row[i]);
        part += row[i] > 9.5f ? exp((double)row[i]) : 0;
    }
    tombola_params p = params_at(1.0f);
    p.top_p = (float)(part / whole);
    const tombola_rows rows = host_rows(row, 1, 0, &p);
    assert_int_equal(kept_by_shards(&made, &rows, cuts, 2), NUCLEUS);
    free(row);
}

/* A row of which each fall between neighbours in rank, divided by its rank, is the same but for rounding. */
static void min_k_leaves_a_chunk_behind_in_two_rounds(void **state)
{
    (void)state;
    enum { FALLS = 5700, CHUNKS = FALLS / 1024 + 2 };
    tombola_params p = params_at(0.8f);
    p.min_k = 3.0f;
    tombola_rows rows = rows_of_kind(VOCABULARY, ROW_EMPTY, p);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t rank = 0; rank < FALLS; rank++)
            logits[row * VOCABULARY + (rank * 2399 + row) % VOCABULARY] = -(float)(rank * (rank + 1) / 2);
    expect_rows(&make, &rows, 3, 6 + 2 * CHUNKS, CHUNKS * 8 * (1024 + 3 * 256 + 2) + 8500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_without_estimates_are_as_one_device_draws_them),
        cmocka_unit_test(rounds_and_bytes_are_few),
        cmocka_unit_test(a_nucleus_of_two_hundred_tokens_takes_four_rounds),
        cmocka_unit_test(a_nucleus_with_a_long_tail_takes_five_rounds),
        cmocka_unit_test(kept_tokens_of_a_key_that_others_have_too_do_not_count),
        cmocka_unit_test(no_data_takes_more_than_some_rounds),
        cmocka_unit_test(min_k_leaves_a_chunk_behind_in_two_rounds),
    };
    return cmocka_run_group_tests_name("rounds of shards", tests, open_context, close_context);
}
