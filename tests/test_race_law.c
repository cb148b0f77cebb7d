/* The law of the race, by arithmetic and not by draws: the probability of each token, summed over the random numbers
 * that the race can meet with the very functions that it is run with, beside softmax. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "oracle.h"
#include "oracle_row.h"
#include "race.h"

/* How far a probability may be from that of the integer weights, and from softmax's, where the rounding of small
 * weights comes on top. Relative. */
#define LAW_BOUND 2e-7
#define SOFTMAX_BOUND 6e-7
#define ROUNDING 7e-9 /* 0.9 of 2^27 */

#define MOST_RUNNERS 8

/* One of those that race: a token of a block or a block of a row. A token's scale is 0. */
struct runner {
    uint64_t weight;
    float scale;
};

/* A random number of 62 bits, high ones first; where the high ones are no tail's, the lower ones do not matter. */
#define ALL_NUMBERS 0x1p62
#define TAILS_END ((uint64_t)RACE_TAIL_BELOW << 31)

static int64_t arrival_of(const struct runner *runner, uint64_t number)
{
    const float size = runner_weight((uint32_t)(runner->weight >> 18), (uint32_t)(runner->weight & 0x3FFFFu));
    const float random = exponential((uint32_t)(number >> 31), (uint32_t)number & 0x7FFFFFFFu);
    return block_arrival(words_of(runner_time(random, size)), runner->scale);
}

/* The probability that a runner arrives after `arrival`, or at it where a tie is not its own. Arrivals never fall with
 * the number (see test_race.c), so that this is a search for where they pass it. */
