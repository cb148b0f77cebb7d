/* The filters: which parameter switches each on, and what kernels are told of it. */
#ifndef TOMBOLA_FILTERS_H
#define TOMBOLA_FILTERS_H

#include "row.h"
#include "tombola.h"

struct filter {
    int number; /* a tombola_filter */
    /* The parameter that switches it on, where it is not neutral, and where that is in tombola_params. */
    const char *parameter;
    size_t offset;
    tombola_kind kind;
    double neutral;
    int (*is_in_force)(const tombola_params *params);
    /* At the temperature that is in force where the filter stands. NULL: nothing to tell. */
    void (*convert)(const tombola_params *params, double temperature, struct row_params *device);
};

/* By index, the temperature among them; NULL behind the last. */
const struct filter *filter_at(size_t index);

/* By number; NULL if there is none, and for the end of an order. */
const struct filter *filter_of(int number);

/* The value of its parameter. */
double filter_value(const struct filter *filter, const tombola_params *params);

#endif
