/* What a row's parameters learn from each of its tokens. */
#ifndef TOMBOLA_SRC_ADAPT_H
#define TOMBOLA_SRC_ADAPT_H

#include "tombola.h"

/* Mirostat's mu, whatever says it. */
float adapt_mu(const tombola_params *params);

/* Whether adaptive-p is on, and the target of its next draw, 0 to 1. */
int adapt_has_target(const tombola_params *params);
float adapt_target(const tombola_params *params);

/* Whether they learn anything: results.observed is needed then. */
int adapt_is_on(const tombola_params *params);

/* Their state after a token of which results.observed has told this. */
void adapt_next(tombola_params *params, float observed);

/* Copies the state to a caller's struct, as far as that has it. */
void adapt_hand(const tombola_params *params, tombola_params *theirs);

#endif
