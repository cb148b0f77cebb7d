#include "error.h"

#include "sized.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <CL/cl.h>

tombola_status fail(tombola_error *error, tombola_status status, const char *format, ...)
{
    size_t size = error ? sized_size(error) : 0;
    if (size > sizeof *error)
        size = sizeof *error;
    if (size > offsetof(tombola_error, message)) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->message, size - offsetof(tombola_error, message), format, arguments);
        va_end(arguments);
        error->status = status;
    }
    return status;
}

#define NAME(code)                                                                                                     \
    {                                                                                                                  \
        code, #code                                                                                                    \
    }

const char *error_code_name(int code)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
        NAME(CL_DEVICE_NOT_FOUND),
        NAME(CL_DEVICE_NOT_AVAILABLE),
        NAME(CL_COMPILER_NOT_AVAILABLE),
        NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE),
        NAME(CL_OUT_OF_RESOURCES),
        NAME(CL_OUT_OF_HOST_MEMORY),
        NAME(CL_PROFILING_INFO_NOT_AVAILABLE),
        NAME(CL_BUILD_PROGRAM_FAILURE),
        NAME(CL_MAP_FAILURE),
        NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST),
        NAME(CL_INVALID_VALUE),
        NAME(CL_INVALID_PLATFORM),
        NAME(CL_INVALID_DEVICE),
        NAME(CL_INVALID_CONTEXT),
        NAME(CL_INVALID_COMMAND_QUEUE),
        NAME(CL_INVALID_MEM_OBJECT),
        NAME(CL_INVALID_BINARY),
        NAME(CL_INVALID_BUILD_OPTIONS),
        NAME(CL_INVALID_KERNEL_NAME),
        NAME(CL_INVALID_KERNEL_ARGS),
        NAME(CL_INVALID_WORK_GROUP_SIZE),
        NAME(CL_INVALID_EVENT_WAIT_LIST),
        NAME(CL_INVALID_OPERATION),
        NAME(CL_INVALID_BUFFER_SIZE),
        {-1001, "CL_PLATFORM_NOT_FOUND_KHR"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].code == code)
            return names[i].name;
    return "OpenCL error";
}

tombola_status fail_cl_because(tombola_error *error, const char *call, int code, const char *reason)
{
    int memory =
        code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY || code == CL_INVALID_BUFFER_SIZE;
    return fail(error, memory ? TOMBOLA_OUT_OF_MEMORY : TOMBOLA_DEVICE_FAILED, "%s failed: %s (%d)%s", call,
                error_code_name(code), code, reason);
}

tombola_status fail_cl(tombola_error *error, const char *call, int code)
{
    return fail_cl_because(error, call, code, "");
}
