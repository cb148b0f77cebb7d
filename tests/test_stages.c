/* The pieces of the stages on the device, each alone, against the same arithmetic in C. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "harness.h"
#include "kernels.h"
#include "logarithm.h"
#include "order.h"
#include "philox.h"
#include "race.h"
#include "weight.h"

#define WIDTH 16

/* Runs a kernel of stages.cl over `items`: one input, then outputs, which are read back. One item after another, each
 * WIDTH values at a time where it takes vectors. */
static void run_in_width(unsigned width, tombola_type type, const char *name, size_t items, struct array input,
                         const struct array *outputs, cl_uint output_count)
{
    const struct group_shape alone = {width, 1, 1};
    struct array arrays[3] = {input};
    memcpy(&arrays[1], outputs, output_count * sizeof *outputs);
    cl_program program = kernels_build("stages.cl", alone, type, "");
    kernels_run(program, name, items, alone, arrays, 1 + output_count, 1);
    clReleaseProgram(program);
}
static void run(tombola_type type, const char *name, size_t items, struct array input, const struct array *outputs,
                cl_uint output_count)
{
    run_in_width(WIDTH, type, name, items, input, outputs, output_count);
}

static void philox_gives_the_published_answers_on_the_device(void **state)
{
    (void)state;
    FILE *file = fopen(TEST_DATA "/kat_philox.txt", "r");
    assert_non_null(file);
    enum { MOST = 16 };
    uint32_t input[6 * MOST] = {0}, expected[4 * MOST] = {0}, got[4 * MOST] = {0};
    char line[256];
    size_t count = 0;
    while (fgets(line, sizeof line, file)) {
        uint32_t *in = &input[6 * count], *out = &expected[4 * count];
        if (line[0] == '#') {
            continue;
        }
        assert_less(count, MOST);
        assert_int_equal(sscanf(line, "%x %x %x %x %x %x %x %x %x %x", &in[0], &in[1], &in[2], &in[3], &in[4], &in[5],
                                &out[0], &out[1], &out[2], &out[3]),
                         10);
        count++;
    }
    fclose(file);
    assert_int_equal(count, 3);
    struct array output = {got, count * 4 * sizeof got[0]};
    run(TOMBOLA_FLOAT32, "philox_answers", count, (struct array){input, count * 6 * sizeof input[0]}, &output, 1);
    assert_memory_equal(got, expected, count * 4 * sizeof got[0]);
}

static void upper_halves_of_products_are_the_hosts(void **state)
{
    (void)state;
    enum { COUNT = 4096 };
    static uint64_t input[2 * COUNT], got[COUNT];
    uint64_t random = 7;
    for (size_t i = 0; i < 2 * COUNT; i++) {
        input[i] = i < 8 ? (i & 2 ? UINT64_MAX : i) : random_bits(&random) >> random_below(&random, 64);
    }
    struct array output = {got, sizeof got};
    run(TOMBOLA_FLOAT32, "high_products", COUNT, (struct array){input, sizeof input}, &output, 1);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(got[i], multiply_high(input[2 * i], input[2 * i + 1]));
    }
}

static size_t element_count(void)
{
    return test_level() == TEST_SMALL ? 1u << 10 : 1u << 20;
}

static void words_of_calls_are_the_hosts(void **state)
{
    (void)state;
    enum { COUNT = 256 };
    static uint64_t input[5 * COUNT];
    static uint32_t got[4 * WIDTH * COUNT];
    uint64_t random = 21;
    for (size_t i = 0; i < COUNT; i++) {
        input[5 * i] = random_below(&random, (1u << 21) - WIDTH + 1);
        input[5 * i + 1] = (i % 4) + (i & 4 ? PHILOX_TAIL : 0);
        input[5 * i + 2] = random_bits(&random);
        input[5 * i + 3] = random_bits(&random);
        input[5 * i + 4] = (uint32_t)random_bits(&random);
    }
    struct array output = {got, sizeof got};
    run(TOMBOLA_FLOAT32, "words_of_calls", COUNT, (struct array){input, sizeof input}, &output, 1);
    for (size_t i = 0; i < COUNT * WIDTH; i++) {
        const uint64_t *in = &input[i / WIDTH * 5];
        const uint32_t call = (uint32_t)in[0] + (uint32_t)(i % WIDTH);
        const struct philox right = random_words(call, (uint32_t)in[1], in[2], in[3], (uint32_t)in[4]);
        for (size_t n = 0; n < 4; n++) {
            assert_int_equal(got[(i / WIDTH * 4 + n) * WIDTH + i % WIDTH], right.word[n]);
        }
    }
}

/* Random bits that are small as often as they are large, and the ends. */
static uint32_t bits_of_31(uint64_t *random)
{
    static const uint32_t ends[] = {0,           1,           RACE_TAIL_BELOW - 1, RACE_TAIL_BELOW,
                                    0x3FFFFFFFu, 0x40000000u, 0x7FFFFFFEu,         0x7FFFFFFFu};
    const uint32_t which = random_below(random, 64);
    return which < COUNT_OF(ends) ? ends[which] : (uint32_t)(random_bits(random) >> (33 + random_below(random, 31)));
}

