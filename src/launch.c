#include "launch.h"

#include "context.h"
#include "error.h"

#include <stdio.h>

#define GROUPS_PER_UNIT 4 /* work-groups for each compute unit, where rows are spread */

static const int column_counts[KERNELS] = {
    [KERNEL_SAMPLE] = SAMPLE_ARGUMENTS, [KERNEL_SOFTMAX] = SOFTMAX_COLUMNS, [KERNEL_TOP_K] = TOP_K_ARGUMENTS,
    [KERNEL_REPORT] = REPORT_ARGUMENTS, [KERNEL_SHARD] = SHARD_ARGUMENTS,   [KERNEL_SHARD_LAST] = SHARD_LAST_ARGUMENTS};

/* Work-groups that share a row. A forced spread takes some even where it does not pay. */
static cl_uint choose_groups(const struct engine *e, size_t rows)
{
    size_t most = (e->plan.blocks + e->context->teams - 1) / e->context->teams;
    size_t groups = e->context->device.info.compute_units * (size_t)GROUPS_PER_UNIT / rows;
    if (groups < 3)
        groups = 3;
    return (cl_uint)(groups < most ? groups : most);
}

/* One launch saves what a second one costs; only a device with far more units than the launch has rows
 * gains by a spread, and a CPU's few cores never did. */
static int spreads(const struct engine *e, size_t rows)
{
    if (e->plan.options.dispatch != TOMBOLA_DISPATCH_AUTO)
        return e->plan.options.dispatch == TOMBOLA_DISPATCH_SPREAD;
    return e->context->device.info.type == TOMBOLA_DEVICE_GPU &&
           rows < 2 * (size_t)e->context->device.info.compute_units;
}

struct dispatch launch_dispatch(struct engine *e, size_t rows)
{
    struct dispatch dispatch = {.is_spread = spreads(e, rows)};
    dispatch.groups = dispatch.is_spread ? choose_groups(e, rows) : 1;
    if (dispatch.is_spread)
        e->times.spread_dispatches++;
    else
        e->times.row_dispatches++;
    return dispatch;
}

/* Sets one argument; after a failure, whose code and number are left, no further ones. */
struct setting {
    cl_kernel kernel;
    cl_uint argument;
    cl_int code;
};

static void set(struct setting *s, cl_uint argument, size_t size, const void *value)
{
    if (s->code != CL_SUCCESS)
        return;
    s->argument = argument;
    s->code = clSetKernelArg(s->kernel, argument, size, value);
}

static void set_buffer(struct setting *s, cl_uint argument, cl_mem buffer)
{
    set(s, argument, sizeof buffer, &buffer);
}

static tombola_status fail_argument(const struct setting *s, tombola_error *error)
{
    char call[48];
    snprintf(call, sizeof call, "clSetKernelArg of argument %u", (unsigned)s->argument);
    return fail_cl(error, call, s->code);
}

static tombola_status launch(struct batch *b, const struct launching *l, cl_uint groups, cl_uint phases,
                             const cl_event *after, tombola_error *error)
{
    struct engine *e = b->engine;
    cl_kernel kernel = e->kernels[l->kernel];
    struct launch common = {
        .status = l->status.begin,
        .stride = l->stride,
        .masks = b->masks.begin + (e->plan.first < e->plan.last ? e->plan.first / 32 : 0),
        .first_row = (u32)l->first_row,
        .vocabulary = (u32)e->plan.columns,
        .first_block = (u32)plan_first_block(&e->plan),
        .whole = (u32)e->plan.vocabulary,
        .groups = groups,
        .phases = phases,
        .logarithms = l->logarithms != 0,
        .mask_stride = b->masks.stride,
        .finds = l->finds,
        .samples = l->samples,
        .candidates = l->candidates,
        .kept_room = l->kept_room,
    };
    struct setting s = {kernel, 0, CL_SUCCESS};
    for (int i = 0; i < column_counts[l->kernel]; i++) {
        common.columns[i] = l->columns[i].begin;
        set_buffer(&s, ARGUMENT_COLUMNS + (cl_uint)i, l->columns[i].buffer);
    }
    set_buffer(&s, ARGUMENT_LOGITS, l->logits);
    set_buffer(&s, ARGUMENT_PARAMS, l->params);
    set_buffer(&s, ARGUMENT_MASKS, b->masks.buffer);
    set_buffer(&s, ARGUMENT_ADJUSTMENTS, b->adjustments.buffer);
    set_buffer(&s, ARGUMENT_MAXIMA, b->maxima);
    set_buffer(&s, ARGUMENT_FACTS, b->facts);
    set_buffer(&s, ARGUMENT_STATUS, l->status.buffer);
    set(&s, ARGUMENT_LAUNCH, sizeof common, &common);
    if (s.code != CL_SUCCESS)
        return fail_argument(&s, error);

    size_t local = (size_t)e->context->lanes * e->context->teams;
    size_t global = l->rows * groups * local;
    cl_uint waits = batch_waits(b, after);
    cl_int code = clEnqueueNDRangeKernel(b->queue, kernel, 1, NULL, &global, &local, waits, waits ? b->waits : NULL,
                                         batch_event(b));
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueNDRangeKernel", code);
    batch_enqueued(b, WORK_KERNEL, 1);
    return TOMBOLA_OK;
}

tombola_status launch_rows(struct batch *b, const struct launching *l, struct dispatch dispatch, const cl_event *after,
                           tombola_error *error)
{
    if (!dispatch.is_spread)
        return launch(b, l, 1, PHASE_WEIGH | PHASE_FINISH, after, error);
    if (l->kernel == KERNEL_REPORT)
        return launch(b, l, dispatch.groups, PHASE_FINISH, after, error);
    tombola_status status = launch(b, l, dispatch.groups, PHASE_WEIGH, after, error);
    if (status)
        return status;
    /* softmax alone has work for many groups after weighing: it writes as much as it read */
    return launch(b, l, l->kernel == KERNEL_SOFTMAX ? dispatch.groups : 1, PHASE_FINISH, NULL, error);
}
