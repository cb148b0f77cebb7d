/* The mass of rows from estimates, alone on the device: never beside that of sums, and close to it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "harness.h"
#include "kernels.h"
#include "rows.h"

#include "row.h" /* behind rows.h, one of whose kinds has the name of a status here */

/* As stages_estimates.cl has them. */
struct estimated_row {
    float scale;
    uint32_t vocabulary;
    uint32_t is_masked;
    uint32_t adjust_first, adjust_end;
};
struct estimated_mass {
    uint64_t low, high, exact;
    uint32_t is_there, is_told;
    int32_t status;
    uint32_t reserved;
};

/* Beside all kinds of rows.h. Tokens of one gauge are WIDTH blocks. */
enum {
    ASCENDING = ROW_KINDS,
    DESCENDING,
    SPIKE_AT_END,
    SPIKE_AT_START, /* of 200 */
    LATE_BLOCK,     /* a block in the middle of its group higher by 80 */
    KINDS
};
static const char *const own_names[] = {"ascending", "descending", "spike at its end", "spike at its start",
                                        "late block"};

enum constraint {
    FREE,
    BEGINNING_MASKED, /* more than the first blocks of it */
    END_ALONE,        /* of what is behind all whole groups a mask leaves one token, which is banned */
    TOP_BANNED,
    HUGE_BANNED, /* a token 60 above the row */
    RAISED,
    LOWERED,
    CONSTRAINTS
};
static const char *const constraint_names[] = {
    "free",   "with its beginning masked", "with its end banned", "without its top", "without a huge token", "raised",
    "lowered"};

enum { ROWS = KINDS * CONSTRAINTS, STEPS = 40, GROUP_TOKENS = 4096 };

struct batch {
    uint32_t vocabulary, words, padded, adjusted;
    float *logits;
    uint32_t *masks, *maxima;
    uint64_t *facts;
    struct adjustment adjustments[ROWS * STEPS];
    struct estimated_row rows[ROWS];
    struct estimated_mass masses[ROWS];
};

static float own_value(int kind, uint32_t id, uint32_t vocabulary, uint64_t *random)
{
    const float low = (float)random_below(random, 1u << 16) * 0x1p-14f;
    switch (kind) {
    case ASCENDING:
        return -300.0f + 300.0f * (float)id / (float)vocabulary;
    case DESCENDING:
        return -300.0f * (float)id / (float)vocabulary;
    case SPIKE_AT_END:
        return id + 1 == vocabulary ? 200.0f : low;
    case SPIKE_AT_START:
        return id == 0 ? 200.0f : low;
    default:
        return id / 256 == vocabulary / 512 ? 80.0f + low : low;
    }
}

static uint32_t top_of(const float *logits, uint32_t vocabulary)
{
    uint32_t top = 0;
    for (uint32_t id = 1; id < vocabulary; id++) {
        top = logits[id] > logits[top] ? id : top;
    }
    return top;
}

static void adjust(struct batch *b, uint32_t row, uint32_t token, uint32_t kind, float value)
{
    b->adjustments[b->adjusted++] = (struct adjustment){token << ADJUST_BITS | kind, value};
    b->rows[row].adjust_end = b->adjusted;
}

static void constrain(struct batch *b, uint32_t row, enum constraint constraint, float *logits)
{
    const uint32_t V = b->vocabulary, end = (V - 1) / GROUP_TOKENS * GROUP_TOKENS;
    const uint32_t steps = V < STEPS ? V : STEPS;
    uint32_t *mask = b->masks + (size_t)row * b->words;
    for (uint32_t id = 0; id < V; id++) {
        const int is_masked = (constraint == BEGINNING_MASKED && id < V / 2 + 1) ||
                              (constraint == END_ALONE && id >= end && id + 1 < V && end > 0);
        mask[id / 32] |= (uint32_t)!is_masked << id % 32;
    }
    b->rows[row].is_masked = constraint == BEGINNING_MASKED || constraint == END_ALONE;
    b->rows[row].adjust_first = b->rows[row].adjust_end = b->adjusted;
    const uint32_t top = top_of(logits, V);
    if (constraint == END_ALONE) {
        adjust(b, row, V - 1, ADJUST_BAN, 0.0f);
    } else if (constraint == TOP_BANNED) {
        adjust(b, row, top, ADJUST_BAN, 0.0f);
    } else if (constraint == HUGE_BANNED) {
        logits[V / 2] = logits[top] + 60.0f;
        adjust(b, row, V / 2, ADJUST_BAN, 0.0f);
    }
    for (uint32_t i = 0; i < steps && constraint >= RAISED; i++) {
        adjust(b, row, (uint32_t)((uint64_t)i * V / steps), ADJUST_BIAS, constraint == RAISED ? -1.5f : 3.0f);
    }
}

