/* The rows that `tombola bench` measures with: each workload is what it promises to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "bench.h"
#include "expect.h"
#include "harness.h"
#include "oracle.h"

#define SEED 7u
#define VOCABULARY 32000u

/* What top-p 0.95 keeps of a row at the temperature of the workloads. */
static struct oracle_row *make_row(workload kind, size_t number, tombola_type type, uint32_t *kept)
{
    bench_pool pool = {.type = type, .rows = 1, .vocabulary = VOCABULARY, .batches = 1};
    pool.data = allocate(VOCABULARY, sizeof(float));
    float *values = allocate(VOCABULARY, sizeof *values);
    struct workload_maker *maker = workload_maker_create(VOCABULARY);
    assert_non_null(maker);
    workload_fill(maker, kind, SEED, number, type, pool.data);
    bench_pool_widen(&pool, 0, values);
    struct oracle_row *row = oracle_row_create(values, VOCABULARY, TOMBOLA_LOGITS);
    tombola_params params = bench_config_params(BENCH_TOP_P, &(bench_options){.seed = SEED}, number);
    struct draw draw = oracle_draw(row, &params);
    assert_int_equal(draw.status, TOMBOLA_ROW_OK);
    *kept = draw.kept;
    workload_maker_release(maker);
    free(values);
    free(pool.data);
    return row;
}

static void expect_kept(workload kind, size_t rows, double least, double most)
{
    for (size_t number = 0; number < rows; number++) {
        uint32_t kept;
        oracle_row_release(make_row(kind, number, (tombola_type)(number % 3), &kept));
        if (kept < least || kept > most)
            fail_msg("%s keeps %u of row %zu, which is not %g to %g", workload_name(kind), kept, number, least, most);
    }
}

static void each_workload_has_the_nucleus_it_promises(void **state)
{
    (void)state;
    expect_kept(WORKLOAD_LM, 24, 20, 300);
    expect_kept(WORKLOAD_MASKED, 24, 20, 300);
    expect_kept(WORKLOAD_PEAKED, 3, 1, 1);
    expect_kept(WORKLOAD_FLAT, 3, 0.93 * VOCABULARY, 0.94 * VOCABULARY);
    expect_kept(WORKLOAD_GAUSSIAN, 24, 600, 4000);
    expect_kept(WORKLOAD_TIES, 24, 600, 4000);
    expect_kept(WORKLOAD_EQUAL, 3, 0.95 * VOCABULARY, 0.95 * VOCABULARY);
    expect_kept(WORKLOAD_TWO_VALUES, 3, 0.64 * VOCABULARY, 0.70 * VOCABULARY);
    expect_kept(WORKLOAD_SUBNORMAL, 3, 0.95 * VOCABULARY - 1, 0.95 * VOCABULARY);
    expect_kept(WORKLOAD_HUGE, 3, 1, 1);
}

static void a_peaked_row_has_one_token_of_99_in_100(void **state)
{
    (void)state;
    double *shares = allocate(VOCABULARY, sizeof *shares);
    for (size_t number = 0; number < 8; number++) {
        uint32_t kept;
        struct oracle_row *row = make_row(WORKLOAD_PEAKED, number, TOMBOLA_FLOAT32, &kept);
        assert_int_equal(oracle_softmax(row, WORKLOAD_TEMPERATURE, 0, shares), TOMBOLA_ROW_OK);
        double most = shares[oracle_row_order(row)[0]];
        if (!(most > 0.9895 && most < 0.9905)) /* bodies differ in weight by a percent or two */
            fail_msg("%g of row %zu", most, number);
        oracle_row_release(row);
    }
    free(shares);
}

static size_t count_if_equal_to_next(const struct oracle_row *row)
{
    const uint32_t *order = oracle_row_order(row);
    const float *logits = oracle_row_logits(row);
    size_t equal = 0;
    for (uint32_t rank = 0; rank + 1 < VOCABULARY; rank++)
        equal += logits[order[rank]] == logits[order[rank + 1]];
    return equal;
}

static void ties_are_ties_in_every_type_and_nine_in_ten_are_masked(void **state)
{
    (void)state;
    for (int type = 0; type < 3; type++) {
        uint32_t kept;
        struct oracle_row *row = make_row(WORKLOAD_TIES, 0, (tombola_type)type, &kept);
        assert_less(VOCABULARY * 9 / 10, count_if_equal_to_next(row));
        oracle_row_release(row);

        row = make_row(WORKLOAD_MASKED, 0, (tombola_type)type, &kept);
        size_t masked = 0;
        for (size_t id = 0; id < VOCABULARY; id++)
            masked += oracle_row_logits(row)[id] == -INFINITY;
        assert_in_range(masked, VOCABULARY * 86 / 100, VOCABULARY * 89 / 100); /* the head is not masked */
        oracle_row_release(row);
    }
}

