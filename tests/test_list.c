/* What a work-item with a row to itself lists, brackets and guesses: rows made to mislead it, and parameters on both
 * sides of every limit that it has, against the oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "harness.h"
#include "oracle.h"

/* As the kernels have them (candidates.clh, pivot.clh), where there is local memory enough: what the edges below are
 * edges of. */
enum { BLOCK_SIZE = 256, LIST_SIZE = 4096, SAMPLE_VECTOR = 16 };

enum { MOST_PARAMS = 512 };

static uint64_t random_state = UINT64_C(20260411);

/* Near enough to a normal distribution of deviation 1, from integers alone. */
static float bell(void)
{
    int64_t sum = 0;
    for (int i = 0; i < 12; i++)
        sum += random_below(&random_state, 1 << 16);
    return (float)(sum - 6 * (1 << 16)) / (float)(1 << 16);
}

/* Whether the kernels' sample of a row holds this id. */
static int is_sampled(uint32_t id, uint32_t vocabulary)
{
    uint32_t step = (vocabulary - SAMPLE_VECTOR) / (LIST_SIZE / SAMPLE_VECTOR);
    return step && id / step < LIST_SIZE / SAMPLE_VECTOR && id % step < SAMPLE_VECTOR;
}

static float bell_wide(uint32_t id, uint32_t vocabulary)
{
    (void)id, (void)vocabulary;
    return 2.5f * bell();
}
static float bell_narrow(uint32_t id, uint32_t vocabulary)
{
    (void)id, (void)vocabulary;
    return 0.1f * bell();
}
static float light_where_sampled(uint32_t id, uint32_t vocabulary)
{
    return is_sampled(id, vocabulary) ? bell() - 9.0f : bell();
}
static float heavy_where_sampled(uint32_t id, uint32_t vocabulary)
{
    return is_sampled(id, vocabulary) ? bell() + 2.0f : 0.5f * bell();
}
static float masked_where_sampled(uint32_t id, uint32_t vocabulary)
{
    return is_sampled(id, vocabulary) ? -INFINITY : bell();
}
static float in_steps(uint32_t id, uint32_t vocabulary)
{
    (void)id, (void)vocabulary;
    return rintf(2.0f * bell()) / 2.0f;
}
static float next_to_zero(uint32_t id, uint32_t vocabulary)
{
    static const float values[] = {-0x1p-125f, -0x1p-126f, -0x1p-127f, -0x1p-149f, -0.0f,    0.0f,
                                   0x1p-149f,  0x1p-130f,  0x1p-127f,  0x1p-126f,  0x1p-125f};
    (void)id, (void)vocabulary;
    return values[random_below(&random_state, COUNT_OF(values))];
}
static float falling(uint32_t id, uint32_t vocabulary)
{
    (void)vocabulary;
    return bell() - 0.3f * (float)(id / BLOCK_SIZE % 64);
}
static float half_masked(uint32_t id, uint32_t vocabulary)
{
    (void)id, (void)vocabulary;
    return random_below(&random_state, 2) ? -INFINITY : 2.0f * bell();
}
static float one_value(uint32_t id, uint32_t vocabulary)
{
    (void)id, (void)vocabulary;
    return 1.5f;
}
static float two_values(uint32_t id, uint32_t vocabulary)
{
    (void)id, (void)vocabulary;
    return random_below(&random_state, 2) ? 2.0f : 0.0f;
}
static float ramp(uint32_t id, uint32_t vocabulary)
{
    return 8.0f * (float)id / (float)vocabulary;
}
/* As many high ones as a list has room for, one less and one more. */
static float high_to(uint32_t id, uint32_t vocabulary, uint32_t number)
{
    uint32_t stride = vocabulary / (number + 1);
    int is_high = stride && id % stride == stride / 2 && id / stride < number;
    return is_high ? 4.0f + 0.01f * bell() : -4.0f + 0.01f * bell();
}
static float list_less_one_high(uint32_t id, uint32_t vocabulary)
{
    return high_to(id, vocabulary, LIST_SIZE - BLOCK_SIZE - 1);
}
static float list_high(uint32_t id, uint32_t vocabulary)
{
    return high_to(id, vocabulary, LIST_SIZE - BLOCK_SIZE);
}
static float list_and_one_high(uint32_t id, uint32_t vocabulary)
{
    return high_to(id, vocabulary, LIST_SIZE - BLOCK_SIZE + 1);
}

