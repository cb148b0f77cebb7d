/* Estimates of what tokens weigh: how far they are off, at every mantissa that a logit can have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "estimate.h"
#include "exact.h"
#include "expect.h"
#include "harness.h"

#define BOUND 2.8e-6     /* as the header promises */
#define AT_WHOLE 0x1p27f /* the estimate of a logit at its gauge's whole */
#define LOWEST 0x1p-20f  /* of one so far below it that all lower ones count the same */

static const struct scale {
    float scale, whole;
} scales[] = {{1.0f, 0.0f}, {1.4426950f, 3.0f}, {1.4426950f, -61.0f}, {144.2695f, 70.0f}, {.014426950f, 0.0f}};

static float estimate(float z, struct gauge g)
{
    return add_estimate(0.0f, z, g);
}

/* The largest error of the `count` logits from `bits` on, of those within the gauge. */
static double worst_of_run(uint32_t bits, uint32_t count, struct scale s)
{
    const struct gauge g = gauge_of(s.scale, s.whole);
    uint64_t worst = 0;
    for (uint32_t i = 0; i < count; i++) {
        const float z = floats_of(bits + i);
        const double t = (double)z * (double)s.scale - (double)s.whole; /* exact */
        const int is_within = (t >= -GAUGE_DEPTH) & (t <= GAUGE_HEIGHT);
        const double right = power_of_two(is_within ? t : 0.0) * AT_WHOLE;
        const double error = fabs((double)estimate(is_within ? z : s.whole / s.scale, g) / right - 1.0);
        const uint64_t own = is_within ? double_bits(error) : 0;
        worst = own > worst ? own : worst;
    }
    return double_of(worst);
}

static void estimates_at_every_mantissa_are_within_their_bound(void **state)
{
    (void)state;
    static const float firsts[] = {1.0f, -1.0f, -16.0f, 64.0f, 0x1p-9f};
    const uint32_t stride = RUN * TEST_STRIDE * (test_level() == TEST_ALL ? 1u : 7u);
    double worst = 0.0;
    for (size_t i = 0; i < COUNT_OF(firsts) * COUNT_OF(scales); i++) {
        const uint32_t first = words_of(firsts[i % COUNT_OF(firsts)]);
        for (uint32_t bits = first; bits < first + (1u << 23); bits += stride)
            worst = fmax(worst, worst_of_run(bits, RUN, scales[i / COUNT_OF(firsts)]));
    }
    printf("largest error: %.3g\n", worst);
    assert_real_at_most(worst, BOUND);
    assert_real_less(BOUND / 2.0, worst); /* it was looked for */
}

static void what_is_too_low_for_a_gauge_counts_as_the_lowest(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(scales); i++) {
        const struct gauge g = gauge_of(scales[i].scale, scales[i].whole);
        const float at_end = (scales[i].whole - GAUGE_DEPTH) / scales[i].scale;
        const float low[] = {-INFINITY, -FLT_MAX, 2.0f * at_end - 1e4f, at_end - 1e-3f * fabsf(at_end)};
        for (size_t n = 0; n < COUNT_OF(low); n++) {
            assert_real_equal(estimate(low[n], g), estimate(-INFINITY, g));
        }
        assert_near(estimate(-INFINITY, g), LOWEST, LOWEST * BOUND);
        assert_near(estimate(at_end, g), LOWEST, LOWEST * 1e-3);
    }
}

static void a_nan_makes_a_sum_nan(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(scales); i++) {
        const struct gauge g = gauge_of(scales[i].scale, scales[i].whole);
        assert_true(isnan(estimate(NAN, g)));
        assert_true(isnan(add_estimate(add_estimate(1.0f, -NAN, g), 0.0f, g)));
    }
}

/* Their exponents would not fit. */
static void beyond_a_gauge_all_but_nan_and_infinity_counts_the_same(void **state)
{
    (void)state;
    static const struct scale beyond[] = {{1.0f, MOST_WHOLE}, {1.0f, -MOST_WHOLE}, {1e30f, 0.0f}, {1.0f, INFINITY}};
    static const float logits[] = {-INFINITY, -FLT_MAX, -1e30f, -1.0f, 0.0f, 1e30f, FLT_MAX};
    for (size_t i = 0; i < COUNT_OF(beyond); i++) {
        const struct gauge g = gauge_of(beyond[i].scale, beyond[i].whole);
        for (size_t n = 0; n < COUNT_OF(logits); n++) {
            assert_near(estimate(logits[n], g), AT_WHOLE, AT_WHOLE * BOUND);
        }
        assert_true(isnan(estimate(NAN, g)));
    }
}

/* An estimate is not rounded before it is added. */
static void a_sum_is_rounded_once(void **state)
{
    (void)state;
    const struct gauge g = gauge_of(1.0f, 0.0f);
    uint64_t random = 271828;
    printf("seed %" PRIu64 "\n", random);
    for (int i = 0; i < 100000; i++) {
        const float z = (float)random_below(&random, 1u << 20) * 0x1p-16f - 8.0f;
        const float before = (float)(AT_WHOLE * (double)random_below(&random, 1u << 24) * 0x1p-20);
        const double right = (double)before + power_of_two((double)z) * AT_WHOLE;
        assert_near(add_estimate(before, z, g), right,
                    right * 0x1p-24 + power_of_two((double)z) * AT_WHOLE * (BOUND + 0x1p-24));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_at_every_mantissa_are_within_their_bound),
        cmocka_unit_test(what_is_too_low_for_a_gauge_counts_as_the_lowest),
        cmocka_unit_test(a_nan_makes_a_sum_nan),
        cmocka_unit_test(beyond_a_gauge_all_but_nan_and_infinity_counts_the_same),
        cmocka_unit_test(a_sum_is_rounded_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
