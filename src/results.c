#include "results.h"

#include "columns.h"
#include "context.h"
#include "error.h"
#include "outputs.h"

#include <string.h>

static struct place column_place(const struct batch *b, int column)
{
    return member_place(&b->results, column_member(column));
}

static struct place candidate_place(const struct batch *b, int column)
{
    return member_place(&b->results, candidate_member(column));
}

/* -------------------------------------------------------------- preparation */

static size_t least_rows(const struct batch *b)
{
    return (b->rows.count + MAX_PARTS - 1) / MAX_PARTS;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Candidates that go to host memory lie column by column: how many columns there are before this one. */
static size_t candidate_slot(const struct batch *b, int column)
{
    size_t slot = 0;
    for (int before = 0; before < column; before++)
        slot += candidate_place(b, before).host != NULL;
    return slot;
}

/* Words of them for a row, all columns together. */
static size_t candidate_words(const struct batch *b)
{
    return b->results.candidate_count * candidate_slot(b, TOP_K_COLUMNS);
}

size_t results_most_rows(const struct batch *b)
{
    const struct plan *p = &b->engine->plan;
    size_t rows = outputs_most_rows(b, p->scratch_rows);
    if (candidate_words(b))
        rows = smaller(rows, p->largest_buffer / sizeof(u32) / candidate_words(b));
    return rows;
}

tombola_status results_begin(struct batch *b, tombola_error *error)
{
    const tombola_context *context = b->engine->context;
    outputs_begin(b, least_rows(b));
    if (results_most_rows(b) >= least_rows(b))
        return TOMBOLA_OK;
    return fail(
        error, TOMBOLA_OUT_OF_MEMORY,
        "results.candidate_count is %lu: the candidates of %zu rows do not fit into a buffer of at most %zu bytes "
        "(CL_DEVICE_MAX_MEM_ALLOC_SIZE of %s)",
        (unsigned long)b->results.candidate_count, least_rows(b), b->engine->plan.largest_buffer,
        context->device.info.name);
}

tombola_status results_prepare(struct batch *b, int *is_ready, tombola_error *error)
{
    tombola_status status = batch_reserve_columns(b, error);
    *is_ready = 1;
    if (!status)
        status = outputs_prepare(b, is_ready, error);
    if (!status && candidate_words(b)) {
        size_t words = candidate_words(b), rows = smaller(b->rows.count, results_most_rows(b));
        status = batch_reserve_candidates(b, rows * words, b->rows.count * words, error);
    }
    return status;
}

/* ------------------------------------------------------------------ a part */

/* Candidates of a part. */
static tombola_status run_candidates(struct batch *b, const struct part *part, struct launching l,
                                     struct dispatch dispatch, const cl_event *after, tombola_error *error)
{
    const size_t k = b->results.candidate_count, words = part->rows * k;
    l.kernel = KERNEL_TOP_K;
    l.stride = k;
    for (int column = 0; column < TOP_K_COLUMNS; column++) {
        struct place place = candidate_place(b, column);
        if (place.buffer)
            l.columns[column] = (struct column){place.buffer, place.offset + part->first * k};
        else
            l.columns[column] = (struct column){place.host ? b->candidates : NULL, candidate_slot(b, column) * words};
    }
    l.columns[TOP_K_FINDINGS] = (struct column){b->findings, 0};
    tombola_status status = launch_rows(b, &l, dispatch, after, error);
    if (status || !candidate_words(b))
        return status;
    if (!b->is_enqueued)
        return batch_read(b, b->candidates, 0, part->rows * candidate_words(b),
                          b->host_candidates + part->first * candidate_words(b), error);
    for (int column = 0; column < TOP_K_COLUMNS && !status; column++) {
        u32 *host = candidate_place(b, column).host;
        if (host)
            status =
                batch_read(b, b->candidates, candidate_slot(b, column) * words, words, host + part->first * k, error);
    }
    return status;
}

/* Where kernels write a column of a part. */
static struct column column_at(const struct batch *b, int column, const struct part *part)
{
    struct place place = column_place(b, column);
    if (!place_is_wanted(place))
        return (struct column){NULL, 0};
    const u64 row = column_row(column, &b->counts, part->first);
    if (place.buffer)
        return (struct column){place.buffer, place.offset + row};
    return (struct column){b->columns, column_begin(column, &b->counts) / column_member(column)->words + row};
}

/* What the kernels behind the sample kernel have to know of rows, FIND_...; 0 where they have nothing to tell. */
static u32 findings_wanted(const struct batch *b)
{
    static const u32 finds[REPORT_COLUMNS] = {[REPORT_SCORES] = FIND_WINDOW | FIND_SHARES,
                                              [REPORT_RAW_SCORES] = FIND_WINDOW | FIND_RAW,
                                              [REPORT_KEPT_ENDS] = FIND_WINDOW | FIND_NUMBER,
                                              [REPORT_KEPT_TOKENS] = FIND_WINDOW | FIND_NUMBER};
    u32 wanted = outputs_find(b);
    for (int i = 0; i < REPORT_COLUMNS; i++)
        wanted |= place_is_wanted(column_place(b, COLUMNS_OF_REPORT + i)) ? finds[i] : 0;
    wanted |= place_is_wanted(candidate_place(b, TOP_K_LOGPROBS)) ? finds[REPORT_SCORES] : 0;
    wanted |= place_is_wanted(candidate_place(b, TOP_K_RAW_LOGPROBS)) ? finds[REPORT_RAW_SCORES] : 0;
    return wanted;
}

/* Draws the tokens of a part, and finds what the kernels behind it have to know of its rows. */
static tombola_status run_sample(struct batch *b, const struct part *part, struct launching l, struct dispatch dispatch,
                                 const cl_event *after, tombola_error *error)
{
    int draws = !outputs_tell_status(b) && !b->results.candidate_count;
    l.kernel = KERNEL_SAMPLE;
    l.finds = findings_wanted(b);
    l.samples = (u32)b->counts.samples;
    for (int i = 0; i < SAMPLE_COLUMNS; i++) {
        l.columns[i] = column_at(b, COLUMNS_OF_SAMPLE + i, part);
        draws |= l.columns[i].buffer != NULL;
    }
    l.columns[SAMPLE_FINDINGS] = (struct column){l.finds ? b->findings : NULL, 0};
    return draws || l.finds ? launch_rows(b, &l, dispatch, after, error) : TOMBOLA_OK;
}

static int is_report_wanted(const tombola_results *results)
{
    int wanted = 0;
    for (int i = 0; i < REPORT_COLUMNS; i++)
        wanted |= place_is_wanted(member_place(results, column_member(COLUMNS_OF_REPORT + i)));
    return wanted;
}

unsigned results_kernels(const tombola_results *results)
{
    unsigned kernels = outputs_kernels(results);
    if (is_report_wanted(results))
        kernels |= KERNEL_BIT(KERNEL_REPORT);
    if (results->candidate_count)
        kernels |= KERNEL_BIT(KERNEL_TOP_K);
    return kernels;
}

/* Tells of tokens what is wanted of a part. */
static tombola_status run_report(struct batch *b, const struct part *part, struct launching l, struct dispatch dispatch,
                                 const cl_event *after, tombola_error *error)
{
    l.kernel = KERNEL_REPORT;
    l.kept_room = b->counts.kept;
    for (int i = 0; i < REPORT_COLUMNS; i++)
        l.columns[i] = column_at(b, COLUMNS_OF_REPORT + i, part);
    l.columns[REPORT_FINDINGS] = (struct column){b->findings, 0};
    l.columns[REPORT_SCORE_TOKENS] = (struct column){b->scores.buffer, 0};
    return launch_rows(b, &l, dispatch, after, error);
}

tombola_status results_report_part(struct batch *b, int index, const struct launching *common, struct dispatch dispatch,
                                   const cl_event *after, tombola_error *error)
{
    tombola_status status = TOMBOLA_OK;
    if (is_report_wanted(&b->results))
        status = run_report(b, &b->parts[index], *common, dispatch, after, error);
    return status ? status : outputs_run_part(b, index, common, dispatch, after, error);
}

tombola_status results_run_part(struct batch *b, int index, cl_mem logits, cl_mem params, struct dispatch dispatch,
                                const cl_event *after, tombola_error *error)
{
    const struct part *part = &b->parts[index];
    const struct launching common = {.logits = logits,
                                     .params = params,
                                     .first_row = part->first,
                                     .rows = part->rows,
                                     .status = column_at(b, COLUMN_STATUS, part)};
    tombola_status status = run_sample(b, part, common, dispatch, after, error);
    if (!status)
        status = results_report_part(b, index, &common, dispatch, after, error);
    if (!status && b->results.candidate_count)
        status = run_candidates(b, part, common, dispatch, after, error);
    return status;
}

/* ---------------------------------------------------------- the whole batch */

/* Whether the list of kept tokens, of which only what is used is delivered, ends where a caller's buffer tells. */
static int is_end_in_buffer(const struct batch *b)
{
    return column_place(b, COLUMNS_OF_REPORT + REPORT_KEPT_TOKENS).host && !b->is_enqueued &&
           column_place(b, COLUMNS_OF_REPORT + REPORT_KEPT_ENDS).buffer;
}

/* The last element of kept_ends, from where it is. */
static tombola_status read_kept_end(struct batch *b, tombola_error *error)
{
    const struct place ends = column_place(b, COLUMNS_OF_REPORT + REPORT_KEPT_ENDS);
    const size_t words = sizeof b->kept_end / sizeof(u32);
    return batch_read(b, ends.buffer, (ends.offset + b->rows.count - 1) * words, words, &b->kept_end, error);
}

tombola_status results_collect(struct batch *b, tombola_error *error)
{
    tombola_status status = is_end_in_buffer(b) ? read_kept_end(b, error) : TOMBOLA_OK;
    size_t begin = SIZE_MAX, end = 0; /* of those that go to host memory */
    for (int column = 0; column < COLUMNS && !status; column++) {
        void *host = column_place(b, column).host;
        const size_t words = column_elements(column, &b->counts) * column_member(column)->words;
        if (!host || words == 0)
            continue;
        const size_t first = column_begin(column, &b->counts);
        begin = smaller(begin, first);
        end = end > first + words ? end : first + words;
        if (b->is_enqueued)
            status = batch_read(b, b->columns, first, words, host, error);
    }
    if (end && !b->is_enqueued)
        status = batch_read(b, b->columns, begin, end - begin, b->host_columns + begin, error);
    return status;
}

/* Words of a column that are the caller's: of the kept tokens none behind the last. */
static size_t delivered_words(const struct batch *b, int column)
{
    size_t elements = column_elements(column, &b->counts);
    if (column == COLUMNS_OF_REPORT + REPORT_KEPT_TOKENS) {
        const u32 *ends = b->host_columns + column_begin(COLUMNS_OF_REPORT + REPORT_KEPT_ENDS, &b->counts);
        u64 end = b->kept_end;
        if (!is_end_in_buffer(b))
            memcpy(&end, ends + (b->counts.rows - 1) * sizeof end / sizeof *ends, sizeof end);
        elements = end < elements ? (size_t)end : elements;
    }
    return elements * column_member(column)->words;
}

void results_deliver(struct batch *b)
{
    const size_t k = b->results.candidate_count;
    for (int column = 0; column < COLUMNS; column++) {
        void *host = column_place(b, column).host;
        if (host)
            memcpy(host, b->host_columns + column_begin(column, &b->counts), delivered_words(b, column) * sizeof(u32));
    }
    outputs_deliver(b);
    for (int column = 0; column < TOP_K_COLUMNS; column++) {
        u32 *host = candidate_place(b, column).host;
        for (int i = 0; host && i < b->part_count; i++) {
            const struct part *part = &b->parts[i];
            memcpy(host + part->first * k,
                   b->host_candidates + part->first * candidate_words(b) + candidate_slot(b, column) * part->rows * k,
                   part->rows * k * sizeof(u32));
        }
    }
}
