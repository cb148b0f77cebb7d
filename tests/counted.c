#include "counted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "harness.h"
#include "order.h"
#include "params.h"
#include "right.h"

#define SEED UINT64_C(90210)

enum { BIASES = 40 };

/* As counters.cl has them. */
struct counted {
    uint32_t vocabulary, mask_words, wants_kept, wants_last;
};
struct counted_draw {
    int32_t status;
    uint32_t token, kept, last_key;
};

/* As counters.h has it. */
static const char *counter_text(int counter)
{
#define COUNTER_TEXT(NAME, text) text,
    static const char *const texts[] = {COUNTERS_OF(COUNTER_TEXT)};
    return texts[counter];
}

static struct built {
    struct group_shape shape;
    cl_program program;
} built[4];
static size_t built_count;

static cl_program program_of(struct group_shape shape)
{
    for (size_t i = 0; i < built_count; i++) {
        if (memcmp(&built[i].shape, &shape, sizeof shape) == 0) {
            return built[i].program;
        }
    }
    assert_less(built_count, COUNT_OF(built));
    built[built_count].shape = shape;
    built[built_count].program = kernels_build("counters.cl", shape, TOMBOLA_FLOAT32, "-D COUNTERS=1");
    return built[built_count++].program;
}

/* One for each vocabulary: each looks for its quantiles at length. */
static struct kept_maker {
    uint32_t vocabulary;
    struct workload_maker *maker;
} makers[4];
static size_t maker_count;

static struct workload_maker *maker_of(uint32_t vocabulary)
{
    for (size_t i = 0; i < maker_count; i++) {
        if (makers[i].vocabulary == vocabulary) {
            return makers[i].maker;
        }
    }
    assert_less(maker_count, COUNT_OF(makers));
    struct workload_maker *maker = workload_maker_create(vocabulary);
    assert_non_null(maker);
    makers[maker_count++] = (struct kept_maker){vocabulary, maker};
    return maker;
}

int counted_close(void **state)
{
    for (size_t i = 0; i < maker_count; i++) {
        workload_maker_release(makers[i].maker);
    }
    maker_count = 0;
    for (size_t i = 0; i < built_count; i++) {
        clReleaseProgram(built[i].program);
    }
    built_count = 0;
    return kernels_close(state);
}

/* The arrays of a launch. Rows have the mask and the biases in common. */
struct launch_data {
    float *logits;
    tombola_params *wanted;
    struct row_params *params;
    uint32_t *mask, *maxima, *counters;
    struct adjustment biases[BIASES];
    uint64_t *facts;
    struct counted_draw *draws;
    struct counted counted;
    uint32_t padded;
};

tombola_params at_temperature(void)
{
    tombola_params params = tombola_params_default();
    params.temperature = WORKLOAD_TEMPERATURE;
    return params;
}

tombola_params with_filters(uint32_t top_k, float top_p, float min_p)
{
    tombola_params params = at_temperature();
    params.top_k = top_k;
    params.top_p = top_p;
    params.min_p = min_p;
    return params;
}

static void fill_row(struct counted_rows r, uint32_t row, float *logits)
{
    if (r.kind < ODD_ROWS) {
        workload_fill(maker_of(r.vocabulary), (workload)r.kind, SEED, row, TOMBOLA_FLOAT32, logits);
    } else {
        const struct row_recipe recipe = {
            .kind = (enum row_kind)(r.kind - ODD_ROWS), .seed = row + 1, .vocabulary = r.vocabulary};
        row_fill(&recipe, logits, NULL);
    }
}

static struct launch_data data_make(struct counted_rows r, tombola_params params)
{
    const int is_masked = r.constraint == MASKED || r.constraint == MASKED_AND_BIASED;
    const int is_biased = r.constraint == BIASED || r.constraint == MASKED_AND_BIASED;
    struct launch_data d = {.padded = ((r.vocabulary + 255) / 256 + r.shape.width - 1) / r.shape.width * r.shape.width};
    const size_t words = (r.vocabulary + 31) / 32;
    uint64_t random = SEED;
    tombola_error error = tombola_error_default();
    d.counted =
        (struct counted){r.vocabulary, is_masked ? (uint32_t)words : 0, (uint32_t)r.wants_kept, (uint32_t)r.wants_last};
    d.logits = allocate((size_t)r.rows * r.vocabulary, sizeof *d.logits);
    d.wanted = allocate(r.rows, sizeof *d.wanted);
    d.params = allocate(r.rows, sizeof *d.params);
    d.mask = allocate(words, sizeof *d.mask);
    d.maxima = allocate((size_t)r.rows * d.padded, sizeof *d.maxima);
    d.facts = allocate((size_t)r.rows * d.padded, sizeof *d.facts);
    d.draws = allocate(r.rows, sizeof *d.draws);
    d.counters = allocate(r.rows, COUNTER_COUNT * sizeof *d.counters);
    for (size_t i = 0; i < words; i++) {
        d.mask[i] = (uint32_t)(random_bits(&random) | random_bits(&random)); /* three tokens of four may be drawn */
    }
    for (uint32_t i = 0; i < BIASES; i++) {
        const uint32_t token = (uint32_t)((uint64_t)i * r.vocabulary / BIASES);
        d.biases[i] = (struct adjustment){token << ADJUST_BITS | ADJUST_BIAS, i % 2 ? -0.5f : 1.25f};
    }
    for (uint32_t i = 0; i < r.rows; i++) {
        d.wanted[i] = params;
        d.wanted[i].seed = SEED;
        d.wanted[i].stream = i;
        fill_row(r, i, d.logits + (size_t)i * r.vocabulary);
    }
    uint32_t needs;
    assert_int_equal(params_convert(d.wanted, r.rows, 1, d.params, &needs, &error), TOMBOLA_OK);
    for (uint32_t i = 0; i < r.rows; i++) {
        d.params[i].begin = (uint64_t)i * r.vocabulary;
        d.params[i].mask = is_masked ? 0 : NO_MASK;
        d.params[i].adjust_end = is_biased ? BIASES : 0;
    }
    return d;
}

