/* Ranks that disagree, and ranks on which something fails, at every call that can: all ranks of the team say the same,
 * none waits for ever, and the next call works. In all teams at once it is the last rank that does it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CL/cl.h>

#include "expect.h"
#include "faults.h"
#include "group.h"
#include "mpi_faults.h"
#include "mpi_world.h"
#include "rows.h"

enum { ROWS = 6, V = 3000 };

static uint16_t narrow[ROWS * V]; /* the same rows in both types */
static float logits[ROWS * V];
static tombola_params params[ROWS];
static int32_t right[ROWS]; /* the tokens */

/* What a rank passes. */
struct arguments {
    tombola_context *context;
    size_t vocabulary, first, last, max_rows, halve_from;
    tombola_sampler_options options;
    tombola_rows rows;
    tombola_results results;
    int has_rows;
};

static const struct team *team;
static int32_t tokens[ROWS], status[ROWS];
static tombola_mpi_sampler *sampler;

static int is_last(void)
{
    return team->rank == team->size - 1;
}

static struct arguments arguments_of_all(void)
{
    struct arguments a = {.context = context, .vocabulary = V, .max_rows = ROWS, .has_rows = 1};
    tombola_mpi_columns(V, team->size, team->rank, &a.first, &a.last);
    a.options = tombola_sampler_options_default();
    for (size_t row = 0; row < ROWS; row++) {
        params[row] = params_at(0.9f);
        params[row].seed = row;
        params[row].top_k = 40;
    }
    a.rows = host_rows(logits + a.first, ROWS, V, params);
    a.results = tombola_results_default();
    a.results.tokens.host = tokens;
    return a;
}

/* ------------------------------------------------------------------ sameness */

/* That all ranks have the same status and words, which the last rank's name begins where it is at fault; and that these
 * have `words` in them. NULL: all is well. */
static void expect_same(tombola_status got, const tombola_error *error, const char *words)
{
    struct {
        int status;
        char message[TOMBOLA_ERROR_MESSAGE_SIZE];
    } own = {.status = (int)got}, first;
    snprintf(own.message, sizeof own.message, "%s", got ? error->message : "");
    first = own;
    MPI_Bcast(&first, sizeof first, MPI_BYTE, 0, team->comm);
    assert_that(first.status == own.status && strcmp(first.message, own.message) == 0,
                "rank %d of %d says %d, \"%s\", and rank 0 %d, \"%s\"", team->rank, team->size, own.status, own.message,
                first.status, first.message);
    assert_that(words ? got && strstr(own.message, words) != NULL : !got, "rank %d of %d says %d, \"%s\", not \"%s\"",
                team->rank, team->size, own.status, own.message, words ? words : "");
}

static tombola_status create(const struct arguments *a, tombola_error *error)
{
    sampler = NULL;
    tombola_status got = tombola_mpi_sampler_create(a->context, team->comm, a->vocabulary, a->first, a->last,
                                                    a->max_rows, &a->options, &sampler, error);
    return got ? got : tombola_mpi_sampler_halve(sampler, a->halve_from, error);
}

static tombola_status sample(const struct arguments *a, tombola_error *error)
{
    memset(tokens, -1, sizeof tokens);
    return tombola_mpi_sampler_sample(sampler, a->has_rows ? &a->rows : NULL, &a->results, error);
}

static void expect_works(void)
{
    tombola_error error = tombola_error_default();
    const struct arguments a = arguments_of_all();
    expect_same(sample(&a, &error), &error, NULL);
    assert_memory_equal(tokens, right, sizeof right);
}

static int open_all(void **state)
{
    open_world(state);
    team = &teams[1];
    struct arguments a = arguments_of_all();
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    tombola_sampler *alone = make_sampler(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO);
    for (uint32_t row = 0; row < ROWS; row++) {
        const struct row_recipe recipe = {ROW_TIES, row, V, TOMBOLA_FLOAT16, TOMBOLA_LOGITS};
        row_fill(&recipe, narrow + row * V, logits + row * V);
    }
    a.rows = host_rows(logits, ROWS, V, params);
    call_rows(alone, &a.rows, &a.results);
    memcpy(right, tokens, sizeof right);
    tombola_sampler_release(alone);
    return 0;
}

