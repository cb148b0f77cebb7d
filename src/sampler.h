/* The sampler's queue, buffers and kernels, and the course that every call takes with them:
 * batch_check, then batch_begin (upload), batch_launch, batch_read, batch_end (wait and settle). */
#ifndef TOMBOLA_SRC_SAMPLER_H
#define TOMBOLA_SRC_SAMPLER_H

#include "tombola.h"
#include "row.h"

#include <CL/cl.h>

#define MAX_EVENTS 8

/* What an enqueued command counts for in tombola_times. */
enum work { WORK_UPLOAD, WORK_KERNEL, WORK_READ };

struct tombola_sampler {
    tombola_context *context;
    size_t vocabulary, max_rows, blocks;
    tombola_sampler_options options;
    cl_command_queue queue;
    cl_kernel sample, softmax, top_k;
    cl_mem logits; /* max_rows x vocabulary */
    cl_mem params; /* max_rows struct row_params */
    cl_mem tops;   /* max_rows x blocks keys */
    cl_mem sums;   /* max_rows x blocks sums */
    cl_mem draws;  /* max_rows struct row_draw */
    struct row_params *host_params;
    struct row_draw *host_draws;
    tombola_times times;
    cl_event events[MAX_EVENTS]; /* of the call under way, if options.timed */
    enum work works[MAX_EVENTS];
    int event_count;
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

/* Checks the batch and converts its parameters. Nothing is enqueued. */
tombola_status batch_check(tombola_sampler *sampler, const struct row_batch *batch, tombola_error *error);

/* Enqueues the upload of a checked batch and sets the arguments that the kernels have in common. */
tombola_status batch_begin(tombola_sampler *sampler, const struct row_batch *batch, cl_kernel kernel,
                           tombola_error *error);

/* Enqueues the kernel, whose own arguments are set, over the batch's rows: one launch or two. */
tombola_status batch_launch(tombola_sampler *sampler, const struct row_batch *batch, cl_kernel kernel,
                            tombola_error *error);

/* Enqueues the reading of the rows' struct row_draw into host_draws. */
tombola_status batch_read_draws(tombola_sampler *sampler, const struct row_batch *batch, tombola_error *error);

/* Waits for all that was enqueued, also after a failure, whose status is passed on. */
tombola_status batch_end(tombola_sampler *sampler, tombola_status status, tombola_error *error);

/* The event slot for the next command of the call, NULL unless times are kept. */
cl_event *batch_event(tombola_sampler *sampler, enum work work);

#endif
