/* What is told of any token of a row: scores, and what the filters have made of it. */
#include "oracle_row.h"

#include <math.h>

#include "weight.h"

static uint32_t place_of(const struct oracle_row *row, uint32_t token)
{
    uint32_t place = 0;
    while (row->order[place] != token) {
        place++;
    }
    return place;
}

struct scored oracle_score(struct oracle_row *row, struct oracle_row *as_given, const tombola_params *params,
                           uint32_t token)
{
    struct scored scored = {-INFINITY, -INFINITY};
    struct window kept;
    struct oracle_row *reshaped = oracle_reshape(row, params);
    if (reshaped) {
        const tombola_params plain = oracle_params_of_reshaped(params);
        scored = oracle_score(reshaped, as_given, &plain, token);
        oracle_row_release(reshaped);
        return scored;
    }
    if (oracle_keep(row, params, &kept) != TOMBOLA_ROW_OK) {
        return scored;
    }
    if (as_given->check == TOMBOLA_ROW_OK) {
        const struct window all = {0, as_given->living};
        scored.raw_score = oracle_logprob(as_given, oracle_weigh(as_given, 1.0f), all, as_given->logit[token]);
    }
    const uint32_t place = place_of(row, token);
    if (params->temperature < GREEDY_BELOW) {
        scored.score = place == 0 ? 0.0f : -INFINITY;
    } else if (place >= kept.first && place < kept.last) {
        scored.score = oracle_logprob(row, oracle_weigh_draw(row, params), kept, row->logit[token]);
    }
    return scored;
}

struct placed oracle_placed(struct oracle_row *row, struct oracle_row *as_given, const tombola_params *params,
                            uint32_t rank)
{
    struct placed placed = {-1, -INFINITY, -INFINITY};
    struct window kept;
    if (oracle_keep(row, params, &kept) != TOMBOLA_ROW_OK || rank >= row->living) {
        return placed;
    }
    const struct scored scored = oracle_score(row, as_given, params, row->order[rank]);
    placed.token = (int32_t)row->order[rank];
    placed.logprob = scored.score;
    placed.raw_logprob = scored.raw_score;
    return placed;
}

void oracle_probabilities(struct oracle_row *row, const struct weighing *w, struct window kept, float *probabilities)
{
    struct measure measure;
    const uint64_t sum = oracle_sum(row, w, kept, &measure);
    uint64_t mantissa = sum;
    int exponent = 0; /* sum = mantissa * 2^exponent, cut off behind 32 bits */
    for (; mantissa >= UINT64_C(1) << 32; exponent++) {
        mantissa >>= 1;
    }
    for (; mantissa < UINT64_C(1) << 31; exponent--) {
        mantissa <<= 1;
    }
    const float inverse = ldexpf((float)((UINT64_C(1) << 63) / mantissa), 13 - 63 - exponent);
    for (uint32_t rank = kept.first; rank < kept.last; rank++) {
        const uint32_t id = row->order[rank];
        const float t = oracle_power(measure, row->logit[id]);
        probabilities[id] = oracle_made_normal(t > -126.0f ? scaled_exp2_times(t, inverse) : 0.0f);
    }
}

void oracle_processed(struct oracle_row *row, const tombola_params *params, float *probabilities, float *logits)
{
    struct window kept = {0, 0};
    const tombola_row_status status = oracle_keep(row, params, &kept);
    for (uint32_t id = 0; id < row->vocabulary; id++) {
        probabilities[id] = 0.0f;
        logits[id] = -INFINITY;
    }
    if (status != TOMBOLA_ROW_OK) {
        return;
    }
    for (uint32_t rank = kept.first; rank < kept.last; rank++) {
        logits[row->order[rank]] = row->logit[row->order[rank]];
    }
    struct oracle_row *reshaped = oracle_reshape(row, params);
    if (params->temperature < GREEDY_BELOW) {
        probabilities[row->order[0]] = 1.0f;
    } else if (reshaped) {
        const struct window all = {0, reshaped->living};
        oracle_probabilities(reshaped, oracle_weigh(reshaped, 1.0f), all, probabilities);
    } else {
        oracle_probabilities(row, oracle_weigh_draw(row, params), kept, probabilities);
    }
    oracle_row_release(reshaped);
}
