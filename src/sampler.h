/* The sampler: what its batches share, the batches themselves, and the beginning and end that every call has. */
#ifndef TOMBOLA_SRC_SAMPLER_H
#define TOMBOLA_SRC_SAMPLER_H

#include "batch.h"

struct tombola_sampler {
    struct engine engine;
    struct batch *batches; /* as many as may be in flight */
    uint64_t begun;        /* batches so far */
    tombola_sampler *few;  /* the companion's, for batches of few rows; NULL: there is none */
};

/* A sampler that runs all kernels of a program unchecked: for the self-test. */
tombola_status sampler_create_from(tombola_context *context, cl_program program, const struct plan *plan,
                                   tombola_sampler **sampler, tombola_error *error);

/* Checks all arguments of a call, and starts a batch with them in a place that is free. Waits for nothing, and enqueues
 * nothing.
 * queue     NULL for the sampler's own
 * is_urgent the caller does nothing but wait for it: the companion may have it */
tombola_status sampler_begin(tombola_sampler *sampler, const tombola_rows *rows, const tombola_results *results,
                             cl_command_queue queue, int is_urgent, struct batch **batch, tombola_error *error);

/* BUSY where there is no place for a batch. */
tombola_status sampler_check_room(tombola_sampler *sampler, tombola_error *error);

/* The batch with that ticket; NULL where it is not in flight, with the error told. */
struct batch *sampler_find(tombola_sampler *sampler, tombola_ticket ticket, tombola_error *error);

#endif
