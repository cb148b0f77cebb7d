/* Stand-ins for the calls that are about devices, and about objects other than events. */
#include "faults_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static cl_int released(cl_int code)
{
    faults_counts.held -= code == CL_SUCCESS;
    return code;
}

static const struct faults_answer *answer_to(cl_uint property)
{
    for (size_t i = 0; i < FAULTS_ANSWERS; i++)
        if (faults_plan.answers[i].property == property)
            return &faults_plan.answers[i];
    return NULL;
}

static cl_int give(const struct faults_answer *answer, size_t room, void *value, size_t *size)
{
    if (value && room < answer->size)
        return CL_INVALID_VALUE;
    if (value)
        memcpy(value, answer->value, answer->size);
    if (size)
        *size = answer->size;
    return CL_SUCCESS;
}

cl_int clGetPlatformIDs(cl_uint room, cl_platform_id *platforms, cl_uint *count)
{
    FAIL_IF_PLANNED(clGetPlatformIDs);
    return REAL(clGetPlatformIDs)(room, platforms, count);
}

cl_int clGetPlatformInfo(cl_platform_id platform, cl_platform_info what, size_t room, void *value, size_t *size)
{
    FAIL_IF_PLANNED(clGetPlatformInfo);
    const struct faults_answer *answer = answer_to(what);
    if (answer)
        return give(answer, room, value, size);
    return REAL(clGetPlatformInfo)(platform, what, room, value, size);
}

cl_int clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint room, cl_device_id *devices, cl_uint *count)
{
    FAIL_IF_PLANNED(clGetDeviceIDs);
    return REAL(clGetDeviceIDs)(platform, type, room, devices, count);
}

cl_int clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t room, void *value, size_t *size)
{
    FAIL_IF_PLANNED(clGetDeviceInfo);
    const struct faults_answer *answer = answer_to(what);
    if (answer)
        return give(answer, room, value, size);
    return REAL(clGetDeviceInfo)(device, what, room, value, size);
}

cl_context clCreateContext(const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
                           void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user,
                           cl_int *code)
{
    FAIL_TO_MAKE_IF_PLANNED(clCreateContext, code);
    return faults_made(REAL(clCreateContext)(properties, count, devices, notify, user, code));
}

cl_command_queue clCreateCommandQueue(cl_context context, cl_device_id device, cl_command_queue_properties properties,
                                      cl_int *code)
{
    FAIL_TO_MAKE_IF_PLANNED(clCreateCommandQueue, code);
    return faults_made(REAL(clCreateCommandQueue)(context, device, properties, code));
}

/* The text with the first place of faults_plan.text replaced; to be freed. */
static char *edited(const char *text)
{
    const char *place = strstr(text, faults_plan.text);
    if (!place)
        die("the kernels do not contain \"%s\"", faults_plan.text);
    size_t size = strlen(text) + strlen(faults_plan.replacement) + 1;
    char *copy = allocate(size, 1);
    snprintf(copy, size, "%.*s%s%s", (int)(place - text), text, faults_plan.replacement,
             place + strlen(faults_plan.text));
    faults_plan.text = NULL;
    return copy;
}

cl_program clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts, const size_t *sizes,
                                     cl_int *code)
{
    FAIL_TO_MAKE_IF_PLANNED(clCreateProgramWithSource, code);
    faults_counts.compiled++;
    if (!faults_plan.text)
        return faults_made(REAL(clCreateProgramWithSource)(context, count, texts, sizes, code));
    char *copy = edited(texts[0]);
    const char *text = copy;
    cl_program program = REAL(clCreateProgramWithSource)(context, 1, &text, NULL, code);
    free(copy);
    return faults_made(program);
}

cl_program clCreateProgramWithBinary(cl_context context, cl_uint count, const cl_device_id *devices,
                                     const size_t *sizes, const unsigned char **binaries, cl_int *refused, cl_int *code)
{
    FAIL_TO_MAKE_IF_PLANNED(clCreateProgramWithBinary, code);
    faults_counts.taken++;
    return faults_made(REAL(clCreateProgramWithBinary)(context, count, devices, sizes, binaries, refused, code));
}

