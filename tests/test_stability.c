/* How often a token stays the same where logits differ a little, as they do between engines, precisions and batch
 * sizes: by race nearly as often as can be, by inverse CDF far less. The oracle draws, so that no device is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"
#include "oracle.h"
#include "workload.h"

enum { VOCABULARY = 8192, ROWS = 48, DRAWS = 48 };

#define SEED UINT64_C(8128)

/* The sum of twelve uniform numbers is nearly normal. */
static float normal(uint64_t *random)
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++) {
        sum += (double)(random_bits(random) >> 11) * 0x1p-53;
    }
    return (float)sum;
}

struct kept {
    double race, inverse_cdf, possible; /* shares of draws that are the same */
};

/* Half of the sum of the differences of two rows' probabilities. */
static double variation(struct oracle_row *a, struct oracle_row *b)
{
    static double left[VOCABULARY], right[VOCABULARY];
    double sum = 0.0;
    oracle_softmax(a, 1.0f, 0, left);
    oracle_softmax(b, 1.0f, 0, right);
    for (size_t id = 0; id < VOCABULARY; id++) {
        sum += fabs(left[id] - right[id]) / 2.0;
    }
    return sum;
}

static unsigned equal_draws(struct oracle_row *a, struct oracle_row *b, size_t row, tombola_method method)
{
    unsigned equal = 0;
    tombola_params params = tombola_params_default();
    params.method = method;
    params.seed = SEED;
    params.stream = (uint32_t)row;
    for (params.offset = 0; params.offset < DRAWS; params.offset++) {
        equal += oracle_draw(a, &params).token == oracle_draw(b, &params).token;
    }
    return equal;
}

static struct kept keep_under(float noise)
{
    static float clean[VOCABULARY], noisy[VOCABULARY];
    struct workload_maker *maker = workload_maker_create(VOCABULARY);
    struct kept kept = {0.0, 0.0, 1.0};
    uint64_t random = SEED;
    assert_non_null(maker);
    for (size_t r = 0; r < ROWS; r++) {
        workload_fill(maker, WORKLOAD_LM, SEED, r, TOMBOLA_FLOAT32, clean);
        for (size_t id = 0; id < VOCABULARY; id++) {
            noisy[id] = clean[id] + noise * normal(&random);
        }
        struct oracle_row *a = oracle_row_create(clean, VOCABULARY, TOMBOLA_LOGITS);
        struct oracle_row *b = oracle_row_create(noisy, VOCABULARY, TOMBOLA_LOGITS);
        kept.race += equal_draws(a, b, r, TOMBOLA_RACE);
        kept.inverse_cdf += equal_draws(a, b, r, TOMBOLA_INVERSE_CDF);
        kept.possible -= variation(a, b) / ROWS;
        oracle_row_release(a);
        oracle_row_release(b);
    }
    workload_maker_release(maker);
    kept.race /= ROWS * DRAWS;
    kept.inverse_cdf /= ROWS * DRAWS;
    printf("noise of %g: %.2f%% by race, %.2f%% by inverse CDF, %.2f%% possible\n", (double)noise, 100.0 * kept.race,
           100.0 * kept.inverse_cdf, 100.0 * kept.possible);
    return kept;
}

static void a_race_keeps_nearly_all_draws_that_noise_leaves_possible(void **state)
{
    (void)state;
    static const struct {
        float noise;
        double race, inverse_cdf; /* at least, at most */
    } cases[] = {{0.0f, 1.0, 1.0}, {.003f, .995, .93}, {.02f, .98, .85}, {.1f, .92, .72}};
    printf("seed %" PRIu64 "\n", SEED);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct kept kept = keep_under(cases[i].noise);
        assert_true(kept.race >= cases[i].race);
        assert_true(kept.inverse_cdf <= cases[i].inverse_cdf);
        /* A race changes at most twice as many draws as any pair of draws must; a little for their number. */
        assert_true(1.0 - kept.race <= 2.0 * (1.0 - kept.possible) + .002);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_race_keeps_nearly_all_draws_that_noise_leaves_possible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
