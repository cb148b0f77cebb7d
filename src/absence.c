#include "absence.h"

#include "device.h"
#include "error.h"
#include "surroundings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSTALL "on Debian, `apt-get install pocl-opencl-icd` brings one for every CPU"
#define CLAUSE_SIZE 600
#define MOST_PLATFORMS 64

static void add(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add(char *text, size_t size, const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, size - length, format, arguments);
    va_end(arguments);
}

void absence_reason(const char *platform, char *text, size_t size)
{
    char clause[CLAUSE_SIZE];
    text[0] = '\0';
    if (surroundings_lack_files(clause, sizeof clause) ||
        (strcmp(platform, PLATFORM_POCL) == 0 && surroundings_lack_pocl_cache(clause, sizeof clause)))
        add(text, size, "; likely because %s", clause);
}

static void describe_platform(cl_platform_id platform, char *text, size_t size)
{
    char name[128] = "", clause[CLAUSE_SIZE], reason[CLAUSE_SIZE + 32];
    cl_uint count = 0;
    cl_int code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &count);
    if (code == CL_SUCCESS && count > 0)
        return;
    if (clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name - 1, name, NULL) != CL_SUCCESS)
        snprintf(name, sizeof name, "of an unknown name");
    absence_reason(name, reason, sizeof reason);
    if (!reason[0] && surroundings_choose_devices(name, clause, sizeof clause))
        snprintf(reason, sizeof reason, "; likely because %s", clause);
    add(text, size, "%sThe platform %s lists no device: clGetDeviceIDs gives %s (%d)%s.", text[0] ? " " : "", name,
        code == CL_SUCCESS ? "none" : error_code_name(code), (int)code, reason);
}

void absence_describe(char *text, size_t size)
{
    cl_platform_id platforms[MOST_PLATFORMS];
    cl_uint count = 0;
    text[0] = '\0';
    if (clGetPlatformIDs(MOST_PLATFORMS, platforms, &count) != CL_SUCCESS)
        return;
    for (cl_uint i = 0; i < count && i < MOST_PLATFORMS; i++)
        describe_platform(platforms[i], text, size);
}

tombola_status absence_fail(tombola_error *error)
{
    char text[TOMBOLA_ERROR_MESSAGE_SIZE];
    absence_describe(text, sizeof text);
    if (text[0])
        return fail(error, TOMBOLA_NO_DEVICE, "there is no OpenCL device. %s%s", text,
                    strstr(text, PLATFORM_POCL) ? "" : " Install a driver; " INSTALL ".");
    absence_reason("", text, sizeof text);
    if (text[0])
        return fail(error, TOMBOLA_NO_DEVICE, "there is no OpenCL device: the ICD loader finds no platform%s", text);
    const char *vendors = getenv("OCL_ICD_VENDORS");
    return fail(error, TOMBOLA_NO_DEVICE,
                "there is no OpenCL device, since the ICD loader finds no platform%s%s%s: install one; " INSTALL,
                vendors ? " (OCL_ICD_VENDORS is \"" : "", vendors ? vendors : "", vendors ? "\")" : "");
}
