/* Adaptive-p: a row of its own made of what the filters leave. */
#include "oracle_row.h"

#include <math.h>
#include <stdlib.h>

#include "race.h"
#include "weight.h"

/* What the next token's probability is to be. */
static float adapted_target(const tombola_params *params)
{
    const float target = params->adaptive_target;
    double adapted = (double)target;
    if (params->adaptive_weight > 0.0f) {
        adapted = 2.0 * (double)target - (double)params->adaptive_sum / (double)params->adaptive_weight;
    }
    adapted = adapted < 0.0 ? 0.0 : adapted > 1.0 ? 1.0 : adapted;
    return oracle_made_normal((float)adapted);
}

/* The new logit of a token with this probability. */
static float logit_for(float probability, float target)
{
    const float d = fabsf(probability - target) * 0x1.aaaaaap+1f;
    return fmaf(d * d * reciprocal(1.0f + d), -10.0f, 5.0f);
}

struct oracle_row *oracle_reshape(struct oracle_row *row, const tombola_params *params)
{
    struct window kept;
    if (params->adaptive_target < 0.0f || params->temperature < GREEDY_BELOW ||
        oracle_keep(row, params, &kept) != TOMBOLA_ROW_OK) {
        return NULL;
    }
    float *values = oracle_allocate(row->vocabulary, sizeof *values);
    float *probabilities = oracle_allocate(row->vocabulary, sizeof *probabilities);
    const float target = adapted_target(params);
    oracle_probabilities(row, oracle_weigh_draw(row, params), kept, probabilities);
    for (uint32_t id = 0; id < row->vocabulary; id++) {
        values[id] = row->kind == TOMBOLA_PROBABILITIES ? 0.0f : -INFINITY;
    }
    for (uint32_t rank = kept.first; rank < kept.last; rank++) {
        const uint32_t id = row->order[rank];
        const float z = logit_for(probabilities[id], target);
        values[id] = row->kind == TOMBOLA_PROBABILITIES ? scaled_exp2(z * 0x1.715476p+0f) * 0x1p-27f : z;
    }
    struct oracle_row *reshaped = oracle_row_create(values, row->vocabulary, row->kind);
    free(values);
    free(probabilities);
    return reshaped;
}

tombola_params oracle_params_of_reshaped(const tombola_params *params)
{
    tombola_params plain = tombola_params_default();
    plain.method = params->method;
    plain.seed = params->seed;
    plain.offset = params->offset;
    plain.stream = params->stream;
    return plain;
}
