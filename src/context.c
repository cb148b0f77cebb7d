#include "context.h"

#include "absence.h"
#include "build_options.h"
#include "device_check.h"
#include "error.h"
#include "process.h"
#include "program.h"
#include "shape.h"
#include "sized.h"
#include "tombola_cl.h"

#include <stdlib.h>
#include <string.h>

#define SMALLEST_PAGE 4096u

/* How large buffers may be, and how those over host memory go. Where buffers begin that the device uses in place is
 * what it states for sub-buffers, until host_memory_probe finds out more. */
static void look_at_memory(tombola_context *context)
{
    cl_bool is_unified = CL_FALSE;
    cl_uint bits = 0;
    cl_ulong largest = 0;
    clGetDeviceInfo(context->device.id, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof is_unified, &is_unified, NULL);
    clGetDeviceInfo(context->device.id, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof bits, &bits, NULL);
    clGetDeviceInfo(context->device.id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof largest, &largest, NULL);
    context->is_unified = is_unified == CL_TRUE;
    context->alignment = bits / 8 ? bits / 8 : SMALLEST_PAGE;
    context->largest_buffer = largest > 0 && largest < SIZE_MAX ? (size_t)largest : SIZE_MAX;
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

/* The caller's OpenCL context with one reference more, or where that is NULL one for the device alone. */
static tombola_status take_cl(tombola_context *context, cl_context given, tombola_error *error)
{
    cl_int code;
    if (given) {
        code = clRetainContext(given);
        context->cl = code == CL_SUCCESS ? given : NULL;
        return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clRetainContext", code);
    }
    context->cl = clCreateContext(NULL, 1, &context->device.id, NULL, NULL, &code);
    if (code == CL_SUCCESS)
        return TOMBOLA_OK;
    context->cl = NULL;
    char reason[400];
    absence_reason(context->device.info.platform, reason, sizeof reason);
    return fail_cl_because(error, "clCreateContext", code, reason);
}

tombola_status context_open_device(const struct device *device, cl_context given,
                                   const tombola_context_options *options, tombola_context **opened,
                                   tombola_error *error)
{
    tombola_context *context = calloc(1, sizeof *context);
    if (!context || pthread_mutex_init(&context->lock, NULL) != 0) {
        free(context);
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for a context");
    }
    pthread_mutex_init(&context->wrapped_lock, NULL);
    pthread_mutex_init(&context->companion.lock, NULL);
    tombola_status status = TOMBOLA_OK;
    atomic_init(&context->references, 1);
    context->device = *device;
    shape_choose(context, options);
    look_at_memory(context);
    context->cache = program_cache_folder(&context->device.info, options->cache);
    context->build_options = copy_text(options->build_options ? options->build_options : "");
    if (!context->build_options) {
        status = fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for a context");
        goto done;
    }
    cl_program program;
    status = device_check(device, error);
    if (!status)
        status = build_options_check_environment(device->info.platform, error);
    if (!status)
        status = shape_fit(context, options, error);
    if (!status)
        status = take_cl(context, given, error);
    if (!status)
        status = context_program(context, PROGRAM_ROWS, TOMBOLA_FLOAT32, TOMBOLA_LOGITS, &program, error);
    if (!status)
        status = host_memory_probe(context, program, error);

done:
    if (status) {
        tombola_context_close(context);
        return status;
    }
    *opened = context;
    return TOMBOLA_OK;
}

cl_context tombola_context_cl_context(const tombola_context *context)
{
    return context->cl;
}

cl_device_id tombola_context_cl_device(const tombola_context *context)
{
    return context->device.id;
}

void tombola_context_device(const tombola_context *context, tombola_device *device)
{
    sized_write(device, &context->device.info, sizeof *device);
}

const char *tombola_context_choice(const tombola_context *context)
{
    return context->choice ? context->choice : "";
}

void tombola_context_shape(const tombola_context *context, uint32_t *lanes, uint32_t *width, uint32_t *teams)
{
    if (lanes)
        *lanes = context->lanes;
    if (width)
        *width = context->width;
    if (teams)
        *teams = context->teams;
}

void tombola_context_retain(tombola_context *context)
{
    atomic_fetch_add(&context->references, 1);
}

static void release_cl(tombola_context *context)
{
    for (int program = 0; program < PROGRAMS; program++)
        for (int type = 0; type < TYPES; type++)
            for (int input = 0; input < INPUTS; input++)
                if (context->built[program][type][input].program)
                    clReleaseProgram(context->built[program][type][input].program);
    if (context->cl)
        clReleaseContext(context->cl);
    pthread_mutex_destroy(&context->lock);
    pthread_mutex_destroy(&context->companion.lock);
    pthread_mutex_destroy(&context->wrapped_lock);
}

void tombola_context_close(tombola_context *context)
{
    if (!context || atomic_fetch_sub(&context->references, 1) > 1)
        return;
    tombola_context_close(context->companion.context);
    if (!process_is_forked()) /* else the lock may be one that a thread of the parent holds for ever */
        release_cl(context);
    free(context->build_options);
    free(context->cache);
    free(context->choice);
    free(context);
}
