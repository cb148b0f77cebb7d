/* Structs that go into the library, from callers whose header is older or newer than it: what they lack is a default,
 * what they have beyond it has to be 0, and nothing behind their end is touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "calls.h"
#include "group.h"
#include "refused.h"

static tombola_sampler *sampler; /* of the probe's shape */
static tombola_error error = {.struct_size = sizeof(tombola_error)};

/* Fails unless the status is a refusal of a struct that is newer than the library. `place`: of the first byte that is
 * not 0. */
static void expect_too_new(tombola_status status, const char *name, size_t place, size_t size)
{
    char message[200];
    snprintf(message, sizeof message,
             "%s has fields that this library, version %s, is too old to know: byte %zu of %zu is not 0", name,
             tombola_version_string(), place, size);
    expect_refusal(status, &error, message);
}

/* Sizes that no struct has, and the message about one of them. */
static const uint32_t no_sizes[] = {0, 1, 4, 7, UINT32_MAX};

static void expect_sizeless(tombola_status status, const char *name, uint32_t size, const char *maker)
{
    char message[200];
    snprintf(message, sizeof message, "%s.struct_size is %lu: start from %s()", name, (unsigned long)size, maker);
    expect_refusal(status, &error, message);
}

/* What a batch of the probe's rows draws, given structs that may have other sizes. */
static tombola_status draw(const void *rows, const void *results)
{
    error = tombola_error_default();
    return tombola_sampler_sample(sampler, rows, results, &error);
}

static void expect_draws(const struct columns *columns, const struct draw *expected)
{
    struct draw draws[PROBE_ROWS];
    columns_draws(columns, PROBE_ROWS, draws);
    assert_memory_equal(draws, expected, sizeof draws);
}

static tombola_rows probe_rows(const void *params)
{
    return host_rows(probe.logits, PROBE_ROWS, PROBE_STRIDE, params);
}

/* A size 8 bytes older or newer than a struct's own, by turns. */
#define OTHER_SIZE(type, turn) ((turn) % 2 ? sizeof(type) + 8 : sizeof(type) - 8)
enum { TURNS = 2 * BLOCK_KINDS };

static void fields_that_older_parameters_lack_are_the_defaults(void **state)
{
    (void)state;
    const tombola_params neutral = tombola_params_default();
    for (size_t size = 8; size <= sizeof neutral + 16; size += 8) {
        for (int kind = 0; kind < BLOCK_KINDS; kind++) {
            struct block block;
            tombola_params own[PROBE_ROWS];
            struct columns columns, others;
            memcpy(own, probe.params, sizeof own);
            for (size_t row = 0; row < PROBE_ROWS; row++) {
                own[row].offset = 1000 + row;
                own[row].stream = (uint32_t)row + 7;
            }
            const void *theirs = block_make(&block, (enum block_kind)kind, own, sizeof *own, size, PROBE_ROWS);
            tombola_rows rows = probe_rows(theirs);
            const tombola_results results = columns_results(&columns);
            assert_int_equal(draw(&rows, &results), TOMBOLA_OK);
            block_release(&block);
            for (size_t row = 0; row < PROBE_ROWS && size < sizeof neutral; row++)
                memcpy((char *)&own[row] + size, (const char *)&neutral + size, sizeof neutral - size);
            rows = probe_rows(own);
            const tombola_results other_results = columns_results(&others);
            assert_int_equal(draw(&rows, &other_results), TOMBOLA_OK);
            struct draw expected[PROBE_ROWS];
            columns_draws(&others, PROBE_ROWS, expected);
            expect_draws(&columns, expected);
        }
    }
}

static void newer_parameters_are_refused_by_their_row(void **state)
{
    (void)state;
    enum { SIZE = sizeof(tombola_params) + 8 };
    for (size_t row = 0; row < PROBE_ROWS; row++) {
        struct block block;
        struct columns columns;
        char name[16];
        unsigned char *theirs = block_make(&block, BLOCK_EXACT, probe.params, sizeof *probe.params, SIZE, PROBE_ROWS);
        const tombola_rows rows = probe_rows(theirs);
        const tombola_results results = columns_results(&columns);
        theirs[row * SIZE + SIZE - 3] = 1;
        snprintf(name, sizeof name, "params[%zu]", row);
        expect_too_new(draw(&rows, &results), name, SIZE - 3, SIZE);
        block_release(&block);
    }
}