/* ------------------------------------------------------------------ disagreement */

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

static void creations_that_fail_on_a_rank_fail_on_all(void **state)
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

static void calls_that_disagree_or_are_mistaken_fail_on_all(void **state)
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

static void types_may_differ(void **state)
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

/* ------------------------------------------------------------------ messages */

/* Words of what a rank sends. */
enum {
    WORD_ENVELOPE = 0,
    WORD_HEAD = 4,
    WORD_LAYOUT = WORD_HEAD + 1,
    WORD_CONTRACT,
    WORD_ROW = WORD_HEAD + sizeof(tombola_shard_head) / 4,
};

static void messages_that_others_do_not_know_fail_on_all(void **state)
{
    (void)state;
    static const struct {
        size_t word;
        const char *words;
        int takes_two;
    } cases[] = {{WORD_ENVELOPE, "has another version of the library than rank 0", 1},
                 {WORD_HEAD, "is none of a shard's", 0},
                 {WORD_LAYOUT, "has another version", 0},
                 {WORD_CONTRACT, "has another version", 0},
                 {WORD_ROW, "has a message that is not whole, or other questions", 0}};
    struct arguments a = arguments_of_all();
    assert_int_equal(create(&a, NULL), TOMBOLA_OK);
    expect_works();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_error error = tombola_error_default();
        if (team->size == 1 && cases[i].takes_two)
            continue;
        if (is_last())
            mpi_faults_change(0, cases[i].word, 2);
        a = arguments_of_all();
        expect_same(sample(&a, &error), &error, cases[i].words);
        expect_works();
    }
    tombola_mpi_sampler_release(sampler);
}

/* ------------------------------------------------------------------ MPI */

static void mpi_that_fails_on_a_rank_is_told_on_all(void **state)
{
    (void)state;
    struct arguments a = arguments_of_all();
    assert_int_equal(create(&a, NULL), TOMBOLA_OK);
    expect_works();
    for (size_t nth = 0; nth < 2; nth++) { /* of two rounds */
        tombola_error error = tombola_error_default();
        char words[128];
        a = arguments_of_all();
        if (is_last())
            mpi_faults_refuse(nth, 1);
        snprintf(words, sizeof words, "rank %d: MPI_Iallgather failed: MPI_ERR_INTERN", team->size - 1);
        expect_same(sample(&a, &error), &error, words);
        assert_int_equal(error.status, TOMBOLA_TRANSPORT_FAILED);
        expect_works();
    }
    tombola_error error = tombola_error_default();
    if (is_last())
        mpi_faults_break_wait(0);
    expect_same(sample(&a, &error), &error, "MPI_Wait failed: MPI_ERR_OTHER");
    expect_works();
    if (is_last()) /* when there is nobody left to tell */
        mpi_faults_break_wait(1);
    const tombola_status got = sample(&a, &error);
    assert_int_equal(got, is_last() ? TOMBOLA_TRANSPORT_FAILED : TOMBOLA_OK);
    expect_works();
    if (team->size == 1) { /* else the others would wait */
        mpi_faults_refuse(0, 2);
        assert_int_equal(sample(&a, &error), TOMBOLA_TRANSPORT_FAILED);
        expect_works();
    }
    mpi_faults_end();
    tombola_mpi_sampler_release(sampler);
}

/* ------------------------------------------------------------------ devices and memory */

/* What fails on the last rank. */
enum fault { FAULT_CALL, FAULT_MEMORY };

static void plan_fault(enum fault fault, size_t nth)
{
    faults_begin();
    if (!is_last())
        return;
    if (fault == FAULT_CALL)
        faults_fail(NULL, nth, CL_OUT_OF_RESOURCES);
    else
        faults_fail_memory(nth);
}

