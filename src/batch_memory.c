/* What a batch works in: made with its sampler, or when first needed. */
#include "batch.h"

#include "columns.h"
#include "context.h"
#include "error.h"

#include <stdlib.h>

/* A buffer; after a failure, whose code is left in *code, nothing more is made. */
static cl_mem make_buffer(const struct batch *b, cl_mem_flags flags, size_t bytes, cl_int *code)
{
    if (*code != CL_SUCCESS)
        return NULL;
    cl_mem buffer = clCreateBuffer(b->engine->context->cl, flags, bytes, NULL, code);
    return *code == CL_SUCCESS ? buffer : NULL;
}

static tombola_status fail_buffer(const struct batch *b, const char *what, cl_int code, tombola_error *error)
{
    const struct plan *p = &b->engine->plan;
    if (code == CL_INVALID_BUFFER_SIZE || code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "%s has no room for %s of max_rows %zu x vocabulary %zu logits (%d)",
                    b->engine->context->device.info.name, what, p->max_rows, p->vocabulary, (int)code);
    return fail_cl(error, "clCreateBuffer", code);
}

tombola_status batch_make_buffer(const struct batch *b, cl_mem_flags flags, size_t bytes, const char *what,
                                 cl_mem *buffer, tombola_error *error)
{
    cl_int code = CL_SUCCESS;
    *buffer = make_buffer(b, flags, bytes, &code);
    return code == CL_SUCCESS ? TOMBOLA_OK : fail_buffer(b, what, code, error);
}

/* Memory that any device uses in place, alone in its pages. */
static void *aligned_bytes(size_t bytes)
{
    const size_t page = 4096;
    return bytes > SIZE_MAX - page ? NULL : aligned_alloc(page, (bytes + page - 1) / page * page);
}

static void count_memory(struct batch *b, struct cost cost)
{
    b->engine->memory.device_bytes += cost.device;
    b->engine->memory.host_bytes += cost.host;
}

tombola_status engine_make_queue(const struct engine *e, cl_command_queue *queue, tombola_error *error)
{
    cl_int code;
    cl_command_queue_properties properties = e->plan.options.timed ? CL_QUEUE_PROFILING_ENABLE : 0;
    *queue = clCreateCommandQueue(e->context->cl, e->context->device.id, properties, &code);
    if (code == CL_SUCCESS)
        return TOMBOLA_OK;
    *queue = NULL;
    return fail_cl(error, "clCreateCommandQueue", code);
}

/* It is mapped for as long as it is there: pinned, but where the device shares memory, which has no use for that;
 * mapping would wait there for what the device is at. */
tombola_status batch_make_staging(struct batch *b, cl_mem_flags flags, cl_map_flags use, size_t bytes, const char *what,
                                  cl_mem *buffer, void **mapped, tombola_error *error)
{
    cl_int code = CL_SUCCESS;
    *mapped = NULL;
    if (b->engine->plan.shares_memory) {
        *mapped = aligned_bytes(bytes);
        return *mapped ? TOMBOLA_OK : fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for %s: %zu bytes", what, bytes);
    }
    if (!*buffer)
        *buffer = make_buffer(b, flags | CL_MEM_ALLOC_HOST_PTR, bytes, &code);
    if (code != CL_SUCCESS)
        return fail_buffer(b, what, code, error);
    *mapped = clEnqueueMapBuffer(b->engine->queue, *buffer, CL_TRUE, use, 0, bytes, 0, NULL, NULL, &code);
    if (code == CL_SUCCESS)
        return TOMBOLA_OK;
    *mapped = NULL;
    return fail_cl(error, "clEnqueueMapBuffer", code);
}

tombola_status batch_make(struct engine *engine, struct batch *b, tombola_error *error)
{
    const struct plan *p = &engine->plan;
    b->engine = engine;
    b->params.host = b->host_params = aligned_bytes(p->max_rows * sizeof *b->host_params);
    b->columns_size = plan_columns(p);
    b->host_columns = calloc(b->columns_size, sizeof *b->host_columns);
    if (!b->host_params || !b->host_columns)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for a sampler of max_rows %zu", p->max_rows);
    cl_int code = CL_SUCCESS;
    size_t entries = p->scratch_rows * p->padded_blocks;
    b->maxima = make_buffer(b, CL_MEM_READ_WRITE, entries * sizeof(u32), &code);
    b->facts = make_buffer(b, CL_MEM_READ_WRITE, entries * sizeof(u64), &code);
    b->findings = make_buffer(b, CL_MEM_READ_WRITE, plan_findings(p) * sizeof(struct finding), &code);
    b->columns = make_buffer(b, CL_MEM_READ_WRITE, b->columns_size * sizeof(u32), &code);
    if (!p->shares_memory)
        b->params.device = make_buffer(b, CL_MEM_READ_ONLY, p->max_rows * sizeof(struct row_params), &code);
    if (code != CL_SUCCESS)
        return fail_buffer(b, "scratch", code, error);
    count_memory(b, plan_base(p));
    tombola_status status = p->shares_memory ? TOMBOLA_OK : batch_reserve_staging(b, error);
    if (!status && p->options.max_candidates) {
        size_t row = p->options.max_candidates * TOP_K_COLUMNS;
        size_t most = p->largest_buffer / sizeof(u32) / row, rows = p->max_rows < most ? p->max_rows : most;
        status = batch_reserve_candidates(b, rows * row, p->max_rows * row, error);
    }
    if (!status && p->options.probabilities)
        status = batch_reserve_outputs(b, error);
    if (!status && p->options.masks)
        status = upload_reserve(b, &b->masks.copy, plan_mask_bytes(p), "masks", error);
    if (!status)
        status = adjustments_reserve(b, p->options.max_biases, p->options.max_history, error);
    return status;
}

