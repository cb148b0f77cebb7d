/* Batches too large for a single buffer of the device: cut into parts, they give what they give in one piece. The
 * device is made to allow small buffers only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"
#include "context.h"
#include "entries.h"
#include "faults.h"
#include "group.h"
#include "late.h"
#include "rows.h"
#include "whole.h"

enum {
    OPENING_LIMIT = 65536,
    /* room for the self-test */ LIMIT = 16384,
    V = 600,
    MOST_ROWS = 64,
    K = 50,
    TRANSFERS = 3
};

static tombola_context *limited; /* on a device whose buffers hold LIMIT bytes */
static cl_command_queue queues[2];
static tombola_error error;

/* Rows in host memory, and which of them a batch has. */
struct shape {
    const char *name;
    size_t rows;
    size_t stride; /* 0: side by side */
    uint32_t step; /* row i is number i * step % among; 0: no indices */
    uint32_t among;
    enum extent {
        FITS,   /* into one buffer, with all results */
        SHARED, /* does so as far as it is read in place */
        SPREAD  /* takes several */
    } extent;
};

static const struct shape shapes[] = {
    {"rows side by side", MOST_ROWS, 0, 0, 0, SPREAD},
    {"rows with gaps", MOST_ROWS, 613, 0, 0, SPREAD},
    {"a buffer for each row", 20, 4500, 0, 0, SPREAD},
    {"rows further apart than parts can be", MOST_ROWS, 4500, 0, 0, SPREAD},
    {"rows taken from far apart", 24, 0, 97, 500, SPREAD},
    {"rows taken from both ends", MOST_ROWS, 0, 499, 500, SPREAD},
    {"rows taken in reverse", MOST_ROWS, 0, MOST_ROWS - 1, MOST_ROWS, SPREAD},
    {"one row again and again", MOST_ROWS, 0, 3, 3, SHARED},
    {"rows that fit", 3, 0, 0, 0, FITS},
};

/* Each of them after the limit that faults_begin has lifted. */
static void begin_limited(void)
{
    faults_begin();
    faults_limit_buffers(LIMIT);
}

static tombola_sampler *sampler_of(tombola_context *of, tombola_transfer transfer, uint32_t in_flight)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    tombola_sampler *sampler;
    options.transfer = transfer;
    options.in_flight = in_flight;
    if (tombola_sampler_create(of, V, MOST_ROWS, &options, &sampler, &error))
        fail_msg("no sampler on %s buffers: %s", of == limited ? "small" : "large", error.message);
    return sampler;
}

/* What a batch needs: memory of rows of every kind, with parameters for each of its own. */
struct input {
    tombola_rows rows;
    float *logits;
    uint32_t indices[MOST_ROWS];
    tombola_params params[MOST_ROWS];
};

static void make_input(struct input *input, const struct shape *shape)
{
    const size_t stride = shape->stride ? shape->stride : V;
    const size_t rows = shape->among > shape->rows ? shape->among : shape->rows;
    input->logits = allocate((rows - 1) * stride + V, sizeof(float)); /* ends with the last logit */
    memset(input->logits, 0xFF, ((rows - 1) * stride + V) * sizeof(float));
    for (size_t row = 0; row < rows; row++) {
        const struct row_recipe recipe = {(enum row_kind)(row % ROW_KINDS), (uint32_t)row, V, TOMBOLA_FLOAT32,
                                          TOMBOLA_LOGITS};
        row_fill(&recipe, input->logits + row * stride, NULL);
    }
    for (size_t row = 0; row < shape->rows; row++) {
        input->indices[row] = shape->step ? (uint32_t)row * shape->step % shape->among : 0;
        input->params[row] = params_at(row % 5 ? 0.8f : 0.0f);
        input->params[row].stream = (uint32_t)row;
        input->params[row].top_k = row % 3 ? 0 : 40;
        input->params[row].top_p = row % 4 ? 1.0f : 0.9f;
    }
    input->rows = host_rows(input->logits, shape->rows, shape->stride, input->params);
    input->rows.indices = shape->step ? input->indices : NULL;
}

/* With no limit. */
static struct whole expected_of(const struct input *input)
{
    faults_begin();
    tombola_sampler *sampler = sampler_of(context, TOMBOLA_TRANSFER_AUTO, 0);
    struct whole whole = whole_make(input->rows.count, V, K, WHOLE_ALL);
    const tombola_results results = whole_results(&whole);
    assert_int_equal(tombola_sampler_sample(sampler, &input->rows, &results, &error), TOMBOLA_OK);
    tombola_sampler_release(sampler);
    return whole;
}

