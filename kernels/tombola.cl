/* The kernels: compositions of the stages. Each takes `parts` work-groups for every row and a
 * set of phases. In one launch with parts = 1 a group takes its row through all phases; in two
 * launches, many groups weigh a row's blocks, then the second launch does the rest. Which of
 * the two was used changes no token, nor any other result.
 *
 * logits       a row's `vocabulary` values begin at its params' place
 * params       one for each row of the batch
 * masks, biases  of the batch; NULL where no row has any
 * tops, sums   scratch, one entry per row of the launch and block, rows padded to whole vectors
 * launch       see row.h
 * status       a ROW_... for each row
 * and columns of the kernel's own. The columns' buffers may be the caller's, and any may be NULL. */
#include "portable.h"
#include "row.h"
#include "top_k.clh"

#define ROW_KERNEL kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))

static inline struct row row_at(global const stored *logits, struct row_params p, global const u32 *masks,
                                global const struct bias *biases, struct launch launch, global u32 *tops,
                                global u64 *sums, uint index)
{
    struct row row;
    uint vocabulary = launch.vocabulary;
    row.vocabulary = vocabulary;
    row.mask = masks && p.mask != NO_MASK ? masks + launch.masks + (ulong)p.mask * launch.mask_stride : 0;
    row.biases = biases && p.bias_first < p.bias_end ? biases + p.bias_first : 0;
    row.biases_end = row.biases ? biases + p.bias_end : 0;
    row.blocks = (vocabulary + BLOCK - 1) / BLOCK;
    row.slots = (row.blocks + WIDTH - 1) / WIDTH * WIDTH;
    row.values = logits + p.place;
    row.tops = tops + (ulong)index * row.slots;
    row.sums = sums + (ulong)index * row.slots;
    return row;
}

/* The row of the launch that this work-group works on, and which of its groups this is. */
static inline uint group_row(struct launch launch)
{
    return (uint)get_group_id(0) / launch.parts;
}
static inline uint group_part(struct launch launch)
{
    return (uint)get_group_id(0) % launch.parts;
}

/* Takes the group's row through its passes; the first item of its first group leaves the status. */
static inline struct course run_row(local struct workspace *ws, struct row row, struct row_params p, enum goal goal,
                                    struct launch launch, global int *status)
{
    uint share = (row.blocks + launch.parts - 1) / launch.parts;
    uint first = min(group_part(launch) * share, row.blocks);
    uint last = min(first + share, row.blocks);
    struct course start = course_of(goal, p, row.vocabulary, launch.phases);
    struct course c = run_passes(ws, row, p, start, launch.phases, first, last);
    if ((launch.phases & PHASE_FINISH) && status && group_part(launch) == 0 && group_item() == 0)
        status[launch.status + group_row(launch)] = c.status;
    return c;
}

/* The last kept token in rank order. */
static inline struct boundary boundary_of(struct row row, struct row_params p, struct course c)
{
    struct boundary last = {-INFINITY, -1};
    if (c.status != ROW_OK)
        return last;
    u32 lowest = KEY_BAD;
    for (uint id = 0; id < row.vocabulary; id++) {
        floats value = load_values(row, id);
        u32 key = keys_of(value).s0;
        int is_in = p.flags & ROW_GREEDY ? id == c.token
                                         : key > c.threshold.key || (key == c.threshold.key && id <= c.threshold.id);
        if (!is_in || key > lowest)
            continue;
        lowest = key;
        last.logit = logit_of(key);
        last.token = (int)id;
    }
    return last;
}

ROW_KERNEL void sample(global const stored *logits, global const struct row_params *params, global const u32 *masks,
                       global const struct bias *biases, global u32 *tops, global u64 *sums, struct launch launch,
                       global int *status, global int *tokens, global u32 *kept, global struct boundary *boundaries)
{
    local struct workspace ws;
    uint index = group_row(launch);
    struct row_params p = params[launch.first_row + index];
    struct row row = row_at(logits, p, masks, biases, launch, tops, sums, index);
    struct course c = run_row(&ws, row, p, GOAL_TOKEN, launch, status);
    if (!(launch.phases & PHASE_FINISH) || group_item() != 0)
        return;
    if (tokens)
        tokens[launch.columns[SAMPLE_TOKENS] + index] = (int)c.token;
    if (kept)
        kept[launch.columns[SAMPLE_KEPT] + index] = c.kept;
    if (boundaries)
        boundaries[launch.columns[SAMPLE_BOUNDARY] + index] = boundary_of(row, p, c);
}

