/* The parameters that have a row drawn otherwise for its history (see processors/ and penalties.h). */
#ifndef TOMBOLA_SRC_PROCESSORS_H
#define TOMBOLA_SRC_PROCESSORS_H

#include "plan.h"

/* Whether a row with these parameters is drawn otherwise for its history or its end tokens: by a penalty, a rule or a
 * watermark. */
int processors_need_history(const tombola_params *params);

/* That no row has parameters that change logits where rows hold probabilities. */
tombola_status processors_check(const struct plan *plan, const tombola_rows *rows, tombola_error *error);

#endif
