/* Callers that write to their logits during a call get tokens that mean nothing; but tokens, and nothing is overrun. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "group.h"

enum { ROWS = 4, VOCABULARY = 5000, CANDIDATES = 1024 };

static float logits[ROWS * VOCABULARY];
static atomic_int is_over;

/* Turns the rows upside down, again and again. */
static void *change(void *unused)
{
    (void)unused;
    while (!atomic_load(&is_over)) {
        for (size_t i = 0; i < ROWS * VOCABULARY; i++) {
            ((volatile float *)logits)[i] = -logits[i];
        }
    }
    return NULL;
}

static void fill_logits(void)
{
    uint64_t random = 7;
    for (size_t i = 0; i < ROWS * VOCABULARY; i++) {
        logits[i] = (float)(random_bits(&random) % 4096) / 256.0f;
    }
}

static void expect_tokens_of_the_vocabulary(const int32_t *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_in_range(tokens[i] + 1, 0, VOCABULARY);
    }
}

static void logits_that_change_give_no_token_outside_the_vocabulary(void **state)
{
    (void)state;
    static const struct make like = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, VOCABULARY};
    static int32_t candidates[ROWS * CANDIDATES];
    const int turns = test_level() == TEST_SMALL ? 20 : 2000;
    tombola_sampler *sampler = make_sampler(context, &like, ROWS, TOMBOLA_DISPATCH_AUTO);
    tombola_error error = tombola_error_default();
    tombola_params params[ROWS];
    int32_t tokens[ROWS];
    pthread_t thread;
    fill_logits();
    tombola_params_fill(params, ROWS, tombola_params_default());
    params[0].temperature = 0;
    params[1].top_p = 0.9f;
    params[2].top_k = 50;
    params[3].temperature = 0.01f;
    tombola_rows rows = tombola_rows_default();
    rows.count = ROWS;
    rows.logits.host = logits;
    rows.params = params;
    tombola_results results = tombola_results_default();
    results.tokens.host = tokens;
    results.candidate_count = CANDIDATES;
    results.candidate_tokens.host = candidates;
    atomic_store(&is_over, 0);
    assert_int_equal(pthread_create(&thread, NULL, change, NULL), 0);
    for (int turn = 0; turn < turns; turn++) {
        for (size_t row = 0; row < ROWS; row++) {
            params[row].offset++;
        }
        if (tombola_sampler_sample(sampler, &rows, &results, &error)) {
            fail_msg("sample: %s", error.message);
        }
        expect_tokens_of_the_vocabulary(tokens, ROWS);
        expect_tokens_of_the_vocabulary(candidates, ROWS * CANDIDATES);
    }
    atomic_store(&is_over, 1);
    pthread_join(thread, NULL);
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_that_change_give_no_token_outside_the_vocabulary),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