/* Whether it has failed. */
static int has_failed(void)
{
    int has = faults_seen().failed != NULL;
    MPI_Bcast(&has, 1, MPI_INT, team->size - 1, team->comm);
    faults_begin();
    return has;
}

/* All ranks have failed in the same words; or only the last one, when there was nobody left to tell. */
static int expect_told(tombola_status got, const tombola_error *error, enum fault fault, const char *call)
{
    const int own = got != TOMBOLA_OK;
    int failed;
    MPI_Allreduce(&own, &failed, 1, MPI_INT, MPI_SUM, team->comm);
    if (is_last() && failed)
        assert_that(strstr(error->message, fault == FAULT_MEMORY ? "no memory" : call) != NULL, "%s failed, told as %s",
                    call, error->message);
    if (failed == team->size)
        expect_same(got, error, "rank ");
    else
        assert_that(failed == 0 || (failed == 1 && (own == is_last())), "%d of %d ranks have failed", failed,
                    team->size);
    return failed == team->size;
}

static void fail_each(enum fault fault, size_t halve_from)
{
    struct arguments a = arguments_of_all();
    unsigned told = 0;
    a.halve_from = halve_from;
    assert_int_equal(create(&a, NULL), TOMBOLA_OK);
    expect_works();
    for (size_t nth = 0;; nth++) {
        tombola_error error = tombola_error_default();
        a = arguments_of_all();
        plan_fault(fault, nth);
        const long held = faults_seen().held;
        const tombola_status got = sample(&a, &error);
        const char *call = faults_seen().failed;
        if (!has_failed())
            break;
        assert_that(faults_seen().held == held, "%s failed (%zu), and %ld objects are left", call ? call : "nothing",
                    nth, faults_seen().held - held);
        told += (unsigned)expect_told(got, &error, fault, call ? call : "nothing");
        expect_works();
    }
    assert_less(1, told);
    tombola_mpi_sampler_release(sampler);
}

static void devices_that_fail_on_a_rank_are_told_on_all(void **state)
{
    (void)state;
    fail_each(FAULT_CALL, 0);
    fail_each(FAULT_CALL, 2);
}

static void memory_that_a_rank_lacks_is_told_on_all(void **state)
{
    (void)state;
    fail_each(FAULT_MEMORY, 0);
    fail_each(FAULT_MEMORY, 2);
}

static void creations_may_fail_at_each_call_and_leave_nothing(void **state)
{
    (void)state;
    for (int fault = FAULT_CALL; fault <= FAULT_MEMORY; fault++)
        for (size_t nth = 0;; nth++) {
            tombola_error error = tombola_error_default();
            struct arguments a = arguments_of_all();
            plan_fault((enum fault)fault, nth);
            const long held = faults_seen().held;
            const tombola_status got = create(&a, &error);
            const char *call = faults_seen().failed;
            if (!has_failed()) {
                assert_int_equal(got, TOMBOLA_OK);
                expect_works();
                tombola_mpi_sampler_release(sampler);
                break;
            }
            expect_told(got, &error, (enum fault)fault, call ? call : "nothing");
            if (!got)
                tombola_mpi_sampler_release(sampler);
            assert_that(faults_seen().held == held, "%s failed (%zu), and %ld objects are left",
                        call ? call : "nothing", nth, faults_seen().held - held);
        }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creations_that_fail_on_a_rank_fail_on_all),
        cmocka_unit_test(calls_that_disagree_or_are_mistaken_fail_on_all),
        cmocka_unit_test(types_may_differ),
        cmocka_unit_test(messages_that_others_do_not_know_fail_on_all),
        cmocka_unit_test(mpi_that_fails_on_a_rank_is_told_on_all),
        cmocka_unit_test(devices_that_fail_on_a_rank_are_told_on_all),
        cmocka_unit_test(memory_that_a_rank_lacks_is_told_on_all),
        cmocka_unit_test(creations_may_fail_at_each_call_and_leave_nothing),
    };
    world_open(&argc, &argv);
    const int failed = cmocka_run_group_tests_name("failures over MPI", tests, open_all, close_context);
    world_close();
    return failed;
}