static struct batch *batch_make(uint32_t vocabulary, uint32_t width)
{
    struct batch *b = allocate(1, sizeof *b);
    uint64_t random = vocabulary;
    b->vocabulary = vocabulary;
    b->words = (vocabulary + 31) / 32;
    b->padded = ((vocabulary + 255) / 256 + width - 1) / width * width;
    b->logits = allocate((size_t)ROWS * vocabulary, sizeof *b->logits);
    b->masks = allocate((size_t)ROWS * b->words, sizeof *b->masks);
    b->maxima = allocate((size_t)ROWS * b->padded, sizeof *b->maxima);
    b->facts = allocate((size_t)ROWS * b->padded, sizeof *b->facts);
    for (uint32_t row = 0; row < ROWS; row++) {
        const int kind = (int)row % KINDS;
        const struct row_recipe recipe = {.kind = (enum row_kind)kind, .seed = row + 1, .vocabulary = vocabulary};
        float *logits = b->logits + (size_t)row * vocabulary;
        if (kind < ROW_KINDS) {
            row_fill(&recipe, logits, NULL);
        }
        for (uint32_t id = 0; id < vocabulary && kind >= ROW_KINDS; id++) {
            logits[id] = own_value(kind, id, vocabulary, &random);
        }
        b->rows[row].vocabulary = vocabulary;
        constrain(b, row, (enum constraint)(row / KINDS), logits);
    }
    return b;
}

static void batch_release(struct batch *b)
{
    free(b->logits);
    free(b->masks);
    free(b->maxima);
    free(b->facts);
    free(b);
}

static void batch_run(struct batch *b, cl_program program, struct group_shape shape, float temperature)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        b->rows[row].scale = 1.4426950f / temperature;
    }
    struct array arrays[] = {{b->logits, (size_t)ROWS * b->vocabulary * sizeof *b->logits},
                             {b->rows, sizeof b->rows},
                             {b->masks, (size_t)ROWS * b->words * sizeof *b->masks},
                             {b->adjustments, sizeof b->adjustments},
                             {b->maxima, (size_t)ROWS * b->padded * sizeof *b->maxima},
                             {b->facts, (size_t)ROWS * b->padded * sizeof *b->facts},
                             {b->masses, sizeof b->masses}};
    kernels_run(program, "estimated", ROWS, shape, arrays, COUNT_OF(arrays), 4);
}

static void check_row(const struct batch *b, uint32_t row, float temperature)
{
    const int kind = (int)row % KINDS;
    const enum constraint constraint = (enum constraint)(row / KINDS);
    const struct estimated_mass m = b->masses[row];
    char text[160];
    snprintf(text, sizeof text, "%u tokens %s, %s, temperature %g", (unsigned)b->vocabulary,
             kind < ROW_KINDS ? row_kind_name((enum row_kind)kind) : own_names[kind - ROW_KINDS],
             constraint_names[constraint], (double)temperature);
    if (m.status != TOMBOLA_ROW_OK) {
        return;
    }
    assert_that(!m.is_told || (m.low <= m.exact && m.exact <= m.high), "%s: %llu is not from %llu to %llu", text,
                (unsigned long long)m.exact, (unsigned long long)m.low, (unsigned long long)m.high);
    /* What adjustments take off is in doubt as well: as much as 2^4 times the rest. */
    const uint64_t most = (m.exact >> 20) * 32 + 64 + 8 * (uint64_t)b->vocabulary;
    assert_that(!m.is_told || constraint > BEGINNING_MASKED || m.high - m.low <= most, "%s: %llu to %llu is wide", text,
                (unsigned long long)m.low, (unsigned long long)m.high);
    const int is_usual = (kind == ROW_GAUSSIAN || kind == ROW_PEAKED || kind == ROW_FLAT) && temperature >= .5f;
    const int is_banned = constraint == END_ALONE || constraint == TOP_BANNED || constraint == HUGE_BANNED;
    assert_that(m.is_told || !is_usual || is_banned || b->vocabulary < 256, "%s: declined", text);
    /* A huge token's estimate leaves nothing of the others'. */
    assert_that(!m.is_told || constraint != HUGE_BANNED || temperature > 10.0f, "%s: not declined", text);
}

