/* A sampler with several batches of the probe's rows in flight. For groups of open_queues and close_queues. */
#ifndef FLIGHTS_H
#define FLIGHTS_H

#include "device_batch.h"

enum { MOST = TOMBOLA_MAX_IN_FLIGHT, FLIGHT_SIZES = 5 };

/* Values of options.in_flight. */
extern const uint32_t flight_sizes[FLIGHT_SIZES];

/* How many fly then. */
uint32_t room_of(uint32_t in_flight);

tombola_sampler *make_flying(uint32_t in_flight, tombola_transfer transfer);

/* A batch of some of the probe's rows: its number says which. */
struct flight {
    size_t first, rows;
    tombola_ticket ticket;
    cl_event event;
    struct columns columns;
};
extern struct flight flights[MOST + 1];

/* Sets its rows, and its columns to what no batch gives. */
struct flight *flight_prepare(size_t number);

/* Fails unless its columns hold what its rows draw. */
void expect_flight(const struct flight *flight);

/* Submits a batch; waits for it and expects its results. */
void flight_submit(tombola_sampler *sampler, size_t number);
void flight_land(tombola_sampler *sampler, size_t number);

/* Generates one token, and counts the model's steps. */
tombola_status flight_generate(tombola_sampler *sampler, int *steps);

/* Each call is BUSY with the same message, and leaves all alone that was passed in. */
void expect_full(tombola_sampler *sampler, uint32_t room);

/* What is wrong with a call is told even where there is no room for it. */
void expect_refusals(tombola_sampler *sampler);

#endif
