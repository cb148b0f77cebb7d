/* Every value of 16 bits: what it is widened to, that it is found where it is the largest of a block, and which values
 * reach it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "harness.h"
#include "kernels.h"
#include "order.h"
#include "portable.h"

enum { VALUES = 65536, BLOCK_SIZE = 256 };

static const struct {
    struct group_shape shape;
    const char *options;
} ways[] = {{{16, 1, 1}, "-cl-denorms-are-zero"}, {{8, 1, 1}, ""}, {{4, 4, 2}, ""}};

static const tombola_type types[] = {TOMBOLA_FLOAT16, TOMBOLA_BFLOAT16};

static float widened(uint32_t bits, tombola_type type)
{
    return type == TOMBOLA_FLOAT16 ? widen_half((uint16_t)bits) : widen_bfloat((uint16_t)bits);
}

/* In the order of values; NaNs with a sign come first, those without last. */
static uint16_t value_at(uint32_t place)
{
    return (uint16_t)(place < VALUES / 2 ? VALUES - 1 - place : place - VALUES / 2);
}

static void check_widening(cl_program program, struct group_shape shape, tombola_type type)
{
    static uint16_t values[1 + VALUES];
    static uint32_t loaded[VALUES], computed[VALUES];
    for (uint32_t bits = 0; bits < VALUES; bits++) {
        values[1 + bits] = (uint16_t)bits;
    }
    struct array arrays[] = {{values, sizeof values}, {loaded, sizeof loaded}, {computed, sizeof computed}};
    kernels_run(program, "widened", VALUES / BLOCK_SIZE * shape.lanes * shape.teams, shape, arrays, 3, 1);
    for (uint32_t bits = 0; bits < VALUES; bits++) {
        const float right = widened(bits, type);
        if (isnan(right)) {
            assert_true(isnan(float_of(loaded[bits])) && isnan(float_of(computed[bits])));
        } else {
            assert_that(loaded[bits] == word_of(right) && computed[bits] == word_of(right), "%#x: %#x, %#x, not %#x",
                        bits, loaded[bits], computed[bits], word_of(right));
        }
    }
}

/* A block for each value, which is the largest in it unless it is NaN. */
static void fill_blocks(uint16_t *blocks, uint32_t *has_masked, tombola_type type)
{
    const uint32_t lowest = VALUES - 1 - word_of(-INFINITY) / 65536; /* of bfloat16 */
    const uint32_t first = type == TOMBOLA_FLOAT16 ? VALUES - 1 - 0xFC00 : lowest;
    uint64_t random = 5;
    for (uint32_t place = 0; place < VALUES; place++) {
        const int is_nan = isnan(widened(value_at(place), type));
        const uint32_t most = is_nan ? VALUES / 2 : place;
        uint16_t *block = blocks + (size_t)place * BLOCK_SIZE;
        has_masked[place] = 0;
        for (uint32_t i = 0; i < BLOCK_SIZE; i++) {
            const uint32_t below = random_below(&random, 4) ? most - first + 1 : 1; /* -inf often */
            block[i] = value_at(place % 3 == 0 ? most : first + random_below(&random, below));
        }
        block[random_below(&random, BLOCK_SIZE)] = value_at(place);
        for (uint32_t i = 0; i < BLOCK_SIZE; i++) {
            has_masked[place] |= block[i] == value_at(first);
        }
    }
}

static void check_blocks(cl_program program, struct group_shape shape, tombola_type type, uint16_t *blocks,
                         const uint32_t *has_masked)
{
    static uint32_t tops[VALUES], masked[VALUES], maxima[VALUES + 16];
    uint32_t count = VALUES, has_nan = 0;
    struct array arrays[] = {{blocks, (size_t)VALUES * BLOCK_SIZE * sizeof *blocks},
                             {&count, sizeof count},
                             {tops, sizeof tops},
                             {masked, sizeof masked},
                             {maxima, sizeof maxima},
                             {&has_nan, sizeof has_nan}};
    const int is_alone = shape.lanes * shape.teams == 1;
    memset(tops, 0, sizeof tops);
    memset(masked, 0, sizeof masked);
    kernels_run(program, "looked_at", (size_t)shape.lanes * shape.teams, shape, arrays, 6, 2);
    for (uint32_t place = 0; place < VALUES; place++) {
        const float top = widened(value_at(place), type);
        if (isnan(top)) {
            assert_true(tops[place] == UINT32_MAX);
            continue;
        }
        assert_that(tops[place] == key_of(top), "%a: %#x, not %#x", (double)top, tops[place], key_of(top));
        assert_that(masked[place] == has_masked[place], "%a", (double)top);
        assert_true(!is_alone || maxima[place] == key_of(top));
    }
    assert_int_equal(has_nan, is_alone);
}

/* Every value and its neighbours in binary32. */
static void check_limits(cl_program program, struct group_shape shape, tombola_type type)
{
    static float values[3 * VALUES];
    static uint32_t turns[3 * VALUES], least[3 * VALUES];
    uint32_t count = 0;
    for (uint32_t place = 0; place < VALUES; place++) {
        const float value = widened(value_at(place), type);
        const float near[] = {nextafterf(value, -INFINITY), value, nextafterf(value, INFINITY)};
        for (size_t i = 0; i < COUNT_OF(near); i++) {
            if (isnormal(near[i])) {
                values[count++] = near[i];
            }
        }
    }
    struct array arrays[] = {
        {values, sizeof values}, {&count, sizeof count}, {turns, sizeof turns}, {least, sizeof least}};
    kernels_run(program, "limited", (size_t)shape.lanes * shape.teams, shape, arrays, 4, 2);
    uint32_t right = 0; /* the place of the first value that is not NaN and reaches the limit; limits ascend */
    for (uint32_t i = 0; i < count; i++) {
        while (!(widened(value_at(right), type) >= values[i])) {
            right++;
        }
        assert_that(least[i] == right, "%a: %#x, not %#x", (double)values[i], least[i], right);
        assert_int_equal(turns[i], values[i] < 0 ? 0xFFFF : 0x8000);
    }
}

static void every_value_is_widened_found_and_compared(void **state)
{
    uint16_t *blocks = allocate((size_t)VALUES * BLOCK_SIZE, sizeof *blocks);
    uint32_t *has_masked = allocate(VALUES, sizeof *has_masked);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        fill_blocks(blocks, has_masked, types[i]);
        for (size_t j = 0; j < COUNT_OF(ways); j++) {
            cl_program program = kernels_build("narrow.cl", ways[j].shape, types[i], ways[j].options);
            check_widening(program, ways[j].shape, types[i]);
            check_blocks(program, ways[j].shape, types[i], blocks, has_masked);
            check_limits(program, ways[j].shape, types[i]);
            clReleaseProgram(program);
        }
    }
    free(blocks);
    free(has_masked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_value_is_widened_found_and_compared)};
    return cmocka_run_group_tests(tests, kernels_open, kernels_close);
}
