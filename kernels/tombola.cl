/* The kernels: compositions of the stages. Each takes `parts` work-groups for every row and a
 * set of phases. In one launch with parts = 1 a group takes its row through all phases; in two
 * launches, many groups weigh a row's blocks, then the second launch does the rest. Which of
 * the two was used changes no token, nor any other result.
 *
 * logits       a row's `vocabulary` values begin at its params' place
 * first_row    of the batch: a launch may cover only some of its rows
 * tops, sums   scratch, one entry per row and block, rows padded to whole vectors
 * draws        one struct row_draw per row from draws_place on, which counts in words: the buffer may be the
 *              caller's. softmax and top_k leave the status there */
#include "portable.h"
#include "row.h"
#include "passes.clh"

#define ROW_KERNEL kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))

static inline struct row row_at(global const stored *logits, ulong place, uint vocabulary, global u32 *tops,
                                global u64 *sums, uint index)
{
    struct row row;
    row.vocabulary = vocabulary;
    row.blocks = (vocabulary + BLOCK - 1) / BLOCK;
    row.slots = (row.blocks + WIDTH - 1) / WIDTH * WIDTH;
    row.values = logits + place;
    row.tops = tops + (ulong)index * row.slots;
    row.sums = sums + (ulong)index * row.slots;
    return row;
}

static inline global struct row_draw *draw_at(global u32 *draws, ulong place, uint index)
{
    return (global struct row_draw *)(draws + place) + index;
}

/* Takes the group's row through its passes. */
static inline struct course run_row(local struct workspace *ws, struct row row, struct row_params p, enum goal goal,
                                    uint part, uint parts, uint phases)
{
    uint share = (row.blocks + parts - 1) / parts;
    uint first = min(part * share, row.blocks);
    uint last = min(first + share, row.blocks);
    return run_passes(ws, row, p, course_of(goal, p, row.vocabulary, phases), phases, first, last);
}

