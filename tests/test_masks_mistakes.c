/* Masks and biases that are refused: each with the field, the row and the value, by every entry, before anything is
 * enqueued. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "device_batch.h"
#include "entries.h"
#include "refused.h"

enum { ROWS = PROBE_ROWS, V = PROBE_VOCABULARY, WORDS = (V + 31) / 32, STRIDE = WORDS + 2 };

static tombola_sampler *samplers[2]; /* by transfer */
static tombola_sampler *of_probabilities;
static uint32_t masks[ROWS * STRIDE];
static cl_mem buffer; /* that many words, the last of which is not there */
static int32_t mask_of_row[ROWS];
static tombola_bias biases[ROWS * 2];
static size_t bias_ends[ROWS];

/* A good batch: a mask for each row, and two biases for each. */
static tombola_rows good_rows(void)
{
    tombola_rows rows = host_rows(probe.logits, ROWS, PROBE_STRIDE, probe.params);
    memset(masks, 0xFF, sizeof masks);
    for (int32_t row = 0; row < ROWS; row++) {
        mask_of_row[row] = row;
        biases[2 * row] = (tombola_bias){599, 0.5f};
        biases[2 * row + 1] = (tombola_bias){row, -INFINITY};
        bias_ends[row] = 2 * (size_t)row + 2;
    }
    rows.masks.host = masks;
    rows.mask_stride = STRIDE;
    rows.mask_count = ROWS;
    rows.mask_of_row = mask_of_row;
    rows.biases = biases;
    rows.bias_ends = bias_ends;
    return rows;
}

static void expect_refused(tombola_sampler *sampler, const tombola_rows *rows, const char *message)
{
    struct columns columns;
    tombola_ticket ticket = 77;
    const tombola_results results = columns_results(&columns);
    memset(&columns, 0x5A, sizeof columns);
    error = tombola_error_default();
    expect_refusal(tombola_sampler_sample(sampler, rows, &results, &error), &error, message);
    expect_refusal(tombola_sampler_submit(sampler, rows, &results, &ticket, &error), &error, message);
    expect_refusal(tombola_sampler_enqueue(sampler, queues[0], rows, &results, 0, NULL, NULL, &error), &error, message);
    assert_int_equal(ticket, 77);
    for (size_t i = 0; i < sizeof columns; i++)
        assert_int_equal(((unsigned char *)&columns)[i], 0x5A);
    if (sampler != of_probabilities)
        assert_true(probe_passes(&probe, sampler));
}

static void expect_refused_by_both(const tombola_rows *rows, const char *message)
{
    for (size_t i = 0; i < COUNT_OF(samplers); i++)
        expect_refused(samplers[i], rows, message);
}

static void a_good_batch_is_taken(void **state)
{
    (void)state;
    struct columns columns;
    const tombola_rows rows = good_rows();
    const tombola_results results = columns_results(&columns);
    for (size_t i = 0; i < COUNT_OF(samplers); i++)
        assert_int_equal(tombola_sampler_sample(samplers[i], &rows, &results, &error), TOMBOLA_OK);
}

static void masks_in_the_wrong_place_are_refused(void **state)
{
    (void)state;
    tombola_rows rows = good_rows();
    rows.masks.buffer = buffer;
    expect_refused_by_both(&rows, "rows.masks is in host memory and in a buffer: one is to be set, or neither");
    rows = good_rows();
    rows.masks.host = (const uint32_t *)(const void *)((const char *)masks + 1);
    expect_refused_by_both(&rows, "rows.masks.host is not aligned to its type of 4 bytes");
    rows = good_rows();
    rows.masks.offset = 1;
    expect_refused_by_both(&rows, "rows.masks.offset is 1, but the masks are in host memory");
    rows = good_rows();
    rows.masks.host = NULL;
    mask_of_row[0] = -1;
    expect_refused_by_both(&rows, "rows.mask_of_row[1] is 1, but rows.masks is NULL");
}

static void strides_and_counts_of_masks_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    tombola_rows rows = good_rows();
    rows.mask_stride = WORDS - 1;
    expect_refused_by_both(&rows,
                           "rows.mask_stride is 18, not from 19, the words that hold the vocabulary, to 4294967295");
    rows = good_rows();
    rows.mask_stride = (size_t)1 << 32;
    expect_refused_by_both(
        &rows, "rows.mask_stride is 4294967296, not from 19, the words that hold the vocabulary, to 4294967295");
    rows = good_rows();
    rows.mask_count = SIZE_MAX / 16;
    expect_refused_by_both(&rows, "rows.mask_count is 1152921504606846975: so many masks do not fit in memory");
    rows = good_rows();
    rows.mask_count = 3;
    rows.mask_of_row = NULL;
    expect_refused_by_both(
        &rows, "rows.mask_count is 3, fewer than the 4 rows, and rows.mask_of_row does not say which have one");
}

static void rows_with_masks_that_are_not_there_are_refused(void **state)
{
    (void)state;
    tombola_rows rows = good_rows();
    mask_of_row[2] = 4;
    expect_refused_by_both(&rows, "rows.mask_of_row[2] is 4, not from -1 (none) to 3, the last mask");
    mask_of_row[2] = -2;
    expect_refused_by_both(&rows, "rows.mask_of_row[2] is -2, not from -1 (none) to 3, the last mask");
    rows = good_rows();
    rows.mask_count = 3;
    expect_refused_by_both(&rows, "rows.mask_of_row[3] is 3, not from -1 (none) to 2, the last mask");
}

