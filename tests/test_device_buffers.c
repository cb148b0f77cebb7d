/* Logits that lie in OpenCL buffers, drawn from on the caller's queue: results, order, lifetimes, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calls.h"
#include "entries.h"
#include "probe.h"

static tombola_context *context;
static cl_context opencl;
static cl_command_queue queues[2]; /* in order, and out of order where there is such a thing */
static struct probe probe;
static cl_mem probe_logits;
static tombola_error error;

static const struct make probe_like = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, PROBE_VOCABULARY};
static const tombola_transfer transfers[] = {TOMBOLA_TRANSFER_IN_PLACE, TOMBOLA_TRANSFER_STAGED}; /* of parameters */

static tombola_sampler *probe_sampler(tombola_transfer transfer)
{
    return make_sampler_that(context, &probe_like, PROBE_ROWS, TOMBOLA_DISPATCH_AUTO, transfer);
}

static tombola_cl_batch probe_batch(void)
{
    tombola_cl_batch batch = tombola_cl_batch_default();
    batch.logits = probe_logits;
    batch.row_stride = PROBE_STRIDE;
    batch.rows = PROBE_ROWS;
    batch.params = probe.params;
    return batch;
}

static tombola_cl_draws to_host(tombola_draw *draws)
{
    tombola_cl_draws to = tombola_cl_draws_default();
    to.host = draws;
    return to;
}

static tombola_cl_draws to_buffer(cl_mem buffer, size_t offset)
{
    tombola_cl_draws to = tombola_cl_draws_default();
    to.buffer = buffer;
    to.offset = offset;
    return to;
}

static void enqueue(tombola_sampler *sampler, cl_command_queue queue, const tombola_cl_batch *batch,
                    tombola_cl_draws draws, const cl_event *wait, cl_event *event)
{
    if (tombola_sampler_enqueue(sampler, queue, batch, &draws, wait ? 1 : 0, wait, event, &error))
        fail_msg("enqueue: %s", error.message);
}

static void settle(cl_event event)
{
    assert_int_equal(clWaitForEvents(1, &event), CL_SUCCESS);
    clReleaseEvent(event);
}

static cl_int status_of(cl_event event)
{
    cl_int status = 0;
    assert_int_equal(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL),
                     CL_SUCCESS);
    return status;
}

static void expect_probe(const tombola_draw *draws)
{
    assert_memory_equal(draws, probe.draws, sizeof probe.draws);
}

static void a_batch_in_a_buffer_gives_the_right_draws(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(transfers) * COUNT_OF(queues); i++) {
        tombola_sampler *sampler = probe_sampler(transfers[i / 2]);
        tombola_cl_batch batch = probe_batch();
        tombola_draw draws[PROBE_ROWS];
        cl_event event;
        enqueue(sampler, queues[i % 2], &batch, to_host(draws), NULL, &event);
        settle(event);
        expect_probe(draws);
        memset(draws, 0xFF, sizeof draws);
        enqueue(sampler, queues[i % 2], &batch, to_host(draws), NULL, NULL);
        assert_int_equal(clFinish(queues[i % 2]), CL_SUCCESS);
        expect_probe(draws);
        tombola_sampler_release(sampler);
    }
}

static void rows_are_taken_by_their_indices_in_any_order_and_twice(void **state)
{
    (void)state;
    static const uint32_t indices[][PROBE_ROWS] = {{3, 1, 2, 0}, {2, 2, 2, 2}, {0, 3, 3, 1}};
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    for (size_t i = 0; i < COUNT_OF(indices); i++) {
        tombola_cl_batch batch = probe_batch();
        tombola_params params[PROBE_ROWS];
        tombola_draw draws[PROBE_ROWS];
        cl_event event;
        for (size_t row = 0; row < PROBE_ROWS; row++)
            params[row] = probe.params[indices[i][row]];
        batch.row_indices = indices[i];
        batch.params = params;
        enqueue(sampler, queues[0], &batch, to_host(draws), NULL, &event);
        settle(event);
        for (size_t row = 0; row < PROBE_ROWS; row++)
            assert_memory_equal(&draws[row], &probe.draws[indices[i][row]], sizeof *draws);
    }
    tombola_sampler_release(sampler);
}

