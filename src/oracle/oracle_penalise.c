/* What a row's history makes of its logits: for each token of the vocabulary a look at all of the history. */
#include "oracle_row.h"

#include <math.h>

static int occurs(const struct oracle_history *history, size_t first, int32_t token)
{
    for (size_t i = first; i < history->count; i++)
        if (history->tokens[i] == token)
            return 1;
    return 0;
}

static float repeated(float z, float penalty)
{
    const float product = z > 0.0f ? z * oracle_made_normal((float)(1.0 / (double)penalty)) : z * penalty;
    return fabsf(product) < 0x1p-125f ? 0.0f : product;
}

/* The first token of the history that counts. */
static size_t window_of(const struct oracle_input *input)
{
    const size_t count = input->history.count, window = input->params->penalty_window;
    return window > 0 && window < count ? count - window : 0;
}

void oracle_penalise(const struct oracle_input *input, float *logits)
{
    const tombola_params *params = input->params;
    if (!params)
        return;
    for (uint32_t id = 0; id < input->vocabulary; id++) {
        if (logits[id] == -INFINITY)
            continue;
        if (params->repetition_penalty != 1.0f && occurs(&input->history, window_of(input), (int32_t)id))
            logits[id] = repeated(logits[id], params->repetition_penalty);
    }
}
