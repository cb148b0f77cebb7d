/* The draw from a row's kept tokens, and its law. */
#include "oracle_row.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "philox.h"
#include "race.h"

static void mark_kept(struct oracle_row *row, struct window window)
{
    memset(row->kept, 0, row->vocabulary);
    for (uint32_t rank = window.first; rank < window.last; rank++) {
        row->kept[row->order[rank]] = 1;
    }
}

/* The token at `random` / 2^64 of the kept tokens' mass, in the order of ids. */
static int32_t invert(struct oracle_row *row, const struct weighing *w, struct window window, uint64_t random)
{
    const uint64_t *sums = oracle_sums(row, w, window), total = oracle_total(row, w, sums);
    uint64_t rest = (uint64_t)((wide)random * total >> 64);
    uint32_t b = 0;
    if (total == 0) {
        return (int32_t)row->order[window.first];
    }
    for (; rest >= oracle_mass(w, b, sums[b]); b++) {
        rest -= oracle_mass(w, b, sums[b]);
    }
    uint64_t within = w->shift[b] <= 12 ? rest >> (12 - w->shift[b]) : rest << (w->shift[b] - 12);
    for (uint32_t id = b * ORACLE_BLOCK; id < row->vocabulary; id++) {
        if (row->kept[id] && within < w->weight[id]) {
            return (int32_t)id;
        }
        within -= row->kept[id] ? w->weight[id] : 0;
    }
    errx(EXIT_FAILURE, "the oracle's draw fell off its row");
}

/* The 31 bits of index n in one use of the random stream. */
static uint32_t random_bits_of(const tombola_params *p, uint32_t use, uint32_t n)
{
    return random_words(random_call(n), use, p->seed, p->offset, p->stream).word[random_word(n)] >> 1;
}

uint32_t oracle_time(const tombola_params *p, uint32_t use, uint32_t n, uint64_t weight)
{
    const uint32_t high = random_bits_of(p, use, n);
    const uint32_t low = high < RACE_TAIL_BELOW ? random_bits_of(p, use + PHILOX_TAIL, n) : 0;
    const float size = runner_weight((uint32_t)(weight >> 18), (uint32_t)(weight & 0x3FFFFu));
    return words_of(runner_time(exponential(high, low), size));
}

static int32_t race(struct oracle_row *row, const struct weighing *w, struct window window, const tombola_params *p)
{
    const uint64_t *sums = oracle_sums(row, w, window);
    uint32_t block = row->blocks, token = row->vocabulary, best = UINT32_MAX;
    int64_t first = INT64_MAX;
    for (uint32_t b = 0; b < row->blocks; b++) {
        if (sums[b] == 0) {
            continue;
        }
        const int64_t arrival = block_arrival(oracle_time(p, PHILOX_USE_BLOCKS, b, sums[b]), w->scale[b]);
        if (arrival < first) {
            first = arrival;
            block = b;
        }
    }
    if (block == row->blocks) {
        return (int32_t)row->order[window.first];
    }
    for (uint32_t id = block * ORACLE_BLOCK; id < row->vocabulary && id / ORACLE_BLOCK == block; id++) {
        if (!row->kept[id] || w->weight[id] == 0) {
            continue;
        }
        const uint32_t time = oracle_time(p, PHILOX_USE_TOKENS, id, w->weight[id]);
        if (time < best) {
            best = time;
            token = id;
        }
    }
    return (int32_t)token;
}

tombola_row_status oracle_keep(struct oracle_row *row, const tombola_params *params, struct window *window)
{
    tombola_row_status status = oracle_status(row, params->temperature);
    return status == TOMBOLA_ROW_OK ? oracle_filter(row, params, window) : status;
}

