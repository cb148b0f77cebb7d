/* The kernels: compositions of the stages. Each takes `parts` work-groups for every row and a
 * set of phases. In one launch with parts = 1 a group takes its row through all phases; in two
 * launches, many groups weigh a row's blocks, then the second launch does the rest. Which of
 * the two was used changes no token, nor any other result.
 *
 * logits      rows of `vocabulary` values each, `stride` elements apart
 * tops, sums  scratch, one entry per row and block
 * draws       one entry per row; softmax and top_k leave the status there */
#include "portable.h"
#include "row.h"
#include "sample.clh"

#define ROW_KERNEL kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))

static inline struct row row_at(global const stored *logits, ulong stride, uint vocabulary, global u32 *tops,
                                global u64 *sums, uint index)
{
    struct row row;
    row.vocabulary = vocabulary;
    row.blocks = (vocabulary + BLOCK - 1) / BLOCK;
    row.values = logits + (ulong)index * stride;
    row.tops = tops + (ulong)index * row.blocks;
    row.sums = sums + (ulong)index * row.blocks;
    return row;
}

/* This group's share of weighing a row that `parts` groups work on. */
static inline void weigh_part(local struct workspace *ws, struct row row, uint part, uint parts, enum weighing weighing,
                              float scale)
{
    uint share = (row.blocks + parts - 1) / parts;
    uint first = min(part * share, row.blocks);
    weigh_blocks(ws, row, first, min(first + share, row.blocks), weighing, scale);
    group_barrier();
}

ROW_KERNEL void sample(global const stored *logits, ulong stride, uint vocabulary,
                       global const struct row_params *params, global u32 *tops, global u64 *sums, uint parts,
                       uint phases, global struct row_draw *draws)
{
    local struct workspace ws;
    uint index = (uint)get_group_id(0) / parts;
    struct row row = row_at(logits, stride, vocabulary, tops, sums, index);
    struct row_params p = params[index];
    if (phases & PHASE_WEIGH)
        weigh_part(&ws, row, (uint)get_group_id(0) % parts, parts,
                   needs_all_weights(p, vocabulary) ? WEIGH_WEIGHTS : WEIGH_MAXIMA, p.scale);
    if (phases & PHASE_FINISH) {
        struct row_draw draw = sample_row(&ws, row, p);
        if (group_item() == 0)
            draws[index] = draw;
    }
}

/* The normaliser of a row, from sums of WEIGH_FINE, by integers alone. */
struct normaliser {
    float inverse;   /* times scaled_exp2 gives the probability */
    float logarithm; /* of the sum of 2^t */
};

static inline struct normaliser normalise(local struct workspace *ws, struct row row, struct scaling row_scaling)
{
    u64 total = 0;
    for (uint block = group_item(); block < row.blocks; block += GROUP)
        total += row.sums[block] >> shift_of(row_scaling, row.tops[block]);
    total = group_sum(ws, total);
    /* total = mantissa * 2^(32 - zeros), mantissa in [2^31, 2^32); it counts units of 2^-(27 + FINE_BITS) */
    int zeros = (int)clz(total);
    u64 mantissa = total << zeros >> 32;
    float inverse = (float)(((u64)1 << 63) / mantissa); /* 2^63 / mantissa, in (2^31, 2^32] */
    struct normaliser n;
    /* 1 / total * 2^13 = inverse * 2^(zeros - 63 - 32 + 13), the power made from its bits */
    n.inverse = inverse * as_float((u32)(127 + zeros - 82) << 23);
    float sum = (float)mantissa * as_float((u32)(127 + 32 - zeros - WEIGHT_BITS - FINE_BITS) << 23);
    n.logarithm = logarithm((floats)(sum)).s0;
    return n;
}

#define LN2 0x1.62e43p-1f

static inline floats probabilities_of(floats z, struct scaling s, struct normaliser n)
{
    floats t = exponents(z, s);
    floats p = floats_of(canonical(words_of(scaled_exp2(t) * n.inverse)));
    return t > -126.0f ? p : (floats)(0.0f);
}

static inline floats log_probabilities_of(floats z, struct scaling s, struct normaliser n)
{
    floats t = exponents(z, s);
    if (!is_near(s.whole)) /* z - top may overflow where the scaled logits do not */
        t = z - s.top > -INFINITY ? t : fused(z, (floats)(s.scale), (floats)(-(s.top * s.scale)));
    return fused(t, (floats)(LN2), (floats)(-n.logarithm));
}

