/* The kernel of shards: a launch for each round. It goes on with the answer that all shards have given together, and
 * tells of its own columns what is asked for next.
 *
 * Arguments are those of other kernels (tombola.cl), for columns that begin with block launch.first_block of rows of
 * launch.whole tokens; masks and adjustments are those of the columns, and so is the scratch, which stays the row's
 * from round to round. And
 * quests    where each row of the batch stands, SHARD_STATE_BYTES each
 * answers   launch.stride words for each row of the batch: what was merged, and last the second words of the samples'
 *           pairs and the mass that the shards before this one have told of; NULL in the first round
 * messages  likewise: a head, and what it says
 * score_tokens  ids to score, of all rows; NULL if there are none
 * launch.finds are the columns that are wanted. */
#define SHARDS 1
#include "arguments.clh"
#include "shard_steps.clh"
#include "shard_tell.clh"
#include "report_kernel.clh"

/* Steps in which a group looks at what all shards have told. */
static inline void take_hundred(local struct workspace *ws, const struct row *whole, const struct row_params *p,
                                struct quest *q, const struct listing *l)
{
    for (uint i = group_item(); i < HUNDRED_SORTED; i += GROUP)
        ws->cost[i] = i < HUNDRED ? l->tokens[i] : NO_TOKEN;
    if (l->tokens[HUNDRED - 1] != NO_TOKEN)
        cut_at(q, l->tokens[HUNDRED - 1]);
    group_barrier(ws);
    WHEN (q->cut.kind == CUT_ENTROPY)
        select_entropy(ws, whole, &q->s, q->cut.share);
    u32 number = NOWHERE;
    if (q->cut.kind == CUT_ZIPF)
        number = number_by_zipf(ws->cost, whole->vocabulary, q->s.scaling.scale, q->cut.surprise);
    u64 last = number < HUNDRED ? ws->cost[number - 1] : NO_TOKEN;
    if (q->cut.kind == CUT_ZIPF && last == NO_TOKEN) {
        restore(&q->s, q->before);
        begin_number(whole, p, q, number, l);
        return;
    }
    if (q->cut.kind == CUT_ZIPF)
        cut_at(q, last);
    end_filter(p, q, l);
}

static inline void take_cliff(local struct workspace *ws, const struct row *whole, const struct row_params *p,
                              struct quest *q, global const u64 *bins, const struct listing *l)
{
    for (uint bin = group_item(); bin < BINS; bin += GROUP) {
        ws->sums[bin].low = (u32)bins[bin];
        ws->maxima[bin] = (u32)bins[SHARD_WIDE + bin];
        ws->sums[bin].high = (u32)bins[2 * SHARD_WIDE + bin];
    }
    group_barrier(ws);
    struct rank first = {0, 0};
    int is_left = see_bins(ws, &q->cliff, &q->rest, q->end.last.key);
    first.key = q->rest.key;
    if (is_left)
        ask(q, STEP_CHUNK, SHARD_LIST, cut_before(q->s.window, first), q->chunk);
    else
        end_cliff(whole, p, q, l);
}

ROW_KERNEL void shard(ROW_ARGUMENTS, global uchar *quests, global const u64 *answers, global u64 *messages,
                      global const int *score_tokens)
{
    WORKSPACE(ws);
    local u64 ranks_memory[MAX_TOP_K];
    POINT_TO(u64, ranks, ranks_memory);
    uint index = launch.first_row + group_row(launch);
    struct row_params p = params[index];
    struct row row = THE_ROW;
    ulong scratch = (ulong)launch.first_row * row.padded_blocks;
    row.maxima += scratch;
    row.facts += scratch;
    struct row whole = row;
    whole.vocabulary = launch.whole;
    (void)status;
    global struct quest *kept = (global struct quest *)(quests + (ulong)index * SHARD_STATE_BYTES);
    global const u64 *answer = answers + (ulong)index * launch.stride + 1;
    global u64 *message = messages + (ulong)index * launch.stride;
    global const u64 *before = answer + launch.stride - 2, *tokens = before - launch.samples;
    struct row view = row;
    struct reshape reshape;
    struct teller t = {ws, ranks, &view, &p, message + 1, score_tokens};
    struct quest q;
    WHEN (!answers) {
        q.wanted = launch.finds;
        q.samples = launch.samples;
        q.candidates = launch.candidates;
        begin_quest(&t, &q, &whole);
    }
    WHEN (answers != 0) {
        q = *kept;
        struct listing listing = listing_of(&q, answer);
        int is_hundred = q.step == STEP_HUNDRED, is_cliff = q.step == STEP_CLIFF;
        WHEN (is_hundred)
            take_hundred(ws, &whole, &p, &q, &listing);
        WHEN (is_cliff)
            take_cliff(ws, &whole, &p, &q, answer, &listing);
        if (!(is_hundred || is_cliff) || q.kind == SHARD_NOTHING)
            go_on(&whole, &p, &q, answer, &listing);
        view_row(&q, &p, &view, &reshape);
        group_barrier(ws);
        WHEN (q.kind == SHARD_RACE || q.kind == SHARD_MEASURES)
            sum_listed(&t, &q, &listing);
        tell_quest(&t, &q, &whole, &row, *before, answer, tokens);
    }
    group_barrier(ws);
    if (group_item() == 0) {
        *kept = q;
        message[0] = shard_head(q.kind, q.is_last, q.pairs, q.list);
    }
}

/* The last launch of a call, where more is wanted than hosts know by then: what messages hold of candidates, and the
 * findings of each row for the report kernel, behind which lie those of all rows before their filters. Before the
 * tokens in an answer are the candidates that shards have listed together. */
ROW_KERNEL void shard_last(ROW_ARGUMENTS, global const uchar *quests, global const u64 *answers, global u64 *messages,
                           global struct finding *findings)
{
    WORKSPACE(ws);
    uint index = launch.first_row + group_row(launch);
    struct row_params p = params[index];
    struct row row = THE_ROW;
    struct quest q = *(global const struct quest *)(quests + (ulong)index * SHARD_STATE_BYTES);
    global const u64 *answer = answers + (ulong)index * launch.stride + 1;
    global const u64 *tokens = answer + launch.stride - 2 - launch.samples, *listed = tokens - 2 * launch.candidates;
    int is_greedy = (p.flags & ROW_GREEDY) != 0;
    (void)status;
    if (q.step == STEP_START)
        q.found.status = status_of_state(answer[START_STATE]);
    if (q.step == STEP_ROW)
        q.found.row = take_row(&p, q.top, answer);
    struct window left = window_left(&q, is_greedy, tokens[0]);
    struct finding f = finding_of(&q, &row, &p, left, q.found.kept);
    struct finding all = finding_of(&q, &row, &p, is_greedy ? left : whole_window(), q.found.row);
    f.is_adaptive = q.found.is_adaptive;
    row.has_other_maxima = 1; /* whatever was asked last */
    WHEN ((launch.finds & FIND_NUMBER) && f.status == ROW_OK)
        f.number = count_window(ws, &row, window_here(&row, left));
    WHEN (launch.candidates > 0 && f.status == ROW_OK)
        tell_candidates(&q, &p, left, listed, messages + (ulong)index * launch.stride + 1, launch.candidates);
    if (group_item() == 0) {
        findings[index] = f;
        findings[launch.columns[SHARD_LAST_FINDINGS] + index] = all;
    }
}
