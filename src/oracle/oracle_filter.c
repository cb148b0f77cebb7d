/* Which tokens of a row are kept: each filter narrows a window of the rank order. */
#include "oracle_row.h"

#include <math.h>

#include "logarithm.h"
#include "philox.h"
#include "race.h"

#define MIN_P_OFF_BELOW 0x1p-126f
#define SIGMA_REACH 1024.0f
#define FEWEST_SIGMAS 0x1p-60f

/* The contract's natural logarithm of 0 < x <= 1, in binary64 without a libm. */
static double log64(double x)
{
    int e;
    double f = frexp(x, &e);
    if (f < 0.7071067811865476) {
        f *= 2.0;
        e--;
    }
    double s = (f - 1.0) / (f + 1.0), y = s * s, q = 0.0;
    for (int n = 23; n >= 3; n -= 2) {
        q = (q + 1.0 / n) * y;
    }
    return e * 0.6931471805599453 + 2.0 * (s + s * q);
}

static struct window first_of(struct window window, uint32_t number)
{
    if (number < window.last - window.first) {
        window.last = window.first + number;
    }
    return window;
}

static struct window apply_top_k(const struct question *q, struct window window)
{
    return q->params->top_k > 0 ? first_of(window, q->params->top_k) : window;
}

static int has_top_p(const tombola_params *params)
{
    return params->top_p < 1.0f;
}

static struct window apply_top_p(const struct question *q, struct window window)
{
    struct oracle_row *row = q->row;
    const struct weighing *w = q->w;
    const float top_p = q->params->top_p;
    const uint64_t total = oracle_total(row, w, oracle_sums(row, w, window));
    const uint64_t share = (uint64_t)((double)top_p * 0x1p32 + 0.5), margin = total >> 20;
    uint64_t target = (uint64_t)((wide)total * share >> 32), before = 0;
    target = target > margin ? target - margin : 0;
    uint32_t rank = window.first;
    while (rank < window.last && (rank == window.first || before < target)) {
        const uint32_t id = row->order[rank++];
        before += oracle_mass(w, id / ORACLE_BLOCK, w->weight[id]);
    }
    window.last = rank;
    return window;
}

static int has_min_p(const tombola_params *params)
{
    return params->min_p >= MIN_P_OFF_BELOW;
}

static struct window apply_min_p(const struct question *q, struct window window)
{
    const struct oracle_row *row = q->row;
    const double log = log64((double)q->params->min_p);
    const float reach = q->is_dynamic ? (float)log * q->temperature : (float)(oracle_temperature(q->temperature) * log);
    const float least = row->logit[row->order[window.first]] + reach;
    uint32_t rank = window.first + 1;
    while (rank < window.last && row->logit[row->order[rank]] >= least) {
        rank++;
    }
    window.last = rank;
    return window;
}

/* The standard deviation of a window's logits, of which far ones do not count: sqrt(N * sum q^2 - (sum q)^2) / N. */
static float deviation_of(const struct oracle_row *row, struct window window)
{
    const float first = row->logit[row->order[window.first]];
    wide number = 0, sum = 0, squares = 0;
    for (uint32_t rank = window.first; rank < window.last; rank++) {
        const float below = first - row->logit[row->order[rank]];
        if (below <= SIGMA_REACH) {
            const uint64_t q = (uint64_t)(below * 65536.0f);
            number++;
            sum += q;
            squares += (wide)q * q;
        }
    }
    wide spread = number * squares - sum * sum;
    int half = 0;
    if (spread == 0) {
        return 0.0f;
    }
    for (; spread >= (wide)1 << 48; half++) {
        spread >>= 2;
    }
    for (; spread < (wide)1 << 46; half--) {
        spread <<= 2;
    }
    const float root = (float)(uint32_t)sqrt((double)(uint64_t)spread); /* binary64 rounds no root up to an integer */
    return ldexpf(root * reciprocal((float)(uint32_t)number), half - 16);
}

static int has_top_n_sigma(const tombola_params *params)
{
    return params->top_n_sigma > 0.0f;
}

static struct window apply_top_n_sigma(const struct question *q, struct window window)
{
    const struct oracle_row *row = q->row;
    const float n = q->params->top_n_sigma;
    const float sigmas = n > FEWEST_SIGMAS ? n : FEWEST_SIGMAS;
    const float reach = deviation_of(row, window) * sigmas;
    const float least = row->logit[row->order[window.first]] - reach;
    while (row->logit[row->order[window.last - 1]] < least) {
        window.last--;
    }
    return window;
}

static int has_xtc(const tombola_params *params)
{
    const uint64_t chance = (uint64_t)((double)params->xtc_probability * 0x1p32 + 0.5);
    return random_words(0, PHILOX_USE_XTC, params->seed, params->offset, params->stream).word[0] < chance;
}

