/* The rows of a batch: their checks, and their way to where kernels can read them.
 *
 * In a buffer of the caller's: they are there.
 * In place: host memory is wrapped as a buffer until the batch has finished. A wrapping is never kept for the next
 * batch: what the memory holds is settled when the buffer is made, and the caller may have written to it, or given it
 * back, since.
 * Staged: parts of the batch go through pins of pinned memory, one being filled while the last is in transfer and
 * those before it decode. */
#ifndef TOMBOLA_SRC_LOGITS_H
#define TOMBOLA_SRC_LOGITS_H

#include "batch.h"

/* Checks a caller's rows, parameters aside, and copies them; *own has its stride set. */
tombola_status logits_check(const struct engine *engine, const tombola_rows *theirs, tombola_rows *own,
                            tombola_error *error);

/* Chooses the way of the batch's rows and cuts the batch into parts of at most so many rows; sets the places of the
 * rows in host_params. Nothing is enqueued. May be called again for parts of fewer rows. */
tombola_status logits_prepare(struct batch *batch, size_t most_rows, tombola_error *error);

/* Brings the rows of a part.
 * buffer  set to the buffer that they are in, which is borrowed
 * after   set to the event that kernels have to wait for, NULL if there is none */
tombola_status logits_bring(struct batch *batch, int part, cl_mem *buffer, const cl_event **after,
                            tombola_error *error);

#endif
