#include "workload.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "narrow.h"

/* A normal number comes from 32 random bits: sixteen choose one of as many equally likely intervals,
 * the others the place in it. */
#define INTERVALS 65536
#define FARTHEST 5.0f /* where the outermost intervals end, in standard deviations */

#define MOST_HEAD 1000
#define HEAD_OVER_BODY 100.0 /* how much more the head weighs, at WORKLOAD_TEMPERATURE */

struct workload_maker {
    size_t vocabulary;
    float *row;
    float knots[INTERVALS + 1]; /* quantiles of the standard normal distribution */
};

static const struct {
    const char *name;
    float deviation; /* of the body */
} KINDS[WORKLOADS] = {
    [WORKLOAD_LM] = {"lm", 2.0f},
    [WORKLOAD_PEAKED] = {"peaked", 1.0f},
    [WORKLOAD_GAUSSIAN] = {"gaussian", 2.5f},
    [WORKLOAD_FLAT] = {"flat", 0.1f},
    [WORKLOAD_TIES] = {"ties", 2.5f},
    [WORKLOAD_MASKED] = {"masked", 2.0f},
    [WORKLOAD_EQUAL] = {"equal", 1.0f},
    [WORKLOAD_TWO_VALUES] = {"two-values", 1.0f},
    [WORKLOAD_SUBNORMAL] = {"subnormal", 2.5f},
    [WORKLOAD_HUGE] = {"huge", 2.0f},
    [WORKLOAD_REAL] = {"real", 0.0f},
};

const char *workload_name(workload kind)
{
    return KINDS[kind].name;
}

int workload_find(const char *name, workload *kind)
{
    for (int i = 0; i < WORKLOADS; i++)
        if (strcmp(KINDS[i].name, name) == 0) {
            *kind = (workload)i;
            return 0;
        }
    return -1;
}

/* splitmix64's finisher. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static uint64_t next(uint64_t *state)
{
    return mix(*state += 0x9E3779B97F4A7C15u);
}

static double unit(uint64_t *state)
{
    return (double)(next(state) >> 11) * 0x1p-53;
}

/* From the middle outwards, each by bisection. Rounded, so that the last bit of erfc is nowhere to be seen. */
static void find_quantiles(float *knots)
{
    double low = 0;
    for (int i = 0; i < INTERVALS / 2; i++) {
        double above = 0.5 - (double)i / INTERVALS, high = FARTHEST;
        double least = low;
        for (int step = 0; step < 30; step++) {
            double middle = (least + high) / 2;
            if (0.5 * erfc(middle * 0.70710678118654752) > above)
                least = middle;
            else
                high = middle;
        }
        low = least;
        float knot = (float)(rint(least * 0x1p16) * 0x1p-16);
        knots[INTERVALS / 2 + i] = knot;
        knots[INTERVALS / 2 - i] = -knot;
    }
    knots[0] = -FARTHEST;
    knots[INTERVALS] = FARTHEST;
}

struct workload_maker *workload_maker_create(size_t vocabulary)
{
    struct workload_maker *maker = malloc(sizeof *maker);
    if (!maker)
        return NULL;
    maker->vocabulary = vocabulary;
    maker->row = malloc(vocabulary * sizeof *maker->row);
    if (!maker->row) {
        free(maker);
        return NULL;
    }
    find_quantiles(maker->knots);
    return maker;
}

void workload_maker_release(struct workload_maker *maker)
{
    if (!maker)
        return;
    free(maker->row);
    free(maker);
}

static float normal(const struct workload_maker *maker, uint32_t bits)
{
    const float *knot = &maker->knots[bits >> 16];
    return knot[0] + (knot[1] - knot[0]) * ((float)(bits & 0xFFFFu) * 0x1p-16f);
}

static void fill_body(struct workload_maker *maker, float deviation, uint64_t *state)
{
    for (size_t id = 0; id < maker->vocabulary; id += 2) {
        uint64_t bits = next(state);
        maker->row[id] = deviation * normal(maker, (uint32_t)bits);
        if (id + 1 < maker->vocabulary)
            maker->row[id + 1] = deviation * normal(maker, (uint32_t)(bits >> 32));
    }
}

static void mask_body(struct workload_maker *maker, uint64_t *state)
{
    for (size_t id = 0; id < maker->vocabulary; id++)
        if (next(state) % 10)
            maker->row[id] = -INFINITY;
}

static void scale_row(struct workload_maker *maker, float scale)
{
    for (size_t id = 0; id < maker->vocabulary; id++)
        maker->row[id] *= scale;
}

/* The logarithm of what a whole body weighs, at WORKLOAD_TEMPERATURE. */
static double body_weight(const struct workload_maker *maker, float deviation)
{
    double spread = (double)(deviation / WORKLOAD_TEMPERATURE);
    return log((double)maker->vocabulary) + spread * spread / 2;
}

/* Weights fall as rank^-exponent; each row has its own exponent, so that nuclei differ. */
static void add_head(struct workload_maker *maker, double weight, uint64_t *state)
{
    double exponent = 1.5 + 0.25 * unit(state), sum = 0;
    size_t ranks = maker->vocabulary / 8 < MOST_HEAD ? maker->vocabulary / 8 : MOST_HEAD;
    for (size_t rank = 1; rank <= ranks; rank++)
        sum += pow((double)rank, -exponent);
    for (size_t rank = ranks; rank > 0; rank--) { /* so that of two that meet the higher one stays */
        double logit = weight + log(HEAD_OVER_BODY / sum) - exponent * log((double)rank);
        maker->row[next(state) % maker->vocabulary] = WORKLOAD_TEMPERATURE * (float)logit;
    }
}

void workload_fill(struct workload_maker *maker, workload kind, uint64_t seed, size_t row, tombola_type type,
                   void *elements)
{
    float deviation = KINDS[kind].deviation;
    double weight = body_weight(maker, deviation);
    uint64_t state = mix(mix(seed) + 1 + row); /* the same bodies for all kinds, which does no harm */
    fill_body(maker, deviation, &state);
    switch (kind) {
    case WORKLOAD_MASKED:
        mask_body(maker, &state);
        add_head(maker, weight, &state);
        break;
    case WORKLOAD_LM:
        add_head(maker, weight, &state);
        break;
    case WORKLOAD_PEAKED:
        maker->row[next(&state) % maker->vocabulary] = WORKLOAD_TEMPERATURE * (float)(weight + log(99.0));
        break;
    case WORKLOAD_TIES:
        for (size_t id = 0; id < maker->vocabulary; id++)
            maker->row[id] = widen_bfloat(narrow_to_bfloat(maker->row[id]));
        break;
    case WORKLOAD_EQUAL:
        for (size_t id = 1; id < maker->vocabulary; id++)
            maker->row[id] = maker->row[0];
        break;
    case WORKLOAD_TWO_VALUES:
        for (size_t id = 0; id < maker->vocabulary; id++)
            maker->row[id] = maker->row[id] < 0 ? 0.0f : 2.0f;
        break;
    case WORKLOAD_SUBNORMAL:
        scale_row(maker, type == TOMBOLA_FLOAT16 ? 0x1p-18f : 0x1p-130f);
        break;
    case WORKLOAD_HUGE:
        add_head(maker, weight, &state);
        scale_row(maker, type == TOMBOLA_FLOAT16 ? 1e3f : 1e30f);
        break;
    default:
        break;
    }
    narrow_elements(maker->row, maker->vocabulary, type, elements);
}