static void buffers_that_end_before_the_masks_are_refused(void **state)
{
    (void)state;
    char message[160];
    tombola_rows rows = good_rows();
    rows.masks.host = NULL;
    rows.masks.buffer = buffer;
    rows.masks.offset = 2; /* the last word of the last mask, gaps aside */
    snprintf(message, sizeof message, "rows.masks.buffer holds %d words: mask 3 of 4, from 0 on, lies beyond them",
             ROWS * STRIDE - 1);
    expect_refused_by_both(&rows, message);
    rows.masks.offset = ROWS * STRIDE;
    snprintf(message, sizeof message, "rows.masks.offset is %d: no mask of 19 words fits behind it into %d",
             ROWS * STRIDE, ROWS * STRIDE - 1);
    expect_refused_by_both(&rows, message);
    rows.masks.offset = 1;
    struct columns columns;
    const tombola_results results = columns_results(&columns);
    assert_int_equal(tombola_sampler_sample(samplers[0], &rows, &results, &error), TOMBOLA_OK);
    cl_int code;
    cl_mem unreadable = clCreateBuffer(opencl, CL_MEM_WRITE_ONLY, sizeof masks, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    rows.masks.buffer = unreadable;
    expect_refused_by_both(&rows, "rows.masks.buffer is a buffer that kernels may not read");
    clReleaseMemObject(unreadable);
}

static void ends_of_biases_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    tombola_rows rows = good_rows();
    rows.bias_ends = NULL;
    expect_refused_by_both(&rows, "rows.bias_ends is NULL, but rows.biases is not");
    rows = good_rows();
    rows.biases = NULL;
    expect_refused_by_both(&rows, "rows.biases is NULL, but rows.bias_ends[3] is 8");
    rows = good_rows();
    bias_ends[2] = 3;
    expect_refused_by_both(&rows, "rows.bias_ends[2] is 3, less than the end before it, 4");
    rows = good_rows();
    bias_ends[3] = (size_t)1 << 32;
    expect_refused_by_both(&rows, "rows.bias_ends[3] is 4294967296, more than 4294967295");
}

static void bad_tokens_and_values_of_biases_are_refused(void **state)
{
    (void)state;
    tombola_rows rows = good_rows();
    biases[5].token = V;
    expect_refused_by_both(&rows, "rows.biases[5].token, of row 2, is 600, not from 0 to 599");
    biases[5].token = -1;
    expect_refused_by_both(&rows, "rows.biases[5].token, of row 2, is -1, not from 0 to 599");
    rows = good_rows();
    biases[2].value = NAN;
    expect_refused_by_both(&rows, "rows.biases[2].value, of row 1 and token 599, is nan, neither finite nor -inf");
    biases[2].value = INFINITY;
    expect_refused_by_both(&rows, "rows.biases[2].value, of row 1 and token 599, is inf, neither finite nor -inf");
}

static void a_token_that_a_row_has_twice_is_refused(void **state)
{
    (void)state;
    tombola_rows rows = good_rows();
    biases[7].token = 599;
    expect_refused_by_both(&rows, "rows.biases has token 599 twice among those of row 3");
    bias_ends[2] = 7; /* now one of them is row 2's, where it is twice in turn */
    expect_refused_by_both(&rows, "rows.biases has token 599 twice among those of row 2");
}

static void biases_of_probabilities_are_refused(void **state)
{
    (void)state;
    const tombola_rows rows = good_rows();
    expect_refused(of_probabilities, &rows, "rows.biases are for logits, but options.input is TOMBOLA_PROBABILITIES");
}

static void more_biases_than_can_be_are_refused_at_creation(void **state)
{
    (void)state;
    tombola_sampler_options options = tombola_sampler_options_default();
    tombola_sampler *sampler = NULL;
    error = tombola_error_default();
    options.max_biases = (size_t)1 << 32;
    expect_refusal(tombola_sampler_create(context, V, ROWS, &options, &sampler, &error), &error,
                   "options.max_biases is 4294967296, not from 0 to 4294967295");
    assert_null(sampler);
}

static int open_samplers(void **state)
{
    static const struct make probabilities = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, V};
    open_queues(state);
    for (size_t i = 0; i < COUNT_OF(samplers); i++)
        samplers[i] = probe_sampler(transfers[i]);
    of_probabilities = make_sampler(context, &probabilities, ROWS, TOMBOLA_DISPATCH_AUTO);
    buffer = entry_buffer(context, sizeof masks - sizeof *masks, NULL);
    return 0;
}

static int close_samplers(void **state)
{
    for (size_t i = 0; i < COUNT_OF(samplers); i++)
        tombola_sampler_release(samplers[i]);
    tombola_sampler_release(of_probabilities);
    clReleaseMemObject(buffer);
    return close_queues(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_batch_is_taken),
        cmocka_unit_test(masks_in_the_wrong_place_are_refused),
        cmocka_unit_test(strides_and_counts_of_masks_that_do_not_fit_are_refused),
        cmocka_unit_test(rows_with_masks_that_are_not_there_are_refused),
        cmocka_unit_test(buffers_that_end_before_the_masks_are_refused),
        cmocka_unit_test(ends_of_biases_that_do_not_fit_are_refused),
        cmocka_unit_test(bad_tokens_and_values_of_biases_are_refused),
        cmocka_unit_test(a_token_that_a_row_has_twice_is_refused),
        cmocka_unit_test(biases_of_probabilities_are_refused),
        cmocka_unit_test(more_biases_than_can_be_are_refused_at_creation),
    };
    return cmocka_run_group_tests(tests, open_samplers, close_samplers);
}
