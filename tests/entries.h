/* The ways into the library for a batch of draws, each of which gives the same. */
#ifndef ENTRIES_H
#define ENTRIES_H

#include <stddef.h>

#include "draw.h"
#include "tombola_cl.h"

enum entry {
    ENTRY_SAMPLE,       /* from host memory, in one call */
    ENTRY_SUBMIT,       /* in two halves, both in flight; the second is waited for first */
    ENTRY_BUFFER,       /* from a buffer that holds the rows in reverse; columns to host memory */
    ENTRY_OUT_OF_ORDER, /* from a buffer, on a queue without order, after an event; columns to a buffer */
    ENTRIES
};

/* Draws as tombola_sampler_sample does; fails the test on an error.
 * context, type   the sampler's
 * logits          rows x row_stride elements, all of them there */
void entry_draw(enum entry entry, tombola_context *context, tombola_sampler *sampler, tombola_type type,
                const void *logits, size_t rows, size_t row_stride, const tombola_params *params, struct draw *draws);

/* A user event for commands to wait for. Oclgrind, which runs commands while they are flushed, would do so for ever:
 * there the event is complete already. */
cl_event entry_event(tombola_context *context);
int entry_can_wait(tombola_context *context);

/* A queue of the context's, out of order if that is wanted and the device can. */
cl_command_queue entry_queue(tombola_context *context, int out_of_order);

/* A buffer of the context's; with what `from` holds unless that is NULL. */
cl_mem entry_buffer(tombola_context *context, size_t bytes, const void *from);

/* Fails the test on any code but CL_SUCCESS. */
void entry_succeed(cl_int code, const char *what);

#endif
