#include "results.h"

#include "columns.h"
#include "context.h"
#include "error.h"

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

/* Rows of probabilities in the caller's memory that a single buffer spans. */
static size_t spanned_rows(const struct batch *b)
{
    const struct plan *p = &b->engine->plan;
    return (p->largest_buffer / sizeof(float) - p->vocabulary) / b->results.probability_stride + 1;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Words of candidates for a row, all columns together. */
static size_t candidate_words(const struct batch *b)
{
    return b->results.candidate_count * (size_t)TOP_K_COLUMNS;
}

static int has_host_candidates(const struct batch *b)
{
    int has = 0;
    for (int column = 0; column < TOP_K_COLUMNS; column++)
        has |= candidate_place(b, column).host != NULL;
    return has;
}

size_t results_most_rows(const struct batch *b)
{
    const struct plan *p = &b->engine->plan;
    size_t rows = p->scratch_rows;
    for (int i = 0; i < OUTPUTS; i++)
        if (b->outputs[i].to.host)
            rows = smaller(rows, b->outputs[i].in_place ? spanned_rows(b) : p->output_rows);
    if (has_host_candidates(b))
        rows = smaller(rows, p->largest_buffer / sizeof(u32) / candidate_words(b));
    return rows;
}

tombola_status results_begin(struct batch *b, tombola_error *error)
{
    const tombola_context *context = b->engine->context;
    const tombola_results *r = &b->results;
    for (int i = 0; i < OUTPUTS; i++) {
        struct output *o = &b->outputs[i];
        o->logarithms = i == 1;
        o->to.host = i ? r->log_probabilities.host : r->probabilities.host;
        o->to.buffer = i ? r->log_probabilities.buffer : r->probabilities.buffer;
        o->to.offset = i ? r->log_probabilities.offset : r->probabilities.offset;
        o->is_wanted = o->to.host || o->to.buffer;
        o->in_place = o->to.host && b->engine->plan.shares_memory && spanned_rows(b) >= least_rows(b);
    }
    if (results_most_rows(b) >= least_rows(b))
        return TOMBOLA_OK;
    return fail(
        error, TOMBOLA_OUT_OF_MEMORY,
        "results.candidate_count is %lu: the candidates of %zu rows do not fit into a buffer of at most %zu bytes "
        "(CL_DEVICE_MAX_MEM_ALLOC_SIZE of %s)",
        (unsigned long)r->candidate_count, least_rows(b), b->engine->plan.largest_buffer, context->device.info.name);
}

/* Wraps the parts of an output; 0 where that can't be. */
static tombola_status wrap_output(struct batch *b, struct output *o, int *is_ready, tombola_error *error)
{
    const struct plan *p = &b->engine->plan;
    for (int i = 0; i < b->part_count; i++) {
        const struct part *part = &b->parts[i];
        size_t elements = (part->rows - 1) * b->results.probability_stride + p->vocabulary;
        float *start = o->to.host + part->first * b->results.probability_stride;
        tombola_status status = TOMBOLA_OK;
        if (host_memory_is_aligned(b->engine->context, start))
            status = host_memory_wrap(b->engine->context, CL_MEM_WRITE_ONLY, start, elements * sizeof(float),
                                      &o->wrapped[i], error);
        if (status)
            return status;
        if (!o->wrapped[i].buffer) {
            for (int done = 0; done < i; done++)
                host_memory_unwrap(b->engine->context, &o->wrapped[done]);
            o->in_place = 0;
            *is_ready = 0;
            return TOMBOLA_OK;
        }
    }
    return TOMBOLA_OK;
}

tombola_status results_prepare(struct batch *b, int *is_ready, tombola_error *error)
{
    tombola_status status = TOMBOLA_OK;
    *is_ready = 1;
    for (int i = 0; i < OUTPUTS && !status; i++) {
        struct output *o = &b->outputs[i];
        for (int part = 0; part < MAX_PARTS; part++) /* of an earlier cut */
            host_memory_unwrap(b->engine->context, &o->wrapped[part]);
        if (o->in_place)
            status = wrap_output(b, o, is_ready, error);
        else if (o->to.host)
            status = batch_reserve_outputs(b, error);
    }
    if (!status && has_host_candidates(b)) {
        size_t words = candidate_words(b), rows = smaller(b->rows.count, results_most_rows(b));
        status = batch_reserve_candidates(b, rows * words, b->rows.count * words, error);
    }
    return status;
}

/* ------------------------------------------------------------------ reading */

/* Enqueues the reading of words into host memory. */
static tombola_status read_words(struct batch *b, cl_mem buffer, size_t begin, size_t words, void *to,
                                 tombola_error *error)
{
    cl_uint waits = batch_waits(b, NULL);
    cl_int code = clEnqueueReadBuffer(b->queue, buffer, CL_FALSE, begin * sizeof(u32), words * sizeof(u32), to, waits,
                                      waits ? b->waits : NULL, batch_event(b));
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueReadBuffer", code);
    batch_enqueued(b, WORK_READ, 1);
    b->engine->times.bytes_read += words * sizeof(u32);
    return TOMBOLA_OK;
}

/* Enqueues the reading of rows of probabilities to where they are wanted. */
static tombola_status read_rows(struct batch *b, size_t pin, size_t rows, float *to, tombola_error *error)
{
    const struct plan *p = &b->engine->plan;
    const size_t from[3] = {0, pin * p->output_rows, 0}, origin[3] = {0, 0, 0}, region[3] = {p->output_bytes, rows, 1};
    cl_uint waits = batch_waits(b, NULL);
    cl_int code = clEnqueueReadBufferRect(b->queue, b->outputs_buffer, CL_FALSE, from, origin, region, p->output_bytes,
                                          0, b->results.probability_stride * sizeof(float), 0, to, waits,
                                          waits ? b->waits : NULL, batch_event(b));
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueReadBufferRect", code);
    batch_enqueued(b, WORK_READ, 1);
    b->engine->times.bytes_read += rows * p->output_bytes;
    return TOMBOLA_OK;
}

/* Makes what a kernel wrote to wrapped memory visible there. */
static tombola_status settle_wrapped(struct batch *b, const struct wrapped *wrapped, tombola_error *error)
{
    cl_int code;
    cl_uint waits = batch_waits(b, NULL);
    void *mapped = clEnqueueMapBuffer(b->queue, wrapped->buffer, CL_FALSE, CL_MAP_READ, 0, wrapped->bytes, waits,
                                      waits ? b->waits : NULL, batch_event(b), &code);
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueMapBuffer", code);
    batch_enqueued(b, WORK_READ, 1);
    waits = batch_waits(b, NULL);
    code = clEnqueueUnmapMemObject(b->queue, wrapped->buffer, mapped, waits, waits ? b->waits : NULL, batch_event(b));
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueUnmapMemObject", code);
    batch_enqueued(b, WORK_READ, 1);
    return TOMBOLA_OK;
}

/* Copies rows out of a pin of pinned memory, once they are there; nothing to do where there are none. */
static void empty_pin(struct batch *b, int pin)
{
    const struct plan *p = &b->engine->plan;
    struct landing *landing = &b->landings[pin];
    if (!landing->rows)
        return;
    const float *from = b->landed + (size_t)pin * p->output_rows * p->vocabulary;
    for (size_t row = 0; row < landing->rows; row++)
        memcpy(landing->to + row * b->results.probability_stride, from + row * p->vocabulary, p->output_bytes);
    landing->rows = 0;
}

/* ------------------------------------------------------------------ a part */

/* Probabilities or logarithms of a part. */
static tombola_status run_output(struct batch *b, struct output *o, int index, struct launching l,
                                 struct dispatch dispatch, const cl_event *after, tombola_error *error)
{
    const struct plan *p = &b->engine->plan;
    const struct part *part = &b->parts[index];
    const int pin = b->output_count % PINS;
    const int is_staged = o->to.host && !o->in_place;
    const size_t stride = is_staged ? p->vocabulary : b->results.probability_stride;
    l.kernel = KERNEL_SOFTMAX;
    l.stride = stride;
    l.logarithms = o->logarithms;
    if (o->to.buffer)
        l.columns[SOFTMAX_PROBABILITIES] = (struct column){o->to.buffer, o->to.offset + part->first * stride};
    else if (o->in_place)
        l.columns[SOFTMAX_PROBABILITIES] = (struct column){o->wrapped[index].buffer, 0};
    else
        l.columns[SOFTMAX_PROBABILITIES] =
            (struct column){b->outputs_buffer, (size_t)pin * p->output_rows * p->vocabulary};
    tombola_status status = launch_rows(b, &l, dispatch, after, error);
    if (status || o->to.buffer)
        return status;
    if (o->in_place)
        return settle_wrapped(b, &o->wrapped[index], error);
    b->output_count++;
    float *to = o->to.host + part->first * b->results.probability_stride;
    if (b->is_enqueued)
        return read_rows(b, (size_t)pin, part->rows, to, error);
    struct landing *landing = &b->landings[pin];
    if (landing->rows) {
        cl_int code = clWaitForEvents(1, &b->events[landing->event]);
        if (code != CL_SUCCESS)
            return fail_cl(error, "clWaitForEvents for a part of the results", code);
        empty_pin(b, pin);
    }
    size_t begin = (size_t)pin * p->output_rows * p->vocabulary;
    status = read_words(b, b->outputs_buffer, begin, part->rows * p->vocabulary, b->landed + begin, error);
    if (!status)
        *landing = (struct landing){b->event_count - 1, to, part->rows};
    return status;
}

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
            l.columns[column] = (struct column){place.host ? b->candidates : NULL, (size_t)column * words};
    }
    tombola_status status = launch_rows(b, &l, dispatch, after, error);
    if (status || !has_host_candidates(b))
        return status;
    if (!b->is_enqueued)
        return read_words(b, b->candidates, 0, TOP_K_COLUMNS * words,
                          b->host_candidates + TOP_K_COLUMNS * part->first * k, error);
    for (int column = 0; column < TOP_K_COLUMNS && !status; column++) {
        u32 *host = candidate_place(b, column).host;
        if (host)
            status = read_words(b, b->candidates, (size_t)column * words, words, host + part->first * k, error);
    }
    return status;
}

