/* Draws the rows of an array, a batch at a time, as options ask for. */
#ifndef DRAWING_H
#define DRAWING_H

#include "sample_options.h"

typedef struct drawing {
    sample_options *options;
    const npy *array;
    size_t batch; /* rows at a time */
    tombola_params *params;
    tombola_context *context;
    tombola_sampler *sampler;
    tombola_results results; /* of the batch drawn last */
} drawing;

/* Opens the device and makes room for a batch. Options and array are to outlive the drawing. 0, or -1 with a message on
 * standard error; close it either way. */
int drawing_open(drawing *drawing, sample_options *options, const npy *array);
void drawing_close(drawing *drawing);

/* Draws the batch that begins with row `first`.
 * rows  set to the batch as it was drawn, up to `drawing->batch` rows, in memory that the next call overwrites
 * 0, or -1 with a message on standard error. */
int drawing_draw(drawing *drawing, size_t first, tombola_rows *rows);

#endif
