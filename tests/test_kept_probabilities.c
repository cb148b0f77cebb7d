/* Probabilities after all filters and the logits of what is kept: as the oracle has them to the last bit, near what
 * binary64 has, and by every way out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device_batch.h"
#include "entries.h"
#include "expect.h"
#include "kinds.h"

/* Both arrays, rows `stride` elements apart. */
struct arrays_of {
    size_t stride;
    float *probabilities, *logits;
};

static struct arrays_of make_arrays(size_t vocabulary, size_t padding)
{
    const size_t stride = vocabulary + padding;
    const struct arrays_of a = {stride, allocate(ROW_KINDS * stride, sizeof(float)),
                                allocate(ROW_KINDS * stride, sizeof(float))};
    for (size_t i = 0; i < ROW_KINDS * stride; i++)
        a.probabilities[i] = a.logits[i] = 7.0f;
    return a;
}

static void free_arrays(struct arrays_of a)
{
    free(a.probabilities);
    free(a.logits);
}

static void expect_arrays(const struct kinds *k, struct arrays_of got)
{
    const uint32_t V = k->make.vocabulary;
    const struct arrays_of right = make_arrays(V, 0);
    for (uint32_t row = 0; row < ROW_KINDS; row++) {
        oracle_processed(k->drawn[row], &k->params[row], right.probabilities, right.logits);
        for (uint32_t id = 0; id < V; id++) {
            kinds_expect_bits(k, row, "probability", got.probabilities[row * got.stride + id], right.probabilities[id]);
            kinds_expect_bits(k, row, "logit", got.logits[row * got.stride + id], right.logits[id]);
        }
        for (size_t i = V; i < got.stride && row + 1 < ROW_KINDS; i++) { /* what lies between rows */
            assert_real_equal(got.probabilities[row * got.stride + i], 7.0f);
            assert_real_equal(got.logits[row * got.stride + i], 7.0f);
        }
    }
    free_arrays(right);
}

/* Within 2e-6 relative + 1e-9 of the softmax of what is kept, by libm. */
static void expect_near_softmax(const struct kinds *k, struct arrays_of got)
{
    for (uint32_t row = 0; row < ROW_KINDS; row++) {
        const double temperature = (double)k->params[row].temperature;
        const float *z = got.logits + row * got.stride, *p = got.probabilities + row * got.stride;
        double top = -INFINITY, sum = 0.0;
        for (uint32_t id = 0; id < k->make.vocabulary; id++)
            top = (double)z[id] > top ? (double)z[id] : top;
        if (top == -INFINITY || temperature < 1e-5 || isinf(temperature) || fabs(top) / temperature > 5.8e6)
            continue;
        for (uint32_t id = 0; id < k->make.vocabulary; id++)
            sum += exp(((double)z[id] - top) / temperature);
        for (uint32_t id = 0; id < k->make.vocabulary; id++) {
            const double right = exp(((double)z[id] - top) / temperature) / sum;
            assert_that(fabs((double)p[id] - right) <= 2e-6 * right + 1e-9,
                        "token %u of a row %s of %u at temperature %g: %.9g, where binary64 has %.9g", id,
                        row_kind_name((enum row_kind)row), k->make.vocabulary, temperature, (double)p[id], right);
        }
    }
}

static void run_batch(tombola_context *on, struct kinds *k, uint32_t number)
{
    static const tombola_dispatch dispatches[] = {TOMBOLA_DISPATCH_ROW, TOMBOLA_DISPATCH_SPREAD};
    const uint32_t turns = on != context || test_level() == TEST_SMALL ? 1 : k->make.vocabulary < 4000 ? 8 : 3;
    (void)number;
    for (uint32_t turn = 0; turn < 2 * turns; turn++) {
        tombola_sampler *sampler = make_sampler(on, &k->make, ROW_KINDS, dispatches[turn % 2]);
        const struct arrays_of got = make_arrays(k->make.vocabulary, 0);
        kinds_set_params(k, turn / 2);
        const tombola_rows rows = kinds_rows(k);
        tombola_results results = tombola_results_default();
        results.kept_probabilities.host = got.probabilities;
        results.processed_logits.host = got.logits;
        call_rows(sampler, &rows, &results);
        expect_arrays(k, got);
        expect_near_softmax(k, got);
        free_arrays(got);
        tombola_sampler_release(sampler);
    }
}

static void rows_of_every_kind_have_the_oracles(void **state)
{
    (void)state;
    kinds_each(context, KINDS_ALL, 20000, run_batch);
}

static void work_groups_of_many_have_the_same(void **state)
{
    (void)state;
    kinds_each_in_groups(KINDS_BINARY32, 4000, run_batch);
}