struct draw oracle_draw(struct oracle_row *row, const tombola_params *params)
{
    struct window window;
    struct draw draw = {.token = -1, .status = (int32_t)oracle_keep(row, params, &window)};
    if (draw.status != TOMBOLA_ROW_OK) {
        return draw;
    }
    draw.kept = window.last - window.first;
    if (params->temperature < GREEDY_BELOW) {
        draw.token = (int32_t)row->order[0];
        return draw;
    }
    struct oracle_row *reshaped = oracle_reshape(row, params);
    if (reshaped) {
        const tombola_params plain = oracle_params_of_reshaped(params);
        draw.token = oracle_draw(reshaped, &plain).token;
        oracle_row_release(reshaped);
        return draw;
    }
    const struct weighing *w = oracle_weigh_draw(row, params);
    mark_kept(row, window);
    if (params->method == TOMBOLA_INVERSE_CDF) {
        draw.token = invert(row, w, window, draw_bits(params->seed, params->offset, params->stream));
    } else {
        draw.token = race(row, w, window, params);
    }
    return draw;
}

struct boundary oracle_boundary(struct oracle_row *row, const tombola_params *params)
{
    struct window window;
    if (oracle_keep(row, params, &window) != TOMBOLA_ROW_OK) {
        return (struct boundary){-INFINITY, -1};
    }
    const uint32_t id = row->order[window.last - 1];
    return (struct boundary){row->logit[id], (int32_t)id};
}

/* A block's share of the row, times a factor that all blocks have in common. A race cuts nothing off. */
static double block_share(const struct weighing *w, uint32_t b, uint64_t sum, float top, int by_race)
{
    if (!by_race || sum == 0) {
        return (double)oracle_mass(w, b, sum);
    }
    const int64_t distance = scale_order(top) - scale_order(w->scale[b]);
    return ldexp((double)sum, distance < 4096 ? -(int)distance : -4096);
}

tombola_row_status oracle_distribution(struct oracle_row *row, const tombola_params *params, double *shares)
{
    struct window window;
    tombola_row_status status = oracle_keep(row, params, &window);
    for (uint32_t id = 0; id < row->vocabulary; id++) {
        shares[id] = 0.0;
    }
    if (status != TOMBOLA_ROW_OK) {
        return status;
    }
    if (params->temperature < GREEDY_BELOW) {
        shares[row->order[0]] = 1.0;
        return status;
    }
    struct oracle_row *reshaped = oracle_reshape(row, params);
    if (reshaped) {
        const tombola_params plain = oracle_params_of_reshaped(params);
        status = oracle_distribution(reshaped, &plain, shares);
        oracle_row_release(reshaped);
        return status;
    }
    const struct weighing *w = oracle_weigh_draw(row, params);
    const uint64_t *sums = oracle_sums(row, w, window);
    const int by_race = params->method == TOMBOLA_RACE;
    float top = -INFINITY;
    double total = 0.0;
    for (uint32_t b = 0; b < row->blocks; b++) {
        top = w->scale[b] > top ? w->scale[b] : top;
    }
    for (uint32_t b = 0; b < row->blocks; b++) {
        total += block_share(w, b, sums[b], top, by_race);
    }
    for (uint32_t rank = window.first; rank < window.last; rank++) {
        const uint32_t id = row->order[rank], b = id / ORACLE_BLOCK;
        if (sums[b] > 0) {
            shares[id] = block_share(w, b, sums[b], top, by_race) / total * (double)w->weight[id] / (double)sums[b];
        }
    }
    return status;
}

tombola_row_status oracle_softmax(struct oracle_row *row, float temperature, int logarithms, double *shares)
{
    tombola_row_status status = oracle_status(row, temperature);
    double first = 0.0, sum = 0.0;
    if (status == TOMBOLA_ROW_OK) {
        first = (double)row->logit[row->order[0]];
    }
    for (uint32_t id = 0; id < row->vocabulary; id++) {
        if (status != TOMBOLA_ROW_OK) {
            shares[id] = -INFINITY;
        } else if (temperature < GREEDY_BELOW) {
            shares[id] = id == row->order[0] ? 0.0 : -INFINITY;
        } else {
            shares[id] = ((double)row->logit[id] - first) / oracle_temperature(temperature);
        }
        sum += exp(shares[id]);
    }
    for (uint32_t id = 0; id < row->vocabulary; id++) {
        shares[id] -= status == TOMBOLA_ROW_OK ? log(sum) : 0.0;
        shares[id] = logarithms ? shares[id] : exp(shares[id]);
    }
    return status;
}
