#include "known_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "group.h"
#include "shards.h"

/* What the rows of a batch consist of. */
struct laid_out {
    char *elements;
    uint32_t *masks;
    int32_t mask_of_row[KNOWN_BATCH_ROWS];
    tombola_bias biases[KNOWN_BATCH_ROWS * MOST_ROW_BIASES];
    size_t bias_ends[KNOWN_BATCH_ROWS];
    int32_t history[KNOWN_BATCH_ROWS * MOST_ROW_HISTORY], end_tokens[KNOWN_BATCH_ROWS * MOST_ROW_ENDS];
    size_t history_ends[KNOWN_BATCH_ROWS], prompt_lengths[KNOWN_BATCH_ROWS], end_token_ends[KNOWN_BATCH_ROWS];
    tombola_params params[KNOWN_BATCH_ROWS];
};

static struct make make_of(const struct known_answer *answer)
{
    return (struct make){answer->recipe.type, answer->recipe.input, answer->recipe.vocabulary};
}

static int same_make(const struct known_answer *a, const struct known_answer *b)
{
    return a->recipe.type == b->recipe.type && a->recipe.input == b->recipe.input &&
           a->recipe.vocabulary == b->recipe.vocabulary;
}

static void lay_out_history(struct laid_out *batch, size_t row, uint32_t number, uint32_t vocabulary)
{
    const struct row_history history = row_history(number, vocabulary);
    const size_t first = row ? batch->history_ends[row - 1] : 0, ends = row ? batch->end_token_ends[row - 1] : 0;
    memcpy(batch->history + first, history.tokens, history.count * sizeof *history.tokens);
    memcpy(batch->end_tokens + ends, history.end_tokens, history.end_token_count * sizeof *history.end_tokens);
    batch->history_ends[row] = first + history.count;
    batch->prompt_lengths[row] = history.prompt;
    batch->end_token_ends[row] = ends + history.end_token_count;
}

static void lay_out(struct laid_out *batch, const struct make *make, const struct known_answer *answers, size_t count)
{
    const size_t words = (make->vocabulary + 31) / 32, size = make->vocabulary * tombola_type_size(make->type);
    size_t end = 0;
    for (size_t row = 0; row < count; row++) {
        row_fill(&answers[row].recipe, batch->elements + row * size, NULL);
        batch->mask_of_row[row] = answers[row].mask ? (int32_t)row : -1;
        if (answers[row].mask) {
            row_mask(answers[row].mask, make->vocabulary, batch->masks + row * words);
        }
        end += row_biases(answers[row].biases, make->vocabulary, batch->biases + end);
        batch->bias_ends[row] = end;
        batch->params[row] = answers[row].params;
        lay_out_history(batch, row, answers[row].history, make->vocabulary);
    }
}

static tombola_rows rows_of(const struct laid_out *batch, const struct make *make, size_t count)
{
    tombola_rows rows = host_rows(batch->elements, count, 0, batch->params);
    rows.masks.host = batch->masks;
    rows.mask_of_row = batch->mask_of_row;
    if (make->input == TOMBOLA_LOGITS) {
        rows.biases = batch->biases;
        rows.bias_ends = batch->bias_ends;
    }
    rows.history = batch->history;
    rows.history_ends = batch->history_ends;
    rows.prompt_lengths = batch->prompt_lengths;
    rows.end_tokens = batch->end_tokens;
    rows.end_token_ends = batch->end_token_ends;
    return rows;
}

void known_batch_expect(const struct known_batch *batch, const struct draw *draws, const char *who)
{
    for (size_t row = 0; row < batch->rows.count; row++)
        expect_draw(who, &batch->answers[row].recipe, &batch->answers[row].params, &batch->answers[row].draw,
                    &draws[row]);
}

static void run_make(const struct known_answer *answers, size_t count, size_t first, known_batch_wanted *wanted,
                     known_batch_run *run, void *user)
{
    struct known_batch batch = {.make = make_of(&answers[0]), .number = first};
    struct laid_out *laid_out = allocate(1, sizeof *laid_out);
    laid_out->elements = allocate(KNOWN_BATCH_ROWS * batch.make.vocabulary, tombola_type_size(batch.make.type));
    laid_out->masks = allocate(KNOWN_BATCH_ROWS * ((batch.make.vocabulary + 31) / 32), sizeof *laid_out->masks);
    for (size_t done = 0; done < count; done += KNOWN_BATCH_ROWS, batch.number++) {
        const size_t rows = count - done < KNOWN_BATCH_ROWS ? count - done : KNOWN_BATCH_ROWS;
        if (wanted && !wanted(&batch, user))
            continue;
        batch.answers = answers + done;
        lay_out(laid_out, &batch.make, batch.answers, rows);
        batch.rows = rows_of(laid_out, &batch.make, rows);
        run(&batch, user);
    }
    free(laid_out->elements);
    free(laid_out->masks);
    free(laid_out);
}

