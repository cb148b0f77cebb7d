/* Host memory that batches in flight share, or that lies side by side, at any address: results are right, no two
 * buffers over it overlap while both are there, and none reaches beyond an array of the caller's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "device_batch.h"
#include "faults.h"
#include "regions.h"
#include "rows.h"

enum { V = 300, MOST_ROWS = 8, K = 3, TRANSFERS = 3, FLYING = 5 };

static const tombola_type types[] = {TOMBOLA_FLOAT32, TOMBOLA_FLOAT16, TOMBOLA_BFLOAT16};

static size_t type_count(void)
{
    return test_level() == TEST_SMALL ? 1 : COUNT_OF(types); /* each builds kernels of its own */
}

/* In how many cases of a kind to look at one. */
static size_t step(size_t small)
{
    return test_level() == TEST_SMALL ? small : 1;
}

/* Rows of a type, side by side, with parameters of their own and what each of them gives. */
struct input {
    struct make make;
    size_t size; /* of a logit */
    unsigned char *rows;
    tombola_params params[MOST_ROWS];
    struct whole expected;
};

static void make_input(struct input *input, tombola_type type)
{
    const size_t size = tombola_type_size(type);
    *input = (struct input){.make = {type, TOMBOLA_LOGITS, V}, .size = size};
    input->rows = allocate(MOST_ROWS * V, size);
    for (size_t row = 0; row < MOST_ROWS; row++) {
        const struct row_recipe recipe = {row == 5 ? ROW_NAN : ROW_GAUSSIAN, (uint32_t)row, V, type, TOMBOLA_LOGITS};
        row_fill(&recipe, input->rows + row * V * size, NULL);
        input->params[row] = params_at(row % 3 ? 0.9f : 0.0f);
        input->params[row].stream = (uint32_t)row;
        input->params[row].top_p = row % 2 ? 0.9f : 1.0f;
    }
    input->expected = whole_make(MOST_ROWS, V, K, WHOLE_ALL);
    tombola_sampler *sampler = make_sampler(context, &input->make, MOST_ROWS, TOMBOLA_DISPATCH_ROW);
    const tombola_rows rows = host_rows(input->rows, MOST_ROWS, 0, input->params);
    const tombola_results results = whole_results(&input->expected);
    assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    tombola_sampler_release(sampler);
}

static void release_input(struct input *input)
{
    free(input->rows);
    whole_release(&input->expected);
}

/* What the rows [first, first + rows) are to give. */
static struct whole expected_from(const struct input *input, size_t first, size_t rows)
{
    struct whole part = input->expected;
    part.rows = rows;
    for (enum array array = 0; array < ARRAYS; array++)
        part.words[array] += first * array_width(array, V, K);
    return part;
}

static tombola_sampler *make_flying(const struct input *input, tombola_transfer transfer)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    tombola_sampler *sampler;
    options.type = input->make.type;
    options.in_flight = FLYING;
    options.transfer = transfer;
    assert_int_equal(tombola_sampler_create(context, V, MOST_ROWS, &options, &sampler, &error), TOMBOLA_OK);
    return sampler;
}

/* Batches in flight: submitted, or enqueued on the two queues by turns. */
struct flight {
    struct whole got;
    size_t first;
    tombola_ticket ticket;
    cl_event event; /* NULL: submitted */
};

static void launch(tombola_sampler *sampler, struct flight *flight, int number, int enqueued, const tombola_rows *rows,
                   const tombola_results *results)
{
    tombola_status status;
    flight->event = NULL;
    if (enqueued)
        status = tombola_sampler_enqueue(sampler, queues[number % 2], rows, results, 0, NULL, &flight->event, &error);
    else
        status = tombola_sampler_submit(sampler, rows, results, &flight->ticket, &error);
    if (status)
        fail_msg("batch %d: %s", number, error.message);
}

