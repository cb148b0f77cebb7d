/* What a row can be drawn with, each feature a setter of its own, so that any of them can be put together. */
#ifndef ROW_FEATURES_H
#define ROW_FEATURES_H

#include "past.h"
#include "rows.h"

/* A row in the making. */
struct featured_row {
    struct row_recipe recipe;
    tombola_params params;
    uint32_t mask, biases; /* their numbers, 0: none */
    struct past *past;     /* has a history; the rest of what was made comes with features */
    struct oracle_sequences made;
    uint64_t features; /* a bit for each that is set */
};

/* Features are numbered from 0 on, fewer than 64 of them. */
size_t features_count(void);
const char *feature_name(size_t feature);

/* Whether rows of this input may have it. */
int feature_suits(size_t feature, tombola_input input);

/* Sets the feature to values at random, over what is there. Features go on in ascending order. */
void feature_set(size_t feature, struct featured_row *row, uint64_t *random);

#endif
