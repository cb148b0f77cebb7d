/* The kernels: compositions of the stages. Each takes `groups` work-groups for every row and a
 * set of phases. In one launch with groups = 1 a group takes its row through all phases; in two
 * launches, many groups weigh a row's blocks, then the second launch does the rest. Which of
 * the two was used changes no token, nor any other result.
 *
 * logits       a row's `vocabulary` values begin at its params' place
 * params       one for each row of the batch
 * masks        of the batch, launch.mask_stride words each; NULL if there are none
 * adjustments  of the batch; NULL if there are none
 * maxima, facts   scratch, one entry per row of the launch and block, rows padded to whole vectors
 * launch       see row.h
 * status       a ROW_... for each row
 * and columns of the kernel's own. The columns' buffers may be the caller's, and any may be NULL.
 *
 * The report kernel, and top_k where log-probabilities are wanted, follow the sample kernel, which leaves a struct
 * finding of each row of the batch for them. */
#include "arguments.clh"
#include "report_kernel.clh"

#define COLUMN_ARGUMENT(NAME, field, type, entries) , global type *field
#define COLUMN_WANTED(NAME, field, type, entries) | (field ? 1u << SAMPLE_##NAME : 0u)
/* Writes an element of a column, where that is wanted: of a row with a token, or else of one without. */
#define WRITE_AT(at, NAME, field, drawn, none)                                                                         \
    if (field)                                                                                                         \
    field[launch.columns[SAMPLE_##NAME] + (at)] = is_drawn ? (drawn) : (none)
#define WRITE(NAME, field, drawn, none) WRITE_AT(index, NAME, field, drawn, none)
#define WRITE_SAMPLE(NAME, field, drawn, none) WRITE_AT(index *(ulong)launch.samples + i, NAME, field, drawn, none)

/* The samples that go by the row's filters come first; what is told of the row is of the first of them. If others go by
 * other filters, they are drawn as if they were a row's own. */
ROW_KERNEL void sample(ROW_ARGUMENTS SAMPLE_COLUMNS_OF(COLUMN_ARGUMENT), global struct finding *findings)
{
    WORKSPACE(ws);
    uint index = group_row(launch);
    struct row_params p = params[launch.first_row + index];
    struct row row = THE_ROW;
    struct span span = span_of(&row, launch);
    struct samples samples = {launch.samples, 0};
    uint wanted = launch.finds SAMPLE_COLUMNS_OF(COLUMN_WANTED), turns = 1;
    for (uint i = 0; i < MAX_SAMPLES / 32; i++)
        turns = is_writing_group(launch) && p.others[i] ? 2 : turns;
    for (uint turn = 0; turn < turns; turn++) {
        samples.are_others = turn > 0;
        if (samples.are_others) {
            for (uint i = 0; i < MAX_FILTERS; i++)
                p.filters[i] = p.other_filters[i];
            span.first = 0;
            span.last = row.blocks;
            span.phases = PHASE_WEIGH | PHASE_FINISH;
            wanted &= WANTED_OF_SAMPLES;
        }
        WHEN (turn > 0)
            group_barrier(ws);
        struct drawn d = draw_row(ws, &row, &p, span, samples, wanted);
        int is_drawn = d.status == ROW_OK;
        struct boundary last = {value_of(d.last.key), (int)d.last.id}, no_last = {-INFINITY, -1};
        for (uint i = group_item(); is_writing_group(launch) && i < samples.count; i += GROUP) {
            if (!is_among(samples, &p, i))
                continue;
            struct told told = ws->told[i];
            WRITE_SAMPLE(TOKENS, tokens, (int)told.token, -1);
            WRITE_SAMPLE(LOGPROBS, logprobs, told.logprob, -INFINITY);
            WRITE_SAMPLE(RAW_LOGPROBS, raw_logprobs, told.raw_logprob, -INFINITY);
            WRITE_SAMPLE(RANKS, ranks, told.rank, 0);
            WRITE_SAMPLE(MARGINS, margins, told.margin, 0.0f);
            WRITE_SAMPLE(OBSERVED, observed, told.observed, -INFINITY);
        }
        if (!is_writer(launch) || samples.are_others)
            continue;
        if (status)
            status[launch.status + index] = d.status;
        WRITE(KEPT, kept, d.kept, 0);
        WRITE(BOUNDARY, boundary, last, no_last);
        WRITE(ENTROPIES, entropies, d.entropy, 0.0f);
        d.finding.status = (u32)d.status;
        d.finding.number = is_drawn ? d.kept : 0;
        if (findings)
            findings[launch.first_row + index] = d.finding;
    }
}

/* The softmax of WIDTH tokens of a row. The `first_token` of a greedy row takes all. */
static inline floats softmax_at(const struct row *row, uint first, struct normalised n, int is_greedy, uint first_token,
                                uint logarithms)
{
    if (n.status != ROW_OK)
        return logarithms ? (floats)(-INFINITY) : (floats)(0.0f);
    if (is_greedy) {
        flags only = ids_from(first) == first_token;
        return logarithms ? (only ? (floats)(0.0f) : (floats)(-INFINITY)) : (only ? (floats)(1.0f) : (floats)(0.0f));
    }
    struct block b = block_of(row, first / BLOCK);
    floats z = logits_of(keys_of(load_values(row, b, first)));
    return logarithms ? log_probabilities_of(z, n.standing.scaling, n.normaliser)
                      : probabilities_of(z, n.standing.scaling, n.normaliser);
}

ROW_KERNEL void softmax(ROW_ARGUMENTS, global float *probabilities)
{
    WORKSPACE(ws);
    uint index = group_row(launch);
    struct row_params p = params[launch.first_row + index];
    struct row row = THE_ROW;
    struct span span = span_of(&row, launch);
    struct normalised n = normalise_row(ws, &row, &p, span);
    int is_greedy = (p.flags & ROW_GREEDY) != 0;
    uint first_token = 0;
    WHEN (n.status == ROW_OK && is_greedy)
        first_token = first_of_row(ws, &row, n.standing.top);
    if (!(launch.phases & PHASE_FINISH))
        return;
    if (is_writer(launch) && status)
        status[launch.status + index] = n.status;
    global float *output = probabilities + launch.columns[SOFTMAX_PROBABILITIES] + index * launch.stride;
    uint last = min(span.last * BLOCK, row.vocabulary);
    for (uint first = span.first * BLOCK + group_item() * WIDTH; first < last; first += GROUP * WIDTH) {
        floats x = softmax_at(&row, first, n, is_greedy, first_token, launch.logarithms);
        store_values(&row, output, first, x);
    }
}

ROW_KERNEL void top_k(ROW_ARGUMENTS, global int *tokens, global float *token_logits, global float *probabilities,
                      global float *logprobs, global float *raw_logprobs, global const struct finding *findings)
{
    WORKSPACE(ws);
    local u64 ranks_memory[MAX_TOP_K];
    POINT_TO(u64, ranks, ranks_memory);
    uint index = group_row(launch), k = (uint)launch.stride;
    struct row_params p = params[launch.first_row + index];
    struct row row = THE_ROW;
    struct normalised n = normalise_row(ws, &row, &p, span_of(&row, launch));
    struct standing *s = &n.standing;
    int is_finishing = (launch.phases & PHASE_FINISH) != 0, is_good = n.status == ROW_OK;
    WHEN (is_good && k < row.vocabulary)
        select(ws, &row, s, within_number(k).budget);

    uint size = 1;
    while (size < k)
        size *= 2;
    WHEN (is_finishing)
        sort_window(ws, ranks, size, &row, s->window, is_good);
    if (!is_finishing)
        return;
    if (is_writer(launch) && status)
        status[launch.status + index] = n.status;
    struct finding f = {0};
    if (logprobs || raw_logprobs)
        f = findings[launch.first_row + index];
    struct reshape reshape = reshape_found(f);
    struct row drawn_from = row;
    drawn_from.reshape = f.is_adaptive ? &reshape : 0;
    for (uint i = group_item(); i < k; i += GROUP) {
        u64 at = (u64)index * k + i;
        int is_there = ranks[i] != NO_TOKEN;
        u32 id = is_there ? (u32)ranks[i] : 0, key = ~(u32)(ranks[i] >> 32);
        if (tokens)
            tokens[launch.columns[TOP_K_TOKENS] + at] = is_there ? (int)id : -1;
        if (token_logits)
            token_logits[launch.columns[TOP_K_LOGITS] + at] = is_there ? effective_value(&row, id) : 0.0f;
        if (probabilities) {
            float probability = first_float(probabilities_of(logits_of((words)(key)), s->scaling, n.normaliser));
            if (p.flags & ROW_GREEDY)
                probability = i == 0 ? 1.0f : 0.0f;
            probabilities[launch.columns[TOP_K_PROBABILITIES] + at] = is_there ? probability : 0.0f;
        }
        if (logprobs)
            logprobs[launch.columns[TOP_K_LOGPROBS] + at] = is_there ? score_of(&row, &drawn_from, f, id) : -INFINITY;
        if (raw_logprobs)
            raw_logprobs[launch.columns[TOP_K_RAW_LOGPROBS] + at] = is_there ? raw_score_of(&row, f, id) : -INFINITY;
    }
}

/* Where the device has memory of the host's that a buffer was made over: for the host to compare. */
kernel void address_of(global const uchar *memory, global ulong *address)
{
    *address = (ulong)memory;
}
