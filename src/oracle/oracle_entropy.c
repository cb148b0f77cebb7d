/* The entropy of a window, and the filters that are made of it. */
#include "oracle_row.h"

#include <math.h>
#include <stdlib.h>

#include "logarithm.h"
#include "race.h"
#include "weight.h"

#define EVEN_FROM 65536.0f
#define LN_2 0x1.62e43p-1f
#define LEAST_MASS 256u
#define REACHED (1.0 - 0x1p-17)
#define DEEPEST 0x3FFFFFFFu

static uint32_t depth_of(const struct oracle_row *row, const struct weighing *w, uint32_t id)
{
    const float t = oracle_exponent(row, w, id);
    return (uint32_t)fmaf(scaled_exp2(t), 1.0f - t, 0.5f);
}

struct entropy oracle_entropy(struct oracle_row *row, const struct weighing *w, struct window window)
{
    uint64_t *depth = oracle_allocate(row->blocks, sizeof *depth);
    for (uint32_t rank = window.first; rank < window.last; rank++) {
        depth[row->order[rank] / ORACLE_BLOCK] += depth_of(row, w, row->order[rank]);
    }
    const uint64_t *sum = oracle_sums(row, w, window);
    struct entropy e = {oracle_total(row, w, sum), 0, 0, 0.0f};
    for (uint32_t b = 0; b < row->blocks; b++) {
        e.depth += oracle_mass(w, b, depth[b] + sum[b] * w->shift[b]);
    }
    free(depth);
    if (e.mass < LEAST_MASS) {
        return e;
    }
    int shift = 0;
    uint64_t mass = e.mass, deep = e.depth;
    for (; mass > UINT32_MAX; mass >>= 1, deep >>= 1) {
        shift++;
    }
    const uint64_t mean = (deep << 24) / mass;
    e.mean = mean < DEEPEST ? (uint32_t)mean : DEEPEST;
    const float log_mass = logarithm(ldexpf((float)(uint32_t)mass, shift - 39));
    e.nats = fmaxf(fmaf(ldexpf((float)e.mean, -24), LN_2, log_mass - LN_2), 0.0f);
    return e;
}

static float canonical_of(float x)
{
    return fabsf(x) < 0x1p-126f ? 0.0f : x;
}

int oracle_has_typical_p(const tombola_params *params)
{
    return params->typical_p < 1.0f;
}

struct window oracle_typical_p(const struct question *q, struct window window)
{
    struct oracle_row *row = q->row;
    const struct weighing *w = q->w;
    const struct entropy e = oracle_entropy(row, w, window);
    if (e.mass < LEAST_MASS || q->temperature >= EVEN_FROM) {
        return window;
    }
    const float unscale =
        q->is_dynamic ? q->temperature * LN_2 : (float)(oracle_temperature(q->temperature) / 1.4426950408889634);
    const uint32_t top = row->order[0];
    const float below = ldexpf((float)e.mean, -24) - 1.0f + canonical_of(oracle_exponent(row, w, top));
    const float center = canonical_of(fmaf(-below, unscale, row->logit[top]));
    const uint64_t share = (uint64_t)((double)q->params->typical_p * 0x1p32 + 0.5), margin = e.mass >> 20;
    uint64_t target = (uint64_t)((wide)e.mass * share >> 32), held = 0;
    target = target > margin ? target - margin : 1;
    /* From both ends of the window the farther token goes, as long as those left hold the target. */
    float *distance = oracle_allocate(row->vocabulary, sizeof *distance);
    for (uint32_t rank = window.first; rank < window.last; rank++) {
        const uint32_t id = row->order[rank];
        distance[rank] = canonical_of(fabsf(row->logit[id] - center));
        held += oracle_mass(w, id / ORACLE_BLOCK, w->weight[id]);
    }
    while (held >= target) {
        const float upper = distance[window.first], lower = distance[window.last - 1];
        const float farthest = upper > lower ? upper : lower;
        struct window left = window;
        uint64_t gone = 0;
        for (; left.first < left.last && distance[left.first] == farthest; left.first++) {
            gone += oracle_mass(w, row->order[left.first] / ORACLE_BLOCK, w->weight[row->order[left.first]]);
        }
        for (; left.first < left.last && distance[left.last - 1] == farthest; left.last--) {
            gone += oracle_mass(w, row->order[left.last - 1] / ORACLE_BLOCK, w->weight[row->order[left.last - 1]]);
        }
        if (held - gone < target || left.first == left.last) {
            break;
        }
        held -= gone;
        window = left;
    }
    free(distance);
    return window;
}

