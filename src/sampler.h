/* The sampler's queues and kernels, and the course that every call takes with them: batch_begin (takes a
 * flight), batch_run (the logits to where kernels can read them, launches, the draws read), flight_land. */
#ifndef TOMBOLA_SRC_SAMPLER_H
#define TOMBOLA_SRC_SAMPLER_H

#include "flight.h"

struct tombola_sampler {
    tombola_context *context;
    size_t vocabulary, max_rows, blocks;
    size_t slots; /* blocks, rounded up to whole vectors as the kernels take them */
    tombola_sampler_options options;
    int in_place;               /* host logits are read where they lie */
    size_t slot_rows;           /* that fit into a slot of pinned memory */
    cl_command_queue queue;     /* in order; for batches in host memory */
    cl_command_queue transfers; /* in order, beside it; NULL in place */
    cl_kernel sample, softmax, top_k;
    struct flight flights[FLIGHTS];
    uint64_t batches; /* begun so far */
    tombola_times times;
    tombola_memory memory;
};

/* The rows of one call. */
struct row_batch {
    const void *logits;
    size_t rows;
    size_t row_stride; /* elements */
    const tombola_params *params;
};

/* A sampler with kernels that its context has not taken up yet: for the self-test. */
tombola_status sampler_create_from(tombola_context *context, cl_program program, size_t vocabulary, size_t max_rows,
                                   const tombola_sampler_options *options, tombola_sampler **sampler,
                                   tombola_error *error);

size_t sampler_vocabulary(const tombola_sampler *sampler);
size_t sampler_max_rows(const tombola_sampler *sampler);
tombola_type sampler_type(const tombola_sampler *sampler);
size_t sampler_row_bytes(const tombola_sampler *sampler);

/* Bytes of rows that lie `row_stride` elements apart, to the last logit of the last one. */
size_t batch_bytes(const tombola_sampler *sampler, size_t rows, size_t row_stride);

/* Checks a batch in host memory and its parameters, takes a flight for it and starts it. Nothing is enqueued. */
tombola_status batch_begin(tombola_sampler *sampler, const struct row_batch *batch, struct flight **flight,
                           tombola_error *error);

/* Enqueues the batch from its logits to the reading of its struct row_draw into host_draws; the kernel's own
 * arguments, BATCH_ARGUMENTS and on, are set. */
tombola_status batch_run(tombola_sampler *sampler, struct flight *flight, const struct row_batch *batch,
                         cl_kernel kernel, tombola_error *error);

/* Enqueues the reading of the rows' struct row_draw, once the flight's last commands are done. */
tombola_status batch_read_draws(tombola_sampler *sampler, struct flight *flight, void *draws, tombola_error *error);

/* Sends what was enqueued on its way. */
tombola_status batch_flush(struct flight *flight, tombola_error *error);

/* batch_run's work in two ways (transfer.c), up to the reading. */
tombola_status transfer_in_place(tombola_sampler *sampler, struct flight *flight, const struct row_batch *batch,
                                 cl_kernel kernel, tombola_error *error);
tombola_status transfer_staged(tombola_sampler *sampler, struct flight *flight, const struct row_batch *batch,
                               cl_kernel kernel, tombola_error *error);

/* Arguments that all kernels have. */
#define BATCH_ARGUMENTS 10

/* Lets kernels see the flight's host_params, and sets the arguments that all launches of a batch have in common.
 * logits  the buffer that the params' places count in
 * draws   the one that gets struct row_draw, from draws_place on, in words */
tombola_status batch_arguments(tombola_sampler *sampler, struct flight *flight, cl_kernel kernel, cl_mem logits,
                               cl_mem draws, cl_ulong draws_place, tombola_error *error);

/* How rows are given to work-groups. */
struct dispatch {
    int is_spread;
    cl_uint parts; /* work-groups that weigh a row */
};

/* Chooses for launches of so many rows each, and counts the call. */
struct dispatch batch_dispatch(tombola_sampler *sampler, size_t rows);

/* Enqueues the kernel over some of the batch's rows: one launch or two. */
tombola_status batch_launch(tombola_sampler *sampler, struct flight *flight, cl_kernel kernel, struct dispatch dispatch,
                            size_t first_row, size_t rows, tombola_error *error);

#endif
