#include "filter_draws.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "expect.h"
#include "group.h"
#include "known.h"
#include "oracle.h"
#include "rows.h"

static tombola_params kinds_params(uint32_t seed, uint32_t question, set_filters *set)
{
    static const float temperatures[] = {1.0f, .7f, 1.4f, 100.0f, INFINITY, .1f};
    tombola_params params = params_at(temperatures[question % COUNT_OF(temperatures)]);
    params.top_k = question % 5 == 3 ? 40 : 0;
    params.top_p = question % 4 == 3 ? .9f : 1.0f;
    params.min_p = question % 3 == 2 ? .01f : 0.0f;
    params.xtc_probability = question % 7 == 3 ? 1.0f : 0.0f;
    params.seed = seed + question;
    params.method = question % 2;
    if (question % 3 == 1) {
        tombola_filters_temperature_last(&params);
    }
    set(&params, seed * 5 + question);
    return params;
}

static void expect_kind(const char *who, const struct make *make, enum row_kind kind, uint32_t seed,
                        tombola_dispatch dispatch, set_filters *set)
{
    enum { QUESTIONS = 12 };
    tombola_params params[QUESTIONS];
    struct draw draws[QUESTIONS];
    const struct row_recipe recipe = {kind, seed, make->vocabulary, make->type, make->input};
    const size_t row_size = make->vocabulary * tombola_type_size(make->type);
    unsigned char *rows = allocate(QUESTIONS, row_size);
    float *values = allocate(make->vocabulary, sizeof *values);
    row_fill(&recipe, NULL, values);
    struct oracle_row *oracle = oracle_row_create(values, make->vocabulary, make->input);
    for (uint32_t i = 0; i < QUESTIONS; i++) {
        row_fill(&recipe, rows + i * row_size, NULL);
        params[i] = kinds_params(seed, i, set);
    }
    tombola_sampler *sampler = make_sampler(context, make, QUESTIONS, dispatch);
    call_sample(sampler, make, rows, QUESTIONS, params, draws);
    for (size_t i = 0; i < QUESTIONS; i++) {
        const struct draw expected = oracle_draw(oracle, &params[i]);
        expect_draw(who, &recipe, &params[i], &expected, &draws[i]);
    }
    tombola_sampler_release(sampler);
    oracle_row_release(oracle);
    free(values);
    free(rows);
}

void expect_rows_of_every_kind(const char *who, set_filters *set)
{
    static const uint32_t vocabularies[] = {1, 2, 255, 256, 257, 4000, 20000};
    const size_t count = test_level() == TEST_SMALL ? 5 : COUNT_OF(vocabularies);
    uint32_t seed = 0;
    for (size_t v = 0; v < count; v++) {
        for (enum row_kind kind = 0; kind < ROW_KINDS; kind++, seed++) {
            const tombola_type type = (tombola_type)(seed % 3);
            const struct make make = {is_compiled_for(context, type) ? type : TOMBOLA_BFLOAT16,
                                      (tombola_input)(seed / 3 % 2), vocabularies[v]};
            expect_kind(who, &make, kind, seed, seed / 6 % 2 ? TOMBOLA_DISPATCH_SPREAD : TOMBOLA_DISPATCH_ROW, set);
        }
    }
}

enum { V = 9001 };

static tombola_params order_params(const uint8_t orders[FILTER_ORDERS][TOMBOLA_MAX_FILTERS], size_t question,
                                   set_filters *set)
{
    static const uint32_t numbers[] = {0, 2, 40, 1500, 4500, V - 1};
    tombola_params params = params_at(question / 7 % 2 ? 1.3f : 0.6f);
    memcpy(params.filters, orders[question / 2 % FILTER_ORDERS], sizeof params.filters);
    params.top_k = numbers[question / 3 % COUNT_OF(numbers)];
    params.top_p = question / 5 % 3 == 1 ? .9f : 1.0f;
    params.min_p = question / 11 % 3 == 1 ? .02f : 0.0f;
    params.top_n_sigma = question / 13 % 3 == 1 ? 1.5f : 0.0f;
    params.xtc_probability = question / 4 % 3 == 1 ? 1.0f : 0.0f;
    params.xtc_threshold = question % 8 ? .001f : 1e-5f;
    params.method = question % 2;
    params.seed = question;
    set(&params, question);
    return params;
}

