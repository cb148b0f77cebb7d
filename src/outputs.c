#include "outputs.h"

#include "error.h"

#include <string.h>

/* What makes an output. */
static const struct maker {
    enum kernel kernel;
    int column;     /* of the kernel's own */
    int logarithms; /* of what it makes else */
    u32 finds;      /* what it has to know of rows, FIND_... */
    int is_of_row;  /* by findings of rows before their filters */
} makers[OUTPUTS] = {
    [OUTPUT_PROBABILITIES] = {KERNEL_SOFTMAX, SOFTMAX_PROBABILITIES, 0, 0, 0},
    [OUTPUT_LOG_PROBABILITIES] = {KERNEL_SOFTMAX, SOFTMAX_PROBABILITIES, 1, 0, 0},
    [OUTPUT_KEPT_PROBABILITIES] = {KERNEL_REPORT, REPORT_KEPT_PROBABILITIES, 0, FIND_WINDOW | FIND_SHARES, 0},
    [OUTPUT_PROCESSED_LOGITS] = {KERNEL_REPORT, REPORT_PROCESSED_LOGITS, 0, FIND_WINDOW, 0},
};
static const struct maker makers_of_shards[OUTPUTS] = {
    [OUTPUT_PROBABILITIES] = {KERNEL_REPORT, REPORT_KEPT_PROBABILITIES, 0, FIND_ROW, 1},
    [OUTPUT_LOG_PROBABILITIES] = {KERNEL_REPORT, REPORT_KEPT_PROBABILITIES, 1, FIND_ROW, 1},
    [OUTPUT_KEPT_PROBABILITIES] = {KERNEL_REPORT, REPORT_KEPT_PROBABILITIES, 0, FIND_WINDOW | FIND_SHARES, 0},
    [OUTPUT_PROCESSED_LOGITS] = {KERNEL_REPORT, REPORT_PROCESSED_LOGITS, 0, FIND_WINDOW, 0},
};

unsigned outputs_kernels(const tombola_results *results)
{
    unsigned kernels = 0;
    for (int i = 0; i < OUTPUTS; i++)
        if (place_is_wanted(member_place(results, output_member(i))))
            kernels |= KERNEL_BIT(makers[i].kernel);
    return kernels;
}

/* -------------------------------------------------------------- preparation */

/* Rows of probabilities in the caller's memory that a single buffer spans. */
static size_t spanned_rows(const struct batch *b)
{
    const struct plan *p = &b->engine->plan;
    return (p->largest_buffer / sizeof(float) - p->columns) / b->results.probability_stride + 1;
}

void outputs_begin(struct batch *b, size_t least_rows)
{
    for (int i = 0; i < OUTPUTS; i++) {
        struct output *o = &b->outputs[i];
        const struct place place = member_place(&b->results, output_member(i));
        o->to.host = place.host;
        o->to.buffer = place.buffer;
        o->to.offset = place.offset;
        o->is_wanted = place_is_wanted(place);
        o->in_place = o->to.host && b->engine->plan.shares_memory && spanned_rows(b) >= least_rows;
    }
}

size_t outputs_most_rows(const struct batch *b, size_t rows)
{
    for (int i = 0; i < OUTPUTS; i++) {
        const size_t most = b->outputs[i].in_place ? spanned_rows(b) : b->engine->plan.output_rows;
        rows = b->outputs[i].to.host && most < rows ? most : rows;
    }
    return rows;
}

u32 outputs_find(const struct batch *b)
{
    u32 finds = 0;
    for (int i = 0; i < OUTPUTS; i++)
        finds |= b->outputs[i].is_wanted ? makers[i].finds : 0;
    return finds;
}

int outputs_tell_status(const struct batch *b)
{
    int tell = 0;
    for (int i = 0; i < OUTPUTS; i++)
        tell |= b->outputs[i].is_wanted && !makers[i].finds;
    return tell;
}

/* Wraps the parts of an output; 0 where that can't be. */
static tombola_status wrap_output(struct batch *b, struct output *o, int *is_ready, tombola_error *error)
{
    const struct plan *p = &b->engine->plan;
    for (int i = 0; i < b->part_count; i++) {
        const struct part *part = &b->parts[i];
        size_t elements = (part->rows - 1) * b->results.probability_stride + p->columns;
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

tombola_status outputs_prepare(struct batch *b, int *is_ready, tombola_error *error)
{
    tombola_status status = TOMBOLA_OK;
    for (int i = 0; i < OUTPUTS && !status; i++) {
        struct output *o = &b->outputs[i];
        for (int part = 0; part < MAX_PARTS; part++) /* of an earlier cut */
            host_memory_unwrap(b->engine->context, &o->wrapped[part]);
        if (o->in_place)
            status = wrap_output(b, o, is_ready, error);
        else if (o->to.host)
            status = batch_reserve_outputs(b, error);
    }
    return status;
}

/* ------------------------------------------------------------------ reading */

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
    const float *from = b->landed + (size_t)pin * p->output_rows * p->columns;
    for (size_t row = 0; row < landing->rows; row++)
        memcpy(landing->to + row * b->results.probability_stride, from + row * p->columns, p->output_bytes);
    landing->rows = 0;
}

void outputs_deliver(struct batch *b)
{
    for (int pin = 0; pin < PINS; pin++)
        empty_pin(b, pin);
}

/* ------------------------------------------------------------------ a part */

static tombola_status run_output(struct batch *b, int output, int index, struct launching l, struct dispatch dispatch,
                                 const cl_event *after, tombola_error *error)
{
    const struct plan *p = &b->engine->plan;
    const struct maker *maker = p->is_shard ? &makers_of_shards[output] : &makers[output];
    struct output *o = &b->outputs[output];
    const struct part *part = &b->parts[index];
    const int pin = b->output_count % PINS;
    const int is_staged = o->to.host && !o->in_place;
    const size_t stride = is_staged ? p->columns : b->results.probability_stride;
    l.kernel = maker->kernel;
    l.stride = stride;
    l.logarithms = maker->logarithms;
    if (maker->kernel == KERNEL_REPORT)
        l.columns[REPORT_FINDINGS] = (struct column){b->findings, maker->is_of_row ? p->max_rows : 0};
    if (o->to.buffer)
        l.columns[maker->column] = (struct column){o->to.buffer, o->to.offset + part->first * stride};
    else if (o->in_place)
        l.columns[maker->column] = (struct column){o->wrapped[index].buffer, 0};
    else
        l.columns[maker->column] = (struct column){b->outputs_buffer, (size_t)pin * p->output_rows * p->columns};
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
    size_t begin = (size_t)pin * p->output_rows * p->columns;
    status = batch_read(b, b->outputs_buffer, begin, part->rows * p->columns, b->landed + begin, error);
    if (!status)
        *landing = (struct landing){b->event_count - 1, to, part->rows};
    return status;
}

tombola_status outputs_run_part(struct batch *b, int part, const struct launching *common, struct dispatch dispatch,
                                const cl_event *after, tombola_error *error)
{
    tombola_status status = TOMBOLA_OK;
    for (int i = 0; i < OUTPUTS && !status; i++)
        if (b->outputs[i].is_wanted)
            status = run_output(b, i, part, *common, dispatch, after, error);
    return status;
}
