/* The logarithm that turns probabilities into logits, at every positive normal number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <inttypes.h>
#include <stdio.h>

#include "exact.h"
#include "expect.h"
#include "harness.h"
#include "logarithm.h"

#define BOUND_ULP 0.9 /* as the header promises */
#define FIRST_BITS 0x00800000u
#define END_BITS 0x7F800000u

/* ln x in binary64, to about 2^-51: 2 artanh((m - 1) / (m + 1)). */
static inline double natural_log(float x)
{
    uint32_t offset = words_of(x) + 0x3F800000u - 0x3F3504F3u;
    double e = (double)((int32_t)(offset >> 23) - 127);
    double m = (double)floats_of((offset & 0x7FFFFFu) + 0x3F3504F3u);
    return fma(e, 0.69314718055994530942, twice_artanh((m - 1.0) / (m + 1.0)));
}

/* Over the `count` numbers from `bits` on: how often the logarithm falls, and the largest error in ulp.
 */
static void look_at(uint32_t bits, uint32_t count, uint32_t *falls, uint64_t *worst)
{
    uint32_t fallen = 0;
    uint64_t most = *worst;
    for (uint32_t i = 0; i < count; i++) {
        float x = floats_of(bits + i), got = logarithm(x);
        fallen += logarithm(floats_of(bits + i + 1u)) < got;
        double exact = natural_log(x);
        double ulp = double_of(double_bits(exact) & 0x7FF0000000000000u) * 0x1p-23 + DBL_MIN; /* of 0: not 0 */
        uint64_t error = double_bits(fabs((double)got - exact) / ulp);
        most = error > most ? error : most;
    }
    *falls += fallen;
    *worst = most;
}

static void the_logarithm_never_falls_and_is_within_its_bound(void **state)
{
    (void)state;
    uint32_t falls = 0;
    uint64_t worst = 0;
    for (uint32_t bits = FIRST_BITS; bits < END_BITS; bits += RUN * TEST_STRIDE) {
        look_at(bits, END_BITS - bits > RUN ? RUN : END_BITS - 1u - bits, &falls, &worst);
    }
    look_at(END_BITS - 2u, 1, &falls, &worst);
    printf("largest error: %.3f ulp\n", double_of(worst));
    assert_int_equal(falls, 0);
    assert_real_at_most(double_of(worst), BOUND_ULP);
}

static void the_logarithm_of_1_is_0_and_of_the_ends_as_on_paper(void **state)
{
    (void)state;
    assert_int_equal(words_of(logarithm(1.0f)), 0);
    assert_real_equal(logarithm(FLT_MIN), (float)-87.33654475055310898657);
    assert_real_equal(logarithm(FLT_MAX), (float)88.72283905206835305366);
}

static void the_yardstick_agrees_with_the_libm(void **state)
{
    (void)state;
    uint64_t random = 1618;
    printf("seed %" PRIu64 "\n", random);
    for (int i = 0; i < 1000000; i++) {
        float x = floats_of(FIRST_BITS + random_below(&random, END_BITS - FIRST_BITS));
        double exact = log((double)x);
        assert_near(natural_log(x), exact, 1e-14 * fabs(exact));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_logarithm_never_falls_and_is_within_its_bound),
        cmocka_unit_test(the_logarithm_of_1_is_0_and_of_the_ends_as_on_paper),
        cmocka_unit_test(the_yardstick_agrees_with_the_libm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
