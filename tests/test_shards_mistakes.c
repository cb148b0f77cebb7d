/* What shards say where they do not agree, or are called out of turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "calls.h"
#include "expect.h"
#include "group.h"
#include "refused.h"
#include "tombola_shard.h"

enum { ROWS = 8, VOCABULARY = 6000, CUT = 3072, HEAD = sizeof(tombola_shard_head), WORDS = (VOCABULARY + 31) / 32 };

static const float logits[ROWS * VOCABULARY];

/* A batch of which everything may be another on another shard. */
struct batch {
    tombola_params params[ROWS];
    uint32_t masks[ROWS][WORDS];
    int32_t mask_of_row[ROWS];
    tombola_bias biases[2 * ROWS];
    int32_t history[3 * ROWS], end_tokens[2 * ROWS], words[2 * ROWS], breakers[ROWS], forced[ROWS], thinking[2];
    int32_t scores[ROWS];
    size_t ones[ROWS], twos[ROWS], threes[ROWS], prompts[ROWS]; /* ends of lists of one, two and three; and 1 */
    tombola_rows rows;
    uint32_t samples;
};

static void fill(struct batch *b, size_t first)
{
    memset(b, 0, sizeof *b);
    memset(b->masks, 0xFF, sizeof b->masks);
    b->rows = host_rows(logits + first, ROWS, VOCABULARY, b->params);
    for (size_t row = 0; row < ROWS; row++) {
        b->params[row] = params_at(0.8f);
        b->params[row].seed = row;
        b->mask_of_row[row] = (int32_t)row / 2;
        b->ones[row] = row + 1;
        b->twos[row] = 2 * row + 2;
        b->threes[row] = 3 * row + 3;
        b->prompts[row] = 1;
        b->biases[2 * row] = (tombola_bias){5, 1.0f};
        b->biases[2 * row + 1] = (tombola_bias){4000, -2.0f};
        b->end_tokens[2 * row] = 7;
        b->words[2 * row + 1] = 100;
    }
    b->rows.masks.host = b->masks[0];
    b->rows.mask_of_row = b->mask_of_row;
    b->rows.biases = b->biases;
    b->rows.bias_ends = b->twos;
    b->rows.history = b->history;
    b->rows.history_ends = b->threes;
    b->rows.prompt_lengths = b->prompts;
    b->rows.end_tokens = b->end_tokens;
    b->rows.end_token_ends = b->twos;
    b->rows.words = b->words;
    b->rows.word_ends = b->twos;
    b->rows.banned_ends = b->ones;
    b->rows.breakers = b->breakers;
    b->rows.breaker_ends = b->rows.breaker_row_ends = b->ones;
    b->rows.forced = b->forced;
    b->rows.forced_ends = b->ones;
    b->rows.thinking_start = b->rows.thinking_end = b->thinking;
    b->rows.thinking_start_count = b->rows.thinking_end_count = 1;
    b->rows.score_tokens = b->scores;
    b->rows.score_ends = b->ones;
    b->samples = 1;
    for (size_t row = 0; row < ROWS; row++) /* nothing is forced yet */
        b->params[row].forced_from = 100;
}

static tombola_shard *open_shard(size_t vocabulary, size_t first, size_t last)
{
    tombola_error error = tombola_error_default();
    tombola_shard *shard = NULL;
    if (tombola_shard_create(context, vocabulary, first, last, ROWS, NULL, &shard, &error))
        fail_msg("%s", error.message);
    return shard;
}

static void begin_batch(tombola_shard *shard, const struct batch *b)
{
    static int32_t tokens[4 * ROWS];
    tombola_error error = tombola_error_default();
    tombola_results results = tombola_results_default();
    results.tokens.host = tokens;
    results.samples = b->samples;
    if (tombola_shard_begin(shard, &b->rows, &results, &error))
        fail_msg("%s", error.message);
}

/* The same of rows that have nothing but parameters. */
static void begin(tombola_shard *shard, size_t first, size_t rows, tombola_params all)
{
    static struct batch b;
    fill(&b, first);
    b.rows = host_rows(logits + first, rows, VOCABULARY, b.params);
    tombola_params_fill(b.params, ROWS, all);
    begin_batch(shard, &b);
}

/* Has both shards' messages merged by both, in either order; they say the same, about b, and have ended their calls.
 * Without a message they agree. */
