/* What all processors, each a rule over a row's history, make of one row. */
#ifndef TOMBOLA_SRC_PROCESSORS_RULES_H
#define TOMBOLA_SRC_PROCESSORS_RULES_H

#include "processor.h"

/* The one token that may be drawn from the row, or -1 where that is open. Then rules_run tells `output` the rest,
 * at most as often as rules_most says, which is 0 where all is off. */
int32_t rules_only(const struct processor_input *input);
size_t rules_most(const struct processor_input *input);
/* How long `repeats` and `penalties` of the input have to be for it. */
size_t rules_length(const struct processor_input *input);
void rules_run(const struct processor_input *input, const struct processor_output *output);

#endif
