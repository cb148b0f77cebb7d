/* The arithmetic of the race: random numbers, their exponentials and reciprocals, at every number they can meet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "exact.h"
#include "harness.h"
#include "philox.h"
#include "race.h"

#define EXPONENTIAL_BOUND 1.8e-7 /* relative, of -ln(1 - v) */
#define MEAN_BOUND 1e-9          /* of the mean of those errors */
#define RECIPROCAL_BOUND 6e-8
#define HIGHS 0x80000000u
#define LAST_LOW 0x7FFFFFFFu

/* -ln(1 - v) of v = (high + 1/2) / 2^31. 1 - v is exact, and taken apart as m * 2^e with m next to 1; a compiler can
 * run it on several numbers at a time. */
static inline double exact_exponential(uint32_t high)
{
    double rest = ((double)(int32_t)(0x7FFFFFFFu - high) + 0.5) * 0x1p-31;
    uint64_t offset = double_bits(rest) + 0x3FF0000000000000u - 0x3FE6A09E667F3BCDu;
    double e = (double)((int32_t)(offset >> 52) - 1023);
    double m = double_of((offset & 0x000FFFFFFFFFFFFFu) + 0x3FE6A09E667F3BCDu);
    return fma(-e, 0.69314718055994530942, twice_artanh((1.0 - m) / (1.0 + m)));
}

/* What was seen of errors, which are relative. */
struct errors {
    uint64_t largest; /* bits of a number >= 0, which order as the number does */
    double sum;
    uint64_t falls; /* steps in the wrong direction */
    uint64_t count;
};

/* Over the `count` numbers from `first` on, none with tails. */
static void look_at(uint32_t first, uint32_t count, struct errors *errors)
{
    uint64_t most = errors->largest;
    uint32_t falls = 0;
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        float got = exponential(first + i, 0), next = exponential(first + i + 1u, 0);
        double error = (double)got / exact_exponential(first + i) - 1.0;
        falls += next < got;
        sum += error;
        uint64_t size = double_bits(fabs(error));
        most = size > most ? size : most;
    }
    errors->largest = most;
    errors->falls += falls;
    errors->sum += sum;
    errors->count += count;
}

static void the_exponential_never_falls_and_is_within_its_bound(void **state)
{
    (void)state;
    const uint64_t stride = (test_level() == TEST_ALL ? 1 : 16) * TEST_STRIDE;
    struct errors errors = {0};
    for (uint64_t first = RACE_TAIL_BELOW; first < HIGHS - 1u; first += RUN * stride) {
        const uint64_t left = HIGHS - 1u - first;
        look_at((uint32_t)first, left < RUN ? (uint32_t)left : RUN, &errors);
    }
    look_at(HIGHS / 2 - RUN / 2, RUN, &errors); /* where the halvings begin */
    look_at(HIGHS - 1u - RUN, RUN, &errors);
    const double mean = errors.sum / (double)errors.count;
    printf("largest error %.3g, mean %.3g, of %" PRIu64 " numbers\n", double_of(errors.largest), mean, errors.count);
    assert_int_equal(errors.falls, 0);
    assert_true(double_of(errors.largest) <= EXPONENTIAL_BOUND);
    assert_true(fabs(mean) <= MEAN_BOUND);
    const float last = exponential(HIGHS - 1u, 0);
    assert_true(fabs((double)last / exact_exponential(HIGHS - 1u) - 1.0) <= EXPONENTIAL_BOUND);
}

