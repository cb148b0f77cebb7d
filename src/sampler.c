#include "sampler.h"

#include "companion.h"
#include "context.h"
#include "error.h"
#include "logits.h"
#include "params.h"
#include "process.h"
#include "processors.h"
#include "program.h"
#include "results.h"
#include "sized.h"
#include "trust.h"
#include "watermark.h"

#include <stdlib.h>

static tombola_status make_kernels(struct engine *e, cl_program program, tombola_error *error)
{
    static const char *const names[KERNELS] = {
        [KERNEL_SAMPLE] = "sample", [KERNEL_SOFTMAX] = "softmax", [KERNEL_TOP_K] = "top_k",
        [KERNEL_REPORT] = "report", [KERNEL_SHARD] = "shard",     [KERNEL_SHARD_LAST] = "shard_last"};
    for (int i = 0; i < KERNELS; i++) {
        cl_int code;
        if (e->plan.is_shard ? i < KERNEL_REPORT : i > KERNEL_REPORT)
            continue;
        e->kernels[i] = clCreateKernel(program, names[i], &code);
        if (code != CL_SUCCESS) {
            e->kernels[i] = NULL;
            return fail_cl(error, "clCreateKernel", code);
        }
    }
    return TOMBOLA_OK;
}

tombola_status sampler_create_from(tombola_context *context, cl_program program, const struct plan *plan,
                                   tombola_sampler **sampler, tombola_error *error)
{
    tombola_sampler *s = calloc(1, sizeof *s);
    if (!s)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for a sampler");
    tombola_context_retain(context);
    s->engine.context = context;
    s->engine.plan = *plan;
    s->engine.trusted = ~0u;
    s->engine.times = tombola_times_default();
    s->engine.memory = tombola_memory_default();
    s->batches = calloc(plan->options.in_flight, sizeof *s->batches);
    tombola_status status =
        s->batches ? TOMBOLA_OK : fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for batches in flight");
    if (!status)
        status = engine_make_queue(&s->engine, &s->engine.queue, error);
    for (uint32_t i = 0; i < plan->options.in_flight && !status; i++)
        status = batch_make(&s->engine, &s->batches[i], error);
    if (!status)
        status = make_kernels(&s->engine, program, error);
    if (status) {
        tombola_sampler_release(s);
        return status;
    }
    *sampler = s;
    return TOMBOLA_OK;
}

tombola_status tombola_sampler_create(tombola_context *context, size_t vocabulary, size_t max_rows,
                                      const tombola_sampler_options *options, tombola_sampler **sampler,
                                      tombola_error *error)
{
    if (!context)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "context is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    struct plan plan;
    cl_program program;
    tombola_status status = plan_make(context, vocabulary, max_rows, options, &plan, error);
    if (!status)
        status = context_program(context, PROGRAM_ROWS, plan.options.type, plan.options.input, &program, error);
    if (!status)
        status = sampler_create_from(context, program, &plan, sampler, error);
    if (status)
        return status;
    status = trust_declared(&(*sampler)->engine, error);
    if (status) {
        tombola_sampler_release(*sampler);
        *sampler = NULL;
        return status;
    }
    companion_join(*sampler);
    return TOMBOLA_OK;
}

static void release_cl(tombola_sampler *s)
{
    struct engine *e = &s->engine;
    for (uint32_t i = 0; s->batches && i < e->plan.options.in_flight; i++)
        batch_release_cl(&s->batches[i]);
    for (int i = 0; i < KERNELS; i++)
        if (e->kernels[i])
            clReleaseKernel(e->kernels[i]);
    if (e->transfers)
        clReleaseCommandQueue(e->transfers);
    if (e->queue)
        clReleaseCommandQueue(e->queue);
}

void tombola_sampler_release(tombola_sampler *s)
{
    if (!s)
        return;
    tombola_sampler_release(s->few);
    if (!process_is_forked())
        release_cl(s);
    for (uint32_t i = 0; s->batches && i < s->engine.plan.options.in_flight; i++)
        batch_free(&s->batches[i]);
    tombola_context_close(s->engine.context);
    free(s->batches);
    free(s);
}

void tombola_sampler_times(const tombola_sampler *sampler, tombola_times *times)
{
    tombola_times all = sampler->engine.times;
    companion_add_times(sampler, &all);
    sized_write(times, &all, sizeof all);
}

