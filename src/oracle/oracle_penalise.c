/* What a row's history makes of its logits: for each token that occurs a look at all of the history. */
#include "oracle_row.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* How often the token occurs from one place of the history on. */
static size_t times_of(const struct oracle_history *history, size_t first, int32_t token)
{
    size_t times = 0;
    for (size_t i = first; i < history->count; i++)
        times += history->tokens[i] == token;
    return times;
}

static float repeated(float z, float penalty)
{
    const float product = z > 0.0f ? z * oracle_made_normal((float)(1.0 / (double)penalty)) : z * penalty;
    return fabsf(product) < 0x1p-125f ? 0.0f : product;
}

/* What frequency and presence take off. */
static float flat_penalty(const tombola_params *params, size_t times)
{
    const double penalty =
        (double)times * (double)params->frequency_penalty + (times ? (double)params->presence_penalty : 0.0);
    return oracle_made_normal((float)fmin(fmax(penalty, -(double)FLT_MAX), (double)FLT_MAX));
}

/* The first token of the history that counts. */
static size_t window_of(const struct oracle_input *input)
{
    const size_t count = input->history.count, window = input->params->penalty_window;
    return window > 0 && window < count ? count - window : 0;
}

/* The history without its prompt, as far as it counts. */
static size_t output_of(const struct oracle_input *input)
{
    const size_t first = window_of(input);
    return first > input->history.prompt ? first : input->history.prompt;
}

static float penalised(const struct oracle_input *input, int32_t token, float z)
{
    const tombola_params *params = input->params;
    const size_t whole = times_of(&input->history, window_of(input), token),
                 output = times_of(&input->history, output_of(input), token);
    const int counts_prompt = params->penalty_prompt != TOMBOLA_PROMPT_NONE;
    if (params->repetition_penalty != 1.0f && (counts_prompt ? whole : output) > 0)
        z = repeated(z, params->repetition_penalty);
    return oracle_made_normal(z - flat_penalty(params, params->penalty_prompt == TOMBOLA_PROMPT_ALL ? whole : output));
}

void oracle_penalise(const struct oracle_input *input, float *logits)
{
    const struct oracle_history *history = &input->history;
    if (!input->params)
        return;
    unsigned char *occurs = oracle_allocate(input->vocabulary, 1);
    for (size_t i = 0; i < history->count; i++)
        occurs[history->tokens[i]] = 1;
    for (uint32_t id = 0; id < input->vocabulary; id++) {
        if (occurs[id] && logits[id] != -INFINITY)
            logits[id] = penalised(input, (int32_t)id, logits[id]);
    }
    free(occurs);
    for (size_t i = 0; i < history->end_token_count; i++) {
        if (history->count - history->prompt < input->params->min_tokens)
            logits[history->end_tokens[i]] = -INFINITY;
    }
}