/* Of 16-bit elements too, where a row may begin inside a word. */
static void rows_begin_at_their_offset(void **state)
{
    (void)state;
    for (int type = 0; type < (test_level() == TEST_SMALL ? 1 : 3); type++) {
        struct probe other;
        probe_make(&other, (tombola_type)type);
        const struct make make = {(tombola_type)type, TOMBOLA_LOGITS, PROBE_VOCABULARY};
        size_t size = tombola_type_size(make.type);
        tombola_sampler *sampler = make_sampler(context, &make, PROBE_ROWS, TOMBOLA_DISPATCH_AUTO);
        for (size_t offset = 1; offset < 40; offset += 6) {
            size_t bytes = ((PROBE_ROWS - 1) * PROBE_STRIDE + PROBE_VOCABULARY) * size;
            char *copy = allocate(offset * size + bytes, 1);
            memset(copy, 0xFF, offset * size);
            memcpy(copy + offset * size, other.logits, bytes);
            tombola_cl_batch batch = probe_batch();
            tombola_draw draws[PROBE_ROWS];
            cl_event event;
            batch.logits = entry_buffer(context, offset * size + bytes, copy); /* ends with the last logit */
            batch.offset = offset;
            batch.params = other.params;
            enqueue(sampler, queues[0], &batch, to_host(draws), NULL, &event);
            settle(event);
            assert_memory_equal(draws, other.draws, sizeof draws);
            clReleaseMemObject(batch.logits);
            free(copy);
        }
        tombola_sampler_release(sampler);
    }
}

static void draws_in_a_buffer_touch_nothing_beside_them(void **state)
{
    (void)state;
    enum { ROOM = sizeof probe.draws + 64 };
    unsigned char before[ROOM], after[ROOM];
    memset(before, 0x5A, sizeof before);
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    for (size_t offset = 0; offset <= 64; offset += 4) {
        tombola_cl_batch batch = probe_batch();
        cl_mem buffer = entry_buffer(context, sizeof before, before);
        cl_command_queue queue = queues[offset / 4 % 2];
        cl_event event;
        enqueue(sampler, queue, &batch, to_buffer(buffer, offset), NULL, &event);
        assert_int_equal(clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, sizeof after, after, 1, &event, NULL),
                         CL_SUCCESS);
        assert_memory_equal(after, before, offset);
        assert_memory_equal(after + offset, probe.draws, sizeof probe.draws);
        assert_memory_equal(after + offset + sizeof probe.draws, before, 64 - offset);
        clReleaseEvent(event);
        clReleaseMemObject(buffer);
    }
    tombola_sampler_release(sampler);
}

/* The logits are written only once the batch has been enqueued. */
static void a_batch_waits_for_its_events(void **state)
{
    (void)state;
    if (!entry_can_wait(context))
        skip();
    for (size_t i = 0; i < COUNT_OF(transfers) * COUNT_OF(queues); i++) {
        tombola_sampler *sampler = probe_sampler(transfers[i / 2]);
        cl_mem logits = entry_buffer(context, sizeof probe.logits, NULL);
        cl_command_queue writer = entry_queue(context, 0);
        tombola_cl_batch batch = probe_batch();
        tombola_draw draws[PROBE_ROWS];
        cl_event begin = entry_event(context), written, done;
        batch.logits = logits;
        assert_int_equal(
            clEnqueueWriteBuffer(writer, logits, CL_FALSE, 0, sizeof probe.logits, probe.logits, 1, &begin, &written),
            CL_SUCCESS);
        clFlush(writer);
        enqueue(sampler, queues[i % 2], &batch, to_host(draws), &written, &done);
        assert_true(status_of(done) > CL_COMPLETE);
        assert_int_equal(clSetUserEventStatus(begin, CL_COMPLETE), CL_SUCCESS);
        settle(done);
        expect_probe(draws);
        clReleaseEvent(begin);
        clReleaseEvent(written);
        clReleaseCommandQueue(writer);
        clReleaseMemObject(logits);
        tombola_sampler_release(sampler);
    }
}

static void everything_may_be_released_as_soon_as_it_is_enqueued(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(transfers) * COUNT_OF(queues); i++) {
        tombola_sampler *sampler = probe_sampler(transfers[i / 2]);
        tombola_cl_batch *batch = allocate(1, sizeof *batch);
        tombola_params *params = allocate(PROBE_ROWS, sizeof *params);
        cl_command_queue queue = entry_queue(context, i % 2);
        tombola_draw draws[PROBE_ROWS];
        cl_event begin = entry_event(context), done;
        memcpy(params, probe.params, PROBE_ROWS * sizeof *params);
        *batch = probe_batch();
        batch->logits = entry_buffer(context, sizeof probe.logits, probe.logits);
        batch->params = params;
        enqueue(sampler, queue, batch, to_host(draws), &begin, &done);
        clReleaseMemObject(batch->logits);
        clReleaseCommandQueue(queue);
        memset(params, 0xFF, PROBE_ROWS * sizeof *params);
        free(params);
        free(batch);
        clSetUserEventStatus(begin, CL_COMPLETE);
        clReleaseEvent(begin);
        settle(done);
        expect_probe(draws);
        tombola_sampler_release(sampler);
    }
}

static cl_uint references_to(const void *object)
{
    cl_uint count = 0;
    assert_int_equal(clGetMemObjectInfo((cl_mem)(uintptr_t)object, CL_MEM_REFERENCE_COUNT, sizeof count, &count, NULL),
                     CL_SUCCESS);
    return count;
}

