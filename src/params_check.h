/* The checks of parameters. Rows of a batch differ from one another in little, so that of a row only what is not as in
 * the row before is looked at. */
#ifndef TOMBOLA_SRC_PARAMS_CHECK_H
#define TOMBOLA_SRC_PARAMS_CHECK_H

#include "tombola.h"

#define PARAMS_WORDS (sizeof(tombola_params) / sizeof(uint32_t))

/* Of each word of a tombola_params the field that it is of; NULL of struct_size. */
struct params_words {
    const tombola_field *fields[PARAMS_WORDS];
};

struct params_words params_words(void);

/* The value of a float, a choice or an integer of 32 bits. */
double params_value(const tombola_field *field, const tombola_params *params);

/* Checks parameters behind those of the row before, or the default ones, which are right. Adds to `needs` what those
 * need that are not neutral, TOMBOLA_NEEDS_..., but for what the row before has too. is_alike: whether they differ in
 * no more than where in the random stream a row is. The message of an error names field, row and value. */
tombola_status params_check(const struct params_words *words, const tombola_params *params,
                            const tombola_params *before, size_t row, int *is_alike, uint32_t *needs,
                            tombola_error *error);

/* The row's order of steps, the default where none is given. */
const uint8_t *params_order(const tombola_params *params);

/* Whether that has this step, a tombola_filter. */
int params_have_place(const tombola_params *params, uint32_t step);

#endif
