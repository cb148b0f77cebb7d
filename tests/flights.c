#include "flights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "refused.h"

const uint32_t flight_sizes[FLIGHT_SIZES] = {0, 1, 2, 5, MOST};

uint32_t room_of(uint32_t in_flight)
{
    return in_flight ? in_flight : 2;
}

tombola_sampler *make_flying(uint32_t in_flight, tombola_transfer transfer)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    tombola_sampler *sampler = NULL;
    options.in_flight = in_flight;
    options.transfer = transfer;
    if (tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, &options, &sampler, &error))
        fail_msg("in_flight %u: %s", in_flight, error.message);
    return sampler;
}

struct flight flights[MOST + 1];

struct flight *flight_prepare(size_t number)
{
    struct flight *flight = &flights[number];
    memset(flight, 0x5A, sizeof *flight);
    flight->first = number % PROBE_ROWS;
    flight->rows = 1 + number / PROBE_ROWS % (PROBE_ROWS - flight->first);
    return flight;
}

static tombola_rows rows_of(const struct flight *flight)
{
    return host_rows(probe.logits + flight->first * PROBE_STRIDE, flight->rows, PROBE_STRIDE,
                     probe.params + flight->first);
}

void flight_submit(tombola_sampler *sampler, size_t number)
{
    struct flight *flight = flight_prepare(number);
    const tombola_rows rows = rows_of(flight);
    const tombola_results results = columns_results(&flight->columns);
    if (tombola_sampler_submit(sampler, &rows, &results, &flight->ticket, &error))
        fail_msg("submit %zu: %s", number, error.message);
}

void expect_flight(const struct flight *flight)
{
    struct draw draws[PROBE_ROWS];
    columns_draws(&flight->columns, flight->rows, draws);
    assert_memory_equal(draws, probe.draws + flight->first, flight->rows * sizeof *draws);
}

void flight_land(tombola_sampler *sampler, size_t number)
{
    if (tombola_sampler_wait(sampler, flights[number].ticket, &error))
        fail_msg("wait %zu: %s", number, error.message);
    expect_flight(&flights[number]);
}

static int even_forward(void *user, const tombola_step *step)
{
    ++*(int *)user;
    memset(step->logits, 0, step->rows * step->stride * sizeof(float));
    return 0;
}

tombola_status flight_generate(tombola_sampler *sampler, int *steps)
{
    int32_t token = 77;
    tombola_sequence sequence = tombola_sequence_default();
    tombola_model even = tombola_model_default();
    sequence.tokens = &token;
    sequence.max_new_tokens = 1;
    even.user = steps;
    even.forward = even_forward;
    tombola_status status = tombola_sampler_generate(sampler, &sequence, 1, &even, NULL, NULL, &error);
    assert_int_equal(sequence.length, status ? 0 : 1);
    return status;
}

void expect_full(tombola_sampler *sampler, uint32_t room)
{
    static struct columns columns, untouched;
    char message[100];
    int steps = 0;
    cl_event event = NULL;
    tombola_ticket ticket = 77;
    tombola_times before = tombola_times_default(), after = tombola_times_default();
    const tombola_rows host = host_rows(probe.logits, 1, 0, probe.params), device = probe_batch();
    const tombola_results results = columns_results(&columns);
    if (room == 1)
        snprintf(message, sizeof message, "1 batch is in flight: wait for it first");
    else
        snprintf(message, sizeof message, "%u batches are in flight: wait for one of them first", room);
    memset(&columns, 0x5A, sizeof columns);
    memset(&untouched, 0x5A, sizeof untouched);
    tombola_sampler_times(sampler, &before);
    expect_error(TOMBOLA_BUSY, tombola_sampler_sample(sampler, &host, &results, &error), &error, message);
    expect_error(TOMBOLA_BUSY, tombola_sampler_submit(sampler, &host, &results, &ticket, &error), &error, message);
    expect_error(TOMBOLA_BUSY, tombola_sampler_enqueue(sampler, queues[0], &device, &results, 0, NULL, &event, &error),
                 &error, message);
    expect_error(TOMBOLA_BUSY, flight_generate(sampler, &steps), &error, message);
    tombola_sampler_times(sampler, &after);
    assert_memory_equal(&columns, &untouched, sizeof columns);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(ticket, 77);
    assert_null(event);
    assert_int_equal(steps, 0); /* the model is not asked in vain */
}

void expect_refusals(tombola_sampler *sampler)
{
    struct columns columns;
    tombola_params params[PROBE_ROWS];
    tombola_ticket ticket;
    memcpy(params, probe.params, sizeof params);
    params[1].temperature = -1.0f;
    tombola_rows host = host_rows(probe.logits, PROBE_ROWS, PROBE_STRIDE, params), device = probe_batch();
    const tombola_results results = columns_results(&columns);
    static const char *const message = "params[1].temperature is -1, not 0 or more";
    device.params = params;
    expect_refusal(tombola_sampler_sample(sampler, &host, &results, &error), &error, message);
    expect_refusal(tombola_sampler_submit(sampler, &host, &results, &ticket, &error), &error, message);
    expect_refusal(tombola_sampler_enqueue(sampler, queues[0], &device, &results, 0, NULL, NULL, &error), &error,
                   message);
}
