/* An OpenCL that fails after a while: loaded before libOpenCL, it lets $LATE_FAULT kernels run, and then none. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <CL/cl.h>

typedef cl_int (*launch)(cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *, const size_t *, cl_uint,
                         const cl_event *, cl_event *);

__attribute__((visibility("default"))) cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
                                                                     cl_uint dimensions, const size_t *offset,
                                                                     const size_t *global, const size_t *local,
                                                                     cl_uint count, const cl_event *events,
                                                                     cl_event *event)
{
    static atomic_long launched;
    const char *most = getenv("LATE_FAULT");
    launch next;
    *(void **)&next = dlsym(RTLD_NEXT, "clEnqueueNDRangeKernel");
    if (most && atomic_fetch_add(&launched, 1) >= atol(most))
        return CL_OUT_OF_RESOURCES;
    return next(queue, kernel, dimensions, offset, global, local, count, events, event);
}
