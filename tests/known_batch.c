/* Known answers drawn on the device in batches, by either dispatch. */
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

#define MOST_ROWS 32u

/* A batch of rows of one make, laid out for a call. */
struct batch {
    char *elements;
    uint32_t *masks;
    int32_t mask_of_row[MOST_ROWS];
    tombola_bias biases[MOST_ROWS * MOST_ROW_BIASES];
    size_t bias_ends[MOST_ROWS];
    int32_t history[MOST_ROWS * MOST_ROW_HISTORY], end_tokens[MOST_ROWS * MOST_ROW_ENDS];
    size_t history_ends[MOST_ROWS], prompt_lengths[MOST_ROWS], end_token_ends[MOST_ROWS];
    tombola_params params[MOST_ROWS];
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

static void lay_out_history(struct batch *batch, size_t row, uint32_t number, uint32_t vocabulary)
{
    const struct row_history history = row_history(number, vocabulary);
    const size_t first = row ? batch->history_ends[row - 1] : 0, ends = row ? batch->end_token_ends[row - 1] : 0;
    memcpy(batch->history + first, history.tokens, history.count * sizeof *history.tokens);
    memcpy(batch->end_tokens + ends, history.end_tokens, history.end_token_count * sizeof *history.end_tokens);
    batch->history_ends[row] = first + history.count;
    batch->prompt_lengths[row] = history.prompt;
    batch->end_token_ends[row] = ends + history.end_token_count;
}

static void lay_out(struct batch *batch, const struct make *make, const struct known_answer *answers, size_t count)
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

/* Draws from a batch, and compares draws with the answers and boundaries with the oracle's. */
static void run_batch(tombola_sampler *sampler, const struct make *make, struct batch *batch,
                      const struct known_answer *answers, size_t count, const char *who)
{
    struct columns columns;
    struct draw draws[MOST_ROWS];
    tombola_boundary boundaries[MOST_ROWS];
    lay_out(batch, make, answers, count);
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
    tombola_results results = columns_results(&columns);
    results.boundary.host = boundaries;
    call_rows(sampler, &rows, &results);
    columns_draws(&columns, count, draws);
    for (size_t row = 0; row < count; row++) {
        expect_draw(who, &answers[row].recipe, &answers[row].params, &answers[row].draw, &draws[row]);
        struct oracle_row *right = known_row(&answers[row]);
        struct boundary boundary = oracle_boundary(right, &answers[row].params);
        oracle_row_release(right);
        assert_int_equal(boundaries[row].token, boundary.token);
        if (make->input == TOMBOLA_LOGITS) {
            assert_memory_equal(&boundaries[row].logit, &boundary.logit, sizeof boundary.logit);
        }
    }
}

static void run_make(const struct known_answer *answers, size_t count)
{
    static const struct {
        const char *name;
        tombola_dispatch dispatch;
    } ways[] = {{"row by row", TOMBOLA_DISPATCH_ROW}, {"spread", TOMBOLA_DISPATCH_SPREAD}};
    const struct make make = make_of(&answers[0]);
    struct batch *batch = allocate(1, sizeof *batch);
    batch->elements = allocate(MOST_ROWS * make.vocabulary, tombola_type_size(make.type));
    batch->masks = allocate(MOST_ROWS * ((make.vocabulary + 31) / 32), sizeof *batch->masks);
    for (size_t way = 0; way < COUNT_OF(ways); way++) {
        tombola_sampler *sampler = make_sampler(context, &make, MOST_ROWS, ways[way].dispatch);
        for (size_t done = 0; done < count; done += MOST_ROWS) {
            const size_t rows = count - done < MOST_ROWS ? count - done : MOST_ROWS;
            run_batch(sampler, &make, batch, answers + done, rows, ways[way].name);
        }
        tombola_sampler_release(sampler);
    }
    free(batch->elements);
    free(batch->masks);
    free(batch);
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

void known_answers_run(struct known_answer *answers, size_t count)
{
    qsort(answers, count, sizeof *answers, compare_makes);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && same_make(&answers[first], &answers[end]); end++) {
        }
        if (test_level() == TEST_SMALL && answers[first].recipe.vocabulary > 1000) {
            continue;
        }
        run_make(answers + first, end - first);
    }
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