static int compare_makes(const void *left, const void *right)
{
    const struct known_answer *a = left, *b = right;
    const struct row_recipe *x = &a->recipe, *y = &b->recipe;
    if (x->vocabulary != y->vocabulary) {
        return x->vocabulary < y->vocabulary ? -1 : 1;
    }
    if (x->type != y->type) {
        return x->type < y->type ? -1 : 1;
    }
    if (x->input != y->input) {
        return x->input < y->input ? -1 : 1;
    }
    return a->line < b->line ? -1 : a->line > b->line;
}

void known_batches(struct known_answer *answers, size_t count, known_batch_wanted *wanted, known_batch_run *run,
                   void *user)
{
    size_t number = 0;
    qsort(answers, count, sizeof *answers, compare_makes);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && same_make(&answers[first], &answers[end]); end++) {
        }
        if (test_level() == TEST_SMALL && answers[first].recipe.vocabulary > 1000) {
            continue;
        }
        run_make(answers + first, end - first, number, wanted, run, user);
        number += (end - first + KNOWN_BATCH_ROWS - 1) / KNOWN_BATCH_ROWS;
    }
}

/* ------------------------------------------------------------------ one device */

enum { WAYS = 2 };

/* A sampler for each dispatch, of the make at hand. */
struct samplers {
    struct make make;
    tombola_sampler *by[WAYS];
};

static void release_samplers(struct samplers *s)
{
    for (int way = 0; way < WAYS; way++) {
        tombola_sampler_release(s->by[way]);
        s->by[way] = NULL;
    }
}

/* Compares draws with the answers, and boundaries with the oracle's. */
static void run_on_device(const struct known_batch *batch, void *user)
{
    static const struct {
        const char *name;
        tombola_dispatch dispatch;
    } ways[WAYS] = {{"row by row", TOMBOLA_DISPATCH_ROW}, {"spread", TOMBOLA_DISPATCH_SPREAD}};
    struct samplers *s = user;
    struct columns columns;
    struct draw draws[KNOWN_BATCH_ROWS];
    tombola_boundary boundaries[WAYS][KNOWN_BATCH_ROWS];
    tombola_results results = columns_results(&columns);
    if (s->by[0] && memcmp(&s->make, &batch->make, sizeof s->make) != 0)
        release_samplers(s);
    s->make = batch->make;
    for (int way = 0; way < WAYS; way++) {
        if (!s->by[way])
            s->by[way] = make_sampler(context, &batch->make, KNOWN_BATCH_ROWS, ways[way].dispatch);
        results.boundary.host = boundaries[way];
        call_rows(s->by[way], &batch->rows, &results);
        columns_draws(&columns, batch->rows.count, draws);
        known_batch_expect(batch, draws, ways[way].name);
    }
    for (size_t row = 0; row < batch->rows.count; row++) {
        struct oracle_row *right = known_row(&batch->answers[row]);
        struct boundary boundary = oracle_boundary(right, &batch->answers[row].params);
        oracle_row_release(right);
        for (int way = 0; way < WAYS; way++) {
            assert_int_equal(boundaries[way][row].token, boundary.token);
            if (batch->make.input == TOMBOLA_LOGITS)
                assert_memory_equal(&boundaries[way][row].logit, &boundary.logit, sizeof boundary.logit);
        }
    }
}

/* ------------------------------------------------------------------ shards */

static uint64_t random_state = 1;

static int suits(const struct known_batch *batch, void *user)
{
    (void)user;
    return shards_suit(context, &batch->make);
}

/* The shards are those of the make at hand. */
static void run_on_shards(const struct known_batch *batch, void *user)
{
    static const size_t counts[] = {2, 3, 8, 1};
    struct shards *s = user;
    struct columns columns;
    struct draw draws[KNOWN_BATCH_ROWS];
    const tombola_results results = columns_results(&columns);
    if (s->count == 0 || memcmp(&s->make, &batch->make, sizeof s->make) != 0) {
        shards_close(s);
        shards_open(s, &context, 1, &batch->make, KNOWN_BATCH_ROWS, counts[batch->number % COUNT_OF(counts)],
                    &random_state);
    }
    shards_call(s, &batch->rows, &results, &random_state);
    columns_draws(&columns, batch->rows.count, draws);
    known_batch_expect(batch, draws, "on shards");
}

void known_answers_run_on_shards(struct known_answer *answers, size_t count)
{
    struct shards shards = {.count = 0};
    known_batches(answers, count, suits, run_on_shards, &shards);
    shards_close(&shards);
}

static int is_taken(const struct known_batch *batch, void *user)
{
    (void)user;
    return is_compiled_for(context, batch->make.type);
}

void known_answers_run(struct known_answer *answers, size_t count)
{
    struct samplers samplers = {.by = {NULL, NULL}};
    known_batches(answers, count, is_taken, run_on_device, &samplers);
    release_samplers(&samplers);
    known_answers_run_on_shards(answers, count);
}

size_t known_file_run(const char *name)
{
    size_t count;
    struct known_answer *answers = known_file_read(name, &count);
    known_answers_expect_oracle(answers, count);
    known_answers_run(answers, count);
    free(answers);
    return count;
}