static tombola_times times_of(const tombola_sampler *sampler)
{
    tombola_times times = tombola_times_default();
    tombola_sampler_times(sampler, &times);
    return times;
}

static void a_batch_in_parts_gives_what_it_gives_in_one_piece(void **state)
{
    (void)state;
    static const unsigned wanted[] = {WHOLE_DRAWS, WHOLE_SOFTMAX, WHOLE_ALL};
    for (size_t s = 0; s < COUNT_OF(shapes); s += test_level() == TEST_SMALL ? 4 : 1) {
        struct input input;
        make_input(&input, &shapes[s]);
        struct whole expected = expected_of(&input);
        for (size_t i = 0; i < COUNT_OF(wanted) * TRANSFERS * WHOLE_ENTRIES; i += test_level() == TEST_SMALL ? 17 : 1) {
            const enum whole_entry entry = (enum whole_entry)(i % WHOLE_ENTRIES);
            const tombola_transfer transfer = (tombola_transfer)(i / WHOLE_ENTRIES % TRANSFERS);
            char who[120];
            snprintf(who, sizeof who, "%s, transfer %d, entry %d, wanted %#x", shapes[s].name, (int)transfer,
                     (int)entry, wanted[i / WHOLE_ENTRIES / TRANSFERS]);
            struct whole got = whole_make(input.rows.count, V, K, wanted[i / WHOLE_ENTRIES / TRANSFERS]);
            const tombola_results results = whole_results(&got);
            begin_limited();
            tombola_sampler *sampler = sampler_of(limited, transfer, 0);
            if (whole_call(entry, sampler, queues, &input.rows, &results, &error))
                fail_msg("%s: %s", who, error.message);
            expect_whole(who, &got, &expected);
            const tombola_times times = times_of(sampler);
            assert_int_equal(times.calls, 1);
            assert_in_range(times.parts, shapes[s].extent == SPREAD ? 2 : 1, shapes[s].extent == FITS ? 1 : 32);
            tombola_sampler_release(sampler);
            whole_release(&got);
        }
        whole_release(&expected);
        free(input.logits);
    }
}

/* The buffer is as large as the device allows: its rows are taken again and again. */
static void rows_and_results_in_buffers_are_cut_too(void **state)
{
    (void)state;
    enum { BUFFER_ROWS = LIMIT / (V * sizeof(float)), FEW = 5, WORDS = MOST_ROWS * FEW };
    const struct shape shape = {"a buffer's rows", MOST_ROWS, 0, 1, BUFFER_ROWS, SPREAD};
    struct input input;
    make_input(&input, &shape);
    struct whole expected = expected_of(&input);
    struct whole few = whole_make(MOST_ROWS, V, FEW, WHOLE_ALL);
    begin_limited();
    cl_mem logits = entry_buffer(limited, BUFFER_ROWS * V * sizeof(float), input.logits);
    input.rows.logits.host = NULL;
    input.rows.logits.buffer = logits;
    for (int entry = 0; entry < WHOLE_ENTRIES; entry += test_level() == TEST_SMALL ? 3 : 1) {
        char who[40];
        snprintf(who, sizeof who, "from a buffer, entry %d", entry);
        tombola_sampler *sampler = sampler_of(limited, TOMBOLA_TRANSFER_AUTO, 0);
        struct whole got = whole_make(MOST_ROWS, V, K, WHOLE_ALL);
        tombola_results results = whole_results(&got);
        if (whole_call((enum whole_entry)entry, sampler, queues, &input.rows, &results, &error))
            fail_msg("%s: %s", who, error.message);
        expect_whole(who, &got, &expected);
        assert_in_range(times_of(sampler).parts, 2, 32);
        whole_release(&got);

        /* and what fits into buffers goes there, while the rest is cut */
        results = whole_results(&few);
        cl_mem tokens = entry_buffer(limited, MOST_ROWS * sizeof(cl_uint), NULL);
        cl_mem ranked = entry_buffer(limited, WORDS * sizeof(cl_uint), NULL);
        array_set(&results, ARRAY_TOKENS, NULL, tokens, 0);
        array_set(&results, ARRAY_CANDIDATE_TOKENS, NULL, ranked, 0);
        if (whole_call((enum whole_entry)entry, sampler, queues, &input.rows, &results, &error))
            fail_msg("%s, to buffers: %s", who, error.message);
        entry_succeed(clEnqueueReadBuffer(queues[0], tokens, CL_TRUE, 0, MOST_ROWS * sizeof(cl_uint),
                                          few.words[ARRAY_TOKENS], 0, NULL, NULL),
                      "reading tokens");
        entry_succeed(clEnqueueReadBuffer(queues[0], ranked, CL_TRUE, 0, WORDS * sizeof(cl_uint),
                                          few.words[ARRAY_CANDIDATE_TOKENS], 0, NULL, NULL),
                      "reading candidates");
        for (size_t i = 0; i < WORDS; i++)
            assert_int_equal(few.words[ARRAY_CANDIDATE_TOKENS][i],
                             expected.words[ARRAY_CANDIDATE_TOKENS][i / FEW * K + i % FEW]);
        few.wanted = WHOLE_DRAWS | WHOLE_SOFTMAX;
        expect_whole(who, &few, &expected);
        few.wanted = WHOLE_ALL;
        clReleaseMemObject(tokens);
        clReleaseMemObject(ranked);
        tombola_sampler_release(sampler);
    }
    clReleaseMemObject(logits);
    whole_release(&few);
    whole_release(&expected);
    free(input.logits);
}

