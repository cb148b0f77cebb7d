/* Ranks that disagree, and ranks on which something fails, at every call that can: all ranks of the team say the same,
 * none waits for ever, and the next call works. In all teams at once it is the last rank that does it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <CL/cl.h>

#include "expect.h"
#include "faults.h"
#include "group.h"
#include "mpi_calls.h"
#include "mpi_faults.h"
#include "mpi_mistakes.h"

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
    if (fault == FAULT_CALL) /* memory is there from the calls before */
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
        cmocka_unit_test(one_that_lists_kept_tokens_is_named_where_calls_go_in_halves),
        cmocka_unit_test(types_may_differ),
        cmocka_unit_test(messages_that_others_do_not_know_fail_on_all),
        cmocka_unit_test(mpi_that_fails_on_a_rank_is_told_on_all),
        cmocka_unit_test(devices_that_fail_on_a_rank_are_told_on_all),
        cmocka_unit_test(memory_that_a_rank_lacks_is_told_on_all),
        cmocka_unit_test(creations_may_fail_at_each_call_and_leave_nothing),
    };
    world_open(&argc, &argv);
    const int failed = cmocka_run_group_tests_name("failures over MPI", tests, open_calls, close_context);
    world_close();
    return failed;
}
