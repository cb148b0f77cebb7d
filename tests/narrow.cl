/* What is made of 16-bit values as they are stored. */
#include "facts_alone.clh"

/* No row here is reshaped. */
static floats reshaped(const struct row *row, uint first, floats values)
{
    (void)row, (void)first;
    return values;
}

/* The bits of all values widened: as rows are loaded, and as single values are. They begin with the second, as a row's
 * values need not be aligned. */
ROW_KERNEL void widened(global const stored *values, global uint *loaded, global uint *computed)
{
    struct row row = row_of(values + 1, 65536, 0, 0);
    uint first = (uint)get_group_id(0) * BLOCK;
    for (uint i = group_item() * WIDTH; i < BLOCK; i += GROUP * WIDTH) {
        JOIN(vstore, WIDTH)(words_of(load_whole(&row, first + i)), 0, loaded + first + i);
        JOIN(vstore, WIDTH)(words_of(widen(load_stored(&row, first + i))), 0, computed + first + i);
    }
}

/* The largest keys of blocks, each by itself, and whether it shows -inf; and of all blocks at once, and whether that
 * shows NaN. */
ROW_KERNEL void looked_at(global const stored *values, global const uint *blocks, global uint *tops,
                          global uint *has_masked, global uint *maxima, global uint *has_nan)
{
    WORKSPACE(ws);
    struct row row = row_of(values, *blocks * BLOCK, maxima, 0);
    for (uint block = team_of(&row); block < *blocks; block += TEAMS) {
        float lowest_sum;
        atomic_max(&tops[block], lane_top(&row, block_of(&row, block), &lowest_sum));
        if (lowest_sum == -INFINITY)
            has_masked[block] = 1;
    }
    if (GROUP == 1) {
        float sum;
        find_maxima(ws, &row, 0, 0, &sum);
        *has_nan = isnan(sum);
    }
}

/* How values are compared with each of these. */
ROW_KERNEL void limited(global const float *values, global const uint *count, global uint *turns, global uint *least)
{
    for (uint i = (uint)get_global_id(0); i < *count; i += (uint)get_global_size(0)) {
        struct limit l;
        set_limit(&l, values[i]);
        turns[i] = l.turn;
        least[i] = l.below + 1u;
    }
}
