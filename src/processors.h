/* The parameters that have a row drawn otherwise for its history (see processors/ and penalties.h). */
#ifndef TOMBOLA_SRC_PROCESSORS_H
#define TOMBOLA_SRC_PROCESSORS_H

#include "plan.h"

/* Whether a row with these parameters is drawn otherwise for its history, its end tokens or its forced tokens: by a
 * penalty, a rule or a watermark. */
int processors_need_history(const tombola_params *params);

/* That there is all that parameters of rows which are otherwise checked need, as far as that is among `needs`
 * (TOMBOLA_NEEDS_...); first of all logits. */
tombola_status processors_check(const struct plan *plan, const tombola_rows *rows, uint32_t needs,
                                tombola_error *error);

#endif
