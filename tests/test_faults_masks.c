/* Masks and biases on devices with small buffers, and what calls that have them allocate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "device_batch.h"
#include "edited.h"
#include "faults.h"
#include "late.h"

enum { OPENING_LIMIT = 65536, LIMIT = 8192, V = 600, ROWS = EDITED_ROWS, K = EDITED_CANDIDATES, TRANSFERS = 3 };

static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
static tombola_context *limited; /* on a device whose buffers hold LIMIT bytes, once it is open */

static void begin_limited(void)
{
    faults_begin();
    faults_limit_buffers(LIMIT);
}

static tombola_sampler *make_limited(tombola_transfer transfer)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    tombola_sampler *sampler;
    options.transfer = transfer;
    options.type = make.type;
    if (tombola_sampler_create(limited, V, ROWS, &options, &sampler, &error))
        fail_msg("create: %s", error.message);
    return sampler;
}

static uint64_t parts_of(const tombola_sampler *sampler)
{
    tombola_times times = tombola_times_default();
    tombola_sampler_times(sampler, &times);
    return times.parts;
}

static void batches_in_parts_have_the_masks_and_biases_of_their_rows(void **state)
{
    (void)state;
    struct edited edited;
    edited_make(&edited, &make, ROWS, 21);
    struct whole expected = applied_draw(&edited);
    for (int transfer = 0; transfer < TRANSFERS; transfer++)
        for (int entry = 0; entry < WHOLE_ENTRIES; entry++) {
            char who[80];
            const tombola_rows rows = edited_rows(&edited);
            begin_limited();
            tombola_sampler *sampler = make_limited((tombola_transfer)transfer);
            struct whole got = edited_draw(sampler, (enum whole_entry)entry, &rows, V);
            snprintf(who, sizeof who, "transfer %d, entry %d", transfer, entry);
            expect_whole(who, &got, &expected);
            assert_in_range(parts_of(sampler), ROWS * V * sizeof(float) / LIMIT, ROWS);
            whole_release(&got);
            tombola_sampler_release(sampler);
        }
    faults_begin();
    whole_release(&expected);
    edited_release(&edited);
}

static void masks_and_biases_beyond_the_largest_buffer_are_out_of_memory(void **state)
{
    (void)state;
    enum { MANY = LIMIT / 8 + 1, STRIDE = LIMIT };
    struct edited edited;
    struct columns columns;
    edited_make(&edited, &make, ROWS, 22);
    tombola_bias *biases = allocate((size_t)2 * MANY, sizeof *biases);
    size_t ends[ROWS] = {0};
    for (int32_t i = 0; i < 2 * MANY; i++)
        biases[i].token = i % 512;
    for (size_t row = 0; row < ROWS; row++)
        ends[row] = row < 2 ? 512 * (row + 1) : MANY;
    struct whole expected = applied_draw(&edited);
    for (int transfer = 0; transfer < TRANSFERS; transfer++) {
        tombola_rows rows = edited_rows(&edited);
        const tombola_results results = columns_results(&columns);
        begin_limited();
        tombola_sampler *sampler = make_limited((tombola_transfer)transfer);
        rows.biases = biases;
        rows.bias_ends = ends;
        assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OUT_OF_MEMORY);
        assert_non_null(strstr(error.message, "the biases, 8200 bytes, do not fit into one buffer of at most 8192"));
        rows = edited_rows(&edited); /* the sampler works on */
        struct whole got = edited_draw(sampler, WHOLE_SAMPLE, &rows, V);
        expect_whole("after a failure", &got, &expected);
        whole_release(&got);
        tombola_sampler_release(sampler);
    }
    faults_begin();
    whole_release(&expected);
    free(biases);
    edited_release(&edited);
}

/* Host memory so large that it can't be wrapped: those that rows have are copied. */
static void a_pool_of_masks_may_be_larger_than_any_buffer(void **state)
{
    (void)state;
    enum { FACTOR = 40 };
    struct edited edited;
    edited_make(&edited, &make, ROWS, 23);
    const size_t stride = edited.mask_stride * FACTOR;
    uint32_t *pool = allocate(edited.mask_count * stride, sizeof *pool);
    for (size_t mask = 0; mask < edited.mask_count; mask++)
        memcpy(pool + mask * stride, edited.masks + mask * edited.mask_stride, edited.mask_stride * sizeof *pool);
    struct whole expected = applied_draw(&edited);
    tombola_rows rows = edited_rows(&edited);
    rows.masks.host = pool;
    rows.mask_stride = stride;
    for (int transfer = 0; transfer < TRANSFERS; transfer++) {
        begin_limited();
        tombola_sampler *sampler = make_limited((tombola_transfer)transfer);
        struct whole got = edited_draw(sampler, WHOLE_SAMPLE, &rows, V);
        expect_whole("a large pool", &got, &expected);
        whole_release(&got);
        tombola_sampler_release(sampler);
    }
    faults_begin();
    whole_release(&expected);
    free(pool);
    edited_release(&edited);
}

