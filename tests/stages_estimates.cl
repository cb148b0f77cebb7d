/* The mass of rows from estimates, beside the same from sums: a row for each work-item, with a mask and adjustments of
 * its own. */
#include "adaptive.clh"

struct estimated_row {
    float scale;
    u32 vocabulary;
    u32 is_masked;
    u32 adjust_first, adjust_end;
};

struct estimated_mass {
    u64 low, high, exact;
    u32 is_there, is_told; /* whether there are estimates, and whether they tell the mass */
    int status;
    u32 reserved;
};

ROW_KERNEL void estimated(global const stored *logits, global const struct estimated_row *rows, global const u32 *masks,
                          global const struct adjustment *adjustments, global u32 *maxima, global u64 *facts,
                          global struct estimated_mass *masses)
{
    WORKSPACE(ws);
    uint index = (uint)get_group_id(0);
    struct estimated_row r = rows[index];
    uint padded = padded_blocks_of(r.vocabulary);
    struct row row =
        row_of(logits + index * r.vocabulary, r.vocabulary, maxima + index * padded, facts + index * padded);
    row.mask = r.is_masked ? masks + index * ((r.vocabulary + 31) / 32) : 0;
    row.adjustments = adjustments;
    row.adjust_first = r.adjust_first;
    row.adjust_end = r.adjust_end;
    clear_behind(&row);
    u32 is_there = make_facts(ws, &row, 0, row.blocks, r.scale, whole_window(), FACT_MAXIMA | FACT_ESTIMATES);
    struct scaling s = scaling_of(highest_key_of_row(ws, &row), r.scale);
    struct estimated_mass m = {0, 0, 0, is_there, 0, row_status(key_of(s.top), r.scale, 0), 0};
    if (m.status == ROW_OK) {
        struct extent extent = {0, 0};
        if (is_there)
            m.is_told = (u32)mass_of_estimates(&row, s, &extent);
        m.low = extent.low;
        m.high = extent.high;
        make_facts(ws, &row, 0, row.blocks, r.scale, whole_window(), FACT_MAXIMA | FACT_SUMS);
        m.exact = total_of_facts(ws, &row, s).mass;
    }
    masses[index] = m;
}
