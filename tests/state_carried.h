/* The state that the loop carries along in the parameters of sequences, beside a caller who does so by hand. */
#ifndef STATE_CARRIED_H
#define STATE_CARRIED_H

#include "toy.h"

/* Whether a sequence's state has moved from one to the other. */
typedef int state_has_moved(const tombola_params *start, const tombola_params *end);

/* Runs the batch, by 1, 3, 5 and so on rows at once up to one a sequence. Fails the test unless each sequence comes to
 * the tokens and the parameters that sampling and observing token by token leave, and the state of every other one
 * alone, from the second on, has moved. The sequences are those of make_batch; for groups of open_context (group.h). */
void expect_state_carried(const struct batch *start, state_has_moved *has_moved);

#endif
