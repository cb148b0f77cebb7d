#include "right.h"

#include <stdlib.h>

#include "harness.h"
#include "oracle.h"

struct right_draw right_draw(const struct right_input *input, const tombola_params *params)
{
    tombola_bias *biases = allocate(input->bias_count, sizeof *biases);
    for (size_t i = 0; i < input->bias_count; i++) {
        biases[i] = (tombola_bias){(int32_t)input->bias_tokens[i], input->bias_values[i]};
    }
    const struct oracle_input whole = {.values = input->values,
                                       .vocabulary = input->vocabulary,
                                       .mask = input->mask,
                                       .biases = biases,
                                       .bias_count = input->bias_count};
    struct oracle_row *row = oracle_row_create_from(&whole);
    const struct right_draw right = {oracle_draw(row, params), oracle_boundary(row, params).logit};
    oracle_row_release(row);
    free(biases);
    return right;
}