static void land(tombola_sampler *sampler, struct flight *flight)
{
    if (flight->event)
        settle(flight->event);
    else
        assert_int_equal(tombola_sampler_wait(sampler, flight->ticket, &error), TOMBOLA_OK);
}

static void name_case(char *who, size_t size, const char *what, int turn)
{
    snprintf(who, size, "%s, transfer %d, %s", what, turn / 2, turn % 2 ? "enqueued" : "submitted");
}

/* The logits of a batch are read only: the next may have them too. Some begin or end elsewhere. */
static void batches_may_share_their_rows(void **state)
{
    (void)state;
    static const struct {
        size_t first, rows;
    } parts[FLYING] = {{0, 8}, {0, 8}, {2, 4}, {3, 1}, {1, 7}};
    struct input input;
    make_input(&input, TOMBOLA_FLOAT32);
    for (int turn = 0; turn < 2 * TRANSFERS; turn++) {
        struct flight flights[FLYING];
        char who[80];
        name_case(who, sizeof who, "shared", turn);
        tombola_sampler *sampler = make_flying(&input, (tombola_transfer)(turn / 2));
        begin_regions();
        own(input.rows, MOST_ROWS * V * sizeof(float));
        for (int i = 0; i < FLYING; i++) {
            flights[i].got = whole_make(parts[i].rows, V, K, WHOLE_ALL);
            own_whole(&flights[i].got);
            const tombola_rows rows = host_rows(input.rows + parts[i].first * V * sizeof(float), parts[i].rows, 0,
                                                input.params + parts[i].first);
            const tombola_results results = whole_results(&flights[i].got);
            launch(sampler, &flights[i], i, turn % 2, &rows, &results);
        }
        for (int i = FLYING; i-- > 0;) {
            const struct whole expected = expected_from(&input, parts[i].first, parts[i].rows);
            land(sampler, &flights[i]);
            expect_whole(who, &flights[i].got, &expected);
            whole_release(&flights[i].got);
        }
        expect_regions(who);
        tombola_sampler_release(sampler);
    }
    release_input(&input);
}

/* One block of memory: `lead` bytes, then for each batch its logits and all its results, without a byte between them.
 * Logits of 16 bits are an even number, so that results are where words may be. */
static void batches_and_their_results_may_lie_side_by_side(void **state)
{
    (void)state;
    enum { ROWS_EACH = 2, BATCHES = MOST_ROWS / ROWS_EACH };
    for (size_t t = 0; t < type_count(); t++) {
        struct input input;
        make_input(&input, types[t]);
        const size_t logits = ROWS_EACH * V * input.size;
        for (size_t lead = 0; lead <= 68; lead += 4 * step(5)) {
            const int turn = (int)(lead / 4 % (2 * TRANSFERS));
            struct flight flights[BATCHES];
            char who[80];
            name_case(who, sizeof who, "side by side", turn);
            for (int i = 0; i < BATCHES; i++)
                flights[i].got = (struct whole){ROWS_EACH, V, K, WHOLE_ALL, {NULL}};
            const size_t bytes = logits + whole_words(&flights[0].got) * sizeof(uint32_t);
            unsigned char *memory = allocate(lead + BATCHES * bytes, 1);
            tombola_sampler *sampler = make_flying(&input, (tombola_transfer)(turn / 2));
            begin_regions();
            for (int i = 0; i < BATCHES; i++) {
                unsigned char *start = memory + lead + (size_t)i * bytes;
                memcpy(start, input.rows + (size_t)i * logits, logits);
                own(start, logits);
                whole_lay(&flights[i].got, (uint32_t *)(void *)(start + logits));
                own_whole(&flights[i].got);
            }
            for (int i = 0; i < BATCHES; i++) {
                const tombola_rows rows =
                    host_rows(memory + lead + (size_t)i * bytes, ROWS_EACH, 0, input.params + i * ROWS_EACH);
                const tombola_results results = whole_results(&flights[i].got);
                launch(sampler, &flights[i], i, turn % 2, &rows, &results);
            }
            for (int i = 0; i < BATCHES; i++) {
                const struct whole expected = expected_from(&input, (size_t)i * ROWS_EACH, ROWS_EACH);
                land(sampler, &flights[i]);
                expect_whole(who, &flights[i].got, &expected);
                assert_memory_equal(memory + lead + (size_t)i * bytes, input.rows + (size_t)i * logits, logits);
            }
            expect_regions(who);
            tombola_sampler_release(sampler);
            free(memory);
        }
        release_input(&input);
    }
}

