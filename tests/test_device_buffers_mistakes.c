/* Batches that are not enqueued: rows, results, objects and events that are refused, each with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "arrays.h"
#include "device_batch.h"
#include "entries.h"
#include "refused.h"

enum { K = 3 };

static tombola_sampler *refusing;

static void expect_refused(cl_command_queue queue, const tombola_rows *rows, const tombola_results *results,
                           const char *message)
{
    tombola_times before = tombola_times_default(), after = tombola_times_default();
    cl_event event = NULL;
    tombola_sampler_times(refusing, &before);
    tombola_status status = tombola_sampler_enqueue(refusing, queue, rows, results, 0, NULL, &event, &error);
    expect_refusal(status, &error, message);
    assert_int_equal(tombola_sampler_enqueue(refusing, queue, rows, results, 0, NULL, NULL, NULL),
                     TOMBOLA_INVALID_ARGUMENT);
    tombola_sampler_times(refusing, &after);
    assert_memory_equal(&before, &after, sizeof before);
    assert_null(event);
    assert_true(probe_passes(&probe, refusing));
}

static void rows_that_cannot_be_are_refused(void **state)
{
    (void)state;
    enum { ELEMENTS = PROBE_ROWS * PROBE_STRIDE };
    static struct columns columns;
    const tombola_results results = columns_results(&columns);
    static const uint32_t beyond[PROBE_ROWS] = {0, 3, 4, 1}, far_beyond[PROBE_ROWS] = {0, 1, UINT32_MAX, 3};
    tombola_params params[PROBE_ROWS];
    tombola_rows rows;
    cl_int code;
    cl_mem secret = clCreateBuffer(opencl, CL_MEM_WRITE_ONLY, sizeof probe.logits, NULL, &code);
    char message[200];
    assert_int_equal(code, CL_SUCCESS);
    refusing = probe_sampler(TOMBOLA_TRANSFER_AUTO);
#define REFUSED(field, value, text)                                                                                    \
    do {                                                                                                               \
        rows = probe_batch();                                                                                          \
        rows.field = value;                                                                                            \
        expect_refused(queues[0], &rows, &results, text);                                                              \
    } while (0)
    expect_refused(queues[0], NULL, &results, "rows is NULL");
    REFUSED(logits.buffer, NULL, "rows.logits is NULL: neither host memory nor a buffer");
    REFUSED(logits.host, probe.logits, "rows.logits is in host memory and in a buffer: one is to be set");
    REFUSED(logits.buffer, secret, "rows.logits.buffer is a buffer that kernels may not read");
    REFUSED(params, NULL, "rows.params is NULL");
    REFUSED(count, 0, "rows.count is 0, not from 1 to the sampler's max_rows 4");
    REFUSED(count, 5, "rows.count is 5, not from 1 to the sampler's max_rows 4");
    REFUSED(stride, 599, "rows.stride is 599, less than the vocabulary 600");
    REFUSED(stride, 1000, "rows.count is 4: row 2 lies beyond the buffer's 2428 elements");
    REFUSED(stride, SIZE_MAX, "rows.count is 4: row 1 lies beyond the buffer's 2428 elements");
    REFUSED(logits.offset, 8, "rows.count is 4: row 3 lies beyond the buffer's 2428 elements");
    REFUSED(logits.offset, ELEMENTS - 599, "rows.logits.offset is 1829: no row of 600 fits behind it into 2428");
    snprintf(message, sizeof message, "rows.logits.offset is %zu: no row of 600 fits behind it into 2428",
             SIZE_MAX - 3);
    REFUSED(logits.offset, SIZE_MAX - 3, message);
    REFUSED(indices, beyond, "rows.indices[2] is 4: that row lies beyond the buffer's 2428 elements");
    REFUSED(indices, far_beyond, "rows.indices[2] is 4294967295: that row lies beyond the buffer's 2428 elements");
    REFUSED(struct_size, 3, "rows.struct_size is 3: start from tombola_rows_default()");
    memcpy(params, probe.params, sizeof params);
    params[2].temperature = -1.0f;
    REFUSED(params, params, "params[2].temperature is -1, not 0 or more");
#undef REFUSED
    rows = probe_batch();
    assert_int_equal(tombola_sampler_enqueue(NULL, queues[0], &rows, &results, 0, NULL, NULL, &error),
                     TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "sampler is NULL");
    tombola_sampler_release(refusing);
    refusing = NULL;
    clReleaseMemObject(secret);
}

/* Results that ask for one array alone. */
static tombola_results results_of(enum array array, void *host, cl_mem buffer, size_t offset)
{
    tombola_results results = tombola_results_default();
    results.candidate_count = K;
    array_set(&results, array, host, buffer, offset);
    return results;
}