/* Rows that begin as if thousands were to stay, evenly, and go on otherwise. */
static float even_at_first(uint32_t id, uint32_t vocabulary, float later)
{
    return id < vocabulary / 8 ? 0.1f * bell() : later;
}
static float even_then_wide(uint32_t id, uint32_t vocabulary)
{
    return even_at_first(id, vocabulary, 2.5f * bell());
}
static float even_then_low(uint32_t id, uint32_t vocabulary)
{
    return even_at_first(id, vocabulary, bell() - 9.0f);
}
static float even_then_high(uint32_t id, uint32_t vocabulary)
{
    return even_at_first(id, vocabulary, 0.1f * bell() + 14.0f);
}
static float even_but_for_one_far_above(uint32_t id, uint32_t vocabulary)
{
    return id == vocabulary / 4 * 3 ? 9.0f : 0.1f * bell();
}

static const struct {
    const char *name;
    float (*value)(uint32_t id, uint32_t vocabulary);
} rows[] = {
    {"bell_wide", bell_wide},
    {"bell_narrow", bell_narrow},
    {"light_where_sampled", light_where_sampled},
    {"heavy_where_sampled", heavy_where_sampled},
    {"masked_where_sampled", masked_where_sampled},
    {"in_steps", in_steps},
    {"next_to_zero", next_to_zero},
    {"falling", falling},
    {"half_masked", half_masked},
    {"one_value", one_value},
    {"two_values", two_values},
    {"ramp", ramp},
    {"even_then_wide", even_then_wide},
    {"even_then_low", even_then_low},
    {"even_then_high", even_then_high},
    {"even_but_for_one_far_above", even_but_for_one_far_above},
    {"list_less_one_high", list_less_one_high},
    {"list_high", list_high},
    {"list_and_one_high", list_and_one_high},
};

