#include "mpi_mistakes.h"

#include <stdio.h>
#include <string.h>

#include "expect.h"
#include "harness.h"
#include "mpi_calls.h"

static int32_t status[ROWS];

static void no_context(struct arguments *a)
{
    a->context = NULL;
}
static void other_vocabulary(struct arguments *a)
{
    a->vocabulary = a->last = V + 300;
}
static void other_max_rows(struct arguments *a)
{
    a->max_rows = ROWS + 1;
}
static void other_input(struct arguments *a)
{
    a->options.input = TOMBOLA_PROBABILITIES;
}
static void overlapping(struct arguments *a)
{
    a->first -= 256;
}
static void too_few(struct arguments *a)
{
    a->first += 256;
}
static void uneven(struct arguments *a)
{
    a->first += 100;
}

void creations_that_fail_on_a_rank_fail_on_all(void **state)
{
    (void)state;
    static const struct {
        void (*change)(struct arguments *);
        const char *words;
        int takes_two; /* ranks, or else there is nothing to disagree with */
    } cases[] = {{no_context, "context is NULL", 0},
                 {other_vocabulary, "has another vocabulary than that of 0 to", 1},
                 {other_max_rows, "max_rows is 7, and 6 on rank 0", 1},
                 {other_input, "has another input than that of 0 to", 1},
                 {overlapping, "more than one shard has columns", 1},
                 {too_few, "no shard has columns", 0},
                 {uneven, ": shards are cut at multiples of 256", 0}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_error error = tombola_error_default();
        struct arguments a = arguments_of_all();
        char name[32];
        if (cases[i].takes_two && team->size == 1)
            continue;
        if (is_last())
            cases[i].change(&a);
        const tombola_status got = create(&a, &error);
        expect_same(got, &error, cases[i].words);
        snprintf(name, sizeof name, "rank %d: ", team->size - 1);
        assert_true(cases[i].change == too_few || strncmp(error.message, name, strlen(name)) == 0);
        assert_null(sampler);
    }
}

static void other_params(struct arguments *a)
{
    (void)a, params[1].top_k = 41;
}
static void bad_params(struct arguments *a)
{
    (void)a, params[4].top_p = 2.0f;
}
static void fewer_rows(struct arguments *a)
{
    a->rows.count--;
}
static void too_many_rows(struct arguments *a)
{
    a->rows.count = ROWS + 1;
}
static void no_rows(struct arguments *a)
{
    a->has_rows = 0;
}
static void no_logits(struct arguments *a)
{
    a->rows.logits.host = NULL;
}
static void another_result(struct arguments *a)
{
    a->results.status.host = status, a->results.tokens.host = NULL;
}
static void no_result(struct arguments *a)
{
    a->results.tokens.host = NULL;
}
static void newer_rows(struct arguments *a)
{
    a->rows.struct_size = 7;
}

void calls_that_disagree_or_are_mistaken_fail_on_all(void **state)
{
    (void)state;
    static const struct {
        void (*change)(struct arguments *);
        const char *words;
        int takes_two;
    } cases[] = {{other_params, "has other parameters", 1},
                 {bad_params, "params[4].top_p is 2", 0},
                 {fewer_rows, "rows.count is 5, and 6 on rank 0", 1},
                 {too_many_rows, "rows.count is 7, not from 1 to the sampler's max_rows 6", 0},
                 {no_rows, "rows is NULL", 0},
                 {no_logits, "rows.logits is NULL", 0},
                 {another_result, "samples or results", 1},
                 {no_result, "results", 0},
                 {newer_rows, "rows.struct_size is 7", 0}};
    for (size_t from = 0; from < 4; from += 2) {
        struct arguments a = arguments_of_all();
        a.halve_from = from;
        assert_int_equal(create(&a, NULL), TOMBOLA_OK);
        expect_works();
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            tombola_error error = tombola_error_default();
            char name[32];
            if (cases[i].takes_two && team->size == 1)
                continue;
            a = arguments_of_all();
            if (is_last())
                cases[i].change(&a);
            expect_same(sample(&a, &error), &error, cases[i].words);
            snprintf(name, sizeof name, "rank %d: ", team->size - 1);
            assert_true(strncmp(error.message, name, strlen(name)) == 0);
            expect_works();
        }
        if (team->size > 1) {
            tombola_error error = tombola_error_default();
            a = arguments_of_all();
            assert_int_equal(tombola_mpi_sampler_halve(sampler, is_last() ? 2 - from : from, NULL), TOMBOLA_OK);
            expect_same(sample(&a, &error), &error, "tombola_mpi_sampler_halve is to be called alike");
            assert_int_equal(tombola_mpi_sampler_halve(sampler, from, NULL), TOMBOLA_OK);
            expect_works();
        }
        tombola_mpi_sampler_release(sampler);
    }
}

/* Which of them has what the others have not makes no difference to the draw, but for who goes in halves. */
void one_that_lists_kept_tokens_is_named_where_calls_go_in_halves(void **state)
{
    (void)state;
    static int32_t kept[ROWS * V];
    static uint64_t ends[ROWS];
    for (size_t from = 0; from < 4; from += 2)
        for (int who = 0; who<team->size; who += team->size> 1 ? team->size - 1 : 1) {
            tombola_error error = tombola_error_default();
            struct arguments a = arguments_of_all();
            char words[160];
            a.halve_from = from;
            assert_int_equal(create(&a, NULL), TOMBOLA_OK);
            if (team->rank == who) {
                a.results.kept_ends.host = ends;
                a.results.kept_tokens.host = kept;
                a.results.kept_capacity = ROWS * V;
            }
            snprintf(words, sizeof words,
                     who ? "rank %d: lists its kept tokens, and rank 0 does not: where calls go in "
                           "halves all ranks list them, or none"
                         : "rank 1: lists no kept tokens, and rank 0 does: where calls go in "
                           "halves all ranks list them, or none",
                     who);
            expect_same(sample(&a, &error), &error, from && team->size > 1 ? words : NULL);
            expect_works();
            tombola_mpi_sampler_release(sampler);
        }
}

void types_may_differ(void **state)
{
    (void)state;
    static const tombola_type types[] = {TOMBOLA_FLOAT16, TOMBOLA_FLOAT32};
    struct arguments a = arguments_of_all();
    tombola_error error = tombola_error_default();
    a.options.type = types[team->rank % 2];
    expect_same(create(&a, &error), &error, NULL);
    if (a.options.type == TOMBOLA_FLOAT16)
        a.rows.logits.host = narrow + a.first;
    expect_same(sample(&a, &error), &error, NULL);
    assert_memory_equal(tokens, right, sizeof right);
    tombola_mpi_sampler_release(sampler);
}