static void tails_continue_the_exponential_below_without_a_fall(void **state)
{
    (void)state;
    static const uint32_t lows[] = {0,          1,          2,          3,          0xFF,       0xFFFFFF, 0x1000001,
                                    0x3FFFFFFF, 0x40000000, 0x40000001, 0x7FFFFF80, 0x7FFFFFFE, LAST_LOW};
    struct errors errors = {0};
    float before = 0.0f;
    for (uint32_t high = 0; high < RACE_TAIL_BELOW; high += high < RUN ? 1 : TEST_STRIDE) {
        for (size_t i = 0; i < COUNT_OF(lows); i++) {
            const double v = (double)high * 0x1p-31 + (double)(lows[i] | 1u) * 0x1p-62; /* 51 bits */
            const float got = exponential(high, lows[i]);
            const uint64_t size = double_bits(fabs((double)got / twice_artanh(v / (2.0 - v)) - 1.0));
            errors.falls += got < before;
            errors.largest = size > errors.largest ? size : errors.largest;
            before = got;
        }
    }
    printf("largest error %.3g\n", double_of(errors.largest));
    assert_int_equal(errors.falls, 0);
    assert_true(double_of(errors.largest) <= EXPONENTIAL_BOUND);
    assert_true(exponential(RACE_TAIL_BELOW, 0) >= before);
    assert_true(exponential(0, 0) == 0x1p-62f && exponential(0, 1) == 0x1p-62f);
    assert_true(exponential(RACE_TAIL_BELOW, 0) == exponential(RACE_TAIL_BELOW, LAST_LOW)); /* which has none */
}

static void the_yardstick_agrees_with_the_libm(void **state)
{
    (void)state;
    uint64_t random = 314;
    printf("seed %" PRIu64 "\n", random);
    for (int i = 0; i < 1000000; i++) {
        const uint32_t high = random_below(&random, HIGHS);
        const double exact = -log1p(-((double)high + 0.5) * 0x1p-31), got = exact_exponential(high);
        assert_true(fabs(got - exact) <= 1e-13 * exact);
    }
}

static void the_reciprocal_never_rises_and_is_within_its_bound(void **state)
{
    (void)state;
    const uint32_t first = words_of(1.0f), end = words_of(0x1p36f);
    uint64_t most = 0, rises = 0, count = 0;
    double sum = 0.0;
    for (uint32_t bits = first; bits < end; bits += RUN * TEST_STRIDE) {
        uint32_t risen = 0, here = end - bits < RUN ? end - bits : RUN;
        double run_sum = 0.0;
        for (uint32_t i = 0; i < here; i++) {
            float weight = floats_of(bits + i), got = reciprocal(weight);
            double error = (double)got * (double)weight - 1.0; /* the product is exact */
            uint64_t size = double_bits(fabs(error));
            risen += reciprocal(floats_of(bits + i + 1u)) > got;
            most = size > most ? size : most;
            run_sum += error;
        }
        rises += risen;
        count += here;
        sum += run_sum;
    }
    printf("largest error %.3g, mean %.3g, of %" PRIu64 " numbers\n", double_of(most), sum / (double)count, count);
    assert_int_equal(rises, 0);
    assert_true(double_of(most) <= RECIPROCAL_BOUND);
    assert_true(fabs(sum / (double)count) <= MEAN_BOUND);
    assert_true(reciprocal(1.0f) == 1.0f && reciprocal(0x1p36f) == 0x1p-36f);
}

static void a_weight_becomes_the_nearest_float(void **state)
{
    (void)state;
    static const uint64_t edges[] = {1,         0x3FFFF,     0x40000,     0xFFFFFF,          0x1000001,
                                     0x1000003, 0x8000040,   0xFFFFFFFFF, UINT64_C(1) << 36, 0x3FFFFFFFF,
                                     0x3FFFFF0, 0xFFFFFF800, 0x800000800, 0x800001800,       0x7FFFFFFC0};
    uint64_t random = 27;
    printf("seed %" PRIu64 "\n", random);
    for (size_t i = 0; i < 1000000 + COUNT_OF(edges); i++) {
        uint64_t weight = i < COUNT_OF(edges) ? edges[i] : random_bits(&random) >> (28 + random_below(&random, 36));
        float got = runner_weight((uint32_t)(weight >> 18), (uint32_t)(weight & 0x3FFFFu));
        assert_true(got == (float)weight);
    }
}