cl_int clGetProgramInfo(cl_program program, cl_program_info what, size_t room, void *value, size_t *size)
{
    FAIL_IF_PLANNED(clGetProgramInfo);
    if (faults_plan.binary && what == CL_PROGRAM_BINARY_SIZES) {
        for (size_t i = 0; i < room / sizeof faults_plan.binary_size; i++)
            ((size_t *)value)[i] = faults_plan.binary_size;
        return CL_SUCCESS;
    }
    if (faults_plan.binary && what == CL_PROGRAM_BINARIES) {
        unsigned char **binaries = value;
        for (size_t i = 0; i < room / sizeof *binaries; i++)
            if (binaries[i])
                memcpy(binaries[i], faults_plan.binary, faults_plan.binary_size);
        return CL_SUCCESS;
    }
    return REAL(clGetProgramInfo)(program, what, room, value, size);
}

static char options_asked[4096];

const char *faults_options(void)
{
    return options_asked;
}

/* The options with the last place of faults_plan.option replaced. */
static const char *edited_options(const char *options)
{
    static char copy[2 * sizeof options_asked];
    const char *place = NULL;
    for (const char *next = options; faults_plan.option && (next = strstr(next, faults_plan.option)); next++)
        place = next;
    if (!place)
        return options;
    snprintf(copy, sizeof copy, "%.*s%s%s", (int)(place - options), options, faults_plan.other_option,
             place + strlen(faults_plan.option));
    return copy;
}

cl_int clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                      void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    FAIL_IF_PLANNED(clBuildProgram);
    snprintf(options_asked, sizeof options_asked, "%s", options);
    return REAL(clBuildProgram)(program, count, devices, edited_options(options), notify, user);
}

cl_int clGetProgramBuildInfo(cl_program program, cl_device_id device, cl_program_build_info what, size_t room,
                             void *value, size_t *size)
{
    FAIL_IF_PLANNED(clGetProgramBuildInfo);
    return REAL(clGetProgramBuildInfo)(program, device, what, room, value, size);
}

cl_kernel clCreateKernel(cl_program program, const char *name, cl_int *code)
{
    FAIL_TO_MAKE_IF_PLANNED(clCreateKernel, code);
    return faults_made(REAL(clCreateKernel)(program, name, code));
}

cl_int clGetContextInfo(cl_context context, cl_context_info what, size_t room, void *value, size_t *size)
{
    FAIL_IF_PLANNED(clGetContextInfo);
    return REAL(clGetContextInfo)(context, what, room, value, size);
}

cl_int clGetCommandQueueInfo(cl_command_queue queue, cl_command_queue_info what, size_t room, void *value, size_t *size)
{
    FAIL_IF_PLANNED(clGetCommandQueueInfo);
    return REAL(clGetCommandQueueInfo)(queue, what, room, value, size);
}

cl_int clGetMemObjectInfo(cl_mem buffer, cl_mem_info what, size_t room, void *value, size_t *size)
{
    FAIL_IF_PLANNED(clGetMemObjectInfo);
    return REAL(clGetMemObjectInfo)(buffer, what, room, value, size);
}

cl_int clRetainContext(cl_context context)
{
    FAIL_IF_PLANNED(clRetainContext);
    cl_int code = REAL(clRetainContext)(context);
    if (code == CL_SUCCESS)
        faults_made(context);
    return code;
}

cl_int clReleaseContext(cl_context context)
{
    return released(REAL(clReleaseContext)(context));
}

cl_int clReleaseCommandQueue(cl_command_queue queue)
{
    return released(REAL(clReleaseCommandQueue)(queue));
}

cl_int clReleaseProgram(cl_program program)
{
    return released(REAL(clReleaseProgram)(program));
}

cl_int clReleaseKernel(cl_kernel kernel)
{
    return released(REAL(clReleaseKernel)(kernel));
}
