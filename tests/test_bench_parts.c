/* What the measuring of `tombola bench` rests on: the check of tokens, the plain read, the figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench.h"
#include "bench_edits.h"
#include "bench_read.h"
#include "expect.h"
#include "harness.h"

#define SEED 7u

static void a_draw_that_is_not_the_oracles_is_refused(void **state)
{
    (void)state;
    bench_pool pool;
    bench_truth truth;
    assert_int_equal(bench_pool_make(&pool, WORKLOAD_LM, TOMBOLA_BFLOAT16, 5, 900, SEED), 0);
    assert_int_equal(
        bench_truth_make(&truth, &pool,
                         &(bench_options){.configs = BENCH_BIT(BENCH_TOP_P) | BENCH_BIT(BENCH_MIXED), .seed = SEED}),
        0);
    assert_int_equal(truth.count, 64);
    assert_null(truth.draws[BENCH_GREEDY]);

    /* What the oracle says of the second batch is right, and nothing else is. */
    struct draw draws[5];
    size_t found = 0;
    for (size_t i = 0; i < truth.count; i++)
        if (truth.rows[i] / 5 == 1) {
            draws[truth.rows[i] % 5] = truth.draws[BENCH_TOP_P][i];
            found++;
        }
    assert_int_equal(found, 5);
    assert_int_equal(bench_truth_check(&truth, &pool, BENCH_TOP_P, 1, draws, NULL), 0);
    assert_int_equal(bench_truth_check(&truth, &pool, BENCH_TOP_P, 2, draws, NULL), -1);
    for (size_t row = 0; row < 5; row++) {
        struct draw right = draws[row];
        draws[row].token++;
        assert_int_equal(bench_truth_check(&truth, &pool, BENCH_TOP_P, 1, draws, NULL), -1);
        draws[row] = right;
        draws[row].kept++;
        assert_int_equal(bench_truth_check(&truth, &pool, BENCH_TOP_P, 1, draws, NULL), -1);
        draws[row] = right;
        draws[row].status = TOMBOLA_ROW_INVALID;
        assert_int_equal(bench_truth_check(&truth, &pool, BENCH_TOP_P, 1, draws, NULL), -1);
        draws[row] = right;
    }
    bench_truth_release(&truth);
    bench_pool_release(&pool);
}

static void what_is_told_beside_a_draw_is_checked_too(void **state)
{
    (void)state;
    static const bench_config configs[] = {BENCH_LOGPROBS, BENCH_SAMPLES, BENCH_N_BEST};
    bench_pool pool;
    bench_truth truth;
    assert_int_equal(bench_pool_make(&pool, WORKLOAD_LM, TOMBOLA_FLOAT32, 64, 900, SEED), 0);
    for (size_t i = 0; i < COUNT_OF(configs); i++) {
        const bench_options options = {.configs = BENCH_BIT(configs[i]), .seed = SEED};
        assert_int_equal(bench_truth_make(&truth, &pool, &options), 0);
        assert_int_equal(truth.count, 64);
        uint64_t *told = truth.told[configs[i]], others[64];
        for (size_t row = 0; row < 64; row++) {
            assert_true(told[row] != told[(row + 1) % 64]);
            others[row] = told[row] + (row == 63);
        }
        assert_int_equal(bench_truth_check(&truth, &pool, configs[i], 0, truth.draws[configs[i]], told), 0);
        assert_int_equal(bench_truth_check(&truth, &pool, configs[i], 0, truth.draws[configs[i]], others), -1);
        bench_truth_release(&truth);
    }
    bench_pool_release(&pool);
}

