/* Any OpenCL function that the library takes up should be here too: what is not is never made to fail. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

#include "harness.h"

#define NEVER ((size_t)-1)

static struct faults_seen seen;
static struct {
    const char *call;
    size_t nth; /* NEVER, or how many calls of it are still to pass */
    int always;
    cl_int code;
    size_t memory; /* NEVER, or how many allocations are still to pass */
    size_t disk;   /* NEVER, or how many bytes may still be written */
    const char *text, *replacement;
} plan = {.nth = NEVER, .memory = NEVER, .disk = NEVER};

__attribute__((constructor)) static void compile_every_kernel(void)
{
    setenv("TOMBOLA_CACHE", "off", 1);
}

void faults_begin(void)
{
    long held = seen.held;
    memset(&seen, 0, sizeof seen);
    seen.held = held;
    memset(&plan, 0, sizeof plan);
    plan.nth = plan.memory = plan.disk = NEVER;
}

struct faults_seen faults_seen(void)
{
    return seen;
}

void faults_fail(const char *call, size_t nth, int code)
{
    plan.call = call;
    plan.nth = nth;
    plan.always = 0;
    plan.code = code;
}

void faults_fail_always(const char *call, int code)
{
    faults_fail(call, 0, code);
    plan.always = 1;
}

void faults_fail_memory(size_t nth)
{
    plan.memory = nth;
}

void faults_fill_disk(size_t room)
{
    plan.disk = room;
}

void faults_edit_source(const char *text, const char *replacement)
{
    plan.text = text;
    plan.replacement = replacement;
}

/* Counts a call; whether it is to fail. */
static int fails(const char *call)
{
    seen.calls++;
    if (plan.nth == NEVER || (plan.call && strcmp(plan.call, call) != 0))
        return 0;
    if (plan.nth > 0) {
        plan.nth--;
        return 0;
    }
    if (!plan.always)
        plan.nth = NEVER;
    seen.failed = call;
    return 1;
}

/* Counts what a call made, if it made something. */
static void *made(void *object)
{
    seen.created += object != NULL;
    seen.held += object != NULL;
    return object;
}

static cl_int with_event(cl_int code, const cl_event *event)
{
    if (code == CL_SUCCESS && event)
        made(*event);
    return code;
}

static cl_int released(cl_int code)
{
    seen.held -= code == CL_SUCCESS;
    return code;
}

typedef void (*function)(void);

static function next_function(const char *name)
{
    void *address = dlsym(RTLD_NEXT, name);
    function next;
    if (!address)
        die("there is no %s to hand the call on to", name);
    memcpy(&next, &address, sizeof next); /* C has no cast from the one to the other */
    return next;
}

/* The function of this name that the program would have called without this file. */
#define REAL(call) ((__typeof__(&call))next_function(#call))

