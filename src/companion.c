#include "companion.h"

#include "context.h"
#include "error.h"
#include "process.h"
#include "program.h"
#include "results.h"
#include "sized.h"
#include "trust.h"

/* What a pool takes longer to wake than a thread to draw: so many logits of so many rows, each of which costs as much
 * as ROW_LOGITS more. Measured on two cores of an Intel Xeon (model 207), POCL_DEVICES set to basic and to pthread:
 * tombola bench --configs greedy,top-k,top-p --shapes 1x128256,2x128256,4x128256,4x32000,8x32000,4x4096,16x4096 */
#define WAKING_LOGITS 150000u
#define ROW_LOGITS 16384u

void companion_find(tombola_context *context, const struct device *devices, size_t count)
{
    const struct device *device = device_in_thread(devices, count, &context->device);
    if (device)
        context->companion.device = *device;
}

/* Rows that one thread draws before a pool has woken up and drawn them: it is alone with those that the pool's other
 * threads would have taken off it. A single row is always one. */
static size_t few_rows(const tombola_context *context, size_t vocabulary)
{
    const size_t units = context->device.info.compute_units;
    const size_t others = WAKING_LOGITS / (vocabulary + ROW_LOGITS);
    return units > 1 ? ((others + 1) * units - 1) / (units - 1) : SIZE_MAX;
}

/* The plan of a sampler's second one. */
static tombola_status make_plan(const tombola_context *context, const struct plan *of, struct plan *plan,
                                tombola_error *error)
{
    const size_t few = few_rows(context, of->vocabulary);
    tombola_sampler_options options = of->options;
    options.in_flight = 1;
    return plan_make(context, of->vocabulary, few < of->max_rows ? few : of->max_rows, &options, plan, error);
}

/* Opens a context on the companion's device, in the shape of the one that it is for. */
static tombola_status open(tombola_context *context, tombola_error *error)
{
    struct companion *c = &context->companion;
    tombola_context_options options = tombola_context_options_default();
    options.lanes = context->lanes;
    options.width = context->width;
    options.teams = context->teams;
    options.build_options = context->build_options;
    tombola_status status = context_open_device(&c->device, NULL, &options, &c->context, error);
    if (!status)
        c->context->companion.of = context;
    return status;
}

/* The companion, opened when it is first asked for; NULL, with the error told, where there is none. */
static tombola_context *seek(tombola_context *context, tombola_error *error)
{
    struct companion *c = &context->companion;
    if (!c->device.id) {
        fail(error, TOMBOLA_NO_DEVICE, "%s has no in-thread device beside it: %s", context->device.info.name,
             context->device.info.is_in_thread ? "it is one itself"
                                               : "PoCL shows one as POCL_DEVICES=\"pthread basic\"");
        return NULL;
    }
    pthread_mutex_lock(&c->lock);
    if (!c->is_sought) {
        c->error = tombola_error_default();
        open(context, &c->error);
        c->is_sought = 1;
    }
    pthread_mutex_unlock(&c->lock);
    if (!c->context)
        fail(error, c->error.status, "%s", c->error.message);
    return c->context;
}

tombola_status tombola_context_in_thread(tombola_context *context, tombola_device *device, tombola_error *error)
{
    if (!context)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "context is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    tombola_error own = tombola_error_default();
    const tombola_context *companion = seek(context, &own);
    if (!companion)
        return fail(error, own.status, "%s", own.message);
    if (device)
        sized_write(device, &companion->device.info, sizeof companion->device.info);
    return TOMBOLA_OK;
}

void companion_join(tombola_sampler *s)
{
    const struct plan *of = &s->engine.plan;
    tombola_context *companion = of->options.in_thread == TOMBOLA_IN_THREAD_OFF ? NULL : seek(s->engine.context, NULL);
    cl_program program;
    struct plan plan;
    if (!companion || make_plan(s->engine.context, of, &plan, NULL) ||
        context_program(companion, PROGRAM_ROWS, of->options.type, of->options.input, &program, NULL) ||
        sampler_create_from(companion, program, &plan, &s->few, NULL))
        return;
    if (trust_declared(&s->few->engine, NULL)) {
        tombola_sampler_release(s->few);
        s->few = NULL;
    }
}

int companion_takes(const tombola_sampler *s, const tombola_rows *rows, const tombola_results *results)
{
    return s->few && rows->count <= s->few->engine.plan.max_rows && !rows->logits.buffer && !rows->masks.buffer &&
           !results_have_buffers(results);
}

void companion_add_times(const tombola_sampler *s, tombola_times *times)
{
    if (!s->few)
        return;
    const tombola_times *few = &s->few->engine.times;
    times->calls += few->calls;
    times->row_dispatches += few->row_dispatches;
    times->spread_dispatches += few->spread_dispatches;
    times->in_place_calls += few->in_place_calls;
    times->staged_calls += few->staged_calls;
    times->device_calls += few->device_calls;
    times->parts += few->parts;
    times->bytes_uploaded += few->bytes_uploaded;
    times->bytes_read += few->bytes_read;
    times->upload_seconds += few->upload_seconds;
    times->kernel_seconds += few->kernel_seconds;
    times->read_seconds += few->read_seconds;
    times->in_thread_calls += few->calls;
}

static void add_memory(const tombola_memory *few, tombola_memory *memory)
{
    memory->device_bytes += few->device_bytes;
    memory->host_bytes += few->host_bytes;
}

void companion_add_memory(const tombola_sampler *s, tombola_memory *memory)
{
    if (s->few)
        add_memory(&s->few->engine.memory, memory);
}

void companion_add_memory_before(const tombola_context *context, const struct plan *of, tombola_memory *memory)
{
    struct plan plan;
    if (!context->companion.device.id || of->options.in_thread == TOMBOLA_IN_THREAD_OFF ||
        make_plan(context, of, &plan, NULL))
        return;
    const tombola_memory few = plan_memory(&plan);
    add_memory(&few, memory);
}