static cl_uint references_to_event(const void *object)
{
    cl_uint count = 0;
    assert_int_equal(clGetEventInfo((cl_event)(uintptr_t)object, CL_EVENT_REFERENCE_COUNT, sizeof count, &count, NULL),
                     CL_SUCCESS);
    return count;
}

static cl_uint references_to_context(const void *object)
{
    cl_uint count = 0;
    assert_int_equal(
        clGetContextInfo((cl_context)(uintptr_t)object, CL_CONTEXT_REFERENCE_COUNT, sizeof count, &count, NULL),
        CL_SUCCESS);
    return count;
}

/* At once or soon: PoCL's threads tell that a command has completed before they let go of what it used. */
static void expect_references(cl_uint (*count)(const void *object), const void *object, cl_uint expected)
{
    for (int turn = 0; turn < 2000 && count(object) != expected; turn++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(count(object), expected);
}

/* PoCL's queue keeps its last event, and that its queue, so these two tell nothing. */
static void reference_counts_are_what_they_were(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(transfers); i++) {
        cl_mem logits = entry_buffer(context, sizeof probe.logits, probe.logits);
        cl_mem draws = entry_buffer(context, sizeof probe.draws, NULL);
        cl_command_queue queue = entry_queue(context, 0);
        cl_event begin = entry_event(context), done;
        tombola_sampler *sampler = probe_sampler(transfers[i]);
        tombola_cl_batch batch = probe_batch();
        batch.logits = logits;
        enqueue(sampler, queue, &batch, to_buffer(draws, 0), &begin, &done);
        clSetUserEventStatus(begin, CL_COMPLETE);
        assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
        expect_references(references_to, logits, 1); /* though the sampler is still there */
        expect_references(references_to, draws, 1);
        tombola_sampler_release(sampler);
        expect_references(references_to_event, begin, 1);
        clReleaseEvent(begin);
        clReleaseEvent(done);
        clReleaseCommandQueue(queue);
        clReleaseMemObject(logits);
        clReleaseMemObject(draws);
    }
}

static void a_third_batch_waits_for_the_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(transfers) * COUNT_OF(queues); i++) {
        tombola_sampler *sampler = probe_sampler(transfers[i / 2]);
        tombola_draw draws[12][PROBE_ROWS];
        cl_event events[12];
        for (size_t turn = 0; turn < COUNT_OF(draws); turn++) {
            tombola_cl_batch batch = probe_batch();
            enqueue(sampler, queues[i % 2], &batch, to_host(draws[turn]), NULL, &events[turn]);
            if (turn >= 2)
                assert_true(status_of(events[turn - 2]) == CL_COMPLETE);
        }
        for (size_t turn = 0; turn < COUNT_OF(draws); turn++) {
            settle(events[turn]);
            expect_probe(draws[turn]);
        }
        tombola_sampler_release(sampler);
    }
}

static void one_batch_need_not_wait_for_another_queue_s(void **state)
{
    (void)state;
    if (!entry_can_wait(context))
        skip();
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    cl_command_queue other = entry_queue(context, 0);
    tombola_cl_batch batch = probe_batch();
    tombola_draw held_up[PROBE_ROWS], draws[PROBE_ROWS];
    cl_event begin = entry_event(context), late, done;
    enqueue(sampler, queues[0], &batch, to_host(held_up), &begin, &late);
    enqueue(sampler, other, &batch, to_host(draws), NULL, &done);
    settle(done);
    expect_probe(draws);
    assert_true(status_of(late) > CL_COMPLETE);
    clSetUserEventStatus(begin, CL_COMPLETE);
    settle(late);
    expect_probe(held_up);
    clReleaseEvent(begin);
    clReleaseCommandQueue(other);
    tombola_sampler_release(sampler);
}

static void batches_in_host_memory_and_in_buffers_go_side_by_side(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(transfers); i++) {
        tombola_sampler *sampler = probe_sampler(transfers[i]);
        tombola_cl_batch batch = probe_batch();
        tombola_draw first[PROBE_ROWS], second[PROBE_ROWS], draws[PROBE_ROWS];
        const tombola_cl_draws refused = to_host(draws);
        tombola_ticket tickets[2];
        enqueue(sampler, queues[0], &batch, to_host(first), NULL, NULL);
        enqueue(sampler, queues[1], &batch, to_host(second), NULL, NULL);
        assert_true(probe_passes(&probe, sampler)); /* takes the room of the first */
        for (int n = 0; n < 2; n++)
            assert_int_equal(tombola_sampler_submit(sampler, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params,
                                                    &tickets[n], NULL),
                             TOMBOLA_OK);
        assert_int_equal(tombola_sampler_enqueue(sampler, queues[0], &batch, &refused, 0, NULL, NULL, &error),
                         TOMBOLA_INVALID_ARGUMENT);
        assert_string_equal(error.message, "2 batches are in flight: wait for one of them first");
        for (int n = 0; n < 2; n++) {
            assert_int_equal(tombola_sampler_wait(sampler, tickets[n], draws, NULL), TOMBOLA_OK);
            expect_probe(draws);
        }
        clFinish(queues[0]);
        clFinish(queues[1]);
        expect_probe(first);
        expect_probe(second);
        tombola_times times;
        tombola_sampler_times(sampler, &times);
        assert_true(times.calls == 5 && times.device_calls == 2);
        assert_true(times.in_place_calls == (i ? 0 : 3) && times.staged_calls == (i ? 3 : 0));
        tombola_sampler_release(sampler);
    }
}