static void times_are_the_hosts_bit_for_bit(void **state)
{
    (void)state;
    const size_t count = element_count();
    uint32_t *input = allocate(4 * count, sizeof *input);
    float *got = allocate(count, sizeof *got), *weights = allocate(count, sizeof *weights);
    uint64_t random = 5;
    for (size_t i = 0; i < count; i++) {
        uint32_t *in = &input[i / WIDTH * WIDTH * 4 + i % WIDTH];
        const uint64_t weight = (random_bits(&random) >> (28 + random_below(&random, 36))) + (i % 5 == 0);
        in[0] = bits_of_31(&random);
        in[WIDTH] = bits_of_31(&random);
        in[2 * WIDTH] = (uint32_t)((weight ? weight : 1) >> 18);
        in[3 * WIDTH] = (uint32_t)((weight ? weight : 1) & 0x3FFFFu);
    }
    struct array outputs[] = {{got, count * sizeof *got}, {weights, count * sizeof *weights}};
    run(TOMBOLA_FLOAT32, "runner_times", count / WIDTH, (struct array){input, 4 * count * sizeof *input}, outputs, 2);
    for (size_t i = 0; i < count; i++) {
        const uint32_t *in = &input[i / WIDTH * WIDTH * 4 + i % WIDTH];
        const float weight = runner_weight(in[2 * WIDTH], in[3 * WIDTH]);
        const float time = runner_time(exponential(in[0], in[WIDTH]), weight);
        if (words_of(weights[i]) != words_of(weight) || words_of(got[i]) != words_of(time)) {
            fail_msg("high %08x, low %08x, weight %a: %a at %a on the device, %a on the host", in[0], in[WIDTH],
                     (double)weight, (double)weights[i], (double)got[i], (double)time);
        }
    }
    free(input);
    free(got);
    free(weights);
}

static void arrivals_are_the_hosts(void **state)
{
    (void)state;
    enum { COUNT = 4096 };
    static uint32_t input[2 * COUNT];
    static int64_t got[COUNT];
    static const float edges[] = {0.0f,     -0.0f,          1.0f,           -1.0f,           0x1p39f,
                                  -0x1p39f, 0x1.000002p39f, 0x1.fffffep38f, 0x1.fffffep127f, -0x1.fffffep127f};
    uint64_t random = 6;
    for (size_t i = 0; i < COUNT; i++) {
        const float r =
            rintf(floats_of((uint32_t)random_bits(&random) & 0xBFFFFFFFu) * (float)(1u << random_below(&random, 24)));
        input[2 * i] = 0x00800000u + random_below(&random, 0x41000000u);
        input[2 * i + 1] = words_of(i < COUNT_OF(edges) ? edges[i] : i % 2 ? r : r * 0x1p60f);
    }
    struct array output = {got, sizeof got};
    run(TOMBOLA_FLOAT32, "arrivals", COUNT, (struct array){input, sizeof input}, &output, 1);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(got[i] == block_arrival(input[2 * i], floats_of(input[2 * i + 1])));
    }
}

/* Floats whose bits run evenly from one end to the other, both included. */
static float *floats_between(uint32_t first, uint32_t last, size_t count)
{
    float *values = allocate(count, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        values[i] = floats_of(first + (uint32_t)((uint64_t)(last - first) * i / (count - 1)));
    }
    return values;
}

static void check_weights(uint32_t first, uint32_t last)
{
    size_t count = element_count();
    float *t = floats_between(first, last, count);
    uint32_t *got = allocate(count, sizeof *got);
    struct array output = {got, count * sizeof *got};
    run(TOMBOLA_FLOAT32, "weights", count / WIDTH, (struct array){t, count * sizeof *t}, &output, 1);
    for (size_t i = 0; i < count; i++) {
        if (got[i] != weight(t[i])) {
            fail_msg("weight(%a) is %u on the device, %u on the host", (double)t[i], got[i], weight(t[i]));
        }
    }
    free(t);
    free(got);
}

static void weights_are_the_hosts_bit_for_bit(void **state)
{
    (void)state;
    check_weights(words_of(0.0f), words_of(0.75f));
    check_weights(words_of(-0.0f), words_of(-200.0f));
    check_weights(words_of(-1e30f), words_of(-INFINITY));
}

static void logarithms_are_the_hosts_bit_for_bit(void **state)
{
    (void)state;
    size_t count = element_count();
    float *x = floats_between(words_of(0x1p-126f), words_of(INFINITY) - 1, count), *got = allocate(count, sizeof *got);
    struct array output = {got, count * sizeof *got};
    run(TOMBOLA_FLOAT32, "logarithms", count / WIDTH, (struct array){x, count * sizeof *x}, &output, 1);
    for (size_t i = 0; i < count; i++) {
        if (words_of(got[i]) != words_of(logarithm(x[i]))) {
            fail_msg("logarithm(%a) is %a on the device, %a on the host", (double)x[i], (double)got[i],
                     (double)logarithm(x[i]));
        }
    }
    free(x);
    free(got);
}

