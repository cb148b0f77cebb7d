/* Draws rows of an array, a batch at a time, as options ask for. */
#ifndef DRAWING_H
#define DRAWING_H

#include "npy_rows.h"
#include "packet.h"
#include "row_text.h"
#include "sample_options.h"

typedef struct drawing {
    sample_options *options;
    npy_rows *array;
    size_t batch; /* rows at a time, at most */
    row_layout layout;
    void *logits;           /* of a batch */
    tombola_params *params; /* likewise; of all rows where a file has them */
    tombola_context *context;
    tombola_sampler *sampler;
    tombola_results results; /* of the batch drawn last */
} drawing;

/* Reads what the options name, and makes room for a batch. Options and array are to outlive the drawing. 0, or -1 with
 * a message on standard error; close it either way. */
int drawing_load(drawing *drawing, sample_options *options, npy_rows *array, size_t batch);

/* Opens the device. The same. */
int drawing_open(drawing *drawing);
void drawing_close(drawing *drawing);

/* Draws rows [first, first + count), a batch at most. It returns a packet, DRAWN, REFUSED or BROKEN; NULL without
 * memory. */
packet *drawing_draw(drawing *drawing, size_t first, size_t count);

#endif