/* Each row has its own, in which tokens come again as they do in text. */
static void histories_are_as_text_is(void **state)
{
    (void)state;
    enum { V = 32000 };
    static int32_t history[BENCH_HISTORY], other[BENCH_HISTORY];
    static unsigned char occurs[V];
    size_t different = 0;
    bench_edits_history(3, V, history);
    bench_edits_history(4, V, other);
    assert_memory_not_equal(history, other, sizeof history);
    for (size_t i = 0; i < BENCH_HISTORY; i++) {
        assert_in_range(history[i], 0, V - 1);
        different += !occurs[history[i]];
        occurs[history[i]] = 1;
    }
    assert_in_range(different, 1500, 2500);
    bench_edits_history(3, 1, history);
    for (size_t i = 0; i < BENCH_HISTORY; i++)
        assert_int_equal(history[i], 0);
}

static void a_large_batch_is_checked_from_end_to_end(void **state)
{
    (void)state;
    bench_pool pool;
    bench_truth truth;
    assert_int_equal(bench_pool_make(&pool, WORKLOAD_FLAT, TOMBOLA_FLOAT32, 200, 40, SEED), 0);
    assert_int_equal(
        bench_truth_make(&truth, &pool, &(bench_options){.configs = BENCH_BIT(BENCH_GREEDY), .seed = SEED}), 0);
    assert_int_equal(truth.count, 64);
    assert_int_equal(truth.rows[0], 0);
    assert_int_equal(truth.rows[63], 63 * 200 / 64);
    for (size_t i = 1; i < 64; i++)
        assert_less(truth.rows[i - 1], truth.rows[i]);
    bench_truth_release(&truth);
    bench_pool_release(&pool);
}

static void mixed_rows_take_every_other_configuration_in_turn(void **state)
{
    (void)state;
    const bench_options options = {.seed = SEED};
    for (size_t row = 0; row < 12; row++) {
        tombola_params mixed = bench_config_params(BENCH_MIXED, &options, row);
        tombola_params alone = bench_config_params((bench_config)(row % 6), &options, row);
        assert_memory_equal(&mixed, &alone, sizeof mixed);
        assert_int_equal(mixed.stream, row);
    }
    tombola_params both = bench_config_params(BENCH_TOP_K_TOP_P, &options, 3);
    assert_real_equal(both.temperature, 0.8f);
    assert_int_equal(both.top_k, 50);
    assert_real_equal(both.top_p, 0.95f);
    assert_real_equal(both.min_p, 0.0f);
}

static void variants_differ_in_what_their_names_say_and_in_nothing_else(void **state)
{
    (void)state;
    static const struct {
        bench_config config;
        float temperature, top_p;
        uint32_t top_k;
    } cases[] = {{BENCH_TOP_P_WARM, 1.0f, 0.95f, 0},
                 {BENCH_TOP_P_HOT, 1.5f, 0.95f, 0},
                 {BENCH_TOP_P_COOL, 0.7f, 0.9f, 0},
                 {BENCH_TOP_K_TOP_P_LOW, 0.8f, 0.9f, 50}};
    const bench_options options = {.seed = SEED};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params expected = bench_config_params(BENCH_TEMPERATURE, &options, 3);
        const tombola_params got = bench_config_params(cases[i].config, &options, 3);
        expected.temperature = cases[i].temperature;
        expected.top_p = cases[i].top_p;
        expected.top_k = cases[i].top_k;
        assert_memory_equal(&got, &expected, sizeof got);
    }
}

static void what_is_kept_has_a_median_and_a_range(void **state)
{
    (void)state;
    bench_pool pool;
    bench_truth truth;
    const bench_options options = {.configs = BENCH_BIT(BENCH_TOP_P) | BENCH_BIT(BENCH_NGRAM), .seed = SEED};
    assert_int_equal(bench_pool_make(&pool, WORKLOAD_LM, TOMBOLA_FLOAT32, 64, 900, SEED), 0);
    assert_int_equal(bench_truth_make(&truth, &pool, &options), 0);
    assert_non_null(truth.draws[BENCH_NGRAM]); /* whose bit is beyond 31 */
    const bench_kept kept = truth.kept[BENCH_TOP_P];
    size_t below = 0, least = 0, most = 0;
    for (size_t i = 0; i < truth.count; i++) {
        const uint32_t one = truth.draws[BENCH_TOP_P][i].kept;
        assert_in_range(one, kept.least, kept.most);
        least += one == kept.least;
        most += one == kept.most;
        below += one < kept.median;
    }
    assert_true(least > 0 && most > 0 && kept.least < kept.most);
    assert_at_most(below, truth.count / 2);
    bench_truth_release(&truth);
    bench_pool_release(&pool);
}

