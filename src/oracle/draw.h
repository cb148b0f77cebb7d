/* What the oracle, the benchmark and the tests compare: a row's results side by side, where the library has columns. */
#ifndef DRAW_H
#define DRAW_H

#include <stdint.h>

struct draw {
    int32_t token;
    int32_t status; /* a tombola_row_status */
    uint32_t kept;
};

struct candidate {
    int32_t token;
    float logit;
    float probability;
};

#endif
