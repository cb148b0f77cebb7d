/* How many rounds and bytes shards take, and what they say where they do not agree or are called out of turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "group.h"
#include "refused.h"
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
    struct shard_results *got = shard_results_make(ROWS, 1, 0, 0), *right = shard_results_make(ROWS, 1, 0, 0);
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

/* ------------------------------------------------------------------ agreement */

static tombola_shard *open_shard(size_t vocabulary, size_t first, size_t last)
{
    tombola_error error = tombola_error_default();
    tombola_shard *shard = NULL;
    if (tombola_shard_create(context, vocabulary, first, last, ROWS, NULL, &shard, &error))
        fail_msg("%s", error.message);
    return shard;
}

static void begin(tombola_shard *shard, size_t first, size_t rows, tombola_params all)
{
    static int32_t tokens[ROWS];
    tombola_error error = tombola_error_default();
    tombola_rows batch = rows_of_kind(ROW_GAUSSIAN, all);
    tombola_results results = tombola_results_default();
    batch.logits.host = logits + first;
    batch.stride = VOCABULARY;
    batch.count = rows;
    results.tokens.host = tokens;
    if (tombola_shard_begin(shard, &batch, &results, &error))
        fail_msg("%s", error.message);
}

/* Has both shards' messages merged by both, in either order; they say the same, about b, and have ended their calls. */
static void expect_disagreement(tombola_shard *a, tombola_shard *b, const char *message)
{
    const int about_none = strncmp(message, "no shard", 8) == 0;
    enum { MOST = 4096 };
    tombola_shard *const shards[] = {a, b};
    uint64_t messages[2][MOST / 8], swapped[2][MOST / 8];
    for (int i = 0; i < 2; i++) {
        size_t size;
        assert_int_equal(tombola_shard_partial(shards[i], messages[i], MOST, &size, NULL), TOMBOLA_OK);
    }
    memcpy(swapped[0], messages[1], MOST);
    memcpy(swapped[1], messages[0], MOST);
    for (int i = 0; i < 2; i++) {
        tombola_error error = tombola_error_default();
        int is_done = -1;
        const tombola_status status = tombola_shard_merge(shards[i], i ? swapped : messages, MOST, 2, &is_done, &error);
        expect_refusal(status, &error, message);
        if (i == 0) /* whose call takes one round */
            assert_int_equal(is_done, 1);
        size_t at;
        expect_refusal(tombola_shard_check(i ? swapped : messages, MOST, 2, &at, &error), &error, message);
        assert_int_equal(at, about_none ? 2 : i ? 0 : 1);
        tombola_shard_release(shards[i]);
    }
}

static void shards_that_disagree_say_the_same(void **state)
{
    (void)state;
    const tombola_params warm = params_at(1.0f);
    tombola_params other = warm;
    tombola_shard *a, *b;
    other.top_k = 7;
#define PAIR(vocabulary, first, last)                                                                                  \
    a = open_shard(VOCABULARY, 0, 3072);                                                                               \
    b = open_shard(vocabulary, first, last);                                                                           \
    begin(a, 0, ROWS, warm)
    PAIR(VOCABULARY, 3072, VOCABULARY);
    begin(b, 3072, ROWS, other);
    expect_disagreement(a, b, "the shard of columns 3072 to 6000 has other parameters than that of 0 to 3072");
    PAIR(VOCABULARY, 3072, VOCABULARY);
    begin(b, 3072, ROWS - 1, warm);
    expect_disagreement(a, b, "the shard of columns 3072 to 6000 has another number of rows than that of 0 to 3072");
    PAIR(5000, 3072, 5000);
    begin(b, 3072, ROWS, warm);
    expect_disagreement(a, b, "the shard of columns 3072 to 5000 has another vocabulary than that of 0 to 3072");
    PAIR(VOCABULARY, 3328, VOCABULARY);
    begin(b, 3328, ROWS, warm);
    expect_disagreement(a, b, "no shard has columns 3072 to 3328");
    PAIR(VOCABULARY, 2560, VOCABULARY);
    begin(b, 2560, ROWS, warm);
    expect_disagreement(a, b, "more than one shard has columns 2560 to 3072");
    PAIR(VOCABULARY, 3072, 3328);
    begin(b, 3072, ROWS, warm);
    expect_disagreement(a, b, "no shard has columns 3328 to 6000");
    PAIR(VOCABULARY, 3072, VOCABULARY);
    tombola_error error = tombola_error_default();
    const tombola_status status = tombola_shard_begin(b, NULL, NULL, &error);
    expect_refusal(status, &error, "rows is NULL");
    expect_disagreement(a, b, "the shard of columns 3072 to 6000 has failed: invalid argument");
#undef PAIR
}

static void mistakes_are_named(void **state)
{
    (void)state;
    tombola_error error = tombola_error_default();
    tombola_shard *shard = NULL;
    uint64_t message[512];
    size_t size;
    int is_done;
    expect_refusal(tombola_shard_create(context, VOCABULARY, 100, VOCABULARY, ROWS, NULL, &shard, &error), &error,
                   "first is 100 and last is 6000: shards are cut at multiples of 256");
    expect_refusal(tombola_shard_create(context, VOCABULARY, 0, VOCABULARY + 1, ROWS, NULL, &shard, &error), &error,
                   "first is 0 and last is 6001, no columns of a vocabulary of 6000");
    shard = open_shard(VOCABULARY, 0, VOCABULARY);
    expect_refusal(tombola_shard_partial(shard, message, sizeof message, &size, &error), &error,
                   "partial comes out of turn: no call of the shard is under way");
    begin(shard, 0, ROWS, params_at(1.0f));
    expect_refusal(tombola_shard_merge(shard, message, sizeof message, 1, &is_done, &error), &error,
                   "merge comes out of turn: partial is next");
    expect_refusal(tombola_shard_partial(shard, message, HEAD, &size, &error), &error,
                   "the message needs 464 bytes, more than the capacity");
    assert_int_equal(size, HEAD + ROWS * 48);
    assert_int_equal(tombola_shard_partial(shard, message, sizeof message, &size, &error), TOMBOLA_OK);
    message[0] ^= 1;
    expect_refusal(tombola_shard_merge(shard, message, sizeof message, 1, &is_done, &error), &error,
                   "one of 1 messages is none of a shard's");
    begin(shard, 0, ROWS, params_at(1.0f)); /* the call before is over */
    tombola_shard_cancel(shard);
    begin(shard, 0, ROWS, params_at(1.0f));
    assert_int_equal(tombola_shard_partial(shard, message, sizeof message, &size, &error), TOMBOLA_OK);
    message[HEAD / 8] ^= 1; /* of the first row's head */
    expect_refusal(tombola_shard_merge(shard, message, sizeof message, 1, &is_done, &error), &error,
                   "the shard of columns 0 to 6000 has a message that is not whole, or other questions");
    tombola_shard_release(shard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_and_bytes_are_few),
        cmocka_unit_test(shards_that_disagree_say_the_same),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests_name("rounds of shards", tests, open_context, close_context);
}