static void a_pool_holds_64_distinct_rows_that_do_not_depend_on_its_batches(void **state)
{
    (void)state;
    bench_pool narrow, wide;
    assert_int_equal(bench_pool_make(&narrow, WORKLOAD_LM, TOMBOLA_FLOAT32, 3, 700, SEED), 0);
    assert_int_equal(bench_pool_make(&wide, WORKLOAD_LM, TOMBOLA_FLOAT32, 66, 700, SEED), 0);
    assert_int_equal(narrow.batches, 22);
    assert_int_equal(wide.batches, 1);
    assert_memory_equal(narrow.data, wide.data, 66 * 700 * sizeof(float));
    const char *rows = wide.data;
    for (size_t a = 0; a < 66; a++)
        for (size_t b = 0; b < a; b++)
            assert_memory_not_equal(rows + a * 2800, rows + b * 2800, 2800);
    bench_pool_release(&narrow);
    bench_pool_release(&wide);
}

static size_t count_distinct(const struct oracle_row *row)
{
    return VOCABULARY - count_if_equal_to_next(row);
}

static void the_worst_rows_are_in_every_type_what_they_are_called(void **state)
{
    (void)state;
    for (int type = 0; type < 3; type++) {
        uint32_t kept;
        struct oracle_row *row = make_row(WORKLOAD_EQUAL, 0, (tombola_type)type, &kept);
        assert_int_equal(count_distinct(row), 1);
        const float first = oracle_row_logits(row)[0];
        oracle_row_release(row);
        row = make_row(WORKLOAD_EQUAL, 1, (tombola_type)type, &kept);
        assert_true(oracle_row_logits(row)[0] != first);
        oracle_row_release(row);

        row = make_row(WORKLOAD_TWO_VALUES, 0, (tombola_type)type, &kept);
        assert_int_equal(count_distinct(row), 2);
        oracle_row_release(row);

        row = make_row(WORKLOAD_HUGE, 0, (tombola_type)type, &kept);
        const float most = oracle_row_logits(row)[oracle_row_order(row)[0]];
        assert_real_less(type == TOMBOLA_FLOAT16 ? 1e3f : 1e30f, most);
        assert_true(isfinite(most));
        oracle_row_release(row);
    }
}

/* As they are stored: to the oracle those of binary32 are 0. */
static void subnormal_rows_have_no_normal_number(void **state)
{
    (void)state;
    for (tombola_type type = TOMBOLA_FLOAT32; type <= TOMBOLA_BFLOAT16; type++) {
        bench_pool pool;
        assert_int_equal(bench_pool_make(&pool, WORKLOAD_SUBNORMAL, type, 64, 1000, SEED), 0);
        const float least = type == TOMBOLA_FLOAT16 ? 0x1p-14f : FLT_MIN;
        float values[1000];
        bench_pool_widen(&pool, 63, values);
        size_t count = 0;
        for (size_t id = 0; id < COUNT_OF(values); id++) {
            assert_real_less(fabsf(values[id]), least);
            count += values[id] != 0.0f;
        }
        assert_less(900, count);
        bench_pool_release(&pool);
    }
}

/* Rows that lie apart become a pool in which every row is one of them with its tokens shifted. */
static void real_rows_come_again_with_their_tokens_shifted(void **state)
{
    (void)state;
    enum { COUNT = 3, WIDE = 700, COLUMNS = 703 };
    static uint16_t elements[COUNT * COLUMNS];
    static float got[WIDE];
    uint64_t random = SEED;
    for (size_t i = 0; i < COUNT_OF(elements); i++)
        elements[i] = narrow_to_bfloat((float)random_below(&random, 4096) / 256 - 8);
    const npy file = {COUNT, COLUMNS, WIDE, TOMBOLA_BFLOAT16, elements};
    for (tombola_type type = TOMBOLA_FLOAT32; type <= TOMBOLA_BFLOAT16; type++) { /* all hold these numbers */
        bench_pool pool;
        assert_int_equal(bench_pool_repeat(&pool, &file, type, 10), 0);
        assert_string_equal(pool.workload, "real");
        assert_int_equal(pool.type, type);
        assert_int_equal(pool.vocabulary, WIDE);
        assert_int_equal(pool.batches, 7);
        for (size_t row = 0; row < 70; row++) {
            bench_pool_widen(&pool, row, got);
            for (size_t id = 0; id < WIDE; id++)
                assert_real_equal(got[(id + row / COUNT * BENCH_SHIFT) % WIDE],
                                  widen_bfloat(elements[row % COUNT * COLUMNS + id]));
        }
        const char *rows = pool.data;
        const size_t bytes = WIDE * tombola_type_size(type);
        for (size_t a = 0; a < 70; a++)
            for (size_t b = 0; b < a; b++)
                assert_memory_not_equal(rows + a * bytes, rows + b * bytes, bytes);
        bench_pool_release(&pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_workload_has_the_nucleus_it_promises),
        cmocka_unit_test(a_peaked_row_has_one_token_of_99_in_100),
        cmocka_unit_test(ties_are_ties_in_every_type_and_nine_in_ten_are_masked),
        cmocka_unit_test(the_worst_rows_are_in_every_type_what_they_are_called),
        cmocka_unit_test(subnormal_rows_have_no_normal_number),
        cmocka_unit_test(a_pool_holds_64_distinct_rows_that_do_not_depend_on_its_batches),
        cmocka_unit_test(real_rows_come_again_with_their_tokens_shifted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
