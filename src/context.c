#include "context.h"

#include "absence.h"
#include "build_options.h"
#include "companion.h"
#include "device_check.h"
#include "device_name.h"
#include "error.h"
#include "process.h"
#include "program.h"
#include "shape.h"
#include "sized.h"
#include "tombola_cl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST_PAGE 4096u

static int is_power_of_two(uint32_t x)
{
    return x && !(x & (x - 1));
}

static tombola_status check_options(const tombola_context_options *o, tombola_error *error)
{
    if (o->lanes || o->width) { /* one without the other is out of range too */
        if (o->width != 4 && o->width != 8 && o->width != 16)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.width is %u, not 4, 8 or 16", (unsigned)o->width);
        if (!is_power_of_two(o->lanes) || o->lanes > 256 / o->width)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.lanes is %u, not a power of two up to 256 / width",
                        (unsigned)o->lanes);
    }
    if (o->teams && (!o->lanes || !is_power_of_two(o->teams) || o->teams > 256 / o->lanes))
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "options.teams is %u, not a power of two up to 256 / lanes with lanes given", (unsigned)o->teams);
    if ((unsigned)o->cache > TOMBOLA_CACHE_OFF)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.cache is %d, which is no tombola_cache", (int)o->cache);
    return build_options_check(o->build_options, error);
}

/* The caller's options as this library has them; NULL: the defaults. */
static tombola_status read_options(const tombola_context_options *theirs, tombola_context_options *own,
                                   tombola_error *error)
{
    *own = tombola_context_options_default();
    tombola_status status = TOMBOLA_OK;
    if (theirs)
        status = sized_read("options", "tombola_context_options_default", own, sizeof *own, theirs, error);
    return status ? status : check_options(own, error);
}

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

/* Adds a formatted sentence and a line break to a text that grows. Out of memory leaves it as it was. */
static void add_sentence(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_sentence(char **text, const char *format, ...)
{
    char sentence[TOMBOLA_ERROR_MESSAGE_SIZE + 512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    size_t before = *text ? strlen(*text) : 0, size = strlen(sentence);
    char *grown = realloc(*text, before + size + 2);
    if (!grown)
        return;
    memcpy(grown + before, sentence, size);
    memcpy(grown + before + size, "\n", 2);
    *text = grown;
}

/* That each start compiles, if it does. */
static void add_cache(tombola_context *context, tombola_cache cache)
{
    char clause[TOMBOLA_ERROR_MESSAGE_SIZE];
    if (program_cache_trouble(context, cache, clause, sizeof clause))
        add_sentence(&context->choice, "Compiled kernels are not kept, so that every start compiles them: %s.", clause);
}

/* The platforms that list nothing. */
static void add_absence(char **choice)
{
    char text[TOMBOLA_ERROR_MESSAGE_SIZE];
    absence_describe(text, sizeof text);
    if (text[0])
        add_sentence(choice, "%s", text);
}

/* With the devices that there are, and the platforms that list none: cut to fit. */
static tombola_status fail_to_match(const struct device *devices, size_t count, const char *name, const char *source,
                                    tombola_error *error)
{
    char text[TOMBOLA_ERROR_MESSAGE_SIZE] = "", absence[TOMBOLA_ERROR_MESSAGE_SIZE];
    size_t length = 0;
    for (size_t i = 0; i < count && length + 1 < sizeof text; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s", i ? ", " : "");
        if (length < sizeof text)
            device_label(&devices[i].info, text + length, sizeof text - length);
        length = strlen(text);
    }
    absence_describe(absence, sizeof absence);
    return fail(error, TOMBOLA_NO_DEVICE, "no OpenCL device matches \"%s\", which %s asks for%s; there %s %s.%s%s",
                name, source,
                device_is_index(name) ? " by its index (name: before it would ask for a part of a name)" : "",
                count == 1 ? "is" : "are", text, absence[0] ? " " : "", absence);
}

static tombola_status open_named(const struct device *devices, size_t count, const char *name, const char *source,
                                 const tombola_context_options *options, tombola_context **context, char **choice,
                                 tombola_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!device_matches(&devices[i].info, name))
            continue;
        add_sentence(choice, "Device %u (%s) is the first that matches \"%s\", which %s asks for.",
                     (unsigned)devices[i].info.index, devices[i].info.name, name, source);
        return context_open_device(&devices[i], NULL, options, context, error);
    }
    return fail_to_match(devices, count, name, source, error);
}

