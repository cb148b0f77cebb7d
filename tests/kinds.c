#include "kinds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"

static void make_row(struct kinds *k, uint32_t row, uint32_t number, int is_restricted, float *widened)
{
    const uint32_t V = k->make.vocabulary, words = (V + 31) / 32;
    const struct row_recipe recipe = {(enum row_kind)row, number * 31 + row, V, k->make.type, k->make.input};
    const int has_mask = is_restricted && (number + row) % 3 > 0;
    const int has_biases = is_restricted && (number + row) % 3 < 2 && k->make.input == TOMBOLA_LOGITS;
    const size_t first = row ? k->bias_ends[row - 1] : 0;
    const size_t count = has_biases ? row_biases(number + row + 1, V, k->biases + first) : 0;
    row_fill(&recipe, k->elements + row * V * tombola_type_size(k->make.type), widened);
    row_mask(number * ROW_KINDS + row + 1, V, k->masks + row * words);
    k->bias_ends[row] = first + count;
    k->mask_of_row[row] = has_mask ? (int32_t)row : -1;
    const struct oracle_input input = {.values = widened,
                                       .vocabulary = V,
                                       .kind = k->make.input,
                                       .mask = has_mask ? k->masks + row * words : NULL,
                                       .biases = k->biases + first,
                                       .bias_count = count};
    k->drawn[row] = oracle_row_create_from(&input);
    k->given[row] = oracle_row_create(widened, V, k->make.input);
}

struct kinds *kinds_make(struct make make, uint32_t number, int is_restricted)
{
    struct kinds *k = allocate(1, sizeof *k);
    float *widened = allocate(make.vocabulary, sizeof *widened);
    k->make = make;
    k->elements = allocate((size_t)ROW_KINDS * make.vocabulary, tombola_type_size(make.type));
    k->masks = allocate((size_t)ROW_KINDS * ((make.vocabulary + 31) / 32), sizeof *k->masks);
    for (uint32_t row = 0; row < ROW_KINDS; row++)
        make_row(k, row, number, is_restricted, widened);
    free(widened);
    return k;
}

void kinds_release(struct kinds *k)
{
    for (uint32_t row = 0; row < ROW_KINDS; row++) {
        oracle_row_release(k->drawn[row]);
        oracle_row_release(k->given[row]);
    }
    free(k->elements);
    free(k->masks);
    free(k);
}

static tombola_params params_of(uint32_t number, uint32_t vocabulary)
{
    static const float temperatures[] = {1.0f, 0.1f, 2.0f, 1.0f, 1e-4f, 100.0f, 0.7f, 0.0f, 1.1e-5f, INFINITY, 1e-3f};
    static const float shares[] = {1.0f, 0.9f, 1.0f, 0.5f, 0.99999f};
    static const float thresholds[] = {.1f, 1e-4f, 0.0f, 1e-35f, .01f}, chances[] = {0.0f, 1.0f, 0.5f};
    tombola_params params = params_at(temperatures[number % COUNT_OF(temperatures)]);
    params.method = number / 2 % 3 == 2 ? TOMBOLA_INVERSE_CDF : TOMBOLA_RACE;
    params.seed = number;
    params.stream = number * 7;
    if (number % 4 == 0)
        return params;
    params.top_p = shares[number / 3 % COUNT_OF(shares)];
    params.top_k = number / 5 % 4 == 1 ? 1 + number % 50 : number / 5 % 4 == 2 ? vocabulary / 2 : 0;
    params.min_p = number / 7 % 5 == 1 ? .01f : 0.0f;
    params.top_n_sigma = number / 9 % 5 == 1 ? 1.5f : 0.0f;
    params.xtc_probability = chances[number / 4 % COUNT_OF(chances)];
    params.xtc_threshold = thresholds[number / 12 % COUNT_OF(thresholds)];
    if (number / 2 % 3 == 1)
        tombola_filters_temperature_last(&params);
    return params;
}

void kinds_set_params(struct kinds *k, uint32_t number)
{
    for (uint32_t row = 0; row < ROW_KINDS; row++)
        k->params[row] = params_of(number * 37 + row * 5 + k->make.vocabulary, k->make.vocabulary);
}

tombola_rows kinds_rows(const struct kinds *k)
{
    tombola_rows rows = host_rows(k->elements, ROW_KINDS, 0, k->params);
    rows.masks.host = k->masks;
    rows.mask_of_row = k->mask_of_row;
    rows.biases = k->make.input == TOMBOLA_LOGITS ? k->biases : NULL;
    rows.bias_ends = k->make.input == TOMBOLA_LOGITS ? k->bias_ends : NULL;
    return rows;
}

void kinds_each(tombola_context *on, enum kinds_which which, uint32_t most, kinds_run *run)
{
    static const uint32_t vocabularies[] = {1, 2, 255, 256, 257, 4000, 20000};
    static const tombola_type types[] = {TOMBOLA_FLOAT32, TOMBOLA_FLOAT16, TOMBOLA_BFLOAT16};
    if (test_level() == TEST_SMALL)
        most = 2;
    for (uint32_t number = 0; number < 4 * COUNT_OF(vocabularies) && vocabularies[number / 4] <= most; number++) {
        const struct make make = {types[number / 4 % COUNT_OF(types)],
                                  number % 2 ? TOMBOLA_PROBABILITIES : TOMBOLA_LOGITS, vocabularies[number / 4]};
        if ((which != KINDS_ALL && make.type != TOMBOLA_FLOAT32) ||
            (which == KINDS_BINARY32_LOGITS && make.input != TOMBOLA_LOGITS))
            continue;
        struct kinds *k = kinds_make(make, number, number / 2 % 2);
        run(on, k, number);
        kinds_release(k);
    }
}

void kinds_each_in_groups(enum kinds_which which, uint32_t most, kinds_run *run)
{
    tombola_context *groups = test_context_open(4, 4);
    kinds_each(groups, which, most, run);
    tombola_context_close(groups);
}

void kinds_expect_bits(const struct kinds *k, uint32_t row, const char *what, float got, float expected)
{
    const tombola_params *p = &k->params[row];
    if (memcmp(&got, &expected, sizeof got) == 0)
        return;
    fail_msg("%s of a row %s of %u, temperature %g, method %u, top-k %u, top-p %g, XTC %g of %g, order %d: %a, not %a",
             what, row_kind_name((enum row_kind)row), k->make.vocabulary, (double)p->temperature, p->method, p->top_k,
             (double)p->top_p, (double)p->xtc_probability, (double)p->xtc_threshold, p->filters[0], (double)got,
             (double)expected);
}
