#include "sampler.h"

#include "context.h"
#include "error.h"
#include "process.h"
#include "program.h"

#include <stdlib.h>

#define PART_BYTES ((size_t)4 << 20)

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
    if ((unsigned)o->transfer > TOMBOLA_TRANSFER_STAGED)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.transfer is %d, which is no tombola_transfer",
                    (int)o->transfer);
    return TOMBOLA_OK;
}

static tombola_status make_queue(const tombola_sampler *s, cl_command_queue *queue, tombola_error *error)
{
    cl_int code;
    cl_command_queue_properties properties = s->options.timed ? CL_QUEUE_PROFILING_ENABLE : 0;
    *queue = clCreateCommandQueue(s->context->cl, s->context->device.id, properties, &code);
    if (code == CL_SUCCESS)
        return TOMBOLA_OK;
    *queue = NULL;
    return fail_cl(error, "clCreateCommandQueue", code);
}

/* A part of a staged batch is as large as keeps a bus busy for some time, and one of at most MAX_PARTS. */
static size_t choose_slot_rows(const tombola_sampler *s)
{
    size_t rows = PART_BYTES / sampler_row_bytes(s), least = (s->max_rows + MAX_PARTS - 1) / MAX_PARTS;
    rows = rows > least ? rows : least;
    return rows < s->max_rows ? rows : s->max_rows;
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
    tombola_context_retain(context);
    s->context = context;
    s->vocabulary = vocabulary;
    s->max_rows = max_rows;
    s->blocks = (vocabulary + BLOCK - 1) / BLOCK;
    s->slots = (s->blocks + context->width - 1) / context->width * context->width;
    s->options = *options;
    s->in_place = options->transfer == TOMBOLA_TRANSFER_AUTO ? context->is_unified
                                                             : options->transfer == TOMBOLA_TRANSFER_IN_PLACE;
    s->slot_rows = choose_slot_rows(s);
    tombola_status status = make_queue(s, &s->queue, error);
    if (!status && !s->in_place)
        status = make_queue(s, &s->transfers, error);
    for (int i = 0; i < FLIGHTS && !status; i++)
        status = flight_make(s, &s->flights[i], error);
    if (!status)
        status = make_kernels(s, program, error);
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

static void release_cl(tombola_sampler *s)
{
    for (int i = 0; i < FLIGHTS; i++)
        flight_release(s, &s->flights[i]);
    cl_kernel kernels[] = {s->sample, s->softmax, s->top_k};
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
        if (kernels[i])
            clReleaseKernel(kernels[i]);
    if (s->transfers)
        clReleaseCommandQueue(s->transfers);
    if (s->queue)
        clReleaseCommandQueue(s->queue);
}

void tombola_sampler_release(tombola_sampler *s)
{
    if (!s)
        return;
    if (!process_is_forked())
        release_cl(s);
    for (int i = 0; i < FLIGHTS; i++) {
        free(s->flights[i].host_params);
        free(s->flights[i].host_draws);
    }
    tombola_context_close(s->context);
    free(s);
}

void tombola_sampler_times(const tombola_sampler *sampler, tombola_times *times)
{
    *times = sampler->times;
}

void tombola_sampler_memory(const tombola_sampler *sampler, tombola_memory *memory)
{
    *memory = sampler->memory;
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
size_t sampler_row_bytes(const tombola_sampler *sampler)
{
    return sampler->vocabulary * tombola_type_size(sampler->options.type);
}
