/* Stand-ins for the calls that are about commands and their events. */
#include "faults_plan.h"

#include <string.h>

static cl_int with_event(cl_int code, const cl_event *event)
{
    if (code == CL_SUCCESS && event)
        faults_made(*event);
    return code;
}

static int is_damaged(cl_kernel kernel)
{
    char name[64] = "";
    if (!faults_plan.damaged)
        return 0;
    clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    return strcmp(name, faults_plan.damaged) == 0;
}

/* Once all that has been enqueued so far is done. */
static void damage(cl_command_queue queue, cl_mem buffer)
{
    cl_uint word;
    REAL(clFinish)(queue);
    REAL(clEnqueueReadBuffer)(queue, buffer, CL_TRUE, 0, sizeof word, &word, 0, NULL, NULL);
    word ^= 2;
    REAL(clEnqueueWriteBuffer)(queue, buffer, CL_TRUE, 0, sizeof word, &word, 0, NULL, NULL);
}

cl_int clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size, const void *value)
{
    FAIL_IF_PLANNED(clSetKernelArg);
    if (is_damaged(kernel) && index == faults_plan.damaged_argument)
        memcpy(&faults_plan.damaged_buffer, value, sizeof faults_plan.damaged_buffer);
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
    faults_counts.bytes_read += size;
    return with_event(REAL(clEnqueueReadBuffer)(queue, buffer, blocking, offset, size, to, wait_count, wait, event),
                      event);
}

cl_int clEnqueueReadBufferRect(cl_command_queue queue, cl_mem buffer, cl_bool blocking, const size_t *buffer_origin,
                               const size_t *host_origin, const size_t *region, size_t buffer_row, size_t buffer_slice,
                               size_t host_row, size_t host_slice, void *to, cl_uint wait_count, const cl_event *wait,
                               cl_event *event)
{
    FAIL_IF_PLANNED(clEnqueueReadBufferRect);
    faults_counts.bytes_read += region[0] * region[1];
    return with_event(REAL(clEnqueueReadBufferRect)(queue, buffer, blocking, buffer_origin, host_origin, region,
                                                    buffer_row, buffer_slice, host_row, host_slice, to, wait_count,
                                                    wait, event),
                      event);
}

cl_int clEnqueueMarkerWithWaitList(cl_command_queue queue, cl_uint wait_count, const cl_event *wait, cl_event *event)
{
    FAIL_IF_PLANNED(clEnqueueMarkerWithWaitList);
    return with_event(REAL(clEnqueueMarkerWithWaitList)(queue, wait_count, wait, event), event);
}

void *clEnqueueMapBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, cl_map_flags flags, size_t offset,
                         size_t size, cl_uint wait_count, const cl_event *wait, cl_event *event, cl_int *code)
{
    FAIL_TO_MAKE_IF_PLANNED(clEnqueueMapBuffer, code);
    faults_counts.bytes_read += size;
    void *mapped = faults_made(
        REAL(clEnqueueMapBuffer)(queue, buffer, blocking, flags, offset, size, wait_count, wait, event, code));
    with_event(*code, event);
    return mapped;
}

/* Done in any case: nobody could do better than to release the buffer. */
cl_int clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem buffer, void *mapped, cl_uint wait_count,
                               const cl_event *wait, cl_event *event)
{
    int failing = faults_due("clEnqueueUnmapMemObject");
    cl_int code = REAL(clEnqueueUnmapMemObject)(queue, buffer, mapped, wait_count, wait, failing ? NULL : event);
    faults_counts.held--;
    return failing ? faults_plan.code : with_event(code, event);
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                              const size_t *global, const size_t *local, cl_uint wait_count, const cl_event *wait,
                              cl_event *event)
{
    FAIL_IF_PLANNED(clEnqueueNDRangeKernel);
    cl_int code = with_event(
        REAL(clEnqueueNDRangeKernel)(queue, kernel, dimensions, offset, global, local, wait_count, wait, event), event);
    if (code == CL_SUCCESS && is_damaged(kernel) && faults_plan.damaged_buffer)
        damage(queue, faults_plan.damaged_buffer);
    return code;
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

/* The tests' own, counted because clReleaseEvent is. */
cl_event clCreateUserEvent(cl_context context, cl_int *code)
{
    return faults_made(REAL(clCreateUserEvent)(context, code));
}

cl_int clRetainEvent(cl_event event)
{
    FAIL_IF_PLANNED(clRetainEvent);
    return with_event(REAL(clRetainEvent)(event), &event);
}

cl_int clReleaseEvent(cl_event event)
{
    cl_int code = REAL(clReleaseEvent)(event);
    faults_counts.held -= code == CL_SUCCESS;
    return code;
}

cl_int clGetEventProfilingInfo(cl_event event, cl_profiling_info what, size_t room, void *value, size_t *size)
{
    FAIL_IF_PLANNED(clGetEventProfilingInfo);
    return REAL(clGetEventProfilingInfo)(event, what, room, value, size);
}

cl_int clGetEventInfo(cl_event event, cl_event_info what, size_t room, void *value, size_t *size)
{
    FAIL_IF_PLANNED(clGetEventInfo);
    return REAL(clGetEventInfo)(event, what, room, value, size);
}

void faults_wait(cl_event event)
{
    REAL(clWaitForEvents)(1, &event);
}