/* Rows of 16 bits that begin where no word does, and rows of 32 bits where no vector does. */
static void rows_may_begin_at_any_element(void **state)
{
    (void)state;
    for (size_t t = 0; t < type_count(); t++) {
        struct input input;
        make_input(&input, types[t]);
        for (size_t lead = 0; lead < 35; lead += step(11)) {
            const int turn = (int)(lead % (2 * TRANSFERS));
            const size_t bytes = MOST_ROWS * V * input.size;
            char who[80];
            struct flight flight = {.got = whole_make(MOST_ROWS, V, K, WHOLE_ALL)};
            const tombola_results results = whole_results(&flight.got);
            unsigned char *memory = allocate(lead * input.size + bytes, 1); /* ends with the last logit */
            memcpy(memory + lead * input.size, input.rows, bytes);
            const tombola_rows rows = host_rows(memory + lead * input.size, MOST_ROWS, 0, input.params);
            name_case(who, sizeof who, "any element", turn);
            tombola_sampler *sampler = make_flying(&input, (tombola_transfer)(turn / 2));
            begin_regions();
            own(memory + lead * input.size, bytes);
            own_whole(&flight.got);
            launch(sampler, &flight, 0, turn % 2, &rows, &results);
            land(sampler, &flight);
            expect_whole(who, &flight.got, &input.expected);
            expect_regions(who);
            tombola_sampler_release(sampler);
            whole_release(&flight.got);
            free(memory);
        }
        release_input(&input);
    }
}

/* Two batches take every other row of the same memory, and give every other row of the same probabilities. */
static void batches_may_lie_between_each_other_s_rows(void **state)
{
    (void)state;
    enum { HALF = MOST_ROWS / 2 };
    struct input input;
    make_input(&input, TOMBOLA_FLOAT32);
    for (int turn = 0; turn < 2 * TRANSFERS; turn++) {
        struct flight flights[2];
        char who[80];
        float *probabilities = allocate(MOST_ROWS * V, sizeof *probabilities);
        name_case(who, sizeof who, "between", turn);
        tombola_sampler *sampler = make_flying(&input, (tombola_transfer)(turn / 2));
        begin_regions();
        own(input.rows, MOST_ROWS * V * sizeof(float));
        own(probabilities, MOST_ROWS * V * sizeof *probabilities);
        tombola_params params[2][HALF];
        for (int i = 0; i < 2; i++) {
            for (size_t row = 0; row < HALF; row++)
                params[i][row] = input.params[2 * row + (size_t)i];
            flights[i].got = whole_make(HALF, V, K, WHOLE_DRAWS);
            const tombola_rows rows = host_rows(input.rows + (size_t)i * V * sizeof(float), HALF, 2 * V, params[i]);
            tombola_results results = whole_results(&flights[i].got);
            results.candidate_count = 0;
            results.probabilities.host = probabilities + i * V;
            results.probability_stride = 2 * V;
            launch(sampler, &flights[i], i, turn % 2, &rows, &results);
        }
        for (int i = 2; i-- > 0;) {
            land(sampler, &flights[i]);
            for (size_t row = 0; row < HALF; row++)
                assert_int_equal(flights[i].got.words[ARRAY_TOKENS][row],
                                 input.expected.words[ARRAY_TOKENS][2 * row + (size_t)i]);
            whole_release(&flights[i].got);
        }
        assert_memory_equal(probabilities, input.expected.words[ARRAY_PROBABILITIES],
                            MOST_ROWS * V * sizeof *probabilities);
        expect_regions(who);
        tombola_sampler_release(sampler);
        free(probabilities);
    }
    release_input(&input);
}