static size_t make_params(uint32_t vocabulary, tombola_params *params)
{
    static const float temperatures[] = {0.3f, 1.0f, 30.0f};
    static const float shares[] = {0.0f, 0.001f, 0.3f, 0.5f, 0.9f, 0.95f, 0.999f, 0.99999f, 0.9999999f, 1.0f};
    static const float floors[] = {0.9f, 0.05f, 1e-4f, 1e-12f};
    const uint32_t blocks = (vocabulary + BLOCK_SIZE - 1) / BLOCK_SIZE;
    const uint32_t numbers[] = {2,
                                50,
                                blocks - 1,
                                blocks,
                                blocks + 1,
                                1000,
                                LIST_SIZE / 2 - 1,
                                LIST_SIZE / 2,
                                LIST_SIZE / 2 + 1,
                                10000,
                                vocabulary / 2,
                                vocabulary - 1};
    size_t count = 0;
    for (size_t t = 0; t < COUNT_OF(temperatures); t++) {
        for (size_t i = 0; i < COUNT_OF(shares); i++) {
            params[count] = params_at(temperatures[t]);
            params[count++].top_p = shares[i];
        }
        for (size_t i = 0; i < COUNT_OF(numbers); i++) {
            params[count] = params_at(temperatures[t]);
            params[count++].top_k = numbers[i];
            params[count] = params[count - 1];
            params[count].min_p = floors[i % COUNT_OF(floors)];
            params[count++].top_p = shares[1 + i % (COUNT_OF(shares) - 1)];
        }
        for (size_t i = 0; i < COUNT_OF(numbers); i++) { /* windows whose first tokens are gone */
            static const uint8_t order[TOMBOLA_MAX_FILTERS] = {TOMBOLA_FILTER_TEMPERATURE, TOMBOLA_FILTER_XTC,
                                                               TOMBOLA_FILTER_TOP_K, TOMBOLA_FILTER_TOP_P};
            params[count] = params_at(temperatures[t]);
            memcpy(params[count].filters, order, sizeof order);
            params[count].xtc_probability = 1.0f;
            params[count].xtc_threshold = i % 4 == 3 ? 0.01f : 1.0f / (float)(blocks * 50);
            params[count].top_k = i % 3 ? numbers[i] : 0;
            params[count++].top_p = i % 2 ? shares[i % COUNT_OF(shares)] : 1.0f;
        }
        for (size_t i = 0; i < COUNT_OF(floors); i++) {
            params[count] = params_at(temperatures[t]);
            params[count++].min_p = floors[i];
            params[count] = params[count - 1];
            params[count++].top_p = shares[3 + i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        params[i].seed = random_bits(&random_state);
        params[i].offset = i;
    }
    return count;
}

static void compare_row(tombola_context *context, const struct make *make, size_t which, const tombola_params *params,
                        size_t count)
{
    float *values = allocate(make->vocabulary, sizeof *values);
    for (uint32_t id = 0; id < make->vocabulary; id++)
        values[id] = rows[which].value(id, make->vocabulary);
    if (make->input == TOMBOLA_PROBABILITIES)
        for (uint32_t id = 0; id < make->vocabulary; id++)
            values[id] = ldexpf(1.0f + (values[id] - floorf(values[id])), (int)floorf(values[id]));
    struct oracle_row *row = oracle_row_create(values, make->vocabulary, make->input);
    tombola_sampler *sampler = make_sampler(context, make, 1, TOMBOLA_DISPATCH_ROW);
    for (size_t i = 0; i < count; i++) {
        const tombola_params *p = &params[i];
        struct draw expected = oracle_draw(row, p), draw;
        call_sample(sampler, make, values, 1, p, &draw);
        if (draw.token != expected.token || draw.kept != expected.kept || draw.status != expected.status)
            fail_msg("%s of %" PRIu32 ", T %a k %" PRIu32
                     " p %a m %a: expected token %d, kept %u, status %d; got %d, %u, %d",
                     rows[which].name, make->vocabulary, (double)p->temperature, p->top_k, (double)p->top_p,
                     (double)p->min_p, (int)expected.token, (unsigned)expected.kept, (int)expected.status,
                     (int)draw.token, (unsigned)draw.kept, (int)draw.status);
    }
    tombola_sampler_release(sampler);
    oracle_row_release(row);
    free(values);
}

static void compare_rows_in(tombola_context *context, uint32_t vocabulary, tombola_input input)
{
    const struct make make = {TOMBOLA_FLOAT32, input, vocabulary};
    tombola_params params[MOST_PARAMS];
    for (size_t which = 0; which < COUNT_OF(rows); which++)
        compare_row(context, &make, which, params, make_params(vocabulary, params));
    tombola_context_close(context);
}

static void compare_rows(uint32_t width, uint32_t vocabulary, tombola_input input)
{
    compare_rows_in(test_context_open(1, width), vocabulary, input);
}

static void rows_that_fit_in_a_list_agree_with_the_oracle(void **state)
{
    (void)state;
    compare_rows(16, LIST_SIZE - BLOCK_SIZE, TOMBOLA_LOGITS);
    compare_rows(16, LIST_SIZE, TOMBOLA_LOGITS);
}

static void rows_just_beyond_a_list_agree_with_the_oracle(void **state)
{
    (void)state;
    compare_rows(16, LIST_SIZE + 1, TOMBOLA_LOGITS);
    compare_rows(16, 20001, TOMBOLA_PROBABILITIES);
}

static void long_rows_agree_with_the_oracle(void **state)
{
    (void)state;
    if (test_level() == TEST_SMALL)
        compare_rows(16, 20001, TOMBOLA_LOGITS);
    else
        compare_rows(16, 128256, TOMBOLA_LOGITS);
    if (test_level() == TEST_ALL)
        compare_rows(16, 262144, TOMBOLA_LOGITS);
}

static void rows_in_blocks_of_other_widths_agree_with_the_oracle(void **state)
{
    (void)state;
    compare_rows(8, test_level() == TEST_SMALL ? 5000 : 50000, TOMBOLA_LOGITS);
    compare_rows(4, test_level() == TEST_SMALL ? 5000 : 50000, TOMBOLA_LOGITS);
}

/* Devices with little local memory have short lists, and overflow them often. */
static void a_list_too_short_for_most_rows_gives_the_same(void **state)
{
    (void)state;
    tombola_context *context;
    tombola_context_options options = tombola_context_options_default();
    tombola_error error = tombola_error_default();
    options.lanes = 1;
    options.width = 16;
    options.build_options = "-D CANDIDATES=512";
    if (tombola_context_open(NULL, &options, &context, &error))
        fail_msg("no context with short lists: %s", error.message);
    compare_rows_in(context, test_level() == TEST_SMALL ? 2000 : 20001, TOMBOLA_LOGITS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_fit_in_a_list_agree_with_the_oracle),
        cmocka_unit_test(rows_just_beyond_a_list_agree_with_the_oracle),
        cmocka_unit_test(long_rows_agree_with_the_oracle),
        cmocka_unit_test(rows_in_blocks_of_other_widths_agree_with_the_oracle),
        cmocka_unit_test(a_list_too_short_for_most_rows_gives_the_same),
    };
    printf("seed %" PRIu64 "\n", random_state);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