tombola_status batch_reserve_staging(struct batch *b, tombola_error *error)
{
    struct engine *e = b->engine;
    const struct plan *p = &e->plan;
    cl_int code = CL_SUCCESS;
    void *mapped;
    if (b->staged)
        return TOMBOLA_OK;
    tombola_status status = e->transfers ? TOMBOLA_OK : engine_make_queue(e, &e->transfers, error);
    if (status)
        return status;
    if (!b->logits)
        b->logits = make_buffer(b, CL_MEM_READ_ONLY, p->resident_rows * p->row_bytes, &code);
    if (code != CL_SUCCESS)
        return fail_buffer(b, "a copy", code, error);
    status = batch_make_staging(b, CL_MEM_READ_ONLY, CL_MAP_WRITE, PINS * p->pin_rows * p->row_bytes, "staging",
                                &b->staging, &mapped, error);
    b->staged = mapped;
    if (!status)
        count_memory(b, plan_staging(p));
    return status;
}

tombola_status batch_reserve_columns(struct batch *b, tombola_error *error)
{
    const size_t words = columns_words(&b->counts), more = (words - b->columns_size) * sizeof(u32);
    cl_int code = CL_SUCCESS;
    if (b->columns_size >= words)
        return TOMBOLA_OK;
    u32 *host = calloc(words, sizeof *host);
    if (!host)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for results: %zu bytes", words * sizeof *host);
    cl_mem buffer = make_buffer(b, CL_MEM_READ_WRITE, words * sizeof(u32), &code);
    if (code != CL_SUCCESS) {
        free(host);
        return fail_buffer(b, "results", code, error);
    }
    clReleaseMemObject(b->columns);
    free(b->host_columns);
    count_memory(b, (struct cost){more, more});
    b->columns = buffer;
    b->host_columns = host;
    b->columns_size = words;
    return TOMBOLA_OK;
}

tombola_status batch_reserve_candidates(struct batch *b, size_t words_on_device, size_t words, tombola_error *error)
{
    if (b->candidates_size >= words && b->candidates_on_device >= words_on_device)
        return TOMBOLA_OK;
    if (words < b->candidates_size) /* parts may be of more rows this time, and the batch of fewer */
        words = b->candidates_size;
    if (words_on_device < b->candidates_on_device)
        words_on_device = b->candidates_on_device;
    cl_int code = CL_SUCCESS;
    u32 *host = malloc(words * sizeof *host);
    if (!host)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for candidates: %zu bytes", words * sizeof *host);
    cl_mem buffer = make_buffer(b, CL_MEM_READ_WRITE, words_on_device * sizeof(u32), &code);
    if (code != CL_SUCCESS) {
        free(host);
        return fail_buffer(b, "candidates", code, error);
    }
    if (b->candidates)
        clReleaseMemObject(b->candidates);
    free(b->host_candidates);
    count_memory(b, (struct cost){words_on_device * sizeof(u32), words * sizeof(u32)});
    b->engine->memory.device_bytes -= b->candidates_on_device * sizeof(u32);
    b->engine->memory.host_bytes -= b->candidates_size * sizeof(u32);
    b->candidates = buffer;
    b->host_candidates = host;
    b->candidates_on_device = words_on_device;
    b->candidates_size = words;
    return TOMBOLA_OK;
}

tombola_status batch_reserve_outputs(struct batch *b, tombola_error *error)
{
    const struct plan *p = &b->engine->plan;
    size_t bytes = PINS * p->output_rows * p->output_bytes;
    cl_int code = CL_SUCCESS;
    void *mapped;
    if (b->landed)
        return TOMBOLA_OK;
    if (!b->outputs_buffer)
        b->outputs_buffer = make_buffer(b, CL_MEM_READ_WRITE, bytes, &code);
    if (code != CL_SUCCESS)
        return fail_buffer(b, "probabilities", code, error);
    tombola_status status = batch_make_staging(b, CL_MEM_READ_WRITE, CL_MAP_READ | CL_MAP_WRITE, bytes, "probabilities",
                                               &b->landing_buffer, &mapped, error);
    b->landed = mapped;
    if (!status)
        count_memory(b, plan_outputs(p));
    return status;
}

void batch_release_cl(struct batch *b)
{
    if (!b->engine)
        return; /* never made */
    if (b->number)
        batch_finish(b, TOMBOLA_OK, NULL);
    if (b->staging && b->staged)
        clEnqueueUnmapMemObject(b->engine->queue, b->staging, b->staged, 0, NULL, NULL);
    if (b->landing_buffer && b->landed)
        clEnqueueUnmapMemObject(b->engine->queue, b->landing_buffer, b->landed, 0, NULL, NULL);
    if ((b->staging && b->staged) || (b->landing_buffer && b->landed))
        clFinish(b->engine->queue);
    cl_mem buffers[] = {b->maxima,  b->facts,      b->findings,       b->columns,       b->logits,
                        b->staging, b->candidates, b->outputs_buffer, b->landing_buffer};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        if (buffers[i])
            clReleaseMemObject(buffers[i]);
    upload_release_cl(b, &b->params);
    upload_release_cl(b, &b->masks.copy);
    upload_release_cl(b, &b->adjustments.copy);
    upload_release_cl(b, &b->scores.copy);
}

void batch_free(struct batch *b)
{
    upload_free(&b->params);
    free(b->host_columns);
    free(b->host_candidates);
    if (!b->staging) /* else it is mapped memory, gone with its buffer */
        free(b->staged);
    if (!b->landing_buffer)
        free(b->landed);
    upload_free(&b->masks.copy);
    adjustments_free(&b->adjustments);
    upload_free(&b->scores.copy);
}