/* Some of the same rows and some others, waited for last first. */
static void batches_in_parts_fly_side_by_side(void **state)
{
    (void)state;
    enum { FLYING = 3 };
    struct input input;
    make_input(&input, &shapes[1]);
    struct whole expected = expected_of(&input);
    for (int transfer = 0; transfer < TRANSFERS; transfer += test_level() == TEST_SMALL ? 2 : 1) {
        struct whole got[FLYING];
        tombola_ticket tickets[FLYING];
        begin_limited();
        tombola_sampler *sampler = sampler_of(limited, (tombola_transfer)transfer, FLYING);
        for (int i = 0; i < FLYING; i++) {
            got[i] = whole_make(MOST_ROWS, V, K, WHOLE_ALL);
            const tombola_results results = whole_results(&got[i]);
            if (tombola_sampler_submit(sampler, &input.rows, &results, &tickets[i], &error))
                fail_msg("transfer %d, batch %d: %s", transfer, i, error.message);
        }
        for (int i = FLYING; i-- > 0;) {
            assert_int_equal(tombola_sampler_wait(sampler, tickets[i], &error), TOMBOLA_OK);
            expect_whole("side by side", &got[i], &expected);
            whole_release(&got[i]);
        }
        tombola_sampler_release(sampler);
    }
    whole_release(&expected);
    free(input.logits);
}

/* Parts beyond the device's room for rows have to wait for those before them, and these for an event that this thread
 * sets once the batch is enqueued. */
static void an_enqueued_batch_in_parts_does_not_wait(void **state)
{
    (void)state;
    if (!entry_can_wait(limited))
        skip();
    struct input input;
    make_input(&input, &shapes[0]);
    struct whole expected = expected_of(&input);
    for (int i = 0; i < 2 * TRANSFERS; i++) {
        struct whole got = whole_make(MOST_ROWS, V, K, i % 2 ? WHOLE_ALL : WHOLE_DRAWS);
        const tombola_results results = whole_results(&got);
        begin_limited();
        tombola_sampler *sampler = sampler_of(limited, (tombola_transfer)(i / 2), 0);
        cl_event begin = entry_event(limited), done;
        alarm(60);
        if (tombola_sampler_enqueue(sampler, queues[0], &input.rows, &results, 1, &begin, &done, &error))
            fail_msg("transfer %d: %s", i / 2, error.message);
        clSetUserEventStatus(begin, CL_COMPLETE);
        entry_succeed(clWaitForEvents(1, &done), "waiting for the results");
        alarm(0);
        expect_whole("after an event", &got, &expected);
        clReleaseEvent(begin);
        clReleaseEvent(done);
        tombola_sampler_release(sampler);
        whole_release(&got);
    }
    whole_release(&expected);
    free(input.logits);
}

static void expect_limit_told(tombola_status status)
{
    if (status != TOMBOLA_OUT_OF_MEMORY || error.status != status || !strstr(error.message, "16384") ||
        !strstr(error.message, "CL_DEVICE_MAX_MEM_ALLOC_SIZE"))
        fail_msg("status %d (%d), without the limit: %s", (int)status, (int)error.status, error.message);
}