ROW_KERNEL void sample(global const stored *logits, uint first_row, uint vocabulary,
                       global const struct row_params *params, global u32 *tops, global u64 *sums, uint parts,
                       uint phases, global u32 *draws, ulong draws_place)
{
    local struct workspace ws;
    uint index = first_row + (uint)get_group_id(0) / parts, part = (uint)get_group_id(0) % parts;
    struct row_params p = params[index];
    struct row row = row_at(logits, p.place, vocabulary, tops, sums, index);
    struct course c = run_row(&ws, row, p, GOAL_TOKEN, part, parts, phases);
    if ((phases & PHASE_FINISH) && group_item() == 0) {
        struct row_draw draw = {(int)c.token, c.status, c.kept, 0};
        *draw_at(draws, draws_place, index) = draw;
    }
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

ROW_KERNEL void softmax(global const stored *logits, uint first_row, uint vocabulary,
                        global const struct row_params *params, global u32 *tops, global u64 *sums, uint parts,
                        uint phases, global u32 *draws, ulong draws_place, uint output_stride, uint logarithms,
                        global float *output)
{
    local struct workspace ws;
    uint index = first_row + (uint)get_group_id(0) / parts, part = (uint)get_group_id(0) % parts;
    struct row_params p = params[index];
    struct row row = row_at(logits, p.place, vocabulary, tops, sums, index);
    struct course c = run_row(&ws, row, p, GOAL_PROBABILITIES, part, parts, phases);
    if (!(phases & PHASE_FINISH))
        return;
    if (group_item() == 0 && part == 0) {
        struct row_draw draw = {-1, c.status, 0, 0};
        *draw_at(draws, draws_place, index) = draw;
    }
    output += (ulong)index * output_stride;
    uint share = (row.blocks + parts - 1) / parts * BLOCK;
    uint last = min(part * share + share, vocabulary);
    for (uint first = part * share + group_item() * WIDTH; first < last; first += GROUP * WIDTH) {
        floats x = softmax_at(row, first, c, logarithms);
        if (first + WIDTH <= vocabulary) {
            JOIN(vstore, WIDTH)(x, 0, output + first);
        } else {
            float tail[WIDTH];
            JOIN(vstore, WIDTH)(x, 0, tail);
            for (uint i = first; i < vocabulary; i++)
                output[i] = tail[i - first];
        }
    }
}

/* Sorts places[0..size) upwards, size a power of two: a bitonic network. */
static inline void sort_places(local u64 *places, uint size)
{
    for (uint run = 2; run <= size; run *= 2) {
        for (uint step = run / 2; step > 0; step /= 2) {
            group_barrier();
            for (uint i = group_item(); i < size / 2; i += GROUP) {
                uint a = i / step * step * 2 + i % step, b = a + step;
                u64 x = places[a], y = places[b];
                if ((x > y) == ((a & run) == 0)) {
                    places[a] = y;
                    places[b] = x;
                }
            }
        }
    }
    group_barrier();
}

/* Gathers the tokens that the threshold keeps, in no order, as numbers that sort in rank order: the
 * key upside down, then the id. */
static inline void gather(local struct workspace *ws, local u64 *places, struct row row, struct threshold threshold)
{
    for (uint block = group_team(); block < row.blocks; block += TEAMS) {
        if (row.tops[block] < threshold.key)
            continue;
        for (uint round = 0; round < ROUNDS; round++) {
            uint first = lane_first(block, round);
            words keys = keys_of(load_values(row, first));
            flags hit = is_kept(keys, ids_from(first), threshold);
            if (!any_flag(hit))
                continue;
            u32 hits[WIDTH], all[WIDTH];
            JOIN(vstore, WIDTH)(words_of(hit), 0, hits);
            JOIN(vstore, WIDTH)(keys, 0, all);
            for (uint i = 0; i < WIDTH; i++)
                if (hits[i])
                    places[atomic_inc(&ws->count)] = (u64)~all[i] << 32 | (first + i);
        }
    }
}

#define NO_TOKEN (~(u64)0) /* sorts behind all tokens */

ROW_KERNEL void top_k(global const stored *logits, uint first_row, uint vocabulary,
                      global const struct row_params *params, global u32 *tops, global u64 *sums, uint parts,
                      uint phases, global u32 *draws, ulong draws_place, uint k,
                      global struct row_candidate *candidates)
{
    local struct workspace ws;
    local u64 places[MAX_TOP_K];
    uint index = first_row + (uint)get_group_id(0) / parts, part = (uint)get_group_id(0) % parts;
    struct row_params p = params[index];
    struct row row = row_at(logits, p.place, vocabulary, tops, sums, index);
    p.top_k = k;
    struct course c = run_row(&ws, row, p, GOAL_CANDIDATES, part, parts, phases);
    if (!(phases & PHASE_FINISH))
        return;

    uint size = 1;
    while (size < k)
        size *= 2;
    for (uint i = group_item(); i < size; i += GROUP)
        places[i] = NO_TOKEN;
    if (group_item() == 0) {
        struct row_draw draw = {-1, c.status, 0, 0};
        *draw_at(draws, draws_place, index) = draw;
        ws.count = 0;
    }
    group_barrier();
    if (c.status == ROW_OK)
        gather(&ws, places, row, c.threshold);
    sort_places(places, size);
    for (uint i = group_item(); i < k; i += GROUP) {
        struct row_candidate candidate = {-1, 0.0f, 0.0f};
        if (places[i] != NO_TOKEN) {
            u32 key = ~(u32)(places[i] >> 32);
            candidate.token = (int)(u32)places[i];
            candidate.logit = load_values(row, (u32)places[i]).s0;
            candidate.probability = p.flags & ROW_GREEDY
                                        ? (i == 0 ? 1.0f : 0.0f)
                                        : probabilities_of(logits_of((words)(key)), c.scaling, c.normaliser).s0;
        }
        candidates[(ulong)index * k + i] = candidate;
    }
}
