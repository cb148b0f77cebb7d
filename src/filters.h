/* The filters: when each is in force, and what kernels are told of it. Which parameter switches one on is in the table
 * of parameters. */
#ifndef TOMBOLA_FILTERS_H
#define TOMBOLA_FILTERS_H

#include "row.h"
#include "tombola.h"

#define HOTTEST 0x1p90 /* a higher temperature counts as this one */

struct filter {
    int (*is_in_force)(const tombola_params *params);
    /* At the temperature that is in force where the filter stands. */
    void (*convert)(const tombola_params *params, double temperature, struct row_params *device);
};

/* By number, a tombola_filter; the temperature is among them, and FILTER_END has none. */
extern const struct filter filters[];

#endif