/* All numbers of a 16-bit type: widened, told in order, and back. NaN need not keep its bits. */
static void check_halves(tombola_type type, float (*widen)(uint16_t))
{
    enum { COUNT = 1 << 16 };
    static uint16_t input[COUNT];
    static uint32_t key[COUNT];
    static float back[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        input[i] = (uint16_t)i;
    }
    struct array outputs[] = {{key, sizeof key}, {back, sizeof back}};
    run(type, "keys", COUNT / WIDTH, (struct array){input, sizeof input}, outputs, 2);
    for (uint32_t i = 0; i < COUNT; i++) {
        float value = widen((uint16_t)i);
        if (isnan(value)) {
            assert_that(key[i] > KEY_INFINITY || key[i] < KEY_MINUS_INFINITY, "NaN %04x has key %08x", i, key[i]);
            continue;
        }
        uint32_t bits = canonical(words_of(value));
        if (key[i] != order_key(bits) || words_of(back[i]) != bits) {
            fail_msg("%04x, which is %a, has key %08x on the device, not %08x", i, (double)value, key[i],
                     order_key(bits));
        }
    }
}

static void every_binary16_number_is_widened_exactly(void **state)
{
    (void)state;
    check_halves(TOMBOLA_FLOAT16, widen_half);
}

static void every_bfloat16_number_is_widened_exactly(void **state)
{
    (void)state;
    check_halves(TOMBOLA_BFLOAT16, widen_bfloat);
}

static void keys_are_in_the_order_of_the_numbers(void **state)
{
    (void)state;
    const float ladder[WIDTH] = {-INFINITY, -3e38f,    -1.0f, -0x1p-126f, -0x1p-140f, -0.0f, 0.0f,  0x1p-149f,
                                 0x1p-126f, 0x1p-125f, 0.5f,  1.0f,       1.5f,       2.0f,  3e38f, INFINITY};
    uint32_t key[WIDTH];
    float back[WIDTH], input[WIDTH];
    memcpy(input, ladder, sizeof input);
    struct array outputs[] = {{key, sizeof key}, {back, sizeof back}};
    run(TOMBOLA_FLOAT32, "keys", 1, (struct array){input, sizeof input}, outputs, 2);
    for (size_t i = 1; i < WIDTH; i++) {
        if (i >= 5 && i <= 7) {
            assert_int_equal(key[i], KEY_ZERO);
            assert_int_equal(key[i - 1], KEY_ZERO); /* subnormal numbers and both zeros are one */
        } else {
            assert_less(key[i - 1], key[i]);
        }
    }
}

/* As where logits change between the finding of a threshold and the gathering: more tokens than there is room for.
 *
 * Oclgrind 21.10, looking for memory without a value, takes 11 in the mask of a shuffle for its own number of what is
 * undefined, so that x.sb is not, but x.hi is without a value in one place for any x of 16:
 *
 *     kernel void look(global const float *from, global float *to)
 *     {
 *         float8 x = vload16(0, from).hi;
 *         if (x.s3 == 1.0f) // "depends on uninitialized value"; not so of the others
 *             to[0] = 1.0f;
 *     }
 */
static void gathering_keeps_to_its_room(void **state)
{
    (void)state;
    enum { BLOCK_SIZE = 256, ROOM = 4 };
    const uint64_t none = UINT64_MAX;
    float logits[BLOCK_SIZE];
    uint64_t places[BLOCK_SIZE];
    uint32_t tops[WIDTH] = {0};
    for (size_t i = 0; i < BLOCK_SIZE; i++) {
        logits[i] = (float)i;
    }
    struct array outputs[] = {{places, sizeof places}, {tops, sizeof tops}};
    run_in_width(kernels_are_on_oclgrind() ? 4 : WIDTH, TOMBOLA_FLOAT32, "gathered", 1,
                 (struct array){logits, sizeof logits}, outputs, 2);
    for (size_t i = 0; i < BLOCK_SIZE; i++) {
        if (i < ROOM) {
            assert_int_equal((uint32_t)places[i], i);
        } else {
            assert_int_equal(places[i], none);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_answers_on_the_device),
        cmocka_unit_test(upper_halves_of_products_are_the_hosts),
        cmocka_unit_test(words_of_calls_are_the_hosts),
        cmocka_unit_test(times_are_the_hosts_bit_for_bit),
        cmocka_unit_test(arrivals_are_the_hosts),
        cmocka_unit_test(weights_are_the_hosts_bit_for_bit),
        cmocka_unit_test(logarithms_are_the_hosts_bit_for_bit),
        cmocka_unit_test(every_binary16_number_is_widened_exactly),
        cmocka_unit_test(every_bfloat16_number_is_widened_exactly),
        cmocka_unit_test(keys_are_in_the_order_of_the_numbers),
        cmocka_unit_test(gathering_keeps_to_its_room),
    };
    return cmocka_run_group_tests(tests, kernels_open, kernels_close);
}
