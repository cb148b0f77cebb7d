/* How a block of logits is spread over work-items: lanes, width and teams. */
#ifndef TOMBOLA_SRC_SHAPE_H
#define TOMBOLA_SRC_SHAPE_H

#include "context.h"

/* What the caller has chosen, and for the rest what suits the kind of device. */
void shape_choose(tombola_context *context, const tombola_context_options *options);

/* Makes the shape one that the device takes, but for what the caller has chosen: fails with
 * TOMBOLA_INVALID_ARGUMENT where that is too much. */
tombola_status shape_fit(tombola_context *context, const tombola_context_options *options, tombola_error *error);

#endif
