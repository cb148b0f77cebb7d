/* Lists of penalties that are kept from call to call: they are those that would be made anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "calls.h"
#include "expect.h"
#include "group.h"
#include "sampler.h"

enum { ROWS = 6, VOCABULARY = 700, LONGEST = 300, BIASES = 5 };

/* A row, as it goes from call to call. */
struct text {
    int32_t tokens[LONGEST];
    size_t count, prompt;
    tombola_bias biases[BIASES];
    size_t bias_count;
    tombola_params params;
};

/* Half of them one of few, which come again. */
static int32_t some_token(uint64_t *seed)
{
    return (int32_t)random_below(seed, random_below(seed, 2) ? 40 : VOCABULARY);
}

static void begin_text(struct text *t, uint64_t *seed)
{
    memset(t, 0, sizeof *t);
    t->prompt = random_below(seed, 50);
    for (t->count = 0; t->count < t->prompt + 1; t->count++)
        t->tokens[t->count] = some_token(seed);
    t->bias_count = random_below(seed, BIASES + 1);
    for (size_t i = 0; i < t->bias_count; i++) /* those of a row differ, but are in no order */
        t->biases[i] = (tombola_bias){(int32_t)(random_below(seed, VOCABULARY / BIASES) * BIASES + i), 0.5f};
    t->params = params_at(1.0f);
    t->params.repetition_penalty = random_below(seed, 3) ? 1.25f : 1.0f;
    t->params.frequency_penalty = random_below(seed, 3) ? 0.125f : 0.0f;
    t->params.penalty_prompt = random_below(seed, 3);
    t->params.penalty_window = random_below(seed, 3) ? 0 : 40;
}

static void append(struct text *t, size_t count, uint64_t *seed)
{
    for (; count > 0 && t->count < LONGEST; count--)
        t->tokens[t->count++] = some_token(seed);
}

/* Mostly a text goes on by a token; now and then it is changed in a way that a list may not outlive. */
static void go_on(struct text *t, uint64_t *seed)
{
    switch (random_below(seed, 256)) {
    case 0:
        begin_text(t, seed);
        break;
    case 1:
        t->tokens[random_below(seed, (uint32_t)t->count)] = some_token(seed);
        break;
    case 2:
        t->count -= random_below(seed, (uint32_t)(t->count - t->prompt));
        break;
    case 3:
        t->prompt = random_below(seed, (uint32_t)t->count);
        break;
    case 4:
        t->params.presence_penalty += 0.25f;
        break;
    case 5:
        for (size_t i = 0; i < t->bias_count; i++)
            t->biases[i].value += 0.25f;
        break;
    case 6:
        t->params.no_repeat_ngram = t->params.no_repeat_ngram ? 0 : 2;
        break;
    case 7:
        append(t, 12, seed);
        break;
    case 8:
        append(t, random_below(seed, 4), seed);
        break;
    default:
        append(t, 1, seed);
        break;
    }
}

struct arrays {
    float logits[ROWS * VOCABULARY];
    tombola_params params[ROWS];
    int32_t history[ROWS * LONGEST];
    tombola_bias biases[ROWS * BIASES + 1];
    size_t history_ends[ROWS], bias_ends[ROWS], prompts[ROWS];
};

static tombola_rows rows_of(struct arrays *a, const struct text *texts, size_t count)
{
    size_t tokens = 0, biases = 0;
    for (size_t row = 0; row < count; row++) {
        const struct text *t = &texts[row];
        memcpy(a->history + tokens, t->tokens, t->count * sizeof *t->tokens);
        memcpy(a->biases + biases, t->biases, t->bias_count * sizeof *t->biases);
        a->history_ends[row] = tokens += t->count;
        a->bias_ends[row] = biases += t->bias_count;
        a->prompts[row] = t->prompt;
        a->params[row] = t->params;
    }
    tombola_rows rows = host_rows(a->logits, count, 0, a->params);
    rows.history = a->history;
    rows.history_ends = a->history_ends;
    rows.prompt_lengths = a->prompts;
    rows.biases = a->biases;
    rows.bias_ends = a->bias_ends;
    return rows;
}

