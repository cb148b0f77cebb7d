/* A kernel per stage that takes a row, so that each is tested alone on the device. Every work-group answers a query of
 * its own about the same row, and has maxima and facts of its own. */
#include "adaptive.clh"
#include "entropy.clh"

/* In the order of its members' sizes, as queries.h has it. */
struct query {
    u64 limit, seed, offset;
    u32 first_key, first_id, last_key, last_id; /* the window */
    u32 by_mass;                                /* the limit is a mass; else a number */
    u32 way;                                    /* a WAY_... */
    u32 stream;
    float scale, unscale;
    u32 vocabulary;
};

enum { WAY_SELECT, WAY_ANY, WAY_ALONE };

struct answer {
    u64 mass;           /* of the window */
    u32 count, counted; /* the window's tokens by facts, and by another look */
    u32 top;
    u32 last_key, last_id;
    u32 is_summed, is_declined; /* after a selection: whether facts are sums; whether it was not made */
    u32 block, token;
};

#define QUERY_ARGUMENTS                                                                                                \
    global const stored *logits, global const struct query *queries, global u32 *maxima, global u64 *facts,            \
        global struct answer *answers
#define THE_QUERY queries[get_group_id(0)]
#define THE_ROW row_of_query(logits, queries, maxima, facts)

static inline struct row row_of_query(global const stored *logits, global const struct query *queries,
                                      global u32 *maxima, global u64 *facts)
{
    size_t scratch = get_group_id(0) * padded_blocks_of(THE_QUERY.vocabulary);
    return row_of(logits, THE_QUERY.vocabulary, maxima + scratch, facts + scratch);
}

/* A standing whose facts are sums of the query's window. */
static inline struct standing standing_of(local struct workspace *ws, const struct row *row, struct query q)
{
    struct standing s;
    struct window w = {{q.first_key, q.first_id}, {q.last_key, q.last_id}};
    if (group_item() == 0)
        clear_behind(row);
    make_facts(ws, row, 0, row->blocks, q.scale, whole_window(), FACT_MAXIMA | FACT_SUMS);
    group_barrier(ws);
    s.top = highest_key_of_row(ws, row);
    s.scaling = scaling_of(s.top, q.scale);
    s.unscale = q.unscale;
    s.temperature = 1.0f;
    s.heat = 1.0f;
    s.window = w;
    s.listed = NOT_LISTED;
    s.known_number = 0;
    s.lowest = 0;
    make_facts(ws, row, 0, row->blocks, q.scale, w, FACT_SUMS);
    group_barrier(ws);
    s.is_summed = 1;
    return s;
}

ROW_KERNEL void measured(QUERY_ARGUMENTS)
{
    WORKSPACE(ws);
    struct query q = THE_QUERY;
    struct row row = THE_ROW;
    struct standing s = standing_of(ws, &row, q);
    struct total t = total_of_facts(ws, &row, s.scaling);
    u32 counted = count_window(ws, &row, s.window);
    struct rank last = end_of_window(ws, &row, s.window).last;
    struct answer a = {t.mass, t.count, counted, s.top, last.key, last.id, 1, 0, 0, 0};
    if (group_item() == 0)
        answers[get_group_id(0)] = a;
}