static double comes_after(const struct runner *runner, int64_t arrival, int loses_ties)
{
    uint64_t low = 0, high = UINT64_C(1) << 62; /* numbers below `low` come before it, those from `high` on after it */
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        const int64_t theirs = arrival_of(runner, middle);
        if (theirs > arrival || (theirs == arrival && loses_ties)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return (ALL_NUMBERS - (double)low) / ALL_NUMBERS;
}

/* The probability that runner `i` wins, given its own number. */
static double wins_with(const struct runner *runners, size_t count, size_t i, uint64_t number)
{
    const int64_t arrival = arrival_of(&runners[i], number);
    double all = 1.0;
    for (size_t j = 0; j < count; j++) {
        all *= j == i ? 1.0 : comes_after(&runners[j], arrival, j > i);
    }
    return all;
}

/* The sum over the numbers n * step, first <= n < end, of the probability to win with them, from three of them: exact
 * where that is a polynomial of degree 3. */
static double sum_cell(const struct runner *runners, size_t count, size_t i, uint64_t first, uint64_t end,
                       uint64_t step)
{
    const uint64_t half = (end - first - 1) / 2, distance = half * 3 / 4;
    const uint64_t middle = first + half;
    const double length = (double)(2 * half + 1);
    double sum = length * wins_with(runners, count, i, middle * step);
    if (end - first > 2 * half + 1) {
        sum += wins_with(runners, count, i, (end - 1) * step);
    }
    if (distance > 0) {
        const double outer = length * (length * length - 1.0) / (24.0 * (double)distance * (double)distance);
        sum += outer * (wins_with(runners, count, i, (middle - distance) * step) +
                        wins_with(runners, count, i, (middle + distance) * step));
        sum -= 2.0 * outer * wins_with(runners, count, i, middle * step);
    }
    return sum;
}

/* The probability that runner `i` wins. Cells become finer towards both ends, where small probabilities are decided. */
static double probability(const struct runner *runners, size_t count, size_t i)
{
    enum { CELLS = 32 }; /* in each halving */
    const uint64_t tails = TAILS_END, highs = UINT64_C(1) << 31;
    double sum = 0.0;
    for (uint64_t first = 0, end; first < tails; first = end) {
        end = first + first / CELLS + 1;
        end = end < tails ? end : tails;
        sum += sum_cell(runners, count, i, first, end, 1);
    }
    double upper = 0.0;
    for (uint64_t first = RACE_TAIL_BELOW, end; first < highs; first = end) {
        const uint64_t near = first < highs - first ? first : highs - first;
        end = first + near / CELLS + 1;
        end = end < highs ? end : highs;
        upper += sum_cell(runners, count, i, first, end, UINT64_C(1) << 31);
    }
    return sum / ALL_NUMBERS + upper * 0x1p31 / ALL_NUMBERS;
}

/* Each token's probability: that of its block times its own within it. Other tokens are -inf. */
static void check_row(const char *name, const uint32_t *ids, const float *logits, size_t count, float temperature)
{
    enum { V = 2048 };
    static float values[V];
    static double exact[V], integer[V];
    struct runner blocks[V / ORACLE_BLOCK] = {{0, 0.0f}};
    double total = 0.0, worst_law = 0.0, worst_softmax = 0.0;
    for (size_t id = 0; id < V; id++) {
        values[id] = -INFINITY;
    }
    for (size_t i = 0; i < count; i++) {
        values[ids[i]] = logits[i];
    }
    tombola_params params = tombola_params_default();
    params.temperature = temperature;
    struct oracle_row *row = oracle_row_create(values, V, TOMBOLA_LOGITS);
    const struct weighing *w = oracle_weigh(row, temperature);
    oracle_softmax(row, temperature, 0, exact);
    oracle_distribution(row, &params, integer);
    size_t block_count = 0, block_of[V / ORACLE_BLOCK];
    for (size_t b = 0; b < V / ORACLE_BLOCK; b++) {
        block_of[b] = block_count;
        if (w->sum[b] > 0) {
            blocks[block_count++] = (struct runner){w->sum[b], w->scale[b]};
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct runner tokens[MOST_RUNNERS];
        size_t token_count = 0, place = 0;
        for (size_t j = 0; j < count; j++) {
            if (ids[j] / ORACLE_BLOCK == ids[i] / ORACLE_BLOCK) {
                place = j == i ? token_count : place;
                tokens[token_count++] = (struct runner){w->weight[ids[j]], 0.0f};
            }
        }
        const double got =
            probability(blocks, block_count, block_of[ids[i] / ORACLE_BLOCK]) * probability(tokens, token_count, place);
        const double law = fabs(got - integer[ids[i]]) / (integer[ids[i]] * LAW_BOUND);
        const double softmax = fabs(got - exact[ids[i]]) / (exact[ids[i]] * SOFTMAX_BOUND + ROUNDING);
        worst_law = law > worst_law ? law : worst_law;
        worst_softmax = softmax > worst_softmax ? softmax : worst_softmax;
        total += got;
        if (law > 1.0 || softmax > 1.0) {
            fail_msg("%s: token %u wins with %.12g, by integer weights %.12g, by softmax %.12g", name, ids[i], got,
                     integer[ids[i]], exact[ids[i]]);
        }
    }
    printf("%s: %.3f of the bound against integer weights, %.3f against softmax, sum - 1 = %.2g\n", name, worst_law,
           worst_softmax, total - 1.0);
    assert_true(fabs(total - 1.0) < 1e-7);
    oracle_row_release(row);
}

static void tokens_of_one_block_win_as_often_as_softmax_says(void **state)
{
    (void)state;
    check_row("one token", (const uint32_t[]){3}, (const float[]){1.0f}, 1, 1.0f);
    check_row("two equal tokens", (const uint32_t[]){0, 1}, (const float[]){1.0f, 1.0f}, 2, 1.0f);
    check_row("2 : 1", (const uint32_t[]){7, 200}, (const float[]){0.0f, -0.6931472f}, 2, 1.0f);
    check_row("a rare second token", (const uint32_t[]){5, 6}, (const float[]){12.0f, 0.0f}, 2, 1.0f);
    check_row("a rare first token", (const uint32_t[]){5, 6}, (const float[]){0.0f, 12.0f}, 2, 1.0f);
    check_row("five tokens", (const uint32_t[]){1, 50, 51, 100, 255}, (const float[]){2.0f, 1.5f, -1.0f, 0.3f, 1.9f}, 5,
              1.0f);
    check_row("five tokens, hot", (const uint32_t[]){1, 50, 51, 100, 255},
              (const float[]){2.0f, 1.5f, -1.0f, 0.3f, 1.9f}, 5, INFINITY);
    check_row("five tokens, cold", (const uint32_t[]){1, 50, 51, 100, 255},
              (const float[]){2.0f, 1.5f, -1.0f, 0.3f, 1.9f}, 5, 0.2f);
}

static void tokens_of_several_blocks_win_as_often_as_softmax_says(void **state)
{
    (void)state;
    check_row("two blocks", (const uint32_t[]){0, 300}, (const float[]){0.25f, 0.5f}, 2, 1.0f);
    check_row("two equal blocks", (const uint32_t[]){256, 512}, (const float[]){0.25f, 0.25f}, 2, 1.0f);
    check_row("a rare second block", (const uint32_t[]){0, 300}, (const float[]){14.0f, 0.0f}, 2, 1.0f);
    check_row("a rare first block", (const uint32_t[]){0, 300}, (const float[]){0.0f, 14.0f}, 2, 1.0f);
    check_row("five tokens of three blocks", (const uint32_t[]){0, 300, 301, 511, 1999},
              (const float[]){-1.0f, 3.0f, 2.5f, 0.1f, 3.2f}, 5, 0.9f);
    check_row("five blocks, hot", (const uint32_t[]){0, 300, 800, 1200, 1999},
              (const float[]){-1.0f, 3.0f, 2.5f, 0.1f, 3.2f}, 5, 50.0f);
    check_row("five blocks", (const uint32_t[]){0, 300, 800, 1200, 1999},
              (const float[]){-1.0f, 3.0f, 2.5f, 0.1f, 3.2f}, 5, 1.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_of_one_block_win_as_often_as_softmax_says),
        cmocka_unit_test(tokens_of_several_blocks_win_as_often_as_softmax_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
