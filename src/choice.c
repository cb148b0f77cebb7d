/* Opens contexts: on the device that is asked for or the first one that works, and tells why it is that one. */
#include "context.h"

#include "absence.h"
#include "build_options.h"
#include "companion.h"
#include "device_name.h"
#include "error.h"
#include "process.h"
#include "program.h"
#include "sized.h"
#include "tombola_cl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ options */

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

/* ------------------------------------------------------------------ why it is that one */

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

/* ------------------------------------------------------------------ from the machine's list */

/* A choice among the devices that there are. */
struct choice {
    struct device *devices;
    size_t count;
    const tombola_context_options *options;
    tombola_context *context; /* on the one that is chosen */
    char *why;                /* why it is that one, a sentence a line; NULL: nothing is said */
};

/* With the devices that there are, and the platforms that list none: cut to fit. */
static tombola_status fail_to_match(const struct choice *c, const char *name, const char *source, tombola_error *error)
{
    char text[TOMBOLA_ERROR_MESSAGE_SIZE] = "", absence[TOMBOLA_ERROR_MESSAGE_SIZE];
    size_t length = 0;
    for (size_t i = 0; i < c->count && length + 1 < sizeof text; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s", i ? ", " : "");
        if (length < sizeof text)
            device_label(&c->devices[i].info, text + length, sizeof text - length);
        length = strlen(text);
    }
    absence_describe(absence, sizeof absence);
    return fail(error, TOMBOLA_NO_DEVICE, "no OpenCL device matches \"%s\", which %s asks for%s; there %s %s.%s%s",
                name, source,
                device_is_index(name) ? " by its index (name: before it would ask for a part of a name)" : "",
                c->count == 1 ? "is" : "are", text, absence[0] ? " " : "", absence);
}

static tombola_status open_named(struct choice *c, const char *name, const char *source, tombola_error *error)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct device *device = &c->devices[i];
        if (!device_matches(&device->info, name))
            continue;
        add_sentence(&c->why, "Device %u (%s) is the first that matches \"%s\", which %s asks for.",
                     (unsigned)device->info.index, device->info.name, name, source);
        return context_open_device(device, NULL, c->options, &c->context, error);
    }
    return fail_to_match(c, name, source, error);
}

static tombola_status open_default(struct choice *c, tombola_error *error)
{
    size_t *order = malloc(c->count * sizeof *order);
    if (!order)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for the list of devices");
    device_default_order(c->devices, c->count, order);
    tombola_status status = TOMBOLA_NO_DEVICE;
    size_t tried = 0;
    while (tried < c->count && status) {
        const struct device *device = &c->devices[order[tried++]];
        tombola_error reason = tombola_error_default();
        status = context_open_device(device, NULL, c->options, &c->context, &reason);
        if (status)
            add_sentence(&c->why, "Device %u (%s) was passed over: %s.", (unsigned)device->info.index,
                         device->info.name, reason.message);
        else
            add_sentence(&c->why, "Device %u (%s) was taken: %s.", (unsigned)device->info.index, device->info.name,
                         tried > 1                                 ? "the first that works"
                         : device->info.type == TOMBOLA_DEVICE_GPU ? "the first GPU"
                                                                   : "there is no GPU, and it comes first");
    }
    free(order);
    if (status)
        return fail(error, TOMBOLA_NO_DEVICE, "none of %zu OpenCL devices works. %s", c->count, c->why ? c->why : "");
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

    struct choice c = {.options = &own};
    status = device_load(&c.devices, &c.count, error);
    if (status)
        return status;
    const char *variable = getenv("TOMBOLA_DEVICE");
    if (c.count == 0)
        status = absence_fail(error);
    else if (device && *device)
        status = open_named(&c, device, "the argument device", error);
    else if (variable && *variable)
        status = open_named(&c, variable, "TOMBOLA_DEVICE", error);
    else
        status = open_default(&c, error);
    if (!status)
        companion_find(c.context, c.devices, c.count);
    free(c.devices);
    if (status) {
        free(c.why);
        return status;
    }
    add_absence(&c.why);
    *context = c.context;
    c.context->choice = c.why;
    add_cache(c.context, own.cache);
    return TOMBOLA_OK;
}

/* ------------------------------------------------------------------ in a context of the caller's */

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