/* Where kernels write a column of a part. */
static struct column column_at(const struct batch *b, int column, const struct part *part)
{
    struct place place = column_place(b, column);
    if (place.buffer)
        return (struct column){place.buffer, place.offset + part->first};
    return (struct column){place.host ? b->columns : NULL,
                           column_begin(column, b->rows.count) / column_member(column)->words + part->first};
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
    const int others = b->outputs[0].is_wanted || b->outputs[1].is_wanted || b->results.candidate_count;
    tombola_status status = TOMBOLA_OK;
    struct launching l = common;
    int draws = !others;
    l.kernel = KERNEL_SAMPLE;
    for (int i = 0; i < SAMPLE_COLUMNS; i++) {
        l.columns[i] = column_at(b, COLUMNS_OF_SAMPLE + i, part);
        draws |= l.columns[i].buffer != NULL;
    }
    if (draws)
        status = launch_rows(b, &l, dispatch, after, error);
    for (int i = 0; i < OUTPUTS && !status; i++)
        if (b->outputs[i].is_wanted)
            status = run_output(b, &b->outputs[i], index, common, dispatch, after, error);
    if (!status && b->results.candidate_count)
        status = run_candidates(b, part, common, dispatch, after, error);
    return status;
}

/* ---------------------------------------------------------- the whole batch */