static void a_sampler_whose_parts_would_be_too_large_is_refused_with_the_limit(void **state)
{
    (void)state;
    static const struct {
        size_t vocabulary, max_rows;
    } cases[] = {{5000, 1}, {V, 1000}, {TOMBOLA_MAX_VOCABULARY, 1}, {10, 100000}};
    begin_limited();
    const long held = faults_seen().held;
    for (size_t i = 0; i < COUNT_OF(cases) * TRANSFERS; i++) {
        const size_t vocabulary = cases[i / TRANSFERS].vocabulary, max_rows = cases[i / TRANSFERS].max_rows;
        tombola_sampler_options options = tombola_sampler_options_default();
        tombola_sampler *made = NULL;
        tombola_memory memory = tombola_memory_default();
        char message[TOMBOLA_ERROR_MESSAGE_SIZE];
        options.transfer = (tombola_transfer)(i % TRANSFERS);
        expect_limit_told(tombola_sampler_create(limited, vocabulary, max_rows, &options, &made, &error));
        assert_null(made);
        memcpy(message, error.message, sizeof message);
        expect_limit_told(tombola_sampler_memory_before(limited, vocabulary, max_rows, &options, &memory, &error));
        assert_string_equal(error.message, message);
        assert_int_equal(memory.device_bytes, 0);
    }
    assert_int_equal(faults_seen().held, held);
}

/* Its one place in flight is free again each time. */
static void candidates_that_no_part_has_room_for_are_refused_with_the_limit(void **state)
{
    (void)state;
    struct input input;
    make_input(&input, &shapes[0]);
    struct whole many = whole_make(MOST_ROWS, V, TOMBOLA_MAX_CANDIDATES, WHOLE_ALL),
                 got = whole_make(MOST_ROWS, V, K, WHOLE_ALL);
    struct whole expected = expected_of(&input);
    const tombola_results too_many = whole_results(&many), results = whole_results(&got);
    begin_limited();
    tombola_sampler *sampler = sampler_of(limited, TOMBOLA_TRANSFER_AUTO, 1);
    for (int entry = 0; entry < WHOLE_ENTRIES; entry += test_level() == TEST_SMALL ? 3 : 1) {
        expect_limit_told(whole_call((enum whole_entry)entry, sampler, queues, &input.rows, &too_many, &error));
        if (tombola_sampler_sample(sampler, &input.rows, &results, &error))
            fail_msg("after entry %d: %s", entry, error.message);
        expect_whole("after a refusal", &got, &expected);
    }
    tombola_sampler_release(sampler);
    whole_release(&many);
    whole_release(&got);
    whole_release(&expected);
    free(input.logits);
}

static int open_limited(void **state)
{
    tombola_context_options options = tombola_context_options_default();
    error = tombola_error_default();
    options.build_options = getenv("TOMBOLA_TEST_BUILD_OPTIONS");
    open_context(state);
    faults_begin();
    faults_limit_buffers(OPENING_LIMIT);
    if (tombola_context_open(NULL, &options, &limited, &error))
        fail_msg("no context on small buffers: %s", error.message);
    if (limited->largest_buffer != OPENING_LIMIT)
        fail_msg("the device's limit is taken for %zu", limited->largest_buffer);
    want_every_kernel(limited, TOMBOLA_FLOAT32, TOMBOLA_LOGITS);
    limited->largest_buffer = LIMIT;
    begin_limited();
    queues[0] = entry_queue(limited, 0);
    queues[1] = entry_queue(limited, 1);
    return 0;
}

static int close_limited(void **state)
{
    clReleaseCommandQueue(queues[0]);
    clReleaseCommandQueue(queues[1]);
    tombola_context_close(limited);
    close_context(state);
    return faults_seen().held != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_in_parts_gives_what_it_gives_in_one_piece),
        cmocka_unit_test(rows_and_results_in_buffers_are_cut_too),
        cmocka_unit_test(batches_in_parts_fly_side_by_side),
        cmocka_unit_test(a_sampler_whose_parts_would_be_too_large_is_refused_with_the_limit),
        cmocka_unit_test(candidates_that_no_part_has_room_for_are_refused_with_the_limit),
        cmocka_unit_test(an_enqueued_batch_in_parts_does_not_wait), /* last: it ends the program if it does */
    };
    return cmocka_run_group_tests(tests, open_limited, close_limited);
}