static void expect_disagreement(tombola_shard *a, tombola_shard *b, const char *message)
{
    enum { MOST = 4096 };
    const int about_none = !message || strncmp(message, "no shard", 8) == 0;
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
        size_t at;
        tombola_status status = tombola_shard_merge(shards[i], i ? swapped : messages, MOST, 2, &is_done, &error);
        if (message)
            expect_refusal(status, &error, message);
        else
            assert_int_equal(status, TOMBOLA_OK);
        if (i == 0) /* whose call takes one round */
            assert_int_equal(is_done, 1);
        status = tombola_shard_check(i ? swapped : messages, MOST, 2, &at, &error);
        if (message)
            expect_refusal(status, &error, message);
        else
            assert_int_equal(status, TOMBOLA_OK);
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

#define SECOND "the shard of columns 3072 to 6000 has other "
#define FIRST " than that of 0 to 3072"

static void what_differs_is_named_and_the_row(void **state)
{
    (void)state;
    static struct batch a, b;
#define CHANGE(what, message)                                                                                          \
    do {                                                                                                               \
        tombola_shard *const shards[] = {open_shard(VOCABULARY, 0, CUT), open_shard(VOCABULARY, CUT, VOCABULARY)};     \
        fill(&a, 0);                                                                                                   \
        fill(&b, CUT);                                                                                                 \
        (void)(what);                                                                                                  \
        begin_batch(shards[0], &a);                                                                                    \
        begin_batch(shards[1], &b);                                                                                    \
        expect_disagreement(shards[0], shards[1], message);                                                            \
    } while (0)
    CHANGE(0, NULL);
    CHANGE((b.biases[6] = b.biases[7], b.biases[7] = a.biases[6]), NULL); /* in any order */
    CHANGE((b.end_tokens[6] = b.end_tokens[7], b.end_tokens[7] = 7), NULL);
    CHANGE(b.masks[1][WORDS - 1] ^= 1u << VOCABULARY % 32, NULL); /* behind the vocabulary */
    CHANGE(b.params[3].top_k = 7, SECOND "parameters in row 3" FIRST);
    CHANGE(b.params[0].seed = 7, SECOND "parameters in row 0" FIRST);
    CHANGE(b.params[7].presence_penalty = 1.0f, SECOND "parameters in row 7" FIRST);
    CHANGE((b.params[2].top_k = 7, b.params[3].top_k = 7), SECOND "parameters" FIRST);
    CHANGE(b.history[6] = 1, SECOND "histories in row 2" FIRST);
    CHANGE(b.prompts[6] = 2, SECOND "histories in row 6" FIRST);
    CHANGE(b.threes[5]--, SECOND "histories" FIRST); /* a token goes to the next row */
    CHANGE(b.biases[9].value = 3.0f, SECOND "biases in row 4" FIRST);
    CHANGE(b.end_tokens[11] = 8, SECOND "end tokens in row 5" FIRST);
    CHANGE(b.words[2] = 8, SECOND "words, breakers or forced tokens in row 1" FIRST);
    CHANGE(b.breakers[2] = 8, SECOND "words, breakers or forced tokens in row 2" FIRST);
    CHANGE(b.forced[3] = 8, SECOND "words, breakers or forced tokens in row 3" FIRST);
    CHANGE(b.scores[4] = 8, SECOND "ids to score in row 4" FIRST);
    CHANGE(b.rows.thinking_end = b.words + 1, SECOND "tokens of thinking" FIRST);
    CHANGE(b.samples = 2, SECOND "samples or results" FIRST);
    CHANGE(b.masks[1][4] ^= 1u << 31, SECOND "masks" FIRST);
    CHANGE(b.mask_of_row[3] = -1, SECOND "masks" FIRST);
    CHANGE((b.params[4].forced_from = 2, b.forced[4] = 9), SECOND "words, breakers or forced tokens in row 4" FIRST);
#undef CHANGE
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
    assert_int_equal(tombola_shard_largest(NULL, HEAD, 1), 0);
    assert_int_equal(tombola_shard_largest(message, HEAD, 1), HEAD + ROWS * 48);
    message[0] ^= 1;
    assert_int_equal(tombola_shard_largest(message, HEAD, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_that_disagree_say_the_same),
        cmocka_unit_test(what_differs_is_named_and_the_row),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests_name("mistakes with shards", tests, open_context, close_context);
}