static void data_release(struct launch_data *d)
{
    free(d->logits);
    free(d->wanted);
    free(d->params);
    free(d->mask);
    free(d->maxima);
    free(d->facts);
    free(d->draws);
    free(d->counters);
}

static void check_draw(const struct launch_data *d, struct counted_rows r, uint32_t row)
{
    uint32_t tokens[BIASES];
    float values[BIASES];
    for (size_t i = 0; i < BIASES; i++) {
        tokens[i] = d->biases[i].place >> ADJUST_BITS;
        values[i] = -d->biases[i].value;
    }
    const struct right_input input = {.values = d->logits + (size_t)row * r.vocabulary,
                                      .vocabulary = r.vocabulary,
                                      .mask = d->counted.mask_words ? d->mask : NULL,
                                      .bias_tokens = tokens,
                                      .bias_values = values,
                                      .bias_count = d->params[row].adjust_end};
    const struct right_draw right = right_draw(&input, &d->wanted[row]);
    assert_int_equal(d->draws[row].status, right.draw.status);
    if (right.draw.status != TOMBOLA_ROW_OK) {
        return;
    }
    assert_int_equal(d->draws[row].token, right.draw.token);
    if (r.wants_kept) {
        assert_int_equal(d->draws[row].kept, right.draw.kept);
    }
    if (r.wants_last) {
        assert_real_equal(value_of(d->draws[row].last_key), right.last_logit);
    }
}

static void show(struct counted_rows r, const struct counts *counts)
{
    const char *name =
        r.kind < ODD_ROWS ? workload_name((workload)r.kind) : row_kind_name((enum row_kind)(r.kind - ODD_ROWS));
    printf("%s, %u tokens, %u x %u x %u, constraint %d:", name, (unsigned)r.vocabulary, r.shape.lanes, r.shape.width,
           r.shape.teams, (int)r.constraint);
    for (int i = 0; i < COUNTER_COUNT; i++) {
        if (counts->sum[i] > 0) {
            printf("\n    %8.2f, at most %6u %s", (double)counts->sum[i] / r.rows, (unsigned)counts->most[i],
                   counter_text(i));
        }
    }
    printf("\n");
}

struct counts count_draws(struct counted_rows r, tombola_params params)
{
    struct launch_data d = data_make(r, params);
    struct counts counts = {{0}, {0}};
    const size_t items = (size_t)r.rows * r.shape.lanes * r.shape.teams;
    struct array arrays[] = {{&d.counted, sizeof d.counted},
                             {d.logits, (size_t)r.rows * r.vocabulary * sizeof *d.logits},
                             {d.params, r.rows * sizeof *d.params},
                             {d.mask, (r.vocabulary + 31) / 32 * sizeof *d.mask},
                             {d.biases, sizeof d.biases},
                             {d.maxima, (size_t)r.rows * d.padded * sizeof *d.maxima},
                             {d.facts, (size_t)r.rows * d.padded * sizeof *d.facts},
                             {d.draws, r.rows * sizeof *d.draws},
                             {d.counters, r.rows * COUNTER_COUNT * sizeof *d.counters}};
    kernels_run(program_of(r.shape), "counted_draw", items, r.shape, arrays, COUNT_OF(arrays), 7);
    for (uint32_t row = 0; row < r.rows; row++) {
        check_draw(&d, r, row);
        for (int i = 0; i < COUNTER_COUNT; i++) {
            const uint32_t number = d.counters[row * COUNTER_COUNT + (uint32_t)i];
            counts.sum[i] += number;
            counts.most[i] = number > counts.most[i] ? number : counts.most[i];
        }
    }
    if (getenv("COUNTERS_SHOWN")) {
        show(r, &counts);
    }
    data_release(&d);
    return counts;
}