static struct window apply_xtc(const struct question *q, struct window window)
{
    struct oracle_row *row = q->row;
    const struct weighing *w = q->w;
    const float heat = (float)oracle_temperature(q->temperature), threshold = q->params->xtc_threshold;
    const uint64_t mass = oracle_total(row, w, oracle_sums(row, w, window)) >> 8;
    const float first = row->logit[row->order[0]], most = (float)w->weight[row->order[0]];
    const float share = threshold < 0x1p-100f ? 0.0f : (float)((double)threshold * (1.0 - 0x1p-17));
    if (mass == 0) {
        return window;
    }
    const float total = fmaf((float)(mass >> 28), 0x1p28f, (float)(mass & 0xFFFFFFFu));
    const float against_first = total * 0x1p-4f * reciprocal(most) * share;
    if (against_first > 1.0f) {
        return window;
    }
    const float least = share > 0.0f ? fmaf(logarithm(against_first), heat, first) : -INFINITY;
    uint32_t rank = window.first;
    while (rank + 1 < window.last && row->logit[row->order[rank + 1]] >= least) {
        rank++;
    }
    window.first = rank;
    return window;
}

static const struct filter {
    tombola_filter step;
    int weighs;                                 /* it asks for weights */
    int (*is_on)(const tombola_params *params); /* NULL: always */
    struct window (*apply)(const struct question *q, struct window window);
} filters[] = {
    {TOMBOLA_FILTER_TOP_K, 0, NULL, apply_top_k},
    {TOMBOLA_FILTER_TOP_P, 1, has_top_p, apply_top_p},
    {TOMBOLA_FILTER_MIN_P, 0, has_min_p, apply_min_p},
    {TOMBOLA_FILTER_TOP_N_SIGMA, 0, has_top_n_sigma, apply_top_n_sigma},
    {TOMBOLA_FILTER_XTC, 1, has_xtc, apply_xtc},
    {TOMBOLA_FILTER_EPSILON, 1, oracle_has_epsilon, oracle_epsilon},
    {TOMBOLA_FILTER_TOP_A, 1, oracle_has_top_a, oracle_top_a},
    {TOMBOLA_FILTER_P_LESS, 1, oracle_has_p_less, oracle_p_less},
    {TOMBOLA_FILTER_MIN_K, 0, oracle_has_min_k, oracle_min_k},
    {TOMBOLA_FILTER_ETA, 1, oracle_has_eta, oracle_eta},
    {TOMBOLA_FILTER_TYPICAL_P, 1, oracle_has_typical_p, oracle_typical_p},
    {TOMBOLA_FILTER_TOP_H, 1, oracle_has_top_h, oracle_top_h},
    {TOMBOLA_FILTER_MIROSTAT, 1, oracle_has_mirostat, oracle_mirostat},
};

static const struct filter *filter_of(uint8_t step)
{
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (filters[i].step == step) {
            return &filters[i];
        }
    }
    return NULL;
}

/* Whether a step of the order is still to come at or behind place i. */
static int comes_later(const uint8_t *order, size_t i, tombola_filter step)
{
    while (i < TOMBOLA_MAX_FILTERS && order[i] != step) {
        i++;
    }
    return i < TOMBOLA_MAX_FILTERS;
}

/* A dynamic temperature, which is in force from here on. Where it is next to 0 the first token alone stays. */
static struct window heat_dynamically(struct question *q, struct window window)
{
    const float t = oracle_dynamic_temperature(q->row, q->params, window);
    if (isnan(t)) {
        q->row->is_dynamic = 0;
        return window;
    }
    const struct weighing *w = t < GREEDY_BELOW ? NULL : oracle_weigh_dynamic(q->row, t);
    if (!w || w->status != TOMBOLA_ROW_OK) {
        window.last = window.first + 1;
        return window;
    }
    q->temperature = t;
    q->is_dynamic = q->row->is_dynamic = 1;
    return window;
}

tombola_row_status oracle_filter(struct oracle_row *row, const tombola_params *params, struct window *window)
{
    static const uint8_t usual[TOMBOLA_MAX_FILTERS] = TOMBOLA_TEMPERATURE_FIRST;
    const uint8_t *order = params->filters[0] ? params->filters : usual;
    *window = (struct window){0, row->living};
    if (params->temperature < GREEDY_BELOW) {
        window->last = 1;
        return TOMBOLA_ROW_OK;
    }
    struct question q = {.row = row, .params = params, .temperature = params->temperature};
    if (comes_later(order, 0, TOMBOLA_FILTER_TEMPERATURE)) {
        q.temperature = 1.0f;
    }
    row->is_dynamic = 0;
    for (size_t i = 0; i < TOMBOLA_MAX_FILTERS && order[i]; i++) {
        const struct filter *filter = filter_of(order[i]);
        if (order[i] == TOMBOLA_FILTER_TEMPERATURE) {
            if (params->dynatemp_range > 0.0f && oracle_weigh(row, 1.0f)->status == TOMBOLA_ROW_INVALID) {
                return TOMBOLA_ROW_INVALID;
            }
            if (params->dynatemp_range > 0.0f) {
                *window = heat_dynamically(&q, *window);
            } else {
                q.temperature = params->temperature;
            }
        }
        if (!filter || (filter->is_on && !filter->is_on(params))) {
            continue;
        }
        if (filter->weighs) {
            q.w = q.is_dynamic ? &row->weighings[2] : oracle_weigh(row, q.temperature);
            if (q.w->status == TOMBOLA_ROW_INVALID) {
                return TOMBOLA_ROW_INVALID;
            }
        }
        const struct window left = filter->apply(&q, *window);
        if (params->min_keep > 1 && left.last - left.first < params->min_keep) {
            *window = filter->step == TOMBOLA_FILTER_XTC ? *window : first_of(*window, params->min_keep);
        } else {
            *window = left;
        }
    }
    return TOMBOLA_ROW_OK;
}
