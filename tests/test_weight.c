/* The weight function, at every number it can meet, and what integer weights do to a distribution. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "exact.h"
#include "expect.h"
#include "oracle.h"
#include "rows.h"
#include "weight.h"

#define LARGEST_T 0.75f
#define RELATIVE_BOUND 1.8e-7 /* for weights from 2^23 up */
#define ABSOLUTE_BOUND 0.9    /* below */

/* The contract's words, without the scaling of coefficients that the shared function has. */
static inline uint32_t literal_weight(float t)
{
    t = t > -126.0f ? t : -126.0f;
    float a = t + 12582912.0f;
    float f = t - (a - 12582912.0f);
    float p = 0x1.470b48p-13f;
    p = fmaf(p, f, 0x1.5f7276p-10f);
    p = fmaf(p, f, 0x1.3b270ep-7f);
    p = fmaf(p, f, 0x1.c6ae72p-5f);
    p = fmaf(p, f, 0x1.ebfbe2p-3f);
    p = fmaf(p, f, 0x1.62e432p-1f);
    p = fmaf(p, f, 1.0f);
    return (uint32_t)fmaf(floats_of(words_of(p) + (words_of(a) << 23)), 0x1p27f, 0.5f);
}

/* Over the `count` numbers from `bits` on: how many weights differ from the contract's words, and the
 * largest error in units of its bound. */
static void look_at(uint32_t bits, uint32_t count, uint32_t *different, double *worst)
{
    uint32_t unlike = 0;
    uint64_t most = double_bits(*worst);
    for (uint32_t i = 0; i < count; i++) {
        float t = floats_of(bits + i);
        uint32_t w = weight(t);
        unlike += w != literal_weight(t);
        double exact = power_of_two((double)t) * 0x1p27, bound = exact * RELATIVE_BOUND;
        bound = exact >= 0x1p23 ? bound : ABSOLUTE_BOUND;
        uint64_t error = double_bits(fabs((double)(int32_t)w - exact) / bound);
        most = error > most ? error : most;
    }
    *different += unlike;
    memcpy(worst, &most, sizeof *worst);
}

static double worst_between(float first, float last, uint32_t *different)
{
    double worst = 0.0;
    uint32_t end = words_of(last) + 1u;
    for (uint32_t bits = words_of(first); bits < end; bits += RUN * TEST_STRIDE) {
        look_at(bits, end - bits < RUN ? end - bits : RUN, different, &worst);
    }
    return worst;
}

static void the_weight_of_every_number_is_within_its_bound_and_as_written(void **state)
{
    (void)state;
    uint32_t different = 0;
    double above = worst_between(0.0f, LARGEST_T, &different);
    double below = worst_between(-0.0f, -126.0f, &different);
    printf("largest error: %.3f of the bound above 0, %.3f below\n", above, below);
    assert_int_equal(different, 0);
    assert_real_at_most(above, 1.0);
    assert_real_at_most(below, 1.0);
}

static void the_yardstick_agrees_with_the_libm(void **state)
{
    (void)state;
    uint64_t random = 4711;
    printf("seed %" PRIu64 "\n", random);
    for (int i = 0; i < 1000000; i++) {
        double t = (double)random_below(&random, 1u << 31) * 0x1p-24 - 127.25;
        assert_near(power_of_two(t) / exp2(t), 1.0, 1e-14);
    }
}

static void what_is_far_below_weighs_nothing_and_what_is_infinitely_far_too(void **state)
{
    (void)state;
    const float far[] = {-28.01f, -126.0f, -126.5f, -1e4f, -0x1p127f, -INFINITY};
    for (size_t i = 0; i < COUNT_OF(far); i++) {
        assert_int_equal(weight(far[i]), 0);
    }
    assert_int_equal(weight(0.0f), 1u << 27);
    assert_less((uint64_t)weight(LARGEST_T) * 16, UINT64_C(1) << 32);
}

/* Half the sum of the differences between the integer distribution and softmax. */
static double variation(const struct row_recipe *recipe, float temperature)
{
    float *values = allocate(recipe->vocabulary, sizeof *values);
    double *integer = allocate(recipe->vocabulary, sizeof *integer);
    double *exact = allocate(recipe->vocabulary, sizeof *exact);
    row_fill(recipe, NULL, values);
    struct oracle_row *row = oracle_row_create(values, recipe->vocabulary, recipe->input);
    tombola_params params = tombola_params_default();
    params.temperature = temperature;
    double sum = 0.0;
    int applies = oracle_distribution(row, &params, integer) == TOMBOLA_ROW_OK;
    oracle_softmax(row, temperature, 0, exact);
    for (uint32_t id = 0; id < recipe->vocabulary; id++) {
        float z = oracle_row_logits(row)[id];
        applies = applies && (z == -INFINITY || fabsf(z) / temperature < 5.8e6f);
        sum += fabs(integer[id] - exact[id]) / 2.0;
    }
    oracle_row_release(row);
    free(values);
    free(integer);
    free(exact);
    return applies ? sum : -1.0; /* beyond what the bound is stated for */
}

static void integer_weights_stay_within_2e_6_of_softmax(void **state)
{
    (void)state;
    const uint32_t vocabularies[] = {1, 2, 255, 256, 257, 1000, 32000};
    const float temperatures[] = {1e-5f, .01f, .3f, 1.0f, 7.0f, 100.0f, INFINITY};
    double worst = 0.0;
    unsigned rows = 0;
    for (unsigned i = 0; i < ROW_KINDS * COUNT_OF(vocabularies) * 2 * 4; i++) {
        struct row_recipe recipe = {.kind = (enum row_kind)(i % ROW_KINDS),
                                    .seed = i / ROW_KINDS,
                                    .vocabulary = vocabularies[i / ROW_KINDS % COUNT_OF(vocabularies)]};
        recipe.input = i / ROW_KINDS / COUNT_OF(vocabularies) % 2 ? TOMBOLA_PROBABILITIES : TOMBOLA_LOGITS;
        for (size_t t = 0; t < COUNT_OF(temperatures); t++) {
            double distance = variation(&recipe, temperatures[t]);
            rows += distance >= 0.0;
            worst = distance > worst ? distance : worst;
            if (distance > 2e-6) {
                fail_msg("%s row %u of %u at T %g: total variation %g", row_kind_name(recipe.kind), recipe.seed,
                         recipe.vocabulary, (double)temperatures[t], distance);
            }
        }
    }
    printf("%u rows, largest total variation %.3g\n", rows, worst);
    assert_less(2000, rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_weight_of_every_number_is_within_its_bound_and_as_written),
        cmocka_unit_test(the_yardstick_agrees_with_the_libm),
        cmocka_unit_test(what_is_far_below_weighs_nothing_and_what_is_infinitely_far_too),
        cmocka_unit_test(integer_weights_stay_within_2e_6_of_softmax),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