/* Top-k 3, top-p .7, min-p .26 of .1 .2 .3 .4, as llama.cpp's tests have them. */
static void published_shares_come_out(void **state)
{
    (void)state;
    static const float p[4] = {.1f, .2f, .3f, .4f};
    static const struct {
        uint32_t top_k;
        float top_p, min_p;
        double right[4];
    } cases[] = {{1, 1.0f, 0.0f, {0, 0, 0, 1}},
                 {3, 1.0f, 0.0f, {0, .2 / .9, .3 / .9, .4 / .9}},
                 {0, .7f, 0.0f, {0, 0, .3 / .7, .4 / .7}},
                 {0, .8f, 0.0f, {0, .2 / .9, .3 / .9, .4 / .9}},
                 {0, 1.0f, .26f, {0, .2 / .9, .3 / .9, .4 / .9}},
                 {0, 1.0f, .74f, {0, 0, .3 / .7, .4 / .7}}};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 4};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = params_at(1.0f);
        params.top_k = cases[i].top_k;
        params.top_p = cases[i].top_p;
        params.min_p = cases[i].min_p;
        float got[4], logits[4];
        const tombola_rows rows = host_rows(p, 1, 0, &params);
        tombola_results results = tombola_results_default();
        results.kept_probabilities.host = got;
        results.processed_logits.host = logits;
        assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
        for (size_t id = 0; id < 4; id++) {
            assert_near(got[id], cases[i].right[id], 1e-6);
            assert_near(exp((double)logits[id]), cases[i].right[id] > 0.0 ? (double)p[id] : 0.0, 1e-6);
        }
    }
    tombola_sampler_release(sampler);
}

static void read_floats(cl_mem buffer, size_t offset, size_t count, float *to)
{
    entry_succeed(
        clEnqueueReadBuffer(queues[0], buffer, CL_TRUE, offset * sizeof *to, count * sizeof *to, to, 0, NULL, NULL),
        "clEnqueueReadBuffer");
}

/* By sample, submit and enqueue, to host memory and to a buffer, side by side and with a stride, beside probabilities
 * of the whole row, from host memory in place and staged. */
static void every_way_gives_the_same(void **state)
{
    (void)state;
    enum { BEFORE = 5, V = 300 };
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    struct kinds *k = kinds_make(make, 3, 1);
    for (size_t i = 0; i < 3u * 24u; i += test_level() == TEST_SMALL ? 11 : 1) {
        const enum call call = (enum call)(i % 3 < 2 ? i % 3 : CALL_ENQUEUE + i % 2);
        const size_t places = i / 3 % 4, transfer = i / 24;
        tombola_sampler *sampler =
            make_sampler_that(context, &make, ROW_KINDS, TOMBOLA_DISPATCH_AUTO, (tombola_transfer)transfer);
        struct arrays_of got = make_arrays(V, i / 12 % 2 ? 3 : 0);
        const size_t bytes = (BEFORE + ROW_KINDS * got.stride) * sizeof(float);
        float *all = allocate(ROW_KINDS * got.stride, sizeof *all);
        int32_t tokens[ROW_KINDS];
        cl_mem buffers[2] = {NULL, NULL};
        kinds_set_params(k, (uint32_t)i);
        const tombola_rows rows = kinds_rows(k);
        tombola_results results = tombola_results_default();
        results.probability_stride = got.stride;
        results.kept_probabilities.host = got.probabilities;
        results.processed_logits.host = got.logits;
        results.probabilities.host = i % 5 ? all : NULL;
        results.tokens.host = i % 2 ? tokens : NULL;
        if (places & 1) {
            results.kept_probabilities.host = NULL;
            results.kept_probabilities.buffer = buffers[0] = entry_buffer(context, bytes, NULL);
            results.kept_probabilities.offset = BEFORE;
        }
        if (places & 2) {
            results.processed_logits.host = NULL;
            results.processed_logits.buffer = buffers[1] = entry_buffer(context, bytes, NULL);
            results.processed_logits.offset = BEFORE;
        }
        assert_int_equal(call_as(call, sampler, &rows, &results), TOMBOLA_OK);
        for (size_t row = 0; row < ROW_KINDS; row++) { /* what lies between rows is not looked at in a buffer */
            if (buffers[0])
                read_floats(buffers[0], BEFORE + row * got.stride, V, got.probabilities + row * got.stride);
            if (buffers[1])
                read_floats(buffers[1], BEFORE + row * got.stride, V, got.logits + row * got.stride);
        }
        expect_arrays(k, got);
        for (size_t row = 0; row < ROW_KINDS && i % 2; row++)
            assert_int_equal(tokens[row], oracle_draw(k->drawn[row], &k->params[row]).token);
        for (size_t b = 0; b < 2; b++)
            if (buffers[b])
                clReleaseMemObject(buffers[b]);
        free(all);
        free_arrays(got);
        tombola_sampler_release(sampler);
    }
    kinds_release(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_every_kind_have_the_oracles),
        cmocka_unit_test(published_shares_come_out),
        cmocka_unit_test(every_way_gives_the_same),
        cmocka_unit_test(work_groups_of_many_have_the_same),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
