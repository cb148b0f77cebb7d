/* Filters that cut at a share of the mass of what is kept so far. */
#include "oracle_row.h"

#include <math.h>
#include <stdlib.h>

#include "logarithm.h"
#include "race.h"

#define LEAST_MASS 256u
#define SMALLEST_SHARE 0x1p-80f
#define REACHED (1.0 - 0x1p-17)

static float nearest(uint64_t mass)
{
    return fmaf((float)(mass >> 28), 0x1p28f, (float)(mass & 0xFFFFFFFu));
}

/* A mass as a number of tokens like the row's first one. */
static float in_firsts(const struct question *q, uint64_t mass)
{
    return nearest(mass >> 8) * 0x1p-4f * reciprocal((float)q->w->weight[q->row->order[0]]);
}

static float logit_at(const struct question *q, uint32_t rank)
{
    return q->row->logit[q->row->order[rank]];
}

/* What of a window has at least this weight against a token of logit z, or the logit of its first token. */
static struct window from_weight(const struct question *q, struct window window, float weight, float z)
{
    const float from = fmaf(logarithm(weight), (float)oracle_temperature(q->temperature), z);
    const float first = logit_at(q, window.first), least = from < first ? from : first;
    while (logit_at(q, window.last - 1) < least) {
        window.last--;
    }
    return window;
}

static uint64_t mass_of(const struct question *q, struct window window)
{
    return oracle_total(q->row, q->w, oracle_sums(q->row, q->w, window));
}

struct window oracle_of_share(const struct question *q, struct window window, float share)
{
    const uint64_t mass = mass_of(q, window);
    return mass < LEAST_MASS ? window : from_weight(q, window, in_firsts(q, mass) * share, logit_at(q, 0));
}

int oracle_has_epsilon(const tombola_params *params)
{
    return params->epsilon_cutoff >= SMALLEST_SHARE;
}

struct window oracle_epsilon(const struct question *q, struct window window)
{
    return oracle_of_share(q, window, (float)((double)q->params->epsilon_cutoff * REACHED));
}

int oracle_has_top_a(const tombola_params *params)
{
    return params->top_a >= SMALLEST_SHARE;
}

struct window oracle_top_a(const struct question *q, struct window window)
{
    const uint64_t mass = mass_of(q, window);
    const float share = (float)((double)q->params->top_a * REACHED), first = logit_at(q, window.first);
    if (mass < LEAST_MASS) {
        return window;
    }
    return from_weight(q, window, reciprocal(in_firsts(q, mass)) * share, first + (first - logit_at(q, 0)));
}

int oracle_has_p_less(const tombola_params *params)
{
    return params->p_less != TOMBOLA_P_LESS_OFF;
}

/* The squares of a window's weights, block by block at the row's scale, each without its last bits. */
static uint64_t squares_of(const struct question *q, struct window window)
{
    uint64_t total = 0, *sums = oracle_allocate(q->row->blocks, sizeof *sums);
    for (uint32_t rank = window.first; rank < window.last; rank++) {
        const uint32_t id = q->row->order[rank];
        sums[id / ORACLE_BLOCK] += (uint64_t)q->w->weight[id] * q->w->weight[id];
    }
    for (uint32_t b = 0; b < q->row->blocks; b++) {
        const uint32_t shift = 2 * q->w->shift[b];
        total += sums[b] >> 16 >> (shift < 63 ? shift : 63);
    }
    free(sums);
    return total;
}

struct window oracle_p_less(const struct question *q, struct window window)
{
    const uint64_t mass = mass_of(q, window);
    const float one = reciprocal((float)q->w->weight[q->row->order[0]]), number = (float)(q->row->vocabulary - 1);
    if (mass < LEAST_MASS) {
        return window;
    }
    const float firsts = in_firsts(q, mass);
    float share = nearest(squares_of(q, window) >> 8) * 0x1p24f * one * one * reciprocal(firsts);
    if (q->params->p_less == TOMBOLA_P_LESS_NORM && number > 0.0f) {
        share = fmaf(share - firsts, reciprocal(number), share);
    }
    return share < 0x1p-40f ? window : from_weight(q, window, share * (float)REACHED, logit_at(q, 0));
}