/* As samplers on several threads do. */
static void batches_of_several_samplers_may_share_their_rows(void **state)
{
    (void)state;
    struct input input;
    make_input(&input, TOMBOLA_FLOAT32);
    for (int turn = 0; turn < 2 * TRANSFERS; turn++) {
        struct flight flights[FLYING];
        tombola_sampler *samplers[FLYING];
        char who[80];
        name_case(who, sizeof who, "several samplers", turn);
        for (int i = 0; i < FLYING; i++)
            samplers[i] = make_flying(&input, (tombola_transfer)(turn / 2));
        begin_regions();
        own(input.rows, MOST_ROWS * V * sizeof(float));
        const tombola_rows rows = host_rows(input.rows, MOST_ROWS, 0, input.params);
        for (int i = 0; i < FLYING; i++) {
            flights[i].got = whole_make(MOST_ROWS, V, K, WHOLE_ALL);
            own_whole(&flights[i].got);
            const tombola_results results = whole_results(&flights[i].got);
            launch(samplers[i], &flights[i], i, turn % 2, &rows, &results);
        }
        for (int i = 0; i < FLYING; i++) {
            land(samplers[i], &flights[i]);
            expect_whole(who, &flights[i].got, &input.expected);
            whole_release(&flights[i].got);
        }
        expect_regions(who);
        for (int i = 0; i < FLYING; i++)
            tombola_sampler_release(samplers[i]);
    }
    release_input(&input);
}

/* Memory that a batch has had is the caller's again: written to, given back, part of another array. */
static void memory_may_change_its_use_from_batch_to_batch(void **state)
{
    (void)state;
    struct input input;
    make_input(&input, TOMBOLA_FLOAT32);
    for (int turn = 0; turn < 2 * TRANSFERS; turn++) {
        char who[80];
        name_case(who, sizeof who, "changed", turn);
        tombola_sampler *sampler = make_flying(&input, (tombola_transfer)(turn / 2));
        float *memory = allocate(2 * V, sizeof *memory);
        begin_regions();
        for (size_t row = 0; row < 4 * MOST_ROWS;
             row += step(7)) { /* what were logits become probabilities, and so on */
            const size_t index = row % MOST_ROWS;
            float *logits = memory + row % 2 * V, *output = memory + (row + 1) % 2 * V;
            struct flight flight;
            memcpy(logits, input.rows + index * V * sizeof(float), V * sizeof *logits);
            const tombola_rows rows = host_rows(logits, 1, 0, &input.params[index]);
            tombola_results results = tombola_results_default();
            results.probabilities.host = output;
            launch(sampler, &flight, (int)row, turn % 2, &rows, &results);
            land(sampler, &flight);
            assert_memory_equal(output, input.expected.words[ARRAY_PROBABILITIES] + index * V, V * sizeof *output);
        }
        own(memory, V * sizeof *memory);
        own(memory + V, V * sizeof *memory);
        expect_regions(who);
        free(memory);
        tombola_sampler_release(sampler);
    }
    release_input(&input);
}

static int close_and_count(void **state)
{
    close_queues(state);
    return faults_seen().held != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_may_share_their_rows),
        cmocka_unit_test(batches_and_their_results_may_lie_side_by_side),
        cmocka_unit_test(rows_may_begin_at_any_element),
        cmocka_unit_test(batches_may_lie_between_each_other_s_rows),
        cmocka_unit_test(batches_of_several_samplers_may_share_their_rows),
        cmocka_unit_test(memory_may_change_its_use_from_batch_to_batch),
    };
    return cmocka_run_group_tests(tests, open_queues, close_and_count);
}
