/* What is told of a token beside itself: its log-probabilities, its rank, the margin of its race, the entropy. */
#include "oracle_row.h"

#include <math.h>

#include "logarithm.h"
#include "philox.h"
#include "race.h"
#include "weight.h"

#define LN_2 0x1.62e43p-1f

static struct measure measure_from(float top, float factor)
{
    return (struct measure){factor, top, rintf(top * factor)};
}

float oracle_power(struct measure m, float z)
{
    return fabsf(m.whole) < 0x1p23f ? fmaf(z, m.factor, -m.whole) : (z - m.top) * m.factor;
}

/* 2^t of all tokens of the window, in units of 2^-40. */
static uint64_t sum_one_by_one(const struct oracle_row *row, struct measure m, struct window window)
{
    uint64_t sum = 0;
    for (uint32_t rank = window.first; rank < window.last; rank++) {
        const float power = scaled_exp2(oracle_power(m, row->logit[row->order[rank]]));
        const float rest = power - floorf(power);
        sum += ((uint64_t)power << 13) + (uint64_t)(rest * 8192.0f + 0.5f);
    }
    return sum;
}

/* ln of an integer, in units of 2^-40, cut off behind its first 32 bits. */
static float logarithm_of_sum(uint64_t sum)
{
    int doublings = 0;
    for (; sum < UINT64_C(1) << 31; doublings--) {
        sum <<= 1;
    }
    for (; sum >= UINT64_C(1) << 32; doublings++) {
        sum >>= 1;
    }
    return logarithm(ldexpf((float)(uint32_t)sum, doublings - 40));
}

uint64_t oracle_sum(struct oracle_row *row, const struct weighing *w, struct window window, struct measure *measure)
{
    const float first = row->logit[row->order[window.first]], top = row->logit[row->order[0]];
    *measure = measure_from(top, w->factor);
    if (first == top && fabsf(measure->whole - 63.0f) < 0x1p23f) {
        return 2 * oracle_total(row, w, oracle_sums(row, w, window));
    }
    *measure = measure_from(first, w->factor);
    return sum_one_by_one(row, *measure, window);
}

float oracle_logprob(struct oracle_row *row, const struct weighing *w, struct window window, float z)
{
    struct measure m;
    const uint64_t sum = oracle_sum(row, w, window, &m);
    const float total = logarithm_of_sum(sum);
    const float t = oracle_power(m, z), natural = m.factor * LN_2, below = z - m.top;
    float x;
    if (fabsf(m.whole) < 0x1p23f && t > -INFINITY) {
        x = fmaf(t, LN_2, -total);
    } else { /* differences, and powers of two, may overflow where powers of e do not */
        x = (below > -INFINITY ? below * natural : fmaf(z, natural, -(m.top * natural))) - total;
    }
    return x < 0.0f ? x : 0.0f;
}

/* How much later one arrival, in logarithmic order, is than another. */
static float lead(int64_t first, int64_t second)
{
    if (second == INT64_MAX) {
        return INFINITY;
    }
    const int64_t step = INT64_C(1) << 23, low = step - 1;
    const int64_t doublings = (second - (second & low)) / step - (first - (first & low)) / step;
    const float a = 1.0f + ldexpf((float)(first & low), -23), b = 1.0f + ldexpf((float)(second & low), -23);
    return fmaf((float)doublings, LN_2, logarithm(b) - logarithm(a));
}

/* The first two to arrive. */
struct podium {
    int64_t first, second;
};

static void arrive(struct podium *podium, int64_t arrival)
{
    if (arrival < podium->first) {
        podium->second = podium->first;
        podium->first = arrival;
    } else if (arrival < podium->second) {
        podium->second = arrival;
    }
}

static float tell_margin(struct oracle_row *row, const struct weighing *w, const tombola_params *p,
                         struct window window, uint32_t token)
{
    const uint64_t *sums = oracle_sums(row, w, window);
    struct podium blocks = {INT64_MAX, INT64_MAX}, tokens = blocks;
    for (uint32_t b = 0; b < row->blocks; b++) {
        if (sums[b] > 0) {
            arrive(&blocks, block_arrival(oracle_time(p, PHILOX_USE_BLOCKS, b, sums[b]), w->scale[b]));
        }
    }
    for (uint32_t rank = window.first; rank < window.last; rank++) {
        const uint32_t id = row->order[rank];
        if (id / ORACLE_BLOCK == token / ORACLE_BLOCK && w->weight[id] > 0) {
            arrive(&tokens, oracle_time(p, PHILOX_USE_TOKENS, id, w->weight[id]));
        }
    }
    if (blocks.first == INT64_MAX) {
        return INFINITY; /* nothing runs */
    }
    return fminf(lead(blocks.first, blocks.second), lead(tokens.first, tokens.second));
}