static void parameters_without_a_size_or_of_several_are_refused(void **state)
{
    (void)state;
    struct columns columns;
    tombola_params params[PROBE_ROWS] = {{0}};
    const tombola_rows rows = probe_rows(params);
    const tombola_results results = columns_results(&columns);
    for (size_t i = 0; i < COUNT_OF(no_sizes); i++) {
        memcpy(params, probe.params, sizeof params);
        params[0].struct_size = no_sizes[i];
        expect_sizeless(draw(&rows, &results), "params[0]", no_sizes[i], "tombola_params_default");
    }
    memcpy(params, probe.params, sizeof params);
    params[2].struct_size = 0;
    char message[160];
    snprintf(message, sizeof message,
             "params[2].struct_size is 0, but that of params[0] is %zu: start each from tombola_params_default()",
             sizeof *params);
    expect_refusal(draw(&rows, &results), &error, message);
}

/* Rows that are older by 8 bytes lack the ends of biases, which there are none of; those that end before their
 * parameters never were in a header, but nothing is read beyond. */
static void rows_of_other_sizes_are_read_to_their_end(void **state)
{
    (void)state;
    for (int turn = 0; turn < TURNS; turn++) {
        const size_t size = turn % 4 ? OTHER_SIZE(tombola_rows, turn) : offsetof(tombola_rows, params);
        struct block block;
        struct columns columns;
        const tombola_rows own = probe_rows(probe.params);
        const tombola_results results = columns_results(&columns);
        unsigned char *theirs = block_make(&block, (enum block_kind)(turn / 2), &own, sizeof own, size, 1);
        if (size <= offsetof(tombola_rows, params)) {
            expect_refusal(draw(theirs, &results), &error, "rows.params is NULL");
        } else {
            assert_int_equal(draw(theirs, &results), TOMBOLA_OK);
            expect_draws(&columns, probe.draws);
        }
        if (size > sizeof own) {
            theirs[sizeof own] = 1;
            expect_too_new(draw(theirs, &results), "rows", sizeof own, size);
        }
        block_release(&block);
    }
    tombola_rows rows = probe_rows(probe.params);
    for (size_t i = 0; i < COUNT_OF(no_sizes); i++) {
        struct columns columns;
        const tombola_results results = columns_results(&columns);
        rows.struct_size = no_sizes[i];
        expect_sizeless(draw(&rows, &results), "rows", no_sizes[i], "tombola_rows_default");
    }
}

/* Results that are older by 8 bytes lack the offset of the last column, and those of the first headers the boundary and
 * all behind it. */
static void results_of_other_sizes_are_read_to_their_end(void **state)
{
    (void)state;
    enum { K = 5 };
    const tombola_rows rows = probe_rows(probe.params);
    float expected[PROBE_ROWS * K], got[PROBE_ROWS * K];
    struct columns columns;
    tombola_results own = columns_results(&columns);
    own.candidate_count = K;
    own.candidate_probabilities.host = expected;
    assert_int_equal(draw(&rows, &own), TOMBOLA_OK);
    own.candidate_probabilities.host = got;
    for (int turn = 0; turn < TURNS; turn++) {
        const size_t size = turn % 4 ? OTHER_SIZE(tombola_results, turn) : offsetof(tombola_results, boundary);
        struct block block;
        unsigned char *theirs = block_make(&block, (enum block_kind)(turn / 2), &own, sizeof own, size, 1);
        memset(got, 0xFF, sizeof got);
        memset(&columns, 0xFF, sizeof columns);
        assert_int_equal(draw(&rows, theirs), TOMBOLA_OK);
        expect_draws(&columns, probe.draws);
        assert_memory_equal(got, expected, sizeof got);
        if (size > sizeof own) {
            theirs[size - 1] = 1;
            expect_too_new(draw(&rows, theirs), "results", size - 1, size);
        }
        block_release(&block);
    }
    for (size_t i = 0; i < COUNT_OF(no_sizes); i++) {
        own.struct_size = no_sizes[i];
        expect_sizeless(draw(&rows, &own), "results", no_sizes[i], "tombola_results_default");
    }
}