/* reference_self_test.py states the same sum: a single other bit changes it, which no bound on errors would tell. */
static void times_have_the_bits_of_the_contract(void **state)
{
    (void)state;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 65536; i++) {
        const uint32_t high = i * 0x9E3779B1u >> (1 + i % 31), low = i * 0x85EBCA77u >> 1;
        const uint64_t weight = (i * UINT64_C(0x9E3779B97F4A7C15) >> (28 + i % 36)) + 1;
        const float size = runner_weight((uint32_t)(weight >> 18), (uint32_t)(weight & 0x3FFFFu));
        sum += (uint64_t)words_of(runner_time(exponential(high, low), size)) * (2 * i + 1);
    }
    assert_true(sum == UINT64_C(0x2EB938EC0F9DF79C));
}

static void times_are_positive_and_normal(void **state)
{
    (void)state;
    const float least = runner_time(exponential(0, 0), 0x1p36f), most = runner_time(exponential(HIGHS - 1u, 0), 1.0f);
    printf("%a to %a\n", (double)least, (double)most);
    assert_true(least >= FLT_MIN);
    assert_true(most < 23.0f);
}

/* The whole numbers that a block's rounded maximum may be, in ascending order where n is. */
static float whole(int64_t n)
{
    const uint32_t from = words_of(0x1p24f);
    const int64_t size = n < 0 ? -n : n;
    const float value = size <= 1 << 24 ? (float)size : floats_of(from + (uint32_t)(size - (1 << 24)));
    return n < 0 ? -value : value;
}

static void scales_keep_their_order_and_arrivals_never_overflow(void **state)
{
    (void)state;
    const int64_t end = (1 << 24) + (int64_t)(words_of(FLT_MAX) - words_of(0x1p24f));
    assert_true(whole(end) == FLT_MAX);
    for (int64_t n = -end; n < end; n += n % 65536 == 0 && n != 0 && n + 65536 < end ? 65535 : 1) {
        assert_true(scale_order(whole(n)) < scale_order(whole(n + 1)));
    }
    assert_true(scale_order(0.0f) == 0 && scale_order(-0.0f) == 0 && scale_order(-3.0f) == -3);
    assert_true(scale_order(0x1p39f) == INT64_C(1) << 39);
    assert_true(scale_order(0x1.000002p39f) == (INT64_C(1) << 39) + 128);
    assert_true(scale_order(FLT_MAX) == INT64_C(645318836096));
    assert_true(scale_order(-FLT_MAX) == -INT64_C(645318836096));
    assert_true(block_arrival(0x7F7FFFFFu, -FLT_MAX) == INT64_C(645318836096) * 8388608 + 0x7F7FFFFF);
    assert_true(block_arrival(1, FLT_MAX) == 1 - INT64_C(645318836096) * 8388608);
}

/* A time halved arrives as one whose scale is one more: the bits of a float are in logarithmic steps. */
static void one_scale_up_is_half_the_time(void **state)
{
    (void)state;
    uint64_t random = 99;
    printf("seed %" PRIu64 "\n", random);
    for (int i = 0; i < 100000; i++) {
        const float time = runner_time(exponential(random_below(&random, HIGHS), 5), 1.0f + (float)i);
        const float r = (float)random_below(&random, 1u << 20) - 0x1p19f;
        assert_true(block_arrival(words_of(time), r) == block_arrival(words_of(time * 0.5f), r - 1.0f));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exponential_never_falls_and_is_within_its_bound),
        cmocka_unit_test(tails_continue_the_exponential_below_without_a_fall),
        cmocka_unit_test(the_yardstick_agrees_with_the_libm),
        cmocka_unit_test(the_reciprocal_never_rises_and_is_within_its_bound),
        cmocka_unit_test(a_weight_becomes_the_nearest_float),
        cmocka_unit_test(times_have_the_bits_of_the_contract),
        cmocka_unit_test(times_are_positive_and_normal),
        cmocka_unit_test(scales_keep_their_order_and_arrivals_never_overflow),
        cmocka_unit_test(one_scale_up_is_half_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