#define FAIL_IF_PLANNED(call)                                                                                          \
    do {                                                                                                               \
        if (fails(#call))                                                                                              \
            return plan.code;                                                                                          \
    } while (0)

#define FAIL_TO_MAKE_IF_PLANNED(call, code)                                                                            \
    do {                                                                                                               \
        if (fails(#call)) {                                                                                            \
            *(code) = plan.code;                                                                                       \
            return NULL;                                                                                               \
        }                                                                                                              \
    } while (0)

cl_int clGetPlatformIDs(cl_uint room, cl_platform_id *platforms, cl_uint *count)
{
    FAIL_IF_PLANNED(clGetPlatformIDs);
    return REAL(clGetPlatformIDs)(room, platforms, count);
}

cl_int clGetPlatformInfo(cl_platform_id platform, cl_platform_info what, size_t room, void *value, size_t *size)
{
    FAIL_IF_PLANNED(clGetPlatformInfo);
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
    return REAL(clGetDeviceInfo)(device, what, room, value, size);
}

cl_context clCreateContext(const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
                           void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user,
                           cl_int *code)
{
    FAIL_TO_MAKE_IF_PLANNED(clCreateContext, code);
    return made(REAL(clCreateContext)(properties, count, devices, notify, user, code));
}

cl_command_queue clCreateCommandQueue(cl_context context, cl_device_id device, cl_command_queue_properties properties,
                                      cl_int *code)
{
    FAIL_TO_MAKE_IF_PLANNED(clCreateCommandQueue, code);
    return made(REAL(clCreateCommandQueue)(context, device, properties, code));
}

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *code)
{
    FAIL_TO_MAKE_IF_PLANNED(clCreateBuffer, code);
    seen.wrapped += (flags & CL_MEM_USE_HOST_PTR) != 0;
    seen.buffer_bytes += flags & CL_MEM_USE_HOST_PTR ? 0 : size;
    return made(REAL(clCreateBuffer)(context, flags, size, host, code));
}

/* The text with the first place of plan.text replaced; to be freed. */
static char *edited(const char *text)
{
    const char *place = strstr(text, plan.text);
    if (!place)
        die("the kernels do not contain \"%s\"", plan.text);
    size_t size = strlen(text) + strlen(plan.replacement) + 1;
    char *copy = allocate(size, 1);
    snprintf(copy, size, "%.*s%s%s", (int)(place - text), text, plan.replacement, place + strlen(plan.text));
    plan.text = NULL;
    return copy;
}

cl_program clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts, const size_t *sizes,
                                     cl_int *code)
{
    FAIL_TO_MAKE_IF_PLANNED(clCreateProgramWithSource, code);
    seen.compiled++;
    if (!plan.text)
        return made(REAL(clCreateProgramWithSource)(context, count, texts, sizes, code));
    char *copy = edited(texts[0]);
    const char *text = copy;
    cl_program program = REAL(clCreateProgramWithSource)(context, 1, &text, NULL, code);
    free(copy);
    return made(program);
}

cl_program clCreateProgramWithBinary(cl_context context, cl_uint count, const cl_device_id *devices,
                                     const size_t *sizes, const unsigned char **binaries, cl_int *refused, cl_int *code)
{
    FAIL_TO_MAKE_IF_PLANNED(clCreateProgramWithBinary, code);
    seen.taken++;
    return made(REAL(clCreateProgramWithBinary)(context, count, devices, sizes, binaries, refused, code));
}

cl_int clGetProgramInfo(cl_program program, cl_program_info what, size_t room, void *value, size_t *size)
{
    FAIL_IF_PLANNED(clGetProgramInfo);
    return REAL(clGetProgramInfo)(program, what, room, value, size);
}

cl_int clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                      void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    FAIL_IF_PLANNED(clBuildProgram);
    return REAL(clBuildProgram)(program, count, devices, options, notify, user);
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
    return made(REAL(clCreateKernel)(program, name, code));
}

cl_int clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size, const void *value)
{
    FAIL_IF_PLANNED(clSetKernelArg);
    return REAL(clSetKernelArg)(kernel, index, size, value);
}

cl_int clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size,
                            const void *from, cl_uint wait_count, const cl_event *wait, cl_event *event)
{
    FAIL_IF_PLANNED(clEnqueueWriteBuffer);
    return with_event(REAL(clEnqueueWriteBuffer)(queue, buffer, blocking, offset, size, from, wait_count, wait, event),
                      event);
}

cl_int clEnqueueWriteBufferRect(cl_command_queue queue, cl_mem buffer, cl_bool blocking, const size_t *buffer_origin,
                                const size_t *host_origin, const size_t *region, size_t buffer_row, size_t buffer_slice,
                                size_t host_row, size_t host_slice, const void *from, cl_uint wait_count,
                                const cl_event *wait, cl_event *event)
{
    FAIL_IF_PLANNED(clEnqueueWriteBufferRect);
    return with_event(REAL(clEnqueueWriteBufferRect)(queue, buffer, blocking, buffer_origin, host_origin, region,
                                                     buffer_row, buffer_slice, host_row, host_slice, from, wait_count,
                                                     wait, event),
                      event);
}

cl_int clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size,
                           void *to, cl_uint wait_count, const cl_event *wait, cl_event *event)
{
    FAIL_IF_PLANNED(clEnqueueReadBuffer);
    seen.bytes_read += size;
    return with_event(REAL(clEnqueueReadBuffer)(queue, buffer, blocking, offset, size, to, wait_count, wait, event),
                      event);
}

void *clEnqueueMapBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, cl_map_flags flags, size_t offset,
                         size_t size, cl_uint wait_count, const cl_event *wait, cl_event *event, cl_int *code)
{
    FAIL_TO_MAKE_IF_PLANNED(clEnqueueMapBuffer, code);
    seen.bytes_read += size;
    void *mapped =
        made(REAL(clEnqueueMapBuffer)(queue, buffer, blocking, flags, offset, size, wait_count, wait, event, code));
    with_event(*code, event);
    return mapped;
}

