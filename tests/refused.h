/* Calls that fail, and what they say. */
#ifndef REFUSED_H
#define REFUSED_H

#include "tombola.h"

/* Fails unless a call has returned just this status and told it, in just these words. */
void expect_error(tombola_status expected, tombola_status status, const tombola_error *error, const char *message);

/* The same for TOMBOLA_INVALID_ARGUMENT. */
void expect_refusal(tombola_status status, const tombola_error *error, const char *message);

#endif
