#include "histories.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "oracle.h"
#include "rows.h"

enum { MOST_ENDS = 4 };

static size_t first_of(const size_t *ends, size_t row)
{
    return row ? ends[row - 1] : 0;
}

static size_t words_of(const struct histories *h)
{
    return (h->make.vocabulary + 31) / 32;
}

static float pick(const float *values, size_t count, uint64_t *random)
{
    return values[random_below(random, (uint32_t)count)];
}

static tombola_params make_params(size_t row, uint64_t *random)
{
    static const float repetitions[] = {1.0f, 1.1f, 1.3f, 0.7f, 50.0f, FLT_MIN, FLT_MAX, 1.0f},
                       amounts[] = {0.0f, 0.0f, 0.5f, 1.7f, -0.3f, -20.0f, 1e38f, FLT_MAX, -FLT_MAX, 1e-38f, 0.1f},
                       temperatures[] = {1.0f, 0.7f, 0.0f, 2.0f}, shares[] = {1.0f, 0.9f, 0.5f};
    static const uint32_t numbers[] = {0, 0, 1, 7, 100, UINT32_MAX};
    tombola_params params = params_at(temperatures[row % COUNT_OF(temperatures)]);
    params.seed = random_bits(random);
    params.method = random_below(random, 2);
    params.top_k = random_below(random, 3) ? 0 : 20;
    params.top_p = pick(shares, COUNT_OF(shares), random);
    params.top_n_sigma = random_below(random, 5) ? 0.0f : 1.5f;
    params.repetition_penalty = pick(repetitions, COUNT_OF(repetitions), random);
    params.frequency_penalty = pick(amounts, COUNT_OF(amounts), random);
    params.presence_penalty = pick(amounts, COUNT_OF(amounts), random);
    params.penalty_prompt = random_below(random, 3);
    params.penalty_window = numbers[random_below(random, COUNT_OF(numbers))];
    params.min_tokens = numbers[random_below(random, COUNT_OF(numbers))];
    return params;
}

/* Tokens of which some come often, and others everywhere. */
static size_t fill_history(int32_t *tokens, size_t longest, uint32_t vocabulary, size_t row, uint64_t *random)
{
    const size_t count = row % 5 == 4 ? 0 : row % 5 == 3 ? longest : random_below(random, (uint32_t)longest + 1);
    const uint32_t few = 1 + random_below(random, vocabulary < 300 ? vocabulary : 300);
    for (size_t i = 0; i < count; i++)
        tokens[i] = (int32_t)random_below(random, random_below(random, 3) ? few : vocabulary);
    return count;
}

static void fill_row(struct histories *h, size_t row, size_t longest, uint64_t *random)
{
    const uint32_t vocabulary = h->make.vocabulary;
    const size_t size = tombola_type_size(h->make.type);
    const struct row_recipe recipe = {(enum row_kind)random_below(random, ROW_KINDS), (uint32_t)random_bits(random),
                                      vocabulary, h->make.type, h->make.input};
    const size_t bias = first_of(h->bias_ends, row), history = first_of(h->history_ends, row),
                 end = first_of(h->end_token_ends, row);
    row_fill(&recipe, (char *)h->logits + row * vocabulary * size, h->values + row * vocabulary);
    h->params[row] = make_params(row, random);
    h->mask_of_row[row] = random_below(random, 3) ? -1 : (int32_t)row;
    row_mask(1 + random_below(random, 14), vocabulary, h->masks + row * words_of(h));
    const size_t biases =
        row_biases(random_below(random, 2) ? random_below(random, 1000) : 0, vocabulary, h->biases + bias);
    const size_t count = fill_history(h->history + history, longest, vocabulary, row, random);
    const size_t ends = random_below(random, MOST_ENDS + 1);
    for (size_t i = 0; i < ends; i++)
        h->end_tokens[end + i] = (int32_t)random_below(random, vocabulary);
    h->bias_ends[row] = bias + biases;
    h->history_ends[row] = history + count;
    h->prompt_lengths[row] = random_below(random, (uint32_t)count + 1);
    h->end_token_ends[row] = end + ends;
}