/* Done in any case: nobody could do better than to release the buffer. */
cl_int clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem buffer, void *mapped, cl_uint wait_count,
                               const cl_event *wait, cl_event *event)
{
    int failing = fails("clEnqueueUnmapMemObject");
    cl_int code = REAL(clEnqueueUnmapMemObject)(queue, buffer, mapped, wait_count, wait, failing ? NULL : event);
    seen.held--;
    return failing ? plan.code : with_event(code, event);
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                              const size_t *global, const size_t *local, cl_uint wait_count, const cl_event *wait,
                              cl_event *event)
{
    FAIL_IF_PLANNED(clEnqueueNDRangeKernel);
    return with_event(
        REAL(clEnqueueNDRangeKernel)(queue, kernel, dimensions, offset, global, local, wait_count, wait, event), event);
}

/* Waits in any case: memory is in use until then. */
cl_int clFinish(cl_command_queue queue)
{
    cl_int code = REAL(clFinish)(queue);
    FAIL_IF_PLANNED(clFinish);
    return code;
}

/* Likewise. */
cl_int clWaitForEvents(cl_uint count, const cl_event *events)
{
    cl_int code = REAL(clWaitForEvents)(count, events);
    FAIL_IF_PLANNED(clWaitForEvents);
    return code;
}

cl_int clFlush(cl_command_queue queue)
{
    FAIL_IF_PLANNED(clFlush);
    return REAL(clFlush)(queue);
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

/* The tests' own, counted because clReleaseEvent is. */
cl_event clCreateUserEvent(cl_context context, cl_int *code)
{
    return made(REAL(clCreateUserEvent)(context, code));
}

static cl_int retained(cl_int code, void *object)
{
    if (code == CL_SUCCESS)
        made(object);
    return code;
}

cl_int clRetainContext(cl_context context)
{
    FAIL_IF_PLANNED(clRetainContext);
    return retained(REAL(clRetainContext)(context), context);
}

cl_int clRetainEvent(cl_event event)
{
    FAIL_IF_PLANNED(clRetainEvent);
    return retained(REAL(clRetainEvent)(event), event);
}

cl_int clGetEventProfilingInfo(cl_event event, cl_profiling_info what, size_t room, void *value, size_t *size)
{
    FAIL_IF_PLANNED(clGetEventProfilingInfo);
    return REAL(clGetEventProfilingInfo)(event, what, room, value, size);
}

cl_int clReleaseContext(cl_context context)
{
    return released(REAL(clReleaseContext)(context));
}

cl_int clReleaseCommandQueue(cl_command_queue queue)
{
    return released(REAL(clReleaseCommandQueue)(queue));
}

cl_int clReleaseMemObject(cl_mem buffer)
{
    return released(REAL(clReleaseMemObject)(buffer));
}

cl_int clReleaseProgram(cl_program program)
{
    return released(REAL(clReleaseProgram)(program));
}

cl_int clReleaseKernel(cl_kernel kernel)
{
    return released(REAL(clReleaseKernel)(kernel));
}

cl_int clReleaseEvent(cl_event event)
{
    return released(REAL(clReleaseEvent)(event));
}

/* The linker sends the program's own malloc, calloc, realloc and write here (--wrap), and not those of
 * the OpenCL drivers. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
ssize_t __real_write(int file, const void *data, size_t size);
ssize_t __wrap_write(int file, const void *data, size_t size);

static int lacks_memory(void)
{
    seen.allocations++;
    if (plan.memory == NEVER || plan.memory-- > 0)
        return 0;
    plan.memory = NEVER;
    seen.failed = "malloc";
    return 1;
}

void *__wrap_malloc(size_t size)
{
    return lacks_memory() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return lacks_memory() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return lacks_memory() ? NULL : __real_realloc(memory, size);
}

ssize_t __wrap_write(int file, const void *data, size_t size)
{
    const size_t piece = 1000;
    if (plan.disk == NEVER)
        return __real_write(file, data, size);
    if (plan.disk == 0) {
        errno = ENOSPC;
        return -1;
    }
    size = size < piece ? size : piece;
    size = size < plan.disk ? size : plan.disk;
    plan.disk -= size;
    return __real_write(file, data, size);
}