static uint32_t rank_of(const struct oracle_row *row, uint32_t token)
{
    uint32_t rank = 0;
    while (row->order[rank] != token) {
        rank++;
    }
    return rank + 1;
}

static struct window all_of(const struct oracle_row *row)
{
    return (struct window){0, row->living};
}

/* Of a row with adaptive-p: its rank, and what it learns, are of the row as its filters saw it. */
static struct told tell_reshaped(struct oracle_row *row, struct oracle_row *as_given, const tombola_params *params,
                                 struct oracle_row *reshaped)
{
    const tombola_params plain = oracle_params_of_reshaped(params);
    const int32_t token = oracle_draw(reshaped, &plain).token;
    struct told told = oracle_tell(reshaped, as_given, &plain);
    struct window window;
    oracle_keep(row, params, &window);
    told.rank = rank_of(row, (uint32_t)token);
    told.observed = oracle_logprob(row, oracle_weigh_draw(row, params), window, row->logit[token]);
    return told;
}

struct told oracle_tell(struct oracle_row *row, struct oracle_row *as_given, const tombola_params *params)
{
    struct oracle_row *reshaped = oracle_reshape(row, params);
    if (reshaped) {
        const struct told of_reshaped = tell_reshaped(row, as_given, params, reshaped);
        oracle_row_release(reshaped);
        return of_reshaped;
    }
    struct told told = {-INFINITY, -INFINITY, 0, 0.0f, 0.0f, -INFINITY};
    struct window window;
    const int32_t token = oracle_draw(row, params).token;
    if (oracle_keep(row, params, &window) != TOMBOLA_ROW_OK) {
        return told;
    }
    told.rank = rank_of(row, (uint32_t)token);
    if (as_given->check == TOMBOLA_ROW_OK) {
        told.raw_logprob =
            oracle_logprob(as_given, oracle_weigh(as_given, 1.0f), all_of(as_given), as_given->logit[token]);
    }
    told.logprob = 0.0f;
    told.observed = 0.0f;
    told.margin = INFINITY;
    if (params->temperature < GREEDY_BELOW) {
        return told;
    }
    const struct weighing *w = oracle_weigh_draw(row, params);
    told.logprob = oracle_logprob(row, w, window, row->logit[token]);
    told.observed = told.logprob;
    told.margin = params->method == TOMBOLA_RACE ? tell_margin(row, w, params, window, (uint32_t)token) : 0.0f;
    told.entropy = oracle_entropy(row, w, window).nats;
    return told;
}

/* ln of the sum of exp((z - first) / temperature) over a window, and the sum's mean of -(z - first) / temperature. */
static double sum_exactly(const struct oracle_row *row, double temperature, struct window window, double *mean)
{
    const double first = (double)row->logit[row->order[window.first]];
    double sum = 0.0, moments = 0.0;
    for (uint32_t rank = window.first; rank < window.last; rank++) {
        const double x = ((double)row->logit[row->order[rank]] - first) / temperature;
        sum += exp(x);
        moments -= x > -1000.0 ? exp(x) * x : 0.0;
    }
    *mean = moments / sum;
    return log(sum);
}

struct told_exactly oracle_tell_exactly(struct oracle_row *row, const struct oracle_row *as_given,
                                        const tombola_params *params)
{
    struct told_exactly told = {0.0, -INFINITY, 0.0};
    struct window window;
    struct oracle_row *reshaped = oracle_reshape(row, params);
    if (reshaped) {
        const tombola_params plain = oracle_params_of_reshaped(params);
        told = oracle_tell_exactly(reshaped, as_given, &plain);
        oracle_row_release(reshaped);
        return told;
    }
    double mean;
    const int32_t token = oracle_draw(row, params).token;
    oracle_keep(row, params, &window);
    if (as_given->check == TOMBOLA_ROW_OK) {
        const double first = (double)as_given->logit[as_given->order[0]];
        told.raw_logprob = (double)as_given->logit[token] - first;
        told.raw_logprob -= sum_exactly(as_given, 1.0, all_of(as_given), &mean);
    }
    if (params->temperature >= GREEDY_BELOW) {
        const double temperature = oracle_temperature(params->temperature);
        const double first = (double)row->logit[row->order[window.first]];
        const double total = sum_exactly(row, temperature, window, &mean);
        told.logprob = ((double)row->logit[token] - first) / temperature - total;
        told.entropy = total + mean;
    }
    return told;
}