static void allocate_all(struct histories *h, size_t history)
{
    h->logits = allocate(h->count * h->make.vocabulary, tombola_type_size(h->make.type));
    h->values = allocate(h->count * h->make.vocabulary, sizeof *h->values);
    h->masks = allocate(h->count * words_of(h), sizeof *h->masks);
    h->biases = allocate(h->count * MOST_ROW_BIASES, sizeof *h->biases);
    h->history = allocate(history, sizeof *h->history);
    h->end_tokens = allocate(h->count * MOST_ENDS, sizeof *h->end_tokens);
}

void histories_make(struct histories *h, const struct make *make, size_t count, size_t longest, uint64_t seed)
{
    *h = (struct histories){.make = *make, .count = count};
    allocate_all(h, count * longest);
    for (size_t row = 0; row < count; row++)
        fill_row(h, row, longest, &seed);
}

void histories_release(struct histories *h)
{
    free(h->logits);
    free(h->values);
    free(h->masks);
    free(h->biases);
    free(h->history);
    free(h->end_tokens);
}

tombola_rows histories_rows(const struct histories *h)
{
    tombola_rows rows = host_rows(h->logits, h->count, 0, h->params);
    rows.masks.host = h->masks;
    rows.mask_of_row = h->mask_of_row;
    rows.biases = h->biases;
    rows.bias_ends = h->bias_ends;
    rows.history = h->history;
    rows.history_ends = h->history_ends;
    rows.prompt_lengths = h->prompt_lengths;
    rows.end_tokens = h->end_tokens;
    rows.end_token_ends = h->end_token_ends;
    return rows;
}

struct draw histories_draw(const struct histories *h, size_t row, float *logits)
{
    const size_t bias = first_of(h->bias_ends, row), history = first_of(h->history_ends, row),
                 end = first_of(h->end_token_ends, row);
    const struct oracle_input input = {
        .values = h->values + row * h->make.vocabulary,
        .vocabulary = h->make.vocabulary,
        .mask = h->mask_of_row[row] < 0 ? NULL : h->masks + (size_t)h->mask_of_row[row] * words_of(h),
        .biases = h->biases + bias,
        .bias_count = h->bias_ends[row] - bias,
        .history = {h->history + history, h->history_ends[row] - history, h->prompt_lengths[row], h->end_tokens + end,
                    h->end_token_ends[row] - end},
        .params = &h->params[row]};
    struct oracle_row *oracle = oracle_row_create_from(&input);
    if (logits)
        memcpy(logits, oracle_row_logits(oracle), h->make.vocabulary * sizeof *logits);
    const struct draw draw = oracle_draw(oracle, &h->params[row]);
    oracle_row_release(oracle);
    return draw;
}

/* Copies one row's part of a list to the end of another's. */
static void take_list(void *to, size_t *to_ends, size_t to_row, const void *from, const size_t *from_ends,
                      size_t from_row, size_t size)
{
    const size_t first = first_of(from_ends, from_row), count = from_ends[from_row] - first;
    const size_t end = first_of(to_ends, to_row);
    memcpy((char *)to + end * size, (const char *)from + first * size, count * size);
    to_ends[to_row] = end + count;
}

void histories_take(struct histories *to, const struct histories *from, const size_t *order, size_t count)
{
    const uint32_t vocabulary = from->make.vocabulary;
    const size_t row_bytes = vocabulary * tombola_type_size(from->make.type);
    *to = (struct histories){.make = from->make, .count = count};
    allocate_all(to, from->history_ends[from->count - 1] * count); /* a row may be there as often */
    for (size_t row = 0; row < count; row++) {
        const size_t of = order[row];
        memcpy((char *)to->logits + row * row_bytes, (const char *)from->logits + of * row_bytes, row_bytes);
        memcpy(to->values + row * vocabulary, from->values + of * vocabulary, vocabulary * sizeof *to->values);
        memcpy(to->masks + row * words_of(to), from->masks + of * words_of(to), words_of(to) * sizeof *to->masks);
        to->mask_of_row[row] = from->mask_of_row[of] < 0 ? -1 : (int32_t)row;
        to->params[row] = from->params[of];
        to->prompt_lengths[row] = from->prompt_lengths[of];
        take_list(to->biases, to->bias_ends, row, from->biases, from->bias_ends, of, sizeof *to->biases);
        take_list(to->history, to->history_ends, row, from->history, from->history_ends, of, sizeof *to->history);
        take_list(to->end_tokens, to->end_token_ends, row, from->end_tokens, from->end_token_ends, of,
                  sizeof *to->end_tokens);
    }
}
