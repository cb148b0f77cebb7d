/* Weights and masses of a row. */
#include "oracle_row.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "race.h"
#include "weight.h"

#define HOTTEST 0x1p90

double oracle_temperature(float temperature)
{
    return (double)temperature < HOTTEST ? (double)temperature : HOTTEST;
}

void weighing_create(struct weighing *weighing, uint32_t vocabulary, uint32_t blocks)
{
    weighing->temperature = NAN;
    weighing->weight = oracle_allocate(vocabulary, sizeof *weighing->weight);
    weighing->sum = oracle_allocate(blocks, sizeof *weighing->sum);
    weighing->shift = oracle_allocate(blocks, sizeof *weighing->shift);
    weighing->scale = oracle_allocate(blocks, sizeof *weighing->scale);
}

void weighing_release(struct weighing *weighing)
{
    free(weighing->weight);
    free(weighing->sum);
    free(weighing->shift);
    free(weighing->scale);
}

float oracle_exponent(const struct oracle_row *row, const struct weighing *w, uint32_t id)
{
    const float r = w->scale[id / ORACLE_BLOCK], z = row->logit[id];
    const float t =
        fabsf(r) < 0x1p23f ? fmaf(z, w->factor, -r) : (z - row->block_maximum[id / ORACLE_BLOCK]) * w->factor;
    return r > -INFINITY && t > -126.0f ? t : -126.0f;
}

static void weigh_block(const struct oracle_row *row, struct weighing *w, uint32_t b, float factor)
{
    const uint32_t begin = b * ORACLE_BLOCK;
    const uint32_t end = begin + ORACLE_BLOCK < row->vocabulary ? begin + ORACLE_BLOCK : row->vocabulary;
    const float r = w->scale[b];
    w->sum[b] = 0;
    for (uint32_t id = begin; id < end; id++) {
        float t;
        if (r == -INFINITY) {
            w->weight[id] = 0;
            continue;
        }
        if (fabsf(r) < 0x1p23f) {
            t = fmaf(row->logit[id], factor, -r);
        } else {
            t = (row->logit[id] - row->block_maximum[b]) * factor;
        }
        w->weight[id] = weight(t);
        w->sum[b] += w->weight[id];
    }
}

static const struct weighing *weigh(struct oracle_row *row, struct weighing *w, float temperature, float factor)
{
    float top = -INFINITY;
    w->factor = factor;
    w->temperature = temperature;
    for (uint32_t b = 0; b < row->blocks; b++) {
        w->scale[b] = rintf(row->block_maximum[b] * factor);
        top = w->scale[b] > top ? w->scale[b] : top;
    }
    w->status = top == INFINITY ? TOMBOLA_ROW_INVALID : top == -INFINITY ? TOMBOLA_ROW_EMPTY : TOMBOLA_ROW_OK;
    for (uint32_t b = 0; b < row->blocks && w->status != TOMBOLA_ROW_INVALID; b++) {
        float distance = top - w->scale[b]; /* NaN where all are -inf */
        w->shift[b] = distance < 63.0f ? (uint32_t)distance : 63u;
        weigh_block(row, w, b, factor);
    }
    return w;
}

const struct weighing *oracle_weigh(struct oracle_row *row, float temperature)
{
    struct weighing *w = &row->weighings[temperature != 1.0f];
    const float factor = (float)(1.4426950408889634 / oracle_temperature(temperature));
    return w->temperature == temperature ? w : weigh(row, w, temperature, factor);
}

const struct weighing *oracle_weigh_dynamic(struct oracle_row *row, float temperature)
{
    return weigh(row, &row->weighings[2], temperature, reciprocal(temperature) * 0x1.715476p+0f);
}

const struct weighing *oracle_weigh_draw(struct oracle_row *row, const tombola_params *params)
{
    const int is_left_at_1 = params->dynatemp_range > 0.0f; /* where one token is left */
    return row->is_dynamic ? &row->weighings[2] : oracle_weigh(row, is_left_at_1 ? 1.0f : params->temperature);
}

tombola_row_status oracle_status(struct oracle_row *row, float temperature)
{
    if (row->check != TOMBOLA_ROW_OK || temperature < GREEDY_BELOW) {
        return row->check;
    }
    return oracle_weigh(row, temperature)->status;
}

const uint64_t *oracle_sums(struct oracle_row *row, const struct weighing *w, struct window window)
{
    if (window.first == 0 && window.last == row->living) {
        return w->sum;
    }
    memset(row->kept_sum, 0, row->blocks * sizeof *row->kept_sum);
    for (uint32_t rank = window.first; rank < window.last; rank++) {
        const uint32_t id = row->order[rank];
        row->kept_sum[id / ORACLE_BLOCK] += w->weight[id];
    }
    return row->kept_sum;
}

uint64_t oracle_mass(const struct weighing *w, uint32_t block, uint64_t sum)
{
    return sum << 12 >> w->shift[block];
}

uint64_t oracle_total(const struct oracle_row *row, const struct weighing *w, const uint64_t *sums)
{
    uint64_t total = 0;
    for (uint32_t b = 0; b < row->blocks; b++) {
        total += oracle_mass(w, b, sums[b]);
    }
    return total;
}
