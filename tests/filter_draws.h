/* Draws with filters of a test's own among all others, beside the oracle's. They are asked for by questions with a
 * number each. */
#ifndef FILTER_DRAWS_H
#define FILTER_DRAWS_H

#include <stddef.h>
#include <stdint.h>

#include "tombola.h"

/* Sets the parameters of the test's own filters in a question. Those of other filters, the temperature, the method and
 * the seed are set already, and may be changed. */
typedef void set_filters(tombola_params *params, size_t number);

/* Fails unless rows of every kind, in every type and by either dispatch, give what the oracle draws, telling `who` drew
 * wrongly from what. For groups of open_context (group.h). */
void expect_rows_of_every_kind(const char *who, set_filters *set);

/* The same of rows of many blocks: steep ones, flat ones, and ones with ties. Each question is asked in one of the
 * orders. */
enum { FILTER_ORDERS = 10 };
void expect_filters_in_orders(const char *who, const uint8_t orders[FILTER_ORDERS][TOMBOLA_MAX_FILTERS],
                              size_t questions, set_filters *set);

/* Orders that have every filter which goes by the entropy before each of the others and behind it. */
extern const uint8_t entropy_orders[FILTER_ORDERS][TOMBOLA_MAX_FILTERS];

/* Puts those of the bits in force, each as the question's number says, and no other one. */
enum { HAS_TYPICAL_P = 1, HAS_ETA = 2, HAS_TOP_H = 4 };
void set_entropy_filters(tombola_params *params, unsigned bits, size_t number);

#endif
