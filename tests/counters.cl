/* The draw of the sample kernel, one row for each work-group, with what it costs: built with COUNTERS=1. */
#include "row.clh"

/* What all rows have in common. */
struct counted {
    u32 vocabulary;
    u32 mask_words; /* of a row's mask; 0: no row has one */
    u32 wants_kept, wants_last;
};

struct counted_draw {
    int status;
    u32 token, kept, last_key;
};

/* The row's group has maxima and facts of its own, one entry for each block, padded as tombola.cl does. */
ROW_KERNEL void counted_draw(global const struct counted *counted, global const stored *logits,
                             global const struct row_params *params, global const u32 *masks,
                             global const struct adjustment *adjustments, global u32 *maxima, global u64 *facts,
                             global struct counted_draw *draws, global u32 *counters)
{
    WORKSPACE(ws);
    uint index = (uint)get_group_id(0);
    struct row_params p = params[index];
    uint padded = padded_blocks_of(counted->vocabulary);
    struct row row = row_of(logits + p.begin, counted->vocabulary, maxima + index * padded, facts + index * padded);
    row.mask = counted->mask_words && p.mask != NO_MASK ? masks + p.mask * counted->mask_words : 0;
    row.adjustments = adjustments;
    row.adjust_first = p.adjust_first;
    row.adjust_end = p.adjust_end;
    row.repeated_above = p.repeated_above;
    row.repeated_below = p.repeated_below;
    row.counters = ws->counters;
    for (uint i = group_item(); i < COUNTER_COUNT; i += GROUP)
        ws->counters[i] = 0;
    group_barrier(ws);
    struct span all = {0, row.blocks, PHASE_WEIGH | PHASE_FINISH};
    uint wanted = (counted->wants_kept ? 1u << SAMPLE_KEPT : 0u) | (counted->wants_last ? 1u << SAMPLE_BOUNDARY : 0u);
    struct samples one = {1, 0};
    struct drawn d = draw_row(ws, &row, &p, all, one, wanted);
    group_barrier(ws);
    for (uint i = group_item(); i < COUNTER_COUNT; i += GROUP) {
        u32 own = i == COUNTER_BARRIERS ? (GROUP > 1) * 2 : 0; /* barriers of this kernel, counted as well */
        counters[index * COUNTER_COUNT + i] = ws->counters[i] - own;
    }
    struct counted_draw draw = {d.status, ws->told[0].token, d.kept, d.last.key};
    if (group_item() == 0)
        draws[index] = draw;
}
