/* Logits that lie in OpenCL buffers, and contexts on the caller's: what is the caller's may be released at any time,
 * and nothing keeps it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device_batch.h"
#include "entries.h"
#include "expect.h"

static void everything_may_be_released_as_soon_as_it_is_enqueued(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(transfers) * COUNT_OF(queues); i++) {
        tombola_sampler *sampler = probe_sampler(transfers[i / 2]);
        tombola_rows *batch = allocate(1, sizeof *batch);
        tombola_params *params = allocate(PROBE_ROWS, sizeof *params);
        cl_command_queue queue = entry_queue(context, i % 2);
        struct columns columns;
        cl_event begin = entry_event(context), done;
        memcpy(params, probe.params, PROBE_ROWS * sizeof *params);
        *batch = probe_batch();
        batch->logits.buffer = entry_buffer(context, sizeof probe.logits, probe.logits);
        batch->params = params;
        enqueue(sampler, queue, batch, columns_results(&columns), &begin, &done);
        clReleaseMemObject(batch->logits.buffer);
        clReleaseCommandQueue(queue);
        memset(params, 0xFF, PROBE_ROWS * sizeof *params);
        free(params);
        free(batch);
        clSetUserEventStatus(begin, CL_COMPLETE);
        clReleaseEvent(begin);
        settle(done);
        expect_probe(&columns);
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
        cl_mem draws = entry_buffer(context, 3 * PROBE_ROWS * sizeof(cl_uint), NULL);
        cl_command_queue queue = entry_queue(context, 0);
        cl_event begin = entry_event(context), done;
        tombola_sampler *sampler = probe_sampler(transfers[i]);
        tombola_rows batch = probe_batch();
        batch.logits.buffer = logits;
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
    const tombola_device taken = device_of(opened), expected = device_of(context);
    assert_memory_equal(&taken, &expected, sizeof taken);
    assert_non_null(strstr(tombola_context_choice(opened), "is the one that was given, in an OpenCL context."));
    assert_true(probe_passes_on(&probe, opened));
    assert_less(before, references_to_context(own));
    tombola_context_close(opened);
    expect_references(references_to_context, own, before);
    assert_int_equal(tombola_context_open_cl(own, device, &options, &opened, NULL), TOMBOLA_OK);
    clReleaseContext(own); /* the library's reference keeps it */
    assert_true(probe_passes_on(&probe, opened));
    tombola_context_close(opened);
}

/* It is kept alive by its samplers, with batches in flight too, and let go with the last of them. */
static void a_context_may_be_closed_before_its_samplers_are_released(void **state)
{
    (void)state;
    cl_device_id device = tombola_context_cl_device(context);
    tombola_context_options options = tombola_context_options_default();
    options.build_options = getenv("TOMBOLA_TEST_BUILD_OPTIONS");
    cl_int code;
    cl_context own = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    const cl_uint before = references_to_context(own);
    for (size_t i = 0; i < COUNT_OF(transfers); i++) {
        tombola_context *opened = NULL;
        tombola_sampler *samplers[2];
        struct columns columns;
        struct draw draws[PROBE_ROWS];
        tombola_ticket ticket;
        tombola_sampler_options shape = tombola_sampler_options_default();
        shape.transfer = transfers[i];
        assert_int_equal(tombola_context_open_cl(own, device, &options, &opened, &error), TOMBOLA_OK);
        for (int n = 0; n < 2; n++)
            assert_int_equal(tombola_sampler_create(opened, PROBE_VOCABULARY, PROBE_ROWS, &shape, &samplers[n], &error),
                             TOMBOLA_OK);
        assert_int_equal(
            submit_rows(samplers[0], probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, &columns, &ticket, &error),
            TOMBOLA_OK);
        tombola_context_close(opened);
        assert_true(probe_passes(&probe, samplers[1]));
        assert_int_equal(wait_rows(samplers[0], ticket, &columns, PROBE_ROWS, draws, &error), TOMBOLA_OK);
        assert_memory_equal(draws, probe.draws, sizeof draws);
        tombola_sampler_release(samplers[1]);
        assert_true(probe_passes(&probe, samplers[0]));
        assert_less(before, references_to_context(own));
        tombola_sampler_release(samplers[0]);
        expect_references(references_to_context, own, before);
    }
    clReleaseContext(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_may_be_released_as_soon_as_it_is_enqueued),
        cmocka_unit_test(reference_counts_are_what_they_were),
        cmocka_unit_test(a_context_opens_on_the_caller_s_and_gives_it_back),
        cmocka_unit_test(a_context_may_be_closed_before_its_samplers_are_released),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