/* The softmax of WIDTH tokens of a row. A greedy row has its token already: it takes all. */
static inline floats softmax_at(struct row row, uint first, struct course c, uint logarithms)
{
    if (c.status != ROW_OK)
        return logarithms ? (floats)(-INFINITY) : (floats)(0.0f);
    if (c.token != NOWHERE) {
        flags only = ids_from(first) == c.token;
        return logarithms ? (only ? (floats)(0.0f) : (floats)(-INFINITY)) : (only ? (floats)(1.0f) : (floats)(0.0f));
    }
    floats z = logits_of_values(load_values(row, first));
    return logarithms ? log_probabilities_of(z, c.scaling, c.normaliser) : probabilities_of(z, c.scaling, c.normaliser);
}

ROW_KERNEL void softmax(global const stored *logits, global const struct row_params *params, global const u32 *masks,
                        global const struct bias *biases, global u32 *tops, global u64 *sums, struct launch launch,
                        global int *status, global float *probabilities)
{
    local struct workspace ws;
    uint index = group_row(launch), part = group_part(launch);
    struct row_params p = params[launch.first_row + index];
    struct row row = row_at(logits, p, masks, biases, launch, tops, sums, index);
    struct course c = run_row(&ws, row, p, GOAL_PROBABILITIES, launch, status);
    if (!(launch.phases & PHASE_FINISH))
        return;
    global float *output = probabilities + launch.columns[SOFTMAX_PROBABILITIES] + index * launch.stride;
    uint share = (row.blocks + launch.parts - 1) / launch.parts * BLOCK;
    uint last = min(part * share + share, row.vocabulary);
    for (uint first = part * share + group_item() * WIDTH; first < last; first += GROUP * WIDTH) {
        floats x = softmax_at(row, first, c, launch.logarithms);
        if (first + WIDTH <= row.vocabulary) {
            JOIN(vstore, WIDTH)(x, 0, output + first);
        } else {
            float tail[WIDTH];
            JOIN(vstore, WIDTH)(x, 0, tail);
            for (uint i = first; i < row.vocabulary; i++)
                output[i] = tail[i - first];
        }
    }
}

ROW_KERNEL void top_k(global const stored *logits, global const struct row_params *params, global const u32 *masks,
                      global const struct bias *biases, global u32 *tops, global u64 *sums, struct launch launch,
                      global int *status, global int *tokens, global float *token_logits, global float *probabilities)
{
    local struct workspace ws;
    local u64 places[MAX_TOP_K];
    uint index = group_row(launch), k = (uint)launch.stride;
    struct row_params p = params[launch.first_row + index];
    struct row row = row_at(logits, p, masks, biases, launch, tops, sums, index);
    p.top_k = k;
    struct course c = run_row(&ws, row, p, GOAL_CANDIDATES, launch, status);
    if (!(launch.phases & PHASE_FINISH))
        return;

    uint size = 1;
    while (size < k)
        size *= 2;
    for (uint i = group_item(); i < size; i += GROUP)
        places[i] = NO_TOKEN;
    if (group_item() == 0)
        ws.count = 0;
    group_barrier();
    if (c.status == ROW_OK)
        gather(&ws, places, size, row, c.threshold);
    sort_places(places, size);
    for (uint i = group_item(); i < k; i += GROUP) {
        u64 place = (u64)index * k + i;
        int is_there = places[i] != NO_TOKEN;
        u32 id = is_there ? (u32)places[i] : 0, key = ~(u32)(places[i] >> 32);
        if (tokens)
            tokens[launch.columns[TOP_K_TOKENS] + place] = is_there ? (int)id : -1;
        if (token_logits)
            token_logits[launch.columns[TOP_K_LOGITS] + place] = is_there ? load_values(row, id).s0 : 0.0f;
        if (probabilities) {
            float probability = probabilities_of(logits_of((words)(key)), c.scaling, c.normaliser).s0;
            if (p.flags & ROW_GREEDY)
                probability = i == 0 ? 1.0f : 0.0f;
            probabilities[launch.columns[TOP_K_PROBABILITIES] + place] = is_there ? probability : 0.0f;
        }
    }
}

/* Where the device has memory of the host's that a buffer was made over: for the host to compare. */
kernel void address_of(global const uchar *memory, global ulong *address)
{
    *address = (ulong)memory;
}