tombola_status results_collect(struct batch *b, tombola_error *error)
{
    const size_t rows = b->rows.count;
    tombola_status status = TOMBOLA_OK;
    size_t begin = SIZE_MAX, end = 0; /* of those that go to host memory */
    for (int column = 0; column < COLUMNS && !status; column++) {
        void *host = column_place(b, column).host;
        const size_t first = column_begin(column, rows), words = rows * column_member(column)->words;
        if (!host)
            continue;
        begin = smaller(begin, first);
        end = end > first + words ? end : first + words;
        if (b->is_enqueued)
            status = read_words(b, b->columns, first, words, host, error);
    }
    if (end && !b->is_enqueued)
        status = read_words(b, b->columns, begin, end - begin, b->host_columns + begin, error);
    return status;
}

void results_deliver(struct batch *b)
{
    const size_t rows = b->rows.count, k = b->results.candidate_count;
    for (int column = 0; column < COLUMNS; column++) {
        void *host = column_place(b, column).host;
        if (host)
            memcpy(host, b->host_columns + column_begin(column, rows),
                   rows * column_member(column)->words * sizeof(u32));
    }
    for (int pin = 0; pin < PINS; pin++)
        empty_pin(b, pin);
    for (int column = 0; column < TOP_K_COLUMNS; column++) {
        u32 *host = candidate_place(b, column).host;
        for (int i = 0; host && i < b->part_count; i++) {
            const struct part *part = &b->parts[i];
            memcpy(host + part->first * k,
                   b->host_candidates + TOP_K_COLUMNS * part->first * k + (size_t)column * part->rows * k,
                   part->rows * k * sizeof(u32));
        }
    }
}