static void draw_from(tombola_sampler *sampler, const tombola_rows *rows, struct columns *columns)
{
    const tombola_results results = columns_results(columns);
    call_rows(sampler, rows, &results);
}

static void refuse(tombola_sampler *sampler, const tombola_rows *rows)
{
    struct columns columns;
    const tombola_results results = columns_results(&columns);
    assert_int_equal(tombola_sampler_sample(sampler, rows, &results, NULL), TOMBOLA_INVALID_ARGUMENT);
}

/* A row's list, as the last call has made it. */
static struct adjustment_list list_of(const tombola_sampler *sampler, size_t row)
{
    const struct batch *b = &sampler->batches[0];
    const u32 first = b->host_params[row].adjust_first;
    return (struct adjustment_list){(struct adjustment *)b->adjustments.copy.host + first,
                                    b->host_params[row].adjust_end - first};
}

static void expect_same_lists(const tombola_sampler *steady, const tombola_sampler *anew, size_t rows, size_t call)
{
    for (size_t row = 0; row < rows; row++) {
        const struct adjustment_list got = list_of(steady, row), right = list_of(anew, row);
        if (got.count != right.count || memcmp(got.entries, right.entries, got.count * sizeof *got.entries))
            fail_msg("call %zu: the list of row %zu, of %zu adjustments, is not the one of %zu", call, row, got.count,
                     right.count);
    }
}

/* Whether the last call has amended the row's list by tokens. */
static int is_amended(const tombola_sampler *sampler, size_t row)
{
    const struct recall *recall = &sampler->batches[0].adjustments.recall;
    const struct recalled *r = &recall->rows[row];
    return r->call == recall->call && recall_parts(1, counted_tokens(r->counted), r->biases) > r->room;
}

static void lists_are_those_that_would_be_made_anew(void **state)
{
    (void)state;
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, VOCABULARY};
    const size_t calls = test_level() == TEST_SMALL ? 300 : 2000;
    struct arrays *a = allocate(1, sizeof *a);
    struct text texts[ROWS];
    struct columns got, right;
    uint64_t seed = 5;
    size_t amended = 0;
    tombola_sampler *steady = make_sampler(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO);
    for (size_t row = 0; row < ROWS; row++)
        begin_text(&texts[row], &seed);
    for (size_t call = 0; call < calls; call++) {
        const size_t count = random_below(&seed, 32) ? ROWS : 1 + random_below(&seed, ROWS);
        const size_t other = random_below(&seed, 32) ? 0 : random_below(&seed, ROWS); /* takes the first one's place */
        const struct text first = texts[0];
        texts[0] = texts[other];
        texts[other] = first;
        for (size_t row = 0; row < ROWS; row++)
            go_on(&texts[row], &seed);
        const tombola_rows rows = rows_of(a, texts, count);
        tombola_sampler *anew = make_sampler(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO);
        draw_from(steady, &rows, &got);
        draw_from(anew, &rows, &right);
        expect_same_lists(steady, anew, count, call);
        assert_memory_equal(got.tokens, right.tokens, count * sizeof *got.tokens);
        for (size_t row = 0; row < count; row++)
            amended += (size_t)is_amended(steady, row);
        tombola_sampler_release(anew);
        if (random_below(&seed, 16) == 0 &&
            texts[count - 1].bias_count > 0) { /* the same bias twice: a call that ends amid its lists */
            a->biases[a->bias_ends[count - 1]] = a->biases[a->bias_ends[count - 1] - 1];
            a->bias_ends[count - 1]++;
            refuse(steady, &rows);
            refuse(steady, &rows);
        }
    }
    assert_in_range(amended, calls, calls * ROWS); /* of some 2 in 3 rows that have penalties and no window */
    tombola_sampler_release(steady);
    free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_those_that_would_be_made_anew),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