static void the_mass_is_where_estimates_say(struct group_shape shape)
{
    static const uint32_t vocabularies[] = {1, 255, 256, 257, 4095, 4096, 4097, 32000};
    static const float temperatures[] = {1.0f, .01f, .5f, 10.0f, 100.0f};
    const int is_small = test_level() == TEST_SMALL;
    cl_program program = kernels_build("stages_estimates.cl", shape, TOMBOLA_FLOAT32, "");
    uint32_t told = 0;
    for (size_t v = 0; v < (is_small ? 4 : COUNT_OF(vocabularies)); v++) {
        struct batch *b = batch_make(vocabularies[v], shape.width);
        for (size_t t = 0; t < (is_small ? 1 : COUNT_OF(temperatures)); t++) {
            batch_run(b, program, shape, temperatures[t]);
            for (uint32_t row = 0; row < ROWS; row++) {
                check_row(b, row, temperatures[t]);
                told += b->masses[row].is_told;
            }
        }
        batch_release(b);
    }
    printf("%u told\n", (unsigned)told);
    clReleaseProgram(program);
    assert_less(100, told);
}

static void in_vectors_of_sixteen(void **state)
{
    (void)state;
    the_mass_is_where_estimates_say((struct group_shape){16, 1, 1});
}

/* Longer sums of estimates: another compilation. */
static void in_vectors_of_four(void **state)
{
    (void)state;
    if (test_level() != TEST_ALL) {
        skip();
    }
    the_mass_is_where_estimates_say((struct group_shape){4, 1, 1});
}

/* What so many tokens weigh that adjustments change is told; of one more it might not fit in 64 bits. */
static void rows_with_very_many_adjustments_are_declined(void **state)
{
    (void)state;
    if (test_level() == TEST_SMALL) {
        skip();
    }
    enum { MOST_AMENDED = 1 << 19, VOCABULARY = MOST_AMENDED + 1, BLOCKS = (VOCABULARY + 255) / 256 + 15 };
    const struct group_shape shape = {16, 1, 1};
    const struct row_recipe recipe = {.kind = ROW_GAUSSIAN, .seed = 1, .vocabulary = VOCABULARY};
    struct estimated_row rows[2] = {{1.4426950f, VOCABULARY, 0, 0, MOST_AMENDED},
                                    {1.4426950f, VOCABULARY, 0, 0, MOST_AMENDED + 1}};
    struct estimated_mass masses[2];
    float *logits = allocate(2 * VOCABULARY, sizeof *logits);
    struct adjustment *adjustments = allocate(VOCABULARY, sizeof *adjustments);
    uint32_t *maxima = allocate(2 * BLOCKS, sizeof *maxima), mask = 0;
    uint64_t *facts = allocate(2 * BLOCKS, sizeof *facts);
    row_fill(&recipe, logits, NULL);
    memcpy(logits + VOCABULARY, logits, VOCABULARY * sizeof *logits);
    for (uint32_t token = 0; token < VOCABULARY; token++) {
        adjustments[token] = (struct adjustment){token << ADJUST_BITS | ADJUST_BIAS, -0.5f};
    }
    struct array arrays[] = {{logits, 2 * VOCABULARY * sizeof *logits},
                             {rows, sizeof rows},
                             {&mask, sizeof mask},
                             {adjustments, VOCABULARY * sizeof *adjustments},
                             {maxima, 2 * BLOCKS * sizeof *maxima},
                             {facts, 2 * BLOCKS * sizeof *facts},
                             {masses, sizeof masses}};
    cl_program program = kernels_build("stages_estimates.cl", shape, TOMBOLA_FLOAT32, "");
    kernels_run(program, "estimated", 2, shape, arrays, COUNT_OF(arrays), 4);
    for (size_t row = 0; row < 2; row++) {
        assert_int_equal(masses[row].status, TOMBOLA_ROW_OK);
        assert_true(masses[row].is_there);
        assert_int_equal(masses[row].is_told, row == 0);
    }
    assert_in_range(masses[0].exact, masses[0].low, masses[0].high);
    clReleaseProgram(program);
    free(logits);
    free(adjustments);
    free(maxima);
    free(facts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_vectors_of_sixteen),
        cmocka_unit_test(in_vectors_of_four),
        cmocka_unit_test(rows_with_very_many_adjustments_are_declined),
    };
    return cmocka_run_group_tests(tests, kernels_open, kernels_close);
}
