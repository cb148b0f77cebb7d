#include "device_check.h"

#include "error.h"

#include <stdio.h>
#include <string.h>

#define LEAST_LOCAL_MEMORY 32768u /* bytes, which a full profile promises; the kernels need more than half of it */

static tombola_status lacks(const struct device *device, const char *property, const char *says, const char *needed,
                            tombola_error *error)
{
    return fail(error, TOMBOLA_NO_DEVICE, "%s can't serve: its %s is %s, and %s is needed", device->info.name, property,
                says, needed);
}

static tombola_status ask(const struct device *device, const char *property, cl_device_info what, void *value,
                          size_t size, tombola_error *error)
{
    char call[80];
    cl_int code = clGetDeviceInfo(device->id, what, size, value, NULL);
    if (code == CL_SUCCESS)
        return TOMBOLA_OK;
    snprintf(call, sizeof call, "clGetDeviceInfo for %s", property);
    return fail_cl(error, call, code);
}

static tombola_status check_flags(const struct device *device, tombola_error *error)
{
    static const struct {
        cl_device_info what;
        const char *name;
    } flags[] = {{CL_DEVICE_AVAILABLE, "CL_DEVICE_AVAILABLE"},
                 {CL_DEVICE_COMPILER_AVAILABLE, "CL_DEVICE_COMPILER_AVAILABLE"},
                 {CL_DEVICE_ENDIAN_LITTLE, "CL_DEVICE_ENDIAN_LITTLE"}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        cl_bool is_set = CL_FALSE;
        tombola_status status = ask(device, flags[i].name, flags[i].what, &is_set, sizeof is_set, error);
        if (!status && !is_set)
            status = lacks(device, flags[i].name, "CL_FALSE", "CL_TRUE", error);
        if (status)
            return status;
    }
    return TOMBOLA_OK;
}

static tombola_status check_profile(const struct device *device, tombola_error *error)
{
    char profile[64] = "";
    tombola_status status = ask(device, "CL_DEVICE_PROFILE", CL_DEVICE_PROFILE, profile, sizeof profile - 1, error);
    if (!status && strcmp(profile, "FULL_PROFILE") != 0)
        status = lacks(device, "CL_DEVICE_PROFILE", profile, "FULL_PROFILE", error);
    return status;
}

static tombola_status check_version(const struct device *device, tombola_error *error)
{
    char version[256] = "";
    int major = 0, minor = 0;
    tombola_status status = ask(device, "CL_DEVICE_VERSION", CL_DEVICE_VERSION, version, sizeof version - 1, error);
    if (status)
        return status;
    if (sscanf(version, "OpenCL %d.%d", &major, &minor) == 2 && (major > 1 || (major == 1 && minor >= 2)))
        return TOMBOLA_OK;
    return lacks(device, "CL_DEVICE_VERSION", version, "OpenCL 1.2 or later", error);
}

/* Rounding decides the last bit of a weight, and infinities mask tokens out. Subnormal numbers decide nothing. */
static tombola_status check_arithmetic(const struct device *device, tombola_error *error)
{
    cl_device_fp_config config = 0;
    char says[32];
    tombola_status status =
        ask(device, "CL_DEVICE_SINGLE_FP_CONFIG", CL_DEVICE_SINGLE_FP_CONFIG, &config, sizeof config, error);
    if (status)
        return status;
    snprintf(says, sizeof says, "%#llx", (unsigned long long)config);
    if (!(config & CL_FP_ROUND_TO_NEAREST))
        return lacks(device, "CL_DEVICE_SINGLE_FP_CONFIG", says, "CL_FP_ROUND_TO_NEAREST", error);
    if (!(config & CL_FP_INF_NAN))
        return lacks(device, "CL_DEVICE_SINGLE_FP_CONFIG", says, "CL_FP_INF_NAN", error);
    return TOMBOLA_OK;
}

static tombola_status check_local_memory(const struct device *device, tombola_error *error)
{
    cl_ulong bytes = 0;
    char says[32], needed[32];
    tombola_status status =
        ask(device, "CL_DEVICE_LOCAL_MEM_SIZE", CL_DEVICE_LOCAL_MEM_SIZE, &bytes, sizeof bytes, error);
    if (status || bytes >= LEAST_LOCAL_MEMORY)
        return status;
    snprintf(says, sizeof says, "%llu", (unsigned long long)bytes);
    snprintf(needed, sizeof needed, "%u or more", LEAST_LOCAL_MEMORY);
    return lacks(device, "CL_DEVICE_LOCAL_MEM_SIZE", says, needed, error);
}

tombola_status device_check(const struct device *device, tombola_error *error)
{
    tombola_status status = check_flags(device, error);
    if (!status)
        status = check_profile(device, error);
    if (!status)
        status = check_version(device, error);
    if (!status)
        status = check_arithmetic(device, error);
    if (!status)
        status = check_local_memory(device, error);
    return status;
}
