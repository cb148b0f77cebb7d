/* The rules by which a row's history and parameters rule out, penalise or raise single tokens, penalties by count aside
 * (penalties.h). One more rule is one more entry of the table: a function that says how many adjustments it may make,
 * and one that makes them. Its parameters stand in the table of parameters, and among those for logits alone. */
#ifndef TOMBOLA_SRC_PROCESSORS_H
#define TOMBOLA_SRC_PROCESSORS_H

#include "adjustment_list.h"
#include "plan.h"
#include "history.h"

struct processor {
    /* At most how many it adds to a row; 0: it is off there. */
    size_t (*most)(const struct history *history, const tombola_params *params);
    /* Adds them with adjustment_add, in any order. A token may be banned twice; of any other kind it gets at most one,
     * and no kind but a ban is another rule's. */
    void (*add)(const struct history *history, const tombola_params *params, struct adjustment_list *list);
};

/* By index; NULL behind the last. */
const struct processor *processor_at(size_t index);

/* At most how many all of them add to a row; and adds them. */
size_t processors_most(const struct history *history, const tombola_params *params);
void processors_add(const struct history *history, const tombola_params *params, struct adjustment_list *list);

/* Whether a row with these parameters is drawn otherwise for its history or its end tokens. */
int processors_need_history(const tombola_params *params);

/* That no row has parameters that change logits where rows hold probabilities. */
tombola_status processors_check(const struct plan *plan, const tombola_rows *rows, tombola_error *error);

#endif
