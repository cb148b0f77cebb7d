#include "oracle.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "logarithm.h"
#include "philox.h"
#include "weight.h"

#define BLOCK 256u
#define GREEDY_BELOW 1e-5f
#define HOTTEST 0x1p90
#define MIN_P_OFF_BELOW 0x1p-126f

__extension__ typedef unsigned __int128 wide;

struct oracle_row {
    uint32_t vocabulary, blocks;
    uint32_t living; /* tokens above -inf */
    tombola_row_status check;
    float *logit;
    uint32_t *order;
    float *block_maximum;

    float temperature; /* of what follows; NaN before the first */
    tombola_row_status weighed;
    uint32_t *weight;
    uint32_t *shift; /* d_b */
    uint64_t *sum;   /* by block, of all weights */
    uint64_t *kept_sum;
    unsigned char *kept;
};

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory) {
        errx(EXIT_FAILURE, "no memory to check a row with: %zu x %zu bytes", count, size);
    }
    return memory;
}

struct ranked {
    float value;
    uint32_t id;
};

static int compare_ranks(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->value != b->value) {
        return a->value > b->value ? -1 : 1;
    }
    return a->id < b->id ? -1 : a->id > b->id;
}

/* Subnormal numbers and -0 count as +0. */
static float made_normal(float x)
{
    return fabsf(x) < 0x1p-126f ? 0.0f : x;
}

static double capped(float temperature)
{
    return (double)temperature < HOTTEST ? (double)temperature : HOTTEST;
}

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

static tombola_row_status check_value(float value, tombola_input input)
{
    if (isnan(value) || value == INFINITY || (input == TOMBOLA_PROBABILITIES && value < 0.0f)) {
        return TOMBOLA_ROW_INVALID;
    }
    return value == -INFINITY ? TOMBOLA_ROW_EMPTY : TOMBOLA_ROW_OK;
}

struct oracle_row *oracle_row_create(const float *values, uint32_t vocabulary, tombola_input input)
{
    struct oracle_row *row = allocate(1, sizeof *row);
    uint32_t blocks = (vocabulary + BLOCK - 1) / BLOCK;
    row->vocabulary = vocabulary;
    row->blocks = blocks;
    row->logit = allocate(vocabulary, sizeof *row->logit);
    row->order = allocate(vocabulary, sizeof *row->order);
    row->block_maximum = allocate(blocks, sizeof *row->block_maximum);
    row->temperature = NAN;
    row->weight = allocate(vocabulary, sizeof *row->weight);
    row->shift = allocate(blocks, sizeof *row->shift);
    row->sum = allocate(blocks, sizeof *row->sum);
    row->kept_sum = allocate(blocks, sizeof *row->kept_sum);
    row->kept = allocate(vocabulary, sizeof *row->kept);

    struct ranked *ranked = allocate(vocabulary, sizeof *ranked);
    int invalid = 0;
    for (uint32_t b = 0; b < blocks; b++) {
        row->block_maximum[b] = -INFINITY;
    }
    for (uint32_t id = 0; id < vocabulary; id++) {
        float value = made_normal(values[id]), logit = value;
        invalid |= check_value(value, input) == TOMBOLA_ROW_INVALID;
        if (input == TOMBOLA_PROBABILITIES) {
            logit = value > 0.0f && value < INFINITY ? logarithm(value) : -INFINITY;
        }
        row->logit[id] = logit;
        row->living += logit > -INFINITY;
        if (logit > row->block_maximum[id / BLOCK]) {
            row->block_maximum[id / BLOCK] = logit;
        }
        ranked[id] = (struct ranked){value, id};
    }
    row->check = invalid ? TOMBOLA_ROW_INVALID : (row->living == 0 ? TOMBOLA_ROW_EMPTY : TOMBOLA_ROW_OK);
    if (!invalid) {
        qsort(ranked, vocabulary, sizeof *ranked, compare_ranks);
    }
    for (uint32_t rank = 0; rank < vocabulary; rank++) {
        row->order[rank] = ranked[rank].id;
    }
    free(ranked);
    return row;
}