static tombola_status open_default(const struct device *devices, size_t count, const tombola_context_options *options,
                                   tombola_context **context, char **choice, tombola_error *error)
{
    size_t *order = malloc(count * sizeof *order);
    if (!order)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for the list of devices");
    device_default_order(devices, count, order);
    tombola_status status = TOMBOLA_NO_DEVICE;
    size_t tried = 0;
    while (tried < count && status) {
        const struct device *device = &devices[order[tried++]];
        tombola_error reason = tombola_error_default();
        status = context_open_device(device, NULL, options, context, &reason);
        if (status)
            add_sentence(choice, "Device %u (%s) was passed over: %s.", (unsigned)device->info.index, device->info.name,
                         reason.message);
        else
            add_sentence(choice, "Device %u (%s) was taken: %s.", (unsigned)device->info.index, device->info.name,
                         tried > 1                                 ? "the first that works"
                         : device->info.type == TOMBOLA_DEVICE_GPU ? "the first GPU"
                                                                   : "there is no GPU, and it comes first");
    }
    free(order);
    if (status)
        return fail(error, TOMBOLA_NO_DEVICE, "none of %zu OpenCL devices works. %s", count, *choice ? *choice : "");
    return TOMBOLA_OK;
}

tombola_status tombola_context_open(const char *device, const tombola_context_options *options,
                                    tombola_context **context, tombola_error *error)
{
    if (!context)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "context is NULL");
    tombola_context_options own;
    tombola_status status = read_options(options, &own, error);
    if (status)
        return status;

    struct device *devices;
    size_t count;
    char *choice = NULL;
    status = device_load(&devices, &count, error);
    if (status)
        return status;
    const char *variable = getenv("TOMBOLA_DEVICE");
    if (count == 0)
        status = absence_fail(error);
    else if (device && *device)
        status = open_named(devices, count, device, "the argument device", &own, context, &choice, error);
    else if (variable && *variable)
        status = open_named(devices, count, variable, "TOMBOLA_DEVICE", &own, context, &choice, error);
    else
        status = open_default(devices, count, &own, context, &choice, error);
    if (!status)
        companion_find(*context, devices, count);
    free(devices);
    if (status) {
        free(choice);
        return status;
    }
    add_absence(&choice);
    (*context)->choice = choice;
    add_cache(*context, own.cache);
    return TOMBOLA_OK;
}

/* Whether the caller's context holds the device. */
static tombola_status check_cl(cl_context context, cl_device_id device, tombola_error *error)
{
    size_t bytes = 0, held = 0;
    cl_int code = clGetContextInfo(context, CL_CONTEXT_DEVICES, 0, NULL, &bytes);
    cl_device_id *devices = code == CL_SUCCESS ? malloc(bytes) : NULL;
    if (code == CL_SUCCESS && !devices)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for the list of devices");
    if (code == CL_SUCCESS)
        code = clGetContextInfo(context, CL_CONTEXT_DEVICES, bytes, devices, NULL);
    for (size_t i = 0; code == CL_SUCCESS && i < bytes / sizeof *devices; i++)
        held += devices[i] == device;
    free(devices);
    if (code != CL_SUCCESS)
        return fail_cl(error, "clGetContextInfo", code);
    return held ? TOMBOLA_OK
                : fail(error, TOMBOLA_INVALID_ARGUMENT, "device is none of those that the OpenCL context holds");
}

tombola_status tombola_context_open_cl(cl_context context, cl_device_id device, const tombola_context_options *options,
                                       tombola_context **opened, tombola_error *error)
{
    if (!context)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "context is NULL");
    if (!device)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "device is NULL");
    if (!opened)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "opened is NULL");
    tombola_context_options own;
    struct device found;
    tombola_status status = read_options(options, &own, error);
    if (!status)
        status = process_check(error);
    if (!status)
        status = check_cl(context, device, error);
    if (!status)
        status = device_find(device, &found, error);
    if (!status)
        status = context_open_device(&found, context, &own, opened, error);
    if (!status)
        add_sentence(&(*opened)->choice, "Device %u (%s) is the one that was given, in an OpenCL context.",
                     (unsigned)found.info.index, found.info.name);
    if (!status)
        add_cache(*opened, own.cache);
    return status;
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
                if (context->programs[program][type][input])
                    clReleaseProgram(context->programs[program][type][input]);
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
