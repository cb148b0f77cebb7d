#include "device.h"

#include "absence.h"
#include "error.h"
#include "process.h"
#include "sized.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define NO_PLATFORM (-1001) /* CL_PLATFORM_NOT_FOUND_KHR: the loader knows of none */

static void text_of(cl_device_id id, cl_device_info what, char *text, size_t size)
{
    if (clGetDeviceInfo(id, what, size - 1, text, NULL) != CL_SUCCESS)
        text[0] = '\0';
    text[size - 1] = '\0';
}

/* OpenCL has no word for it: PoCL's driver is told by its name, with which the device's begins. */
static int is_in_thread(const tombola_device *info)
{
    static const char *const drivers[] = {"basic-", "cpu-minimal-"};
    if (strcmp(info->platform, PLATFORM_POCL) != 0)
        return 0;
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++)
        if (strncmp(info->name, drivers[i], strlen(drivers[i])) == 0)
            return 1;
    return 0;
}

static void describe(struct device *device, cl_platform_id platform, size_t index)
{
    cl_device_id id = device->id;
    tombola_device *info = &device->info;
    *info = tombola_device_default();
    info->index = (uint32_t)index;

    cl_device_type type = 0;
    clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    /* Some are several at once: simulators call themselves everything, and are used like a CPU. */
    info->type = type & CL_DEVICE_TYPE_CPU   ? TOMBOLA_DEVICE_CPU
                 : type & CL_DEVICE_TYPE_GPU ? TOMBOLA_DEVICE_GPU
                                             : TOMBOLA_DEVICE_OTHER;
    cl_ulong memory = 0;
    clGetDeviceInfo(id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof memory, &memory, NULL);
    info->memory = memory;
    cl_uint units = 0;
    clGetDeviceInfo(id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
    info->compute_units = units;
    if (clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof info->platform - 1, info->platform, NULL) != CL_SUCCESS)
        info->platform[0] = '\0';
    text_of(id, CL_DEVICE_NAME, info->name, sizeof info->name);
    text_of(id, CL_DEVICE_VERSION, info->version, sizeof info->version);
    text_of(id, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    info->is_in_thread = is_in_thread(info);
}

/* Appends the devices of one platform, those that work in the caller's thread last: who asks for a CPU without saying
 * which wants all of its cores. A platform that fails or has none adds nothing. */
static tombola_status add_platform(cl_platform_id platform, struct device **devices, size_t *count,
                                   tombola_error *error)
{
    cl_uint here = 0;
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &here) != CL_SUCCESS || here == 0)
        return TOMBOLA_OK;
    cl_device_id *ids = malloc(here * sizeof *ids);
    struct device *grown = realloc(*devices, (*count + here) * sizeof *grown);
    if (grown)
        *devices = grown;
    if (!ids || !grown) {
        free(ids);
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for the list of devices");
    }
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, here, ids, NULL) == CL_SUCCESS) {
        for (int is_last = 0; is_last <= 1; is_last++) {
            for (cl_uint i = 0; i < here; i++) {
                struct device device = {.id = ids[i]};
                describe(&device, platform, *count);
                if (device.info.is_in_thread == is_last)
                    grown[(*count)++] = device;
            }
        }
    }
    free(ids);
    return TOMBOLA_OK;
}

tombola_status device_load(struct device **devices, size_t *count, tombola_error *error)
{
    *devices = NULL;
    *count = 0;
    tombola_status status = process_check(error);
    if (status)
        return status;
    cl_uint platform_count = 0;
    cl_int code = clGetPlatformIDs(0, NULL, &platform_count);
    if (code == NO_PLATFORM || (code == CL_SUCCESS && platform_count == 0))
        return TOMBOLA_OK;
    if (code != CL_SUCCESS) {
        char reason[400];
        absence_reason("", reason, sizeof reason);
        return fail_cl_because(error, "clGetPlatformIDs", code, reason);
    }
    cl_platform_id *platforms = malloc(platform_count * sizeof *platforms);
    if (!platforms) {
        status = fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for the list of platforms");
        goto done;
    }
    code = clGetPlatformIDs(platform_count, platforms, NULL);
    if (code != CL_SUCCESS) {
        status = fail_cl(error, "clGetPlatformIDs", code);
        goto done;
    }
    for (cl_uint i = 0; i < platform_count && !status; i++)
        status = add_platform(platforms[i], devices, count, error);
    if (!status && *count > 0) {
        size_t *order = malloc(*count * sizeof *order);
        if (!order) {
            status = fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for the list of devices");
            goto done;
        }
        device_default_order(*devices, *count, order);
        (*devices)[order[0]].info.is_default = 1;
        free(order);
    }

done:
    free(platforms);
    if (status) {
        free(*devices);
        *devices = NULL;
        *count = 0;
    }
    return status;
}

tombola_status device_find(cl_device_id id, struct device *found, tombola_error *error)
{
    struct device *devices;
    size_t count, i = 0;
    tombola_status status = device_load(&devices, &count, error);
    if (status)
        return status;
    while (i < count && devices[i].id != id)
        i++;
    if (i < count) {
        *found = devices[i];
    } else {
        cl_platform_id platform = NULL;
        clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL);
        found->id = id;
        describe(found, platform, UINT32_MAX);
    }
    free(devices);
    return TOMBOLA_OK;
}

static cl_platform_id platform_of(const struct device *device)
{
    cl_platform_id platform = NULL;
    clGetDeviceInfo(device->id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL);
    return platform;
}

const struct device *device_in_thread(const struct device *devices, size_t count, const struct device *of)
{
    if (of->info.type != TOMBOLA_DEVICE_CPU || of->info.is_in_thread)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (devices[i].info.is_in_thread && platform_of(&devices[i]) == platform_of(of))
            return &devices[i];
    return NULL;
}

void device_default_order(const struct device *devices, size_t count, size_t *order)
{
    static const tombola_device_type ranks[] = {TOMBOLA_DEVICE_GPU, TOMBOLA_DEVICE_CPU, TOMBOLA_DEVICE_OTHER};
    size_t placed = 0;
    for (size_t rank = 0; rank < sizeof ranks / sizeof ranks[0]; rank++)
        for (size_t i = 0; i < count; i++)
            if (devices[i].info.type == ranks[rank])
                order[placed++] = i;
}

/* That a caller's array has elements of one size. */
static tombola_status check_sizes(const tombola_device *devices, size_t size, size_t count, tombola_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!sized_is_one(size))
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "devices[0].struct_size is %zu: start each from tombola_device_default()", size);
        size_t other = sized_size((const char *)devices + i * size);
        if (other != size)
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "devices[%zu].struct_size is %zu, but that of devices[0] is %zu: start each from "
                        "tombola_device_default()",
                        i, other, size);
    }
    return TOMBOLA_OK;
}

tombola_status tombola_device_list(tombola_device *devices, size_t capacity, size_t *count, tombola_error *error)
{
    if (!count)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "count is NULL");
    if (!devices && capacity > 0)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "devices is NULL, but capacity is %zu", capacity);
    struct device *loaded;
    tombola_status status = device_load(&loaded, count, error);
    if (status)
        return status;
    const size_t size = capacity > 0 ? sized_size(devices) : 0;
    if (status == TOMBOLA_OK)
        status = check_sizes(devices, size, capacity, error);
    for (size_t i = 0; i < *count && i < capacity && !status; i++)
        sized_write((char *)devices + i * size, &loaded[i].info, sizeof loaded[i].info);
    free(loaded);
    return status;
}