void tombola_sampler_memory(const tombola_sampler *sampler, tombola_memory *memory)
{
    tombola_memory all = sampler->engine.memory;
    companion_add_memory(sampler, &all);
    sized_write(memory, &all, sizeof all);
}

tombola_status tombola_sampler_memory_before(tombola_context *context, size_t vocabulary, size_t max_rows,
                                             const tombola_sampler_options *options, tombola_memory *memory,
                                             tombola_error *error)
{
    if (!context)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "context is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!memory)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "memory is NULL");
    struct plan plan;
    tombola_status status = plan_make(context, vocabulary, max_rows, options, &plan, error);
    if (status)
        return status;
    tombola_memory needed = plan_memory(&plan);
    companion_add_memory_before(context, &plan, &needed);
    sized_write(memory, &needed, sizeof needed);
    return TOMBOLA_OK;
}

/* ------------------------------------------------------- begin and end of calls */

/* A place for a batch, NULL if there is none. Batches on a caller's queue that have completed give up theirs, and what
 * they hold of the caller's memory. */
static struct batch *free_batch(tombola_sampler *s)
{
    struct batch *free = NULL;
    for (uint32_t i = 0; i < s->engine.plan.options.in_flight; i++) {
        struct batch *b = &s->batches[i];
        if (b->number && !b->is_awaited && batch_has_completed(b))
            batch_finish(b, TOMBOLA_OK, NULL); /* how it went is for its event to tell */
        if (!b->number && !free)
            free = b;
    }
    return free;
}

static tombola_status fail_busy(const tombola_sampler *s, tombola_error *error)
{
    const unsigned room = (unsigned)s->engine.plan.options.in_flight;
    if (room == 1)
        return fail(error, TOMBOLA_BUSY, "1 batch is in flight: wait for it first");
    return fail(error, TOMBOLA_BUSY, "%u batches are in flight: wait for one of them first", room);
}

tombola_status sampler_check_room(tombola_sampler *s, tombola_error *error)
{
    return free_batch(s) ? TOMBOLA_OK : fail_busy(s, error);
}

tombola_status sampler_begin(tombola_sampler *s, const tombola_rows *rows, const tombola_results *results,
                             cl_command_queue queue, int is_urgent, struct batch **batch, tombola_error *error)
{
    tombola_rows own_rows;
    tombola_results own_results;
    tombola_status status = logits_check(&s->engine, rows, &own_rows, error);
    if (!status)
        status = masks_check(s->engine.context, &s->engine.plan, &own_rows, error);
    if (!status)
        status = adjustments_check(&s->engine.plan, &own_rows, error);
    if (!status)
        status = scores_check(&s->engine.plan, &own_rows, error);
    if (!status)
        status = results_check(&s->engine, results, &own_rows, &own_results, error);
    if (status)
        return status;
    const unsigned kernels = results_kernels(&own_results);
    struct batch *b = free_batch(s);
    uint32_t needs = 0;
    if (b && is_urgent && companion_takes(s, &own_rows, &own_results) &&
        trust_kernels(&s->few->engine, kernels, NULL) == TOMBOLA_OK) {
        s = s->few;
        b = free_batch(s);
    }
    status =
        params_convert(own_rows.params, own_rows.count, own_results.samples, b ? b->host_params : NULL, &needs, error);
    if (status)
        return status;
    if (!b)
        return fail_busy(s, error);
    status = processors_check(&s->engine.plan, &own_rows, needs, error);
    if (!status)
        status = trust_kernels(b->engine, kernels, error);
    if (status)
        return status;
    watermark_convert(&own_rows, b->host_params);
    status = adjustments_make(b, &own_rows, error);
    if (!status)
        status = scores_copy(b, &own_rows, error);
    if (status)
        return status;
    batch_start(b, ++s->begun, queue ? queue : s->engine.queue);
    b->rows = own_rows;
    b->results = own_results;
    b->counts = results_counts(&own_rows, &own_results);
    b->is_enqueued = queue != NULL;
    *batch = b;
    return TOMBOLA_OK;
}

struct batch *sampler_find(tombola_sampler *s, tombola_ticket ticket, tombola_error *error)
{
    for (uint32_t i = 0; i < s->engine.plan.options.in_flight; i++) {
        struct batch *b = &s->batches[i];
        if (b->number && b->number == ticket && b->is_awaited)
            return b;
    }
    fail(error, TOMBOLA_INVALID_ARGUMENT, "ticket is %llu, which is not in flight", (unsigned long long)ticket);
    return NULL;
}