static tombola_status draw_columns(tombola_sampler *sampler, const tombola_rows *rows)
{
    static struct columns columns;
    static tombola_boundary boundary[ROWS];
    tombola_results results = columns_results(&columns);
    results.boundary.host = boundary;
    return tombola_sampler_sample(sampler, rows, &results, &error);
}

static void no_call_allocates_but_the_first_of_them_and_those_with_more_biases(void **state)
{
    (void)state;
    struct edited edited;
    edited_make(&edited, &make, ROWS, 24);
    for (int transfer = 0; transfer < TRANSFERS; transfer++) {
        tombola_sampler_options options = tombola_sampler_options_default();
        tombola_sampler *sampler;
        tombola_rows rows = edited_rows(&edited);
        options.transfer = (tombola_transfer)transfer;
        options.in_flight = 1;
        faults_begin();
        assert_int_equal(tombola_sampler_create(context, V, ROWS, &options, &sampler, &error), TOMBOLA_OK);
        rows.count = 6;
        assert_int_equal(draw_columns(sampler, &rows), TOMBOLA_OK);
        faults_begin();
        assert_int_equal(draw_columns(sampler, &rows), TOMBOLA_OK);
        assert_int_equal(faults_seen().allocations, 0);
        assert_int_equal(faults_seen().buffer_bytes, 0);
        rows.count = ROWS;
        assert_int_equal(draw_columns(sampler, &rows), TOMBOLA_OK);
        assert_in_range(faults_seen().allocations + faults_seen().buffer_bytes, 1, 1 << 20);
        faults_begin();
        for (rows.count = ROWS; rows.count > 0; rows.count--)
            assert_int_equal(draw_columns(sampler, &rows), TOMBOLA_OK);
        assert_int_equal(faults_seen().allocations, 0);
        assert_int_equal(faults_seen().buffer_bytes, 0);
        tombola_sampler_release(sampler);
    }
    edited_release(&edited);
}

/* A batch whose room can't be made is refused, or fails, and later ones have theirs. */
static void growth_that_fails_leaves_the_sampler_as_it_was(void **state)
{
    (void)state;
    struct edited edited;
    edited_make(&edited, &make, ROWS, 25);
    struct whole expected = applied_draw(&edited);
    for (int transfer = 0; transfer < TRANSFERS; transfer++) {
        tombola_sampler *sampler =
            make_sampler_that(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO, (tombola_transfer)transfer);
        tombola_rows rows = edited_rows(&edited);
        rows.count = 6;
        assert_int_equal(draw_columns(sampler, &rows), TOMBOLA_OK);
        rows.count = ROWS;
        faults_begin();
        if (transfer == TOMBOLA_TRANSFER_STAGED)
            faults_fail("clCreateBuffer", 0, CL_MEM_OBJECT_ALLOCATION_FAILURE);
        else
            faults_fail_memory(0);
        assert_int_equal(draw_columns(sampler, &rows), TOMBOLA_OUT_OF_MEMORY);
        faults_begin();
        rows.count = 6;
        assert_int_equal(draw_columns(sampler, &rows), TOMBOLA_OK);
        rows.count = ROWS;
        struct whole got = edited_draw(sampler, WHOLE_SAMPLE, &rows, V);
        expect_whole("after a failed growth", &got, &expected);
        whole_release(&got);
        tombola_sampler_release(sampler);
    }
    whole_release(&expected);
    edited_release(&edited);
}

static int open_limited(void **state)
{
    open_queues(state);
    faults_begin();
    faults_limit_buffers(OPENING_LIMIT);
    if (tombola_context_open_cl(opencl, tombola_context_cl_device(context), NULL, &limited, &error))
        die("no context on small buffers: %s", error.message);
    want_every_kernel(limited, make.type, make.input);
    limited->largest_buffer = LIMIT;
    faults_begin();
    return 0;
}

static int close_limited(void **state)
{
    faults_begin();
    tombola_context_close(limited);
    close_queues(state);
    return faults_seen().held != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_in_parts_have_the_masks_and_biases_of_their_rows),
        cmocka_unit_test(masks_and_biases_beyond_the_largest_buffer_are_out_of_memory),
        cmocka_unit_test(a_pool_of_masks_may_be_larger_than_any_buffer),
        cmocka_unit_test(no_call_allocates_but_the_first_of_them_and_those_with_more_biases),
        cmocka_unit_test(growth_that_fails_leaves_the_sampler_as_it_was),
    };
    return cmocka_run_group_tests(tests, open_limited, close_limited);
}
