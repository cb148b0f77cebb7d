/* A kernel per thing that the work-items of a group do together. Every work-group has numbers of its own. */
#include "group.clh"

/* Of the work-items' numbers: the sum, the highest and the lowest upper half, and the lowest number. Of the first and
 * then of the second number of each work-item, so that the second reduction meets what the first has left. */
ROW_KERNEL void reduced(global const ulong *numbers, global ulong *results)
{
    WORKSPACE(ws);
    uint group = (uint)get_group_id(0);
    for (uint n = 0; n < 2; n++) {
        u64 mine = numbers[(group * GROUP + group_item()) * 2 + n];
        u64 sum = group_sum(ws, mine);
        u32 highest = group_highest(ws, (u32)(mine >> 32)), lowest = group_lowest(ws, (u32)(mine >> 32));
        u64 lowest_long = group_lowest_long(ws, mine);
        global ulong *mine_of_results = results + ((group * GROUP + group_item()) * 2 + n) * 4;
        mine_of_results[0] = sum;
        mine_of_results[1] = highest;
        mine_of_results[2] = lowest;
        mine_of_results[3] = lowest_long;
    }
}

/* Adds up costs, `count` pairs of a bin and a cost for each group, and searches for a target: gives the bin found and
 * the sum before it. Twice, so that the second histogram must be cleared of the first. */
ROW_KERNEL void searched(global const ulong *pairs, global const ulong *targets, global const uint *count,
                         global ulong *results)
{
    WORKSPACE(ws);
    uint group = (uint)get_group_id(0);
    for (uint n = 0; n < 2; n++) {
        global const ulong *own = pairs + (group * 2 + n) * *count * 2;
        histogram_clear(ws);
        group_barrier(ws);
        for (uint i = group_item(); i < *count; i += GROUP)
            histogram_add(ws, (uint)own[2 * i], own[2 * i + 1]);
        group_barrier(ws);
        histogram_close(ws);
        group_barrier(ws);
        histogram_search(ws, targets[group * 2 + n]);
        group_barrier(ws);
        if (group_item() == 0) {
            results[(group * 2 + n) * 2] = ws->found;
            results[(group * 2 + n) * 2 + 1] = ws->before;
        }
        group_barrier(ws);
    }
}
