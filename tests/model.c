#include "model.h"

#include <math.h>
#include <stdlib.h>

#include "harness.h"
#include "weight.h"

enum { MODEL_BLOCK = 256 };

struct ranked {
    float logit;
    uint32_t id;
};

static int compare_ranks(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->logit != b->logit) {
        return a->logit > b->logit ? -1 : 1;
    }
    return a->id < b->id ? -1 : a->id > b->id;
}

static float exponent_in(const struct model *m, uint32_t block, float logit)
{
    const float r = m->rounded[block];
    return fabsf(r) < 0x1p23f ? fmaf(logit, m->scale, -r) : (logit - m->top[block]) * m->scale;
}

static void sort_tokens(struct model *m)
{
    struct ranked *ranked = allocate(m->vocabulary, sizeof *ranked);
    for (uint32_t id = 0; id < m->vocabulary; id++) {
        if (m->logits[id] > -INFINITY) {
            ranked[m->living++] = (struct ranked){m->logits[id], id};
        }
    }
    qsort(ranked, m->living, sizeof *ranked, compare_ranks);
    for (uint32_t rank = 0; rank < m->living; rank++) {
        m->order[rank] = ranked[rank].id;
    }
    free(ranked);
}

static void weigh_tokens(struct model *m)
{
    float highest = -INFINITY;
    for (uint32_t b = 0; b < m->blocks; b++) {
        m->top[b] = -INFINITY;
        for (uint32_t id = b * MODEL_BLOCK; id < m->vocabulary && id / MODEL_BLOCK == b; id++) {
            m->top[b] = fmaxf(m->top[b], m->logits[id]);
        }
        m->rounded[b] = rintf(m->top[b] * m->scale);
        highest = fmaxf(highest, m->rounded[b]);
    }
    for (uint32_t b = 0; b < m->blocks; b++) {
        const float distance = highest - m->rounded[b];
        m->shift[b] = m->rounded[b] == -INFINITY || distance >= 63.0f ? 63 : (uint32_t)distance;
    }
    for (uint32_t id = 0; id < m->vocabulary; id++) {
        const uint32_t b = id / MODEL_BLOCK;
        m->weight[id] = m->rounded[b] == -INFINITY ? 0 : weight(exponent_in(m, b, m->logits[id]));
    }
}

struct model model_make(const float *values, uint32_t vocabulary, float scale)
{
    struct model m = {.vocabulary = vocabulary, .blocks = (vocabulary + MODEL_BLOCK - 1) / MODEL_BLOCK, .scale = scale};
    m.logits = allocate(vocabulary, sizeof *m.logits);
    m.order = allocate(vocabulary, sizeof *m.order);
    m.weight = allocate(vocabulary, sizeof *m.weight);
    m.top = allocate(m.blocks, sizeof *m.top);
    m.rounded = allocate(m.blocks, sizeof *m.rounded);
    m.shift = allocate(m.blocks, sizeof *m.shift);
    for (uint32_t id = 0; id < vocabulary; id++) {
        m.logits[id] = fabsf(values[id]) < 0x1p-126f ? 0.0f : values[id];
    }
    sort_tokens(&m);
    weigh_tokens(&m);
    return m;
}

void model_release(struct model *m)
{
    free(m->logits);
    free(m->order);
    free(m->weight);
    free(m->top);
    free(m->rounded);
    free(m->shift);
}

int model_is_good(const struct model *m)
{
    float highest = -INFINITY;
    for (uint32_t b = 0; b < m->blocks; b++) {
        highest = fmaxf(highest, m->rounded[b]);
    }
    return m->living > 0 && fabsf(highest) < INFINITY;
}

float model_exponent(const struct model *m, uint32_t id)
{
    return exponent_in(m, id / MODEL_BLOCK, m->logits[id]);
}

uint64_t model_token_mass(const struct model *m, uint32_t id)
{
    return (uint64_t)m->weight[id] << 12 >> m->shift[id / MODEL_BLOCK];
}

void model_sums(const struct model *m, struct ranks ranks, uint64_t *sums, uint32_t *numbers)
{
    for (uint32_t b = 0; b < m->blocks; b++) {
        sums[b] = 0;
        numbers[b] = 0;
    }
    for (uint32_t rank = ranks.first; rank < ranks.end; rank++) {
        sums[m->order[rank] / MODEL_BLOCK] += m->weight[m->order[rank]];
        numbers[m->order[rank] / MODEL_BLOCK]++;
    }
}

uint64_t model_mass(const struct model *m, const uint64_t *sums)
{
    uint64_t mass = 0;
    for (uint32_t b = 0; b < m->blocks; b++) {
        mass += sums[b] << 12 >> m->shift[b];
    }
    return mass;
}

uint64_t model_extended_sum(const struct model *m, uint32_t block)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < MODEL_BLOCK; i++) {
        const uint32_t id = block * MODEL_BLOCK + i;
        const float logit = id < m->vocabulary ? m->logits[id] : -INFINITY; /* tokens behind the end count as -inf */
        const float value = scaled_exp2(exponent_in(m, block, logit));
        const uint32_t whole = (uint32_t)value;
        sum += ((uint64_t)whole << 13) + (uint32_t)((value - (float)whole) * 8192.0f + 0.5f);
    }
    return sum;
}

uint32_t model_select(const struct model *m, struct ranks ranks, int by_mass, uint64_t limit)
{
    uint64_t before = 0;
    uint32_t kept = 0;
    for (uint32_t rank = ranks.first; rank < ranks.end && (kept == 0 || before < limit); rank++, kept++) {
        before += by_mass ? model_token_mass(m, m->order[rank]) : 1;
    }
    return kept;
}