static void an_enqueued_batch_has_no_ticket(void **state)
{
    (void)state;
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    tombola_cl_batch batch = probe_batch();
    tombola_draw draws[PROBE_ROWS], waited[PROBE_ROWS];
    enqueue(sampler, queues[0], &batch, to_host(draws), NULL, NULL);
    for (tombola_ticket ticket = 0; ticket < 4; ticket++)
        assert_int_equal(tombola_sampler_wait(sampler, ticket, waited, NULL), TOMBOLA_INVALID_ARGUMENT);
    tombola_sampler_release(sampler); /* waits for it */
    expect_probe(draws);
}

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

static void a_context_opens_on_the_caller_s_and_gives_it_back(void **state)
{
    (void)state;
    cl_device_id device = tombola_context_cl_device(context);
    tombola_context_options options = tombola_context_options_default();
    options.build_options = getenv("TOMBOLA_TEST_BUILD_OPTIONS");
    cl_int code;
    cl_context own = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    cl_uint before = references_to_context(own);
    tombola_context *opened = NULL;
    if (tombola_context_open_cl(own, device, &options, &opened, &error))
        fail_msg("open_cl: %s", error.message);
    assert_ptr_equal(tombola_context_cl_context(opened), own);
    assert_ptr_equal(tombola_context_cl_device(opened), device);
    assert_memory_equal(tombola_context_device(opened), tombola_context_device(context), sizeof(tombola_device));
    assert_non_null(strstr(tombola_context_choice(opened), "is the one that was given, in an OpenCL context."));
    assert_true(probe_passes_on(&probe, opened));
    assert_true(references_to_context(own) > before);
    tombola_context_close(opened);
    expect_references(references_to_context, own, before);
    assert_int_equal(tombola_context_open_cl(own, device, &options, &opened, NULL), TOMBOLA_OK);
    clReleaseContext(own); /* the library's reference keeps it */
    assert_true(probe_passes_on(&probe, opened));
    tombola_context_close(opened);
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

static int open_context(void **state)
{
    (void)state;
    context = test_context_open(0, 0);
    opencl = tombola_context_cl_context(context);
    queues[0] = entry_queue(context, 0);
    queues[1] = entry_queue(context, 1);
    probe_make(&probe, TOMBOLA_FLOAT32);
    probe_logits = entry_buffer(context, sizeof probe.logits, probe.logits);
    return 0;
}

static int close_context(void **state)
{
    (void)state;
    clReleaseMemObject(probe_logits);
    clReleaseCommandQueue(queues[0]);
    clReleaseCommandQueue(queues[1]);
    tombola_context_close(context);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_in_a_buffer_gives_the_right_draws),
        cmocka_unit_test(rows_are_taken_by_their_indices_in_any_order_and_twice),
        cmocka_unit_test(rows_begin_at_their_offset),
        cmocka_unit_test(draws_in_a_buffer_touch_nothing_beside_them),
        cmocka_unit_test(a_batch_waits_for_its_events),
        cmocka_unit_test(everything_may_be_released_as_soon_as_it_is_enqueued),
        cmocka_unit_test(reference_counts_are_what_they_were),
        cmocka_unit_test(a_third_batch_waits_for_the_first),
        cmocka_unit_test(one_batch_need_not_wait_for_another_queue_s),
        cmocka_unit_test(batches_in_host_memory_and_in_buffers_go_side_by_side),
        cmocka_unit_test(an_enqueued_batch_has_no_ticket),
        cmocka_unit_test(batches_that_cannot_be_are_refused),
        cmocka_unit_test(draws_that_cannot_be_are_refused),
        cmocka_unit_test(images_are_refused),
        cmocka_unit_test(objects_of_another_context_are_refused),
        cmocka_unit_test(wait_lists_that_cannot_be_are_refused),
        cmocka_unit_test(a_context_opens_on_the_caller_s_and_gives_it_back),
        cmocka_unit_test(open_cl_refuses_bad_arguments),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
