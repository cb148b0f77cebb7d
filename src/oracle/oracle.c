/* Rows: what a token's logit is, whether a row is good, and its rank order. */
#include "oracle_row.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>

#include "logarithm.h"

void *oracle_allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
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

float oracle_made_normal(float x)
{
    return fabsf(x) < 0x1p-126f ? 0.0f : x;
}

static tombola_row_status check_value(float value, tombola_input input)
{
    if (isnan(value) || value == INFINITY || (input == TOMBOLA_PROBABILITIES && value < 0.0f)) {
        return TOMBOLA_ROW_INVALID;
    }
    return value == -INFINITY ? TOMBOLA_ROW_EMPTY : TOMBOLA_ROW_OK;
}

/* The values that count: mask and biases applied, before probabilities become logarithms. */
static float *effective_values(const struct oracle_input *input)
{
    float *values = oracle_allocate(input->vocabulary, sizeof *values);
    for (uint32_t id = 0; id < input->vocabulary; id++) {
        const int allowed = !input->mask || (input->mask[id / 32] >> id % 32 & 1u);
        const float masked = input->kind == TOMBOLA_PROBABILITIES ? 0.0f : -INFINITY;
        values[id] = allowed ? oracle_made_normal(input->values[id]) : masked;
    }
    for (size_t i = 0; i < input->bias_count; i++) {
        const uint32_t id = (uint32_t)input->biases[i].token;
        if (input->biases[i].value > -INFINITY && values[id] != -INFINITY)
            values[id] = oracle_made_normal(values[id] + input->biases[i].value);
    }
    oracle_penalise(input, values);
    for (size_t i = 0; i < input->bias_count; i++) {
        if (input->biases[i].value == -INFINITY)
            values[input->biases[i].token] = -INFINITY;
    }
    if (input->sequences) {
        oracle_apply_sequences(input->sequences, input->params, input->kind, values, input->vocabulary);
    }
    return values;
}

static struct oracle_row *allocate_row(uint32_t vocabulary)
{
    struct oracle_row *row = oracle_allocate(1, sizeof *row);
    row->vocabulary = vocabulary;
    row->blocks = (vocabulary + ORACLE_BLOCK - 1) / ORACLE_BLOCK;
    row->logit = oracle_allocate(vocabulary, sizeof *row->logit);
    row->order = oracle_allocate(vocabulary, sizeof *row->order);
    row->block_maximum = oracle_allocate(row->blocks, sizeof *row->block_maximum);
    row->kept_sum = oracle_allocate(row->blocks, sizeof *row->kept_sum);
    row->kept = oracle_allocate(vocabulary, sizeof *row->kept);
    weighing_create(&row->weighings[0], vocabulary, row->blocks);
    weighing_create(&row->weighings[1], vocabulary, row->blocks);
    weighing_create(&row->weighings[2], vocabulary, row->blocks);
    return row;
}

struct oracle_row *oracle_row_create_from(const struct oracle_input *input)
{
    struct oracle_row *row = allocate_row(input->vocabulary);
    float *values = effective_values(input);
    row->kind = input->kind;
    struct ranked *ranked = oracle_allocate(input->vocabulary, sizeof *ranked);
    int invalid = 0;
    for (uint32_t b = 0; b < row->blocks; b++) {
        row->block_maximum[b] = -INFINITY;
    }
    for (uint32_t id = 0; id < input->vocabulary; id++) {
        float value = values[id], logit = value;
        invalid |= check_value(value, input->kind) == TOMBOLA_ROW_INVALID;
        if (input->kind == TOMBOLA_PROBABILITIES) {
            logit = value > 0.0f && value < INFINITY ? logarithm(value) : -INFINITY;
        }
        row->logit[id] = logit;
        row->living += logit > -INFINITY;
        if (logit > row->block_maximum[id / ORACLE_BLOCK]) {
            row->block_maximum[id / ORACLE_BLOCK] = logit;
        }
        ranked[id] = (struct ranked){value, id};
    }
    row->check = invalid ? TOMBOLA_ROW_INVALID : (row->living == 0 ? TOMBOLA_ROW_EMPTY : TOMBOLA_ROW_OK);
    if (!invalid) {
        qsort(ranked, input->vocabulary, sizeof *ranked, compare_ranks);
    }
    for (uint32_t rank = 0; rank < input->vocabulary; rank++) {
        row->order[rank] = ranked[rank].id;
    }
    free(ranked);
    free(values);
    return row;
}

struct oracle_row *oracle_row_create(const float *values, uint32_t vocabulary, tombola_input input)
{
    return oracle_row_create_from(&(struct oracle_input){.values = values, .vocabulary = vocabulary, .kind = input});
}

void oracle_row_release(struct oracle_row *row)
{
    if (!row) {
        return;
    }
    free(row->logit);
    free(row->order);
    free(row->block_maximum);
    free(row->kept_sum);
    free(row->kept);
    weighing_release(&row->weighings[0]);
    weighing_release(&row->weighings[1]);
    weighing_release(&row->weighings[2]);
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