int oracle_has_eta(const tombola_params *params)
{
    return params->eta_cutoff >= 0x1p-80f;
}

struct window oracle_eta(const struct question *q, struct window window)
{
    const struct oracle_row *row = q->row;
    const struct entropy e = oracle_entropy(q->row, q->w, window);
    const uint64_t mass = e.mass >> 8;
    if (mass == 0) {
        return window;
    }
    const double cutoff = (double)q->params->eta_cutoff;
    const float eta = (float)(cutoff * REACHED), root = (float)(sqrt(cutoff) * REACHED);
    const float halvings = fmaxf(-e.nats * 0x1.715476p+0f, -40.0f);
    const float surprising = scaled_exp2(halvings) * 0x1p-27f * root;
    const float total = fmaf((float)(mass >> 28), 0x1p28f, (float)(mass & 0xFFFFFFFu));
    const float weight = total * 0x1p-4f * reciprocal((float)q->w->weight[row->order[0]]) * fminf(eta, surprising);
    const float least = fmaf(logarithm(weight), (float)oracle_temperature(q->temperature), row->logit[row->order[0]]);
    while (window.last > window.first + 1 && row->logit[row->order[window.last - 1]] < least) {
        window.last--;
    }
    return window;
}

int oracle_has_top_h(const tombola_params *params)
{
    return params->top_h > 0.0f;
}

struct window oracle_top_h(const struct question *q, struct window window)
{
    const struct oracle_row *row = q->row;
    const float first = row->logit[row->order[window.first]];
    const float factor = q->w->factor, r = rintf(first * factor);
    uint64_t weights[101] = {0}, depths[101] = {0}; /* of so many first ones */
    uint32_t count = 0;
    for (; count < 100 && window.first + count < window.last; count++) {
        const float z = row->logit[row->order[window.first + count]];
        float t = fabsf(r) < 0x1p23f ? fmaf(z, factor, -r) : (z - first) * factor;
        t = t > -126.0f ? t : -126.0f;
        weights[count + 1] = weights[count] + weight(t);
        depths[count + 1] = depths[count] + (uint32_t)fmaf(scaled_exp2(t), 1.0f - t, 0.5f);
    }
    const float mass = fmaf((float)(weights[count] >> 16), 0x1p16f, (float)(weights[count] & 0xFFFF)) * 0x1p-27f;
    const int64_t rate = (int64_t)((logarithm(mass) - LN_2) * 0x1p24f), unit = (int64_t)(LN_2 * 0x1p24f);
    const int64_t all = (int64_t)weights[count] * rate + (int64_t)depths[count] * unit;
    const uint64_t whole = all > 0 ? (uint64_t)all : 0, share = (uint64_t)((double)q->params->top_h * 0x1p32 + 0.5);
    const int64_t limit = (int64_t)((uint64_t)((wide)whole * share >> 32) + (whole >> 20));
    uint32_t kept = 1;
    while (whole >= (uint64_t)1 << 30 && kept < count &&
           (int64_t)weights[kept + 1] * rate + (int64_t)depths[kept + 1] * unit <= limit) {
        kept++;
    }
    window.last = window.first + kept;
    return window;
}

float oracle_dynamic_temperature(struct oracle_row *row, const tombola_params *params, struct window window)
{
    const struct entropy e = oracle_entropy(row, oracle_weigh(row, 1.0f), window);
    const double middle = oracle_temperature(params->temperature), range = (double)params->dynatemp_range;
    const float low = (float)fmax(0.0, middle - range), high = (float)fmin(middle + range, 0x1p90);
    if (window.last - window.first < 2) {
        return NAN;
    }
    const float share = e.nats * reciprocal(logarithm((float)(window.last - window.first)));
    const float log = logarithm(fmaxf(fminf(share, 1.0f), 0x1p-100f));
    return fmaf(high - low, scaled_exp2(log * 0x1.715476p+0f * params->dynatemp_exponent) * 0x1p-27f, low);
}