/* Whether a sampler made with these options stages its rows and draws as ever. */
static void expect_staging_sampler(const void *options)
{
    tombola_sampler *made = NULL;
    tombola_times times = tombola_times_default();
    error = tombola_error_default();
    if (tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, options, &made, &error))
        fail_msg("create: %s", error.message);
    assert_true(probe_passes(&probe, made));
    tombola_sampler_times(made, &times);
    assert_int_equal(times.staged_calls, 1);
    tombola_sampler_release(made);
}

static void options_of_a_sampler_of_other_sizes_are_read_to_their_end(void **state)
{
    (void)state;
    tombola_sampler_options own = tombola_sampler_options_default();
    tombola_sampler *made = NULL;
    own.transfer = TOMBOLA_TRANSFER_STAGED;
    for (int turn = 0; turn < TURNS; turn++) {
        const size_t size =
            turn % 4 ? OTHER_SIZE(tombola_sampler_options, turn) : offsetof(tombola_sampler_options, masks);
        struct block block;
        unsigned char *theirs = block_make(&block, (enum block_kind)(turn / 2), &own, sizeof own, size, 1);
        expect_staging_sampler(theirs);
        if (size > sizeof own) {
            theirs[sizeof own + 4] = 0x80;
            expect_too_new(tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, (void *)theirs, &made, &error),
                           "options", sizeof own + 4, size);
        }
        block_release(&block);
    }
    for (size_t i = 0; i < COUNT_OF(no_sizes); i++) {
        own.struct_size = no_sizes[i];
        expect_sizeless(tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, &own, &made, &error), "options",
                        no_sizes[i], "tombola_sampler_options_default");
    }
    assert_null(made);
}

/* Options of a context that are older by 8 bytes do not tell of the cache. */
static void options_of_a_context_of_other_sizes_are_read_to_their_end(void **state)
{
    (void)state;
    tombola_context_options own = tombola_context_options_default();
    tombola_context *opened = NULL;
    own.lanes = 1;
    own.width = 8;
    own.build_options = getenv("TOMBOLA_TEST_BUILD_OPTIONS");
    for (int turn = 0; turn < TURNS; turn++) {
        const size_t size = OTHER_SIZE(tombola_context_options, turn);
        struct block block;
        uint32_t lanes, width;
        unsigned char *theirs = block_make(&block, (enum block_kind)(turn / 2), &own, sizeof own, size, 1);
        if (size > sizeof own) {
            theirs[size - 2] = 1;
            expect_too_new(tombola_context_open(NULL, (void *)theirs, &opened, &error), "options", size - 2, size);
            assert_null(opened);
            theirs[size - 2] = 0;
        }
        if (tombola_context_open(NULL, (void *)theirs, &opened, &error))
            fail_msg("open: %s", error.message);
        tombola_context_shape(opened, &lanes, &width, NULL);
        assert_int_equal(lanes, 1);
        assert_int_equal(width, 8);
        assert_true(probe_passes_on(&probe, opened));
        tombola_context_close(opened);
        opened = NULL;
        block_release(&block);
    }
    for (size_t i = 0; i < COUNT_OF(no_sizes); i++) {
        own.struct_size = no_sizes[i];
        expect_sizeless(tombola_context_open(NULL, &own, &opened, &error), "options", no_sizes[i],
                        "tombola_context_options_default");
    }
    assert_null(opened);
}

static int make_all(void **state)
{
    open_and_probe(state);
    error = tombola_error_default();
    return (int)tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, NULL, &sampler, NULL);
}

static int release_all(void **state)
{
    tombola_sampler_release(sampler);
    return close_context(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_that_older_parameters_lack_are_the_defaults),
        cmocka_unit_test(newer_parameters_are_refused_by_their_row),
        cmocka_unit_test(parameters_without_a_size_or_of_several_are_refused),
        cmocka_unit_test(rows_of_other_sizes_are_read_to_their_end),
        cmocka_unit_test(results_of_other_sizes_are_read_to_their_end),
        cmocka_unit_test(options_of_a_sampler_of_other_sizes_are_read_to_their_end),
        cmocka_unit_test(options_of_a_context_of_other_sizes_are_read_to_their_end),
    };
    return cmocka_run_group_tests(tests, make_all, release_all);
}