static void the_plain_read_reads_every_word_once(void **state)
{
    (void)state;
    uint64_t random = SEED;
    static uint32_t words[16 * 1000];
    for (size_t threads = 1; threads <= 3; threads++) {
        struct bench_reader *reader = bench_reader_create(threads);
        assert_non_null(reader);
        assert_int_equal(bench_reader_threads(reader), threads);
        for (size_t lines = 1; lines <= 1000; lines = lines * 3 / 2 + 1) {
            uint32_t digest = 0;
            for (size_t i = 0; i < 16 * lines; i++)
                digest ^= words[i] = (uint32_t)random_bits(&random);
            assert_real_less(0, bench_reader_read(reader, words, lines * 64 + 63));
            assert_int_equal(bench_reader_digest(reader), digest);
        }
        bench_reader_release(reader);
    }
}

static void the_plain_read_leaves_out_what_lies_between_rows(void **state)
{
    (void)state;
    uint64_t random = SEED;
    enum { STRIDE = 75 };
    static uint32_t words[40 * STRIDE];
    uint32_t digest = 0;
    for (size_t i = 0; i < 40 * STRIDE; i++) {
        words[i] = (uint32_t)random_bits(&random);
        digest ^= i % STRIDE < 64 ? words[i] : 0;
    }
    for (size_t threads = 1; threads <= 3; threads++) {
        struct bench_reader *reader = bench_reader_create(threads);
        assert_real_less(0, bench_reader_read_rows(reader, words, 40, 70 * sizeof *words, STRIDE * sizeof *words));
        assert_int_equal(bench_reader_digest(reader), digest);
        bench_reader_release(reader);
    }
}

static void figures_are_the_middle_the_least_and_the_95th_in_a_hundred(void **state)
{
    (void)state;
    double seconds[100];
    for (int i = 0; i < 100; i++)
        seconds[i] = (i * 37) % 100 + 1;
    bench_figure figure = bench_figure_of(seconds, 100);
    assert_real_equal(figure.median, 50.5);
    assert_real_equal(figure.least, 1);
    assert_real_equal(figure.p95, 95);
    double three[] = {3, 1, 2}, one[] = {4};
    figure = bench_figure_of(three, 3);
    assert_real_equal(figure.median, 2);
    assert_real_equal(figure.least, 1);
    assert_real_equal(figure.p95, 3);
    figure = bench_figure_of(one, 1);
    assert_real_equal(figure.median, 4);
    assert_real_equal(figure.least, 4);
    assert_real_equal(figure.p95, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_draw_that_is_not_the_oracles_is_refused),
        cmocka_unit_test(what_is_told_beside_a_draw_is_checked_too),
        cmocka_unit_test(histories_are_as_text_is),
        cmocka_unit_test(a_large_batch_is_checked_from_end_to_end),
        cmocka_unit_test(mixed_rows_take_every_other_configuration_in_turn),
        cmocka_unit_test(variants_differ_in_what_their_names_say_and_in_nothing_else),
        cmocka_unit_test(what_is_kept_has_a_median_and_a_range),
        cmocka_unit_test(the_plain_read_reads_every_word_once),
        cmocka_unit_test(the_plain_read_leaves_out_what_lies_between_rows),
        cmocka_unit_test(figures_are_the_middle_the_least_and_the_95th_in_a_hundred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