/* Maxima, and numbers or extended sums of all tokens, from one pass. */
ROW_KERNEL void numbered(QUERY_ARGUMENTS)
{
    WORKSPACE(ws);
    struct row row = THE_ROW;
    if (group_item() == 0)
        clear_behind(&row);
    u32 told =
        make_facts(ws, &row, 0, row.blocks, THE_QUERY.scale, whole_window(), FACT_MAXIMA | FACT_NUMBERS | FACT_TOLD);
    group_barrier(ws);
    struct scaling none = {1.0f, 0.0f, 0.0f};
    struct total t = {0, 0};
    WHEN (told == 0)
        t = total_of_facts(ws, &row, none);
    struct answer a = {0, told ? told : t.count, told, highest_key_of_row(ws, &row), 0, 0, 0, 0, 0, 0};
    if (group_item() == 0)
        answers[get_group_id(0)] = a;
}
ROW_KERNEL void extended(QUERY_ARGUMENTS)
{
    WORKSPACE(ws);
    struct row row = THE_ROW;
    if (group_item() == 0)
        clear_behind(&row);
    make_facts(ws, &row, 0, row.blocks, THE_QUERY.scale, whole_window(), FACT_MAXIMA | FACT_EXTENDED);
    group_barrier(ws);
    struct answer a = {0, 0, 0, highest_key_of_row(ws, &row), 0, 0, 0, 0, 0, 0};
    if (group_item() == 0)
        answers[get_group_id(0)] = a;
}

ROW_KERNEL void selected(QUERY_ARGUMENTS)
{
    WORKSPACE(ws);
    struct query q = THE_QUERY;
    struct row row = THE_ROW;
    struct standing s = standing_of(ws, &row, q);
    struct total t = total_of_facts(ws, &row, s.scaling);
    struct budget b = {q.limit, q.limit, (int)q.by_mass, t, s.window.last.key, 0};
    int is_declined = 0;
    if (q.way == WAY_ALONE)
        is_declined = !select_alone(ws, &row, &s, b);
    WHEN (q.way == WAY_SELECT)
        select(ws, &row, &s, b);
    WHEN (q.way == WAY_ANY)
        select_any(ws, &row, &s, b, first_interval(s, b));
    struct answer a = {t.mass,           t.count,          0, s.top, s.window.last.key, s.window.last.id,
                       (u32)s.is_summed, (u32)is_declined, 0, 0};
    if (group_item() == 0)
        answers[get_group_id(0)] = a;
}

/* The entropy of the window: in place of other numbers its mean depth (counted), its nats (top) and its depth (the last
 * rank). by_mass: the facts tell blocks that have none of its tokens. */
ROW_KERNEL void entropic(QUERY_ARGUMENTS)
{
    WORKSPACE(ws);
    struct query q = THE_QUERY;
    struct row row = THE_ROW;
    struct standing s = standing_of(ws, &row, q);
    s.is_summed = q.by_mass != 0;
    struct entropy e = entropy_of_window(ws, &row, s);
    struct answer a = {e.mass, e.count, e.mean_depth, as_uint(e.nats), (u32)e.depth, (u32)(e.depth >> 32), 0, 0, 0, 0};
    if (group_item() == 0)
        answers[get_group_id(0)] = a;
}

static inline struct row_params params_of(struct query q)
{
    struct row_params p;
    p.seed = q.seed;
    p.offset = q.offset;
    p.stream = q.stream;
    return p;
}

/* Both heats, with blocks weighed beforehand (by_mass) or as far as they may win. */
ROW_KERNEL void raced(QUERY_ARGUMENTS)
{
    WORKSPACE(ws);
    struct query q = THE_QUERY;
    struct row row = THE_ROW;
    struct standing s = standing_of(ws, &row, q);
    struct row_params p = params_of(q);
    s.is_summed = q.by_mass != 0;
    uint block = first_block(ws, &row, &p, s);
    uint token = first_token_of(ws, &row, &p, s, block);
    struct answer a = {0, 0, 0, s.top, 0, 0, 0, 0, block, token};
    if (group_item() == 0)
        answers[get_group_id(0)] = a;
}

ROW_KERNEL void located(QUERY_ARGUMENTS)
{
    WORKSPACE(ws);
    struct query q = THE_QUERY;
    struct row row = THE_ROW;
    struct standing s = standing_of(ws, &row, q);
    struct row_params p = params_of(q);
    uint token = locate(ws, &row, &p, s);
    struct answer a = {0, 0, 0, s.top, 0, 0, 0, 0, token / BLOCK, token};
    if (group_item() == 0)
        answers[get_group_id(0)] = a;
}