void oracle_row_release(struct oracle_row *row)
{
    if (!row) {
        return;
    }
    free(row->logit);
    free(row->order);
    free(row->block_maximum);
    free(row->weight);
    free(row->shift);
    free(row->sum);
    free(row->kept_sum);
    free(row->kept);
    free(row);
}

const uint32_t *oracle_row_order(const struct oracle_row *row)
{
    return row->order;
}

const float *oracle_row_logits(const struct oracle_row *row)
{
    return row->logit;
}

static void weigh_block(struct oracle_row *row, uint32_t b, float scale, float r)
{
    uint32_t end = (b + 1) * BLOCK < row->vocabulary ? (b + 1) * BLOCK : row->vocabulary;
    row->sum[b] = 0;
    for (uint32_t id = b * BLOCK; id < end; id++) {
        float t;
        if (r == -INFINITY) {
            row->weight[id] = 0;
            continue;
        }
        if (fabsf(r) < 0x1p23f) {
            t = fmaf(row->logit[id], scale, -r);
        } else {
            t = (row->logit[id] - row->block_maximum[b]) * scale;
        }
        row->weight[id] = weight(t);
        row->sum[b] += row->weight[id];
    }
}

/* Weights, block sums and shifts at this temperature; the row's status there. */
static tombola_row_status weigh(struct oracle_row *row, float temperature)
{
    if (row->check != TOMBOLA_ROW_OK || temperature < GREEDY_BELOW) {
        return row->check;
    }
    if (row->temperature == temperature) {
        return row->weighed;
    }
    row->temperature = temperature;
    float scale = (float)(1.4426950408889634 / capped(temperature)), top = -INFINITY;
    float *r = allocate(row->blocks, sizeof *r);
    for (uint32_t b = 0; b < row->blocks; b++) {
        r[b] = rintf(row->block_maximum[b] * scale);
        top = r[b] > top ? r[b] : top;
    }
    row->weighed = top == INFINITY ? TOMBOLA_ROW_INVALID : top == -INFINITY ? TOMBOLA_ROW_EMPTY : TOMBOLA_ROW_OK;
    for (uint32_t b = 0; b < row->blocks && row->weighed == TOMBOLA_ROW_OK; b++) {
        float distance = top - r[b];
        row->shift[b] = distance < 63.0f ? (uint32_t)distance : 63u;
        weigh_block(row, b, scale, r[b]);
    }
    free(r);
    return row->weighed;
}

static uint64_t mass(const struct oracle_row *row, uint32_t b, uint64_t sum)
{
    return sum << 12 >> row->shift[b];
}

/* The block sums of the first `count` tokens in rank order. */
static const uint64_t *sum_kept(struct oracle_row *row, uint32_t count)
{
    if (count == row->living) {
        return row->sum;
    }
    memset(row->kept_sum, 0, row->blocks * sizeof *row->kept_sum);
    for (uint32_t rank = 0; rank < count; rank++) {
        uint32_t id = row->order[rank];
        row->kept_sum[id / BLOCK] += row->weight[id];
    }
    return row->kept_sum;
}

static uint64_t total_mass(const struct oracle_row *row, const uint64_t *sums)
{
    uint64_t total = 0;
    for (uint32_t b = 0; b < row->blocks; b++) {
        total += mass(row, b, sums[b]);
    }
    return total;
}

/* How many of the first `count` in rank order top-p keeps. */
static uint32_t apply_top_p(struct oracle_row *row, uint32_t count, float top_p)
{
    uint64_t total = total_mass(row, sum_kept(row, count));
    uint64_t share = (uint64_t)((double)top_p * 0x1p32 + 0.5);
    uint64_t target = (uint64_t)((wide)total * share >> 32), margin = total >> 20;
    target = target > margin ? target - margin : 0;
    uint64_t before = 0;
    for (uint32_t rank = 0; rank < count; rank++) {
        if (rank > 0 && before >= target) {
            return rank;
        }
        uint32_t id = row->order[rank];
        before += mass(row, id / BLOCK, row->weight[id]);
    }
    return count;
}

