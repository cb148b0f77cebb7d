#include "sampler.h"

#include "context.h"
#include "error.h"

#include <stdlib.h>

tombola_sampler_options tombola_sampler_options_default(void)
{
    return (tombola_sampler_options){.struct_size = sizeof(tombola_sampler_options)};
}

static tombola_status check_options(const tombola_sampler_options *o, tombola_error *error)
{
    if (o->struct_size != sizeof *o)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "options.struct_size is %u, not %zu: start from tombola_sampler_options_default()",
                    (unsigned)o->struct_size, sizeof *o);
    if ((unsigned)o->type >= TYPES)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.type is %d, which is no tombola_type", (int)o->type);
    if ((unsigned)o->input >= INPUTS)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.input is %d, which is no tombola_input", (int)o->input);
    if ((unsigned)o->dispatch > TOMBOLA_DISPATCH_SPREAD)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.dispatch is %d, which is no tombola_dispatch",
                    (int)o->dispatch);
    return TOMBOLA_OK;
}

static cl_mem make_buffer(const tombola_sampler *sampler, cl_mem_flags flags, size_t each, cl_int *code)
{
    if (*code != CL_SUCCESS)
        return NULL;
    if (each > SIZE_MAX / sampler->max_rows) {
        *code = CL_INVALID_BUFFER_SIZE;
        return NULL;
    }
    return clCreateBuffer(sampler->context->cl, flags, each * sampler->max_rows, NULL, code);
}

static tombola_status make_buffers(tombola_sampler *s, tombola_error *error)
{
    cl_int code = CL_SUCCESS;
    s->logits = make_buffer(s, CL_MEM_READ_ONLY, s->vocabulary * tombola_type_size(s->options.type), &code);
    s->params = make_buffer(s, CL_MEM_READ_ONLY, sizeof(struct row_params), &code);
    s->tops = make_buffer(s, CL_MEM_READ_WRITE, s->blocks * sizeof(u32), &code);
    s->sums = make_buffer(s, CL_MEM_READ_WRITE, s->blocks * sizeof(u64), &code);
    s->draws = make_buffer(s, CL_MEM_WRITE_ONLY, sizeof(struct row_draw), &code);
    if (code == CL_SUCCESS)
        return TOMBOLA_OK;
    if (code == CL_INVALID_BUFFER_SIZE || code == CL_MEM_OBJECT_ALLOCATION_FAILURE)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "%s has no room for max_rows %zu x vocabulary %zu logits (%d)",
                    s->context->device.info.name, s->max_rows, s->vocabulary, (int)code);
    return fail_cl(error, "clCreateBuffer", code);
}

static tombola_status make_kernel(cl_program program, const char *name, cl_kernel *kernel, tombola_error *error)
{
    cl_int code;
    *kernel = clCreateKernel(program, name, &code);
    return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clCreateKernel", code);
}

static tombola_status make_kernels(tombola_sampler *s, cl_program program, tombola_error *error)
{
    tombola_status status = make_kernel(program, "sample", &s->sample, error);
    if (!status)
        status = make_kernel(program, "softmax", &s->softmax, error);
    if (!status)
        status = make_kernel(program, "top_k", &s->top_k, error);
    return status;
}

tombola_status sampler_create_from(tombola_context *context, cl_program program, size_t vocabulary, size_t max_rows,
                                   const tombola_sampler_options *options, tombola_sampler **sampler,
                                   tombola_error *error)
{
    tombola_sampler *s = calloc(1, sizeof *s);
    if (!s)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for a sampler");
    s->context = context;
    s->vocabulary = vocabulary;
    s->max_rows = max_rows;
    s->blocks = (vocabulary + BLOCK - 1) / BLOCK;
    s->options = *options;
    tombola_status status = TOMBOLA_OK;
    s->host_params = calloc(max_rows, sizeof *s->host_params);
    s->host_draws = calloc(max_rows, sizeof *s->host_draws);
    if (!s->host_params || !s->host_draws) {
        status = fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for a sampler of max_rows %zu", max_rows);
        goto done;
    }
    cl_int code;
    cl_command_queue_properties properties = options->timed ? CL_QUEUE_PROFILING_ENABLE : 0;
    s->queue = clCreateCommandQueue(context->cl, context->device.id, properties, &code);
    if (code != CL_SUCCESS) {
        s->queue = NULL;
        status = fail_cl(error, "clCreateCommandQueue", code);
        goto done;
    }
    status = make_buffers(s, error);
    if (!status)
        status = make_kernels(s, program, error);

done:
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
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (vocabulary < 1 || vocabulary > TOMBOLA_MAX_VOCABULARY)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "vocabulary is %zu, not from 1 to %u", vocabulary,
                    TOMBOLA_MAX_VOCABULARY);
    if (max_rows < 1 || max_rows > INT32_MAX)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "max_rows is %zu, not from 1 to %d", max_rows, INT32_MAX);
    tombola_sampler_options defaults = tombola_sampler_options_default();
    if (!options)
        options = &defaults;
    tombola_status status = check_options(options, error);
    if (status)
        return status;
    cl_program program;
    status = context_program(context, options->type, options->input, &program, error);
    if (status)
        return status;
    return sampler_create_from(context, program, vocabulary, max_rows, options, sampler, error);
}

void tombola_sampler_release(tombola_sampler *s)
{
    if (!s)
        return;
    if (s->queue) {
        clFinish(s->queue);
        clReleaseCommandQueue(s->queue);
    }
    cl_kernel kernels[] = {s->sample, s->softmax, s->top_k};
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
        if (kernels[i])
            clReleaseKernel(kernels[i]);
    cl_mem buffers[] = {s->logits, s->params, s->tops, s->sums, s->draws};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        if (buffers[i])
            clReleaseMemObject(buffers[i]);
    free(s->host_params);
    free(s->host_draws);
    free(s);
}

void tombola_sampler_times(const tombola_sampler *sampler, tombola_times *times)
{
    *times = sampler->times;
}

size_t sampler_vocabulary(const tombola_sampler *sampler)
{
    return sampler->vocabulary;
}
size_t sampler_max_rows(const tombola_sampler *sampler)
{
    return sampler->max_rows;
}
tombola_type sampler_type(const tombola_sampler *sampler)
{
    return sampler->options.type;
}
