/* Logits that lie in OpenCL buffers: batches, draws, objects and events that are refused, each with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "device_batch.h"
#include "entries.h"

static tombola_sampler *refusing;

static void expect_refused(cl_command_queue queue, const tombola_cl_batch *batch, const tombola_cl_draws *draws,
                           const char *message)
{
    tombola_times before, after;
    cl_event event = NULL;
    tombola_sampler_times(refusing, &before);
    tombola_status status = tombola_sampler_enqueue(refusing, queue, batch, draws, 0, NULL, &event, &error);
    if (status != TOMBOLA_INVALID_ARGUMENT || strcmp(error.message, message) != 0)
        fail_msg("status %d, \"%s\", where \"%s\" was to be refused", (int)status, error.message, message);
    assert_int_equal(tombola_sampler_enqueue(refusing, queue, batch, draws, 0, NULL, NULL, NULL),
                     TOMBOLA_INVALID_ARGUMENT);
    tombola_sampler_times(refusing, &after);
    assert_memory_equal(&before, &after, sizeof before);
    assert_null(event);
    assert_true(probe_passes(&probe, refusing));
}

static void batches_that_cannot_be_are_refused(void **state)
{
    (void)state;
    enum { ELEMENTS = PROBE_ROWS * PROBE_STRIDE };
    tombola_draw host[PROBE_ROWS];
    const tombola_cl_draws draws = to_host(host);
    static const uint32_t beyond[PROBE_ROWS] = {0, 3, 4, 1};
    tombola_params params[PROBE_ROWS];
    tombola_cl_batch batch;
    char message[200];
    refusing = probe_sampler(TOMBOLA_TRANSFER_AUTO);
#define REFUSED(field, value, text)                                                                                    \
    do {                                                                                                               \
        batch = probe_batch();                                                                                         \
        batch.field = value;                                                                                           \
        expect_refused(queues[0], &batch, &draws, text);                                                               \
    } while (0)
    expect_refused(queues[0], NULL, &draws, "batch is NULL");
    REFUSED(logits, NULL, "batch.logits is NULL");
    REFUSED(params, NULL, "batch.params is NULL");
    REFUSED(rows, 0, "batch.rows is 0, not from 1 to the sampler's max_rows 4");
    REFUSED(rows, 5, "batch.rows is 5, not from 1 to the sampler's max_rows 4");
    REFUSED(row_stride, 599, "batch.row_stride is 599, less than the vocabulary 600");
    REFUSED(row_stride, 1000, "batch.rows is 4: row 2 lies beyond the buffer's 2428 elements");
    REFUSED(row_stride, SIZE_MAX, "batch.rows is 4: row 1 lies beyond the buffer's 2428 elements");
    REFUSED(offset, 8, "batch.rows is 4: row 3 lies beyond the buffer's 2428 elements");
    REFUSED(offset, ELEMENTS - 599, "batch.offset is 1829: no row of 600 fits behind it into 2428");
    snprintf(message, sizeof message, "batch.offset is %zu: no row of 600 fits behind it into 2428", SIZE_MAX - 3);
    REFUSED(offset, SIZE_MAX - 3, message);
    REFUSED(row_indices, beyond, "batch.row_indices[2] is 4: that row lies beyond the buffer's 2428 elements");
    snprintf(message, sizeof message, "batch.struct_size is 8, not %zu: start from tombola_cl_batch_default()",
             sizeof batch);
    REFUSED(struct_size, 8, message);
    memcpy(params, probe.params, sizeof params);
    params[2].temperature = -1.0f;
    REFUSED(params, params, "params[2].temperature is -1, not 0 or more");
#undef REFUSED
    batch = probe_batch();
    assert_int_equal(tombola_sampler_enqueue(NULL, queues[0], &batch, &draws, 0, NULL, NULL, &error),
                     TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "sampler is NULL");
    tombola_sampler_release(refusing);
    refusing = NULL;
}

static void draws_that_cannot_be_are_refused(void **state)
{
    (void)state;
    tombola_draw host[PROBE_ROWS];
    const tombola_cl_batch batch = probe_batch();
    cl_mem buffer = entry_buffer(context, sizeof probe.draws, NULL);
    tombola_cl_draws draws = tombola_cl_draws_default();
    char message[200];
    cl_int code;
    cl_mem constant = clCreateBuffer(opencl, CL_MEM_READ_ONLY, sizeof probe.draws, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    refusing = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    expect_refused(queues[0], &batch, NULL, "draws is NULL");
    expect_refused(queues[0], &batch, &draws, "draws.host and draws.buffer are both NULL: one is to be set");
    draws.host = host;
    draws.buffer = buffer;
    expect_refused(queues[0], &batch, &draws, "draws.host and draws.buffer are both set: one is to be set");
    draws = to_buffer(buffer, 2);
    expect_refused(queues[0], &batch, &draws, "draws.offset is 2, not a multiple of 4");
    draws = to_buffer(buffer, 4);
    expect_refused(queues[0], &batch, &draws, "draws.buffer holds 64 bytes: 4 draws do not fit behind draws.offset 4");
    draws = to_buffer(buffer, SIZE_MAX - 3);
    snprintf(message, sizeof message, "draws.buffer holds 64 bytes: 4 draws do not fit behind draws.offset %zu",
             SIZE_MAX - 3);
    expect_refused(queues[0], &batch, &draws, message);
    draws = to_buffer(constant, 0);
    expect_refused(queues[0], &batch, &draws, "draws.buffer is a buffer that kernels may not write");
    draws = to_host(host);
    draws.struct_size = 3;
    snprintf(message, sizeof message, "draws.struct_size is 3, not %zu: start from tombola_cl_draws_default()",
             sizeof draws);
    expect_refused(queues[0], &batch, &draws, message);
    clReleaseMemObject(buffer);
    clReleaseMemObject(constant);
    tombola_sampler_release(refusing);
    refusing = NULL;
}

static void images_are_refused(void **state)
{
    (void)state;
    cl_bool has_images = CL_FALSE;
    clGetDeviceInfo(tombola_context_cl_device(context), CL_DEVICE_IMAGE_SUPPORT, sizeof has_images, &has_images, NULL);
    if (!has_images)
        skip();
    const cl_image_format format = {CL_RGBA, CL_FLOAT};
    cl_image_desc shape = {.image_type = CL_MEM_OBJECT_IMAGE2D, .image_width = 100, .image_height = 100};
    cl_int code;
    cl_mem image = clCreateImage(tombola_context_cl_context(context), CL_MEM_READ_WRITE, &format, &shape, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    tombola_draw host[PROBE_ROWS];
    tombola_cl_draws draws = to_host(host);
    tombola_cl_batch batch = probe_batch();
    refusing = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    batch.logits = image;
    expect_refused(queues[0], &batch, &draws, "batch.logits is a memory object of type 0x10f1, not a buffer");
    batch = probe_batch();
    draws = to_buffer(image, 0);
    expect_refused(queues[0], &batch, &draws, "draws.buffer is a memory object of type 0x10f1, not a buffer");
    tombola_sampler_release(refusing);
    refusing = NULL;
    clReleaseMemObject(image);
}

static void objects_of_another_context_are_refused(void **state)
{
    (void)state;
    cl_device_id device = tombola_context_cl_device(context);
    cl_int code;
    cl_context foreign = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    cl_command_queue queue = clCreateCommandQueue(foreign, device, 0, &code);
    assert_int_equal(code, CL_SUCCESS);
    cl_mem buffer = clCreateBuffer(foreign, CL_MEM_READ_WRITE, sizeof probe.logits, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    tombola_draw host[PROBE_ROWS];
    tombola_cl_draws draws = to_host(host);
    tombola_cl_batch batch = probe_batch();
    refusing = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    expect_refused(NULL, &batch, &draws, "queue is NULL");
    expect_refused(queue, &batch, &draws, "queue is of another OpenCL context than the sampler");
    batch.logits = buffer;
    expect_refused(queues[0], &batch, &draws, "batch.logits is of another OpenCL context than the sampler");
    batch = probe_batch();
    draws = to_buffer(buffer, 0);
    expect_refused(queues[0], &batch, &draws, "draws.buffer is of another OpenCL context than the sampler");
    tombola_sampler_release(refusing);
    refusing = NULL;
    clReleaseMemObject(buffer);
    clReleaseCommandQueue(queue);
    clReleaseContext(foreign);
}

static void wait_lists_that_cannot_be_are_refused(void **state)
{
    (void)state;
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    tombola_draw host[PROBE_ROWS];
    const tombola_cl_draws draws = to_host(host);
    const tombola_cl_batch batch = probe_batch();
    cl_event none[2] = {entry_event(context), NULL};
    static const struct {
        cl_uint count;
        int list;
        const char *message;
    } cases[] = {{2, 0, "wait_count is 2, but wait_list is NULL"},
                 {0, 1, "wait_count is 0, but wait_list is not NULL"},
                 {2, 1, "wait_list[1] is NULL"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(tombola_sampler_enqueue(sampler, queues[0], &batch, &draws, cases[i].count,
                                                 cases[i].list ? none : NULL, NULL, &error),
                         TOMBOLA_INVALID_ARGUMENT);
        assert_string_equal(error.message, cases[i].message);
    }
    assert_true(probe_passes(&probe, sampler));
    clReleaseEvent(none[0]);
    tombola_sampler_release(sampler);
}

static void open_cl_refuses_bad_arguments(void **state)
{
    (void)state;
    cl_device_id device = tombola_context_cl_device(context);
    tombola_context_options options = tombola_context_options_default();
    tombola_context *opened = NULL;
    assert_int_equal(tombola_context_open_cl(NULL, device, NULL, &opened, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "context is NULL");
    assert_int_equal(tombola_context_open_cl(opencl, NULL, NULL, &opened, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "device is NULL");
    assert_int_equal(tombola_context_open_cl(opencl, device, NULL, NULL, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "opened is NULL");
    cl_device_id elsewhere = (cl_device_id)(uintptr_t)&options; /* is compared, no more */
    assert_int_equal(tombola_context_open_cl(opencl, elsewhere, NULL, &opened, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "device is none of those that the OpenCL context holds");
    options.struct_size = 1;
    assert_int_equal(tombola_context_open_cl(opencl, device, &options, &opened, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_null(opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_that_cannot_be_are_refused),
        cmocka_unit_test(draws_that_cannot_be_are_refused),
        cmocka_unit_test(images_are_refused),
        cmocka_unit_test(objects_of_another_context_are_refused),
        cmocka_unit_test(wait_lists_that_cannot_be_are_refused),
        cmocka_unit_test(open_cl_refuses_bad_arguments),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