void expect_filters_in_orders(const char *who, const uint8_t orders[FILTER_ORDERS][TOMBOLA_MAX_FILTERS],
                              size_t questions, set_filters *set)
{
    static const float steps[] = {-0x1p-8f, -0x1p-11f, -0x1p-3f};
    static const uint32_t levels[] = {5000, 5000, 40};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    const size_t step = test_level() == TEST_SMALL ? 11 : 1; /* of no number that questions go round by */
    float *row = allocate(V, sizeof *row);
    for (size_t which = 0; which < COUNT_OF(steps); which++) {
        for (uint32_t id = 0; id < V; id++) {
            row[id] = (float)((id * 2654435761u >> 12) % levels[which]) * steps[which];
        }
        struct oracle_row *oracle = oracle_row_create(row, V, TOMBOLA_LOGITS);
        tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
        for (size_t i = 0; i < questions; i += step) {
            const tombola_params params = order_params(orders, i, set);
            const struct draw expected = oracle_draw(oracle, &params);
            struct draw draw;
            call_sample(sampler, &make, row, 1, &params, &draw);
            if (draw.token != expected.token || draw.kept != expected.kept) {
                fail_msg("%s, question %zu of row %zu: token %d and kept %u, not %d and %u", who, i, which,
                         (int)draw.token, (unsigned)draw.kept, (int)expected.token, (unsigned)expected.kept);
            }
        }
        tombola_sampler_release(sampler);
        oracle_row_release(oracle);
    }
    free(row);
}

enum { K = TOMBOLA_FILTER_TOP_K, P = TOMBOLA_FILTER_TOP_P, M = TOMBOLA_FILTER_MIN_P };
enum { S = TOMBOLA_FILTER_TOP_N_SIGMA, T = TOMBOLA_FILTER_TEMPERATURE, X = TOMBOLA_FILTER_XTC };
enum { Y = TOMBOLA_FILTER_TYPICAL_P, E = TOMBOLA_FILTER_ETA, H = TOMBOLA_FILTER_TOP_H };
const uint8_t entropy_orders[FILTER_ORDERS][TOMBOLA_MAX_FILTERS] = {
    {T, E, Y, H, X, K, P, M, S}, {E, Y, X, K, T, H, P, M, S}, {H, Y, P, X, E, T, K, M, S}, {X, Y, H, M, T, P, E, K, S},
    {X, S, E, Y, T, M, P, K, H}, {K, E, Y, X, T, P, M, S, H}, {P, E, Y, X, H, T, K, M, S}, {M, Y, T, E, P, K, H, X, S},
    {S, Y, H, T, X, E, M, P, K}, {K, P, M, S, X, Y, E, H, T},
};

void set_entropy_filters(tombola_params *params, unsigned bits, size_t number)
{
    static const float shares[] = {.2f, .5f, .9f, .95f, .99999f, 0.0f, 1e-4f};
    static const float cutoffs[] = {.3f, .1f, .02f, .003f, 3e-4f, 1e-6f, 1.0f, 1e-30f};
    params->typical_p = bits & HAS_TYPICAL_P ? shares[number % COUNT_OF(shares)] : 1.0f;
    params->eta_cutoff = bits & HAS_ETA ? cutoffs[number % COUNT_OF(cutoffs)] : 0.0f;
    params->top_h = bits & HAS_TOP_H ? shares[number / 3 % COUNT_OF(shares)] : 0.0f;
}