static void results_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static float host[PROBE_ROWS * PROBE_VOCABULARY];
    const tombola_rows rows = probe_batch();
    tombola_results results = tombola_results_default();
    char message[200];
    cl_int code;
    cl_mem constant = clCreateBuffer(opencl, CL_MEM_READ_ONLY, sizeof host, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    refusing = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    expect_refused(queues[0], &rows, NULL, "results is NULL");
    expect_refused(queues[0], &rows, &results, "results asks for nothing: all of its arrays are NULL");
    results.candidate_count = K;
    expect_refused(queues[0], &rows, &results, "results asks for nothing: all of its arrays are NULL");
    for (enum array i = 0; i < ARRAYS; i++) {
        const char *name = array_name(i);
        const size_t words = PROBE_ROWS * array_width(i, PROBE_VOCABULARY, K), elements = words / array_element(i);
        cl_mem buffer = entry_buffer(context, words * sizeof(cl_uint), NULL);
        results = results_of(i, host, buffer, 0);
        snprintf(message, sizeof message, "results.%s is in host memory and in a buffer: one is to be set, or neither",
                 name);
        expect_refused(queues[0], &rows, &results, message);
        results = results_of(i, NULL, buffer, 1);
        snprintf(message, sizeof message,
                 "results.%s.buffer holds %zu elements: %zu do not fit behind results.%s.offset 1", name, elements,
                 elements, name);
        expect_refused(queues[0], &rows, &results, message);
        results = results_of(i, NULL, buffer, SIZE_MAX);
        snprintf(message, sizeof message,
                 "results.%s.buffer holds %zu elements: %zu do not fit behind results.%s.offset %zu", name, elements,
                 elements, name, SIZE_MAX);
        expect_refused(queues[0], &rows, &results, message);
        results = results_of(i, NULL, constant, 0);
        snprintf(message, sizeof message, "results.%s.buffer is a buffer that kernels may not write", name);
        expect_refused(queues[0], &rows, &results, message);
        results = results_of(i, host, NULL, 4);
        snprintf(message, sizeof message, "results.%s.offset is 4, but there is no buffer", name);
        expect_refused(queues[0], &rows, &results, message);
        results = results_of(i, (char *)host + 2, NULL, 0);
        snprintf(message, sizeof message, "results.%s.host is not aligned to its type of 4 bytes", name);
        expect_refused(queues[0], &rows, &results, message);
        results = results_of(i, host, NULL, 0);
        results.struct_size = 3;
        expect_refused(queues[0], &rows, &results, "results.struct_size is 3: start from tombola_results_default()");
        clReleaseMemObject(buffer);
    }
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
    static struct columns columns;
    tombola_results results = columns_results(&columns);
    tombola_rows rows = probe_batch();
    refusing = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    rows.logits.buffer = image;
    expect_refused(queues[0], &rows, &results, "rows.logits.buffer is a memory object of type 0x10f1, not a buffer");
    rows = probe_batch();
    results = to_buffer(image, 0);
    expect_refused(queues[0], &rows, &results, "results.tokens.buffer is a memory object of type 0x10f1, not a buffer");
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
    static struct columns columns;
    tombola_results results = columns_results(&columns);
    tombola_rows rows = probe_batch();
    refusing = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    expect_refused(NULL, &rows, &results, "queue is NULL");
    expect_refused(queue, &rows, &results, "queue is of another OpenCL context than the sampler");
    rows.logits.buffer = buffer;
    expect_refused(queues[0], &rows, &results, "rows.logits.buffer is of another OpenCL context than the sampler");
    rows = probe_batch();
    results = to_buffer(buffer, 0);
    expect_refused(queues[0], &rows, &results, "results.tokens.buffer is of another OpenCL context than the sampler");
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
    static struct columns columns;
    const tombola_results results = columns_results(&columns);
    const tombola_rows rows = probe_batch();
    cl_event none[2] = {entry_event(context), NULL};
    static const struct {
        cl_uint count;
        int list;
        const char *message;
    } cases[] = {{2, 0, "wait_count is 2, but wait_list is NULL"},
                 {0, 1, "wait_count is 0, but wait_list is not NULL"},
                 {2, 1, "wait_list[1] is NULL"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(tombola_sampler_enqueue(sampler, queues[0], &rows, &results, cases[i].count,
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
        cmocka_unit_test(rows_that_cannot_be_are_refused),
        cmocka_unit_test(results_that_cannot_be_are_refused),
        cmocka_unit_test(images_are_refused),
        cmocka_unit_test(objects_of_another_context_are_refused),
        cmocka_unit_test(wait_lists_that_cannot_be_are_refused),
        cmocka_unit_test(open_cl_refuses_bad_arguments),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