ROW_KERNEL void softmax(global const stored *logits, ulong stride, uint vocabulary,
                        global const struct row_params *params, global u32 *tops, global u64 *sums, uint parts,
                        uint phases, global struct row_draw *draws, uint output_stride, uint logarithms,
                        global float *output)
{
    local struct workspace ws;
    uint index = (uint)get_group_id(0) / parts, part = (uint)get_group_id(0) % parts;
    struct row row = row_at(logits, stride, vocabulary, tops, sums, index);
    struct row_params p = params[index];
    output += (ulong)index * output_stride;
    if (phases & PHASE_WEIGH)
        weigh_part(&ws, row, part, parts, WEIGH_FINE, p.scale);
    if (!(phases & PHASE_FINISH))
        return;

    u32 top = row_top(&ws, row);
    struct scaling s = scaling_of(top, p.scale);
    int status = row_status(top, s, p.flags);
    struct normaliser n = {0, 0};
    uint only = NOWHERE; /* the token that has it all, if one does */
    if (status == ROW_OK && (p.flags & ROW_GREEDY))
        only = first_in_rank(&ws, row, top);
    else if (status == ROW_OK)
        n = normalise(&ws, row, s);
    if (group_item() == 0 && part == 0) {
        struct row_draw draw = {-1, status, 0, 0};
        draws[index] = draw;
    }

    uint share = (row.blocks + parts - 1) / parts * BLOCK;
    uint last = min(part * share + share, vocabulary);
    for (uint first = part * share + group_item() * WIDTH; first < last; first += GROUP * WIDTH) {
        floats x = logarithms ? (floats)(-INFINITY) : (floats)(0.0f);
        if (only != NOWHERE) {
            x = ids_from(first) == only ? (floats)(logarithms ? 0.0f : 1.0f) : x;
        } else if (status == ROW_OK) {
            floats z = logits_of_values(load_values(row, first));
            x = logarithms ? log_probabilities_of(z, s, n) : probabilities_of(z, s, n);
        }
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

ROW_KERNEL void top_k(global const stored *logits, ulong stride, uint vocabulary,
                      global const struct row_params *params, global u32 *tops, global u64 *sums, uint parts,
                      uint phases, global struct row_draw *draws, uint k, global struct row_candidate *candidates)
{
    local struct workspace ws;
    local u64 places[MAX_TOP_K]; /* rank order as one number: key upside down, then id */
    uint index = (uint)get_group_id(0) / parts;
    struct row row = row_at(logits, stride, vocabulary, tops, sums, index);
    struct row_params p = params[index];
    if (phases & PHASE_WEIGH)
        weigh_part(&ws, row, (uint)get_group_id(0) % parts, parts, WEIGH_FINE, p.scale);
    if (!(phases & PHASE_FINISH))
        return;

    u32 top = row_top(&ws, row);
    struct scaling s = scaling_of(top, p.scale);
    int status = row_status(top, s, p.flags);
    uint size = 1;
    while (size < k)
        size *= 2;
    for (uint i = group_item(); i < size; i += GROUP)
        places[i] = ~(u64)0;
    if (group_item() == 0) {
        struct row_draw draw = {-1, status, 0, 0};
        draws[index] = draw;
        ws.count = 0;
    }
    group_barrier();
    struct normaliser n = {0, 0};
    if (status == ROW_OK) {
        n = normalise(&ws, row, s); /* first: the search overwrites the sums */
        struct quota number = {k, 0, s};
        struct threshold threshold = {KEY_FIRST, ID_LAST};
        threshold = truncate_to(&ws, row, top, number, threshold);
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
                        places[atomic_inc(&ws.count)] = (u64)~all[i] << 32 | (first + i);
            }
        }
        sort_places(places, size);
    }
    for (uint i = group_item(); i < k; i += GROUP) {
        struct row_candidate candidate = {-1, 0.0f, 0.0f};
        if (places[i] != ~(u64)0) {
            u32 key = ~(u32)(places[i] >> 32);
            candidate.token = (int)(u32)places[i];
            candidate.logit = as_float(key_bits((words)(key)).s0);
            candidate.probability =
                (p.flags & ROW_GREEDY) ? (i == 0 ? 1.0f : 0.0f) : probabilities_of(logits_of((words)(key)), s, n).s0;
        }
        candidates[(ulong)index * k + i] = candidate;
    }
}