static uint32_t apply_min_p(const struct oracle_row *row, uint32_t count, float temperature, float min_p)
{
    float reach = (float)(capped(temperature) * log64((double)min_p));
    float least = row->logit[row->order[0]] + reach;
    uint32_t rank = 1;
    while (rank < count && row->logit[row->order[rank]] >= least) {
        rank++;
    }
    return rank;
}

/* Every filter cuts the low end of the rank order: how many are left above the cut. */
static uint32_t count_kept(struct oracle_row *row, const tombola_params *params)
{
    uint32_t count = row->living;
    if (params->temperature < GREEDY_BELOW) {
        return 1;
    }
    if (params->top_k > 0 && params->top_k < count) {
        count = params->top_k;
    }
    if (params->top_p < 1.0f) {
        count = apply_top_p(row, count, params->top_p);
    }
    if (params->min_p >= MIN_P_OFF_BELOW) {
        count = apply_min_p(row, count, params->temperature, params->min_p);
    }
    return count;
}

static void mark_kept(struct oracle_row *row, uint32_t count)
{
    memset(row->kept, 0, row->vocabulary);
    for (uint32_t rank = 0; rank < count; rank++) {
        row->kept[row->order[rank]] = 1;
    }
}

/* The token at `random` / 2^64 of the kept tokens' mass, in the order of ids. */
static int32_t invert(struct oracle_row *row, uint32_t count, uint64_t random)
{
    const uint64_t *sums = sum_kept(row, count);
    uint64_t rest = (uint64_t)((wide)random * total_mass(row, sums) >> 64);
    uint32_t b = 0;
    for (; rest >= mass(row, b, sums[b]); b++) {
        rest -= mass(row, b, sums[b]);
    }
    uint64_t within = row->shift[b] <= 12 ? rest >> (12 - row->shift[b]) : rest << (row->shift[b] - 12);
    mark_kept(row, count);
    for (uint32_t id = b * BLOCK; id < row->vocabulary; id++) {
        if (row->kept[id] && within < row->weight[id]) {
            return (int32_t)id;
        }
        within -= row->kept[id] ? row->weight[id] : 0;
    }
    errx(EXIT_FAILURE, "the oracle's draw fell off its row");
}

struct draw oracle_draw(struct oracle_row *row, const tombola_params *params)
{
    struct draw draw = {.token = -1, .status = (int32_t)weigh(row, params->temperature)};
    if (draw.status != TOMBOLA_ROW_OK) {
        return draw;
    }
    draw.kept = count_kept(row, params);
    if (params->temperature < GREEDY_BELOW) {
        draw.token = (int32_t)row->order[0];
    } else {
        draw.token = invert(row, draw.kept, draw_bits(params->seed, params->offset, params->stream));
    }
    return draw;
}

tombola_row_status oracle_distribution(struct oracle_row *row, const tombola_params *params, double *shares)
{
    tombola_row_status status = weigh(row, params->temperature);
    for (uint32_t id = 0; id < row->vocabulary; id++) {
        shares[id] = 0.0;
    }
    if (status != TOMBOLA_ROW_OK) {
        return status;
    }
    uint32_t count = count_kept(row, params);
    if (params->temperature < GREEDY_BELOW) {
        shares[row->order[0]] = 1.0;
        return status;
    }
    const uint64_t *sums = sum_kept(row, count);
    double total = (double)total_mass(row, sums);
    for (uint32_t rank = 0; rank < count; rank++) {
        uint32_t id = row->order[rank], b = id / BLOCK;
        if (sums[b] > 0) {
            shares[id] = (double)mass(row, b, sums[b]) / total * (double)row->weight[id] / (double)sums[b];
        }
    }
    return status;
}

tombola_row_status oracle_softmax(struct oracle_row *row, float temperature, int logarithms, double *shares)
{
    tombola_row_status status = weigh(row, temperature);
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
            shares[id] = ((double)row->logit[id] - first) / capped(temperature);
        }
        sum += exp(shares[id]);
    }
    for (uint32_t id = 0; id < row->vocabulary; id++) {
        shares[id] -= status == TOMBOLA_ROW_OK ? log(sum) : 0.0;
        shares[id] = logarithms ? shares[id] : exp(shares[id]);
    }
    return status;
}
