/* Top-n-sigma against the standard deviation in binary64: what lies near the edge may go either way, no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "expect.h"
#include "group.h"
#include "rows.h"

#define EDGE 1e-5 /* of the distance from the first logit */

/* How many tokens are kept: from `least` to `most`. */
struct bounds {
    uint32_t least, most;
};

static struct bounds bounds_in_binary64(const float *z, uint32_t vocabulary, double sigmas)
{
    double first = -INFINITY, number = 0.0, sum = 0.0, squares = 0.0;
    struct bounds bounds = {0, 0};
    for (uint32_t id = 0; id < vocabulary; id++) {
        first = fmax(first, (double)z[id]);
    }
    for (uint32_t id = 0; id < vocabulary; id++) {
        if (first - (double)z[id] <= 1024.0) {
            number += 1.0;
            sum += first - (double)z[id];
        }
    }
    for (uint32_t id = 0; id < vocabulary; id++) {
        const double from_mean = first - (double)z[id] - sum / number;
        squares += first - (double)z[id] <= 1024.0 ? from_mean * from_mean : 0.0;
    }
    const double reach = sqrt(squares / number) * sigmas;
    for (uint32_t id = 0; id < vocabulary; id++) {
        bounds.least += z[id] > -INFINITY && first - (double)z[id] <= reach * (1.0 - EDGE);
        bounds.most += z[id] > -INFINITY && first - (double)z[id] <= reach * (1.0 + EDGE) + 1e-6 * fabs(first);
    }
    return bounds;
}

/* The row as logits for the yardstick, and as it is drawn from. */
static void expect_kept(const char *name, const struct make *make, const float *z, const float *row)
{
    static const float sigmas[] = {0.1f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 5.0f, 20.0f};
    tombola_sampler *sampler = make_sampler(context, make, 1, TOMBOLA_DISPATCH_AUTO);
    for (size_t i = 0; i < COUNT_OF(sigmas); i++) {
        const struct bounds expected = bounds_in_binary64(z, make->vocabulary, (double)sigmas[i]);
        tombola_params params = params_at(i % 2 ? 0.7f : 1.0f);
        struct draw draw;
        params.top_n_sigma = sigmas[i];
        call_sample(sampler, make, row, 1, &params, &draw);
        if (draw.kept < expected.least || draw.kept > expected.most ||
            expected.most - expected.least > 3 + make->vocabulary / 1000)
            fail_msg("%s of %" PRIu32 " at %g sigmas keeps %" PRIu32 ", not from %" PRIu32 " to %" PRIu32, name,
                     make->vocabulary, (double)sigmas[i], draw.kept, expected.least, expected.most);
    }
    tombola_sampler_release(sampler);
}

static void expect_kept_of_kind(enum row_kind kind, uint32_t seed, uint32_t vocabulary, tombola_input input)
{
    const struct row_recipe recipe = {.kind = kind, .seed = seed, .vocabulary = vocabulary, .input = input};
    const struct make make = {TOMBOLA_FLOAT32, input, vocabulary};
    float *row = allocate(vocabulary, sizeof *row), *z = allocate(vocabulary, sizeof *z);
    row_fill(&recipe, row, NULL);
    for (uint32_t id = 0; id < vocabulary; id++) {
        z[id] = input == TOMBOLA_PROBABILITIES ? logf(row[id]) : row[id];
    }
    expect_kept(row_kind_name(kind), &make, z, row);
    free(z);
    free(row);
}

static void the_deviation_is_that_of_binary64(void **state)
{
    (void)state;
    static const uint32_t vocabularies[] = {1, 2, 255, 256, 257, 1000, 32000, 128256};
    for (size_t i = 0; i < COUNT_OF(vocabularies); i++) {
        expect_kept_of_kind(ROW_GAUSSIAN, 7, vocabularies[i], TOMBOLA_LOGITS);
        expect_kept_of_kind(ROW_GAUSSIAN, 8, vocabularies[i], TOMBOLA_PROBABILITIES);
        expect_kept_of_kind(ROW_PEAKED, 9, vocabularies[i], TOMBOLA_LOGITS);
        expect_kept_of_kind(ROW_NEGATIVE, 10, vocabularies[i], TOMBOLA_LOGITS);
        expect_kept_of_kind(ROW_MOSTLY_MASKED, 11, vocabularies[i], TOMBOLA_LOGITS);
        expect_kept_of_kind(ROW_LOWEST, 12, vocabularies[i], TOMBOLA_LOGITS);
    }
}

static void two_values_and_none_but_equal_ones(void **state)
{
    (void)state;
    enum { V = 300 };
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    float row[V];
    for (uint32_t id = 0; id < V; id++) {
        row[id] = id % 3 ? -1e30f : 2.5f; /* equal ones, beside masked ones */
    }
    expect_kept("equal", &make, row, row);
    for (uint32_t id = 0; id < V; id++) {
        row[id] = id % 3 ? -1.25f : 2.5f; /* deviation 1.768: 3.75 is 2.12 of them */
    }
    expect_kept("two values", &make, row, row);
    row[0] = 400.0f;
    row[1] = -600.0f;
    row[2] = -INFINITY;
    expect_kept("wide", &make, row, row);
}

static void the_deviation_is_that_of_what_filters_before_have_left(void **state)
{
    (void)state;
    static const float p[] = {.1f, .2f, .3f, .4f};
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 4};
    static const uint8_t behind[TOMBOLA_MAX_FILTERS] = {TOMBOLA_FILTER_TOP_K, TOMBOLA_FILTER_TOP_N_SIGMA};
    tombola_params params[2] = {params_at(1.0f), params_at(1.0f)};
    struct draw draws[2];
    float rows[2][4];
    for (size_t i = 0; i < 2; i++) {
        memcpy(rows[i], p, sizeof p);
        params[i].top_k = 2; /* .3 .4: deviation .144, half of the distance */
        params[i].top_n_sigma = 1.9f;
    }
    memcpy(params[1].filters, behind, sizeof behind);
    tombola_sampler *sampler = make_sampler(context, &make, 2, TOMBOLA_DISPATCH_AUTO);
    call_sample(sampler, &make, rows, 2, params, draws);
    assert_int_equal(draws[0].kept, 2);
    assert_int_equal(draws[1].kept, 1);
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_deviation_is_that_of_binary64),
        cmocka_unit_test(two_values_and_none_but_equal_ones),
        cmocka_unit_test(the_deviation_is_that_of_what_filters_before_have_left),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
