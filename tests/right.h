/* What the oracle draws from a row, without its header: that has names which the kernels' header has as well. */
#ifndef RIGHT_H
#define RIGHT_H

#include <stddef.h>
#include <stdint.h>

#include "draw.h"
#include "tombola.h"

struct right_input {
    const float *values; /* logits */
    uint32_t vocabulary;
    const uint32_t *mask; /* NULL: all tokens may be drawn */
    const uint32_t *bias_tokens;
    const float *bias_values;
    size_t bias_count;
};

struct right_draw {
    struct draw draw;
    float last_logit; /* of the last token kept; -inf where no token is drawn */
};

struct right_draw right_draw(const struct right_input *input, const tombola_params *params);

#endif
