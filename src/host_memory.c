#include "host_memory.h"

#include "context.h"
#include "error.h"

#include <stdlib.h>

#define PAGE 4096u
#define ODD 2u /* an offset that suits every type of logits, and nothing larger */

int host_memory_is_aligned(const tombola_context *context, const void *start)
{
    return (uintptr_t)start % context->alignment == 0;
}

/* Asks the device where it has the memory behind `start`. */
static tombola_status address_on_device(tombola_context *context, cl_command_queue queue, cl_kernel kernel, char *start,
                                        cl_ulong *address, tombola_error *error)
{
    cl_int code;
    const char *call = "clCreateBuffer";
    const size_t one = 1;
    cl_mem memory = clCreateBuffer(context->cl, CL_MEM_READ_ONLY | CL_MEM_USE_HOST_PTR, PAGE / 2, start, &code);
    if (code != CL_SUCCESS)
        return fail_cl(error, call, code);
    cl_mem result = clCreateBuffer(context->cl, CL_MEM_WRITE_ONLY, sizeof *address, NULL, &code);
    if (code != CL_SUCCESS) {
        clReleaseMemObject(memory);
        return fail_cl(error, call, code);
    }
    call = "clSetKernelArg";
    code = clSetKernelArg(kernel, 0, sizeof memory, &memory);
    if (code == CL_SUCCESS)
        code = clSetKernelArg(kernel, 1, sizeof result, &result);
    if (code == CL_SUCCESS) {
        call = "clEnqueueNDRangeKernel";
        code = clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &one, &one, 0, NULL, NULL);
    }
    if (code == CL_SUCCESS) {
        call = "clEnqueueReadBuffer";
        code = clEnqueueReadBuffer(queue, result, CL_TRUE, 0, sizeof *address, address, 0, NULL, NULL);
    }
    clReleaseMemObject(result);
    clReleaseMemObject(memory);
    return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, call, code);
}

/* A device that addresses memory as the host does uses an odd address in place if it says the same address. */
tombola_status host_memory_probe(tombola_context *context, cl_program program, tombola_error *error)
{
    if (!context->is_unified)
        return TOMBOLA_OK;
    cl_int code;
    cl_ulong address = 0;
    cl_kernel kernel = NULL;
    tombola_status status = TOMBOLA_OK;
    char *page = malloc(PAGE);
    if (!page)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for a context");
    cl_command_queue queue = clCreateCommandQueue(context->cl, context->device.id, 0, &code);
    if (code != CL_SUCCESS) {
        free(page);
        return fail_cl(error, "clCreateCommandQueue", code);
    }
    kernel = clCreateKernel(program, "address_of", &code);
    if (code != CL_SUCCESS) {
        status = fail_cl(error, "clCreateKernel", code);
        goto done;
    }
    status = address_on_device(context, queue, kernel, page + ODD, &address, error);
    if (!status && address == (uintptr_t)(page + ODD))
        context->alignment = 1;
    clReleaseKernel(kernel);
done:
    clReleaseCommandQueue(queue);
    free(page);
    return status;
}

static int overlaps(const struct wrapped *wrapped, const char *start, size_t bytes)
{
    uintptr_t first = (uintptr_t)wrapped->start, from = (uintptr_t)start;
    return from < first + wrapped->bytes && first < from + bytes;
}

/* The context whose list has what is wrapped: a companion works in the same memory as the context that it is of. */
static tombola_context *lister(tombola_context *context)
{
    return context->companion.of ? context->companion.of : context;
}

/* Puts the region into the context's list; 0 if it overlaps one that is there. */
static int claim(tombola_context *context, const char *start, size_t bytes, struct wrapped *wrapped)
{
    int is_free = 1;
    pthread_mutex_lock(&context->wrapped_lock);
    for (const struct wrapped *other = context->wrapped; other && is_free; other = other->next)
        is_free = !overlaps(other, start, bytes);
    if (is_free) {
        wrapped->start = start;
        wrapped->bytes = bytes;
        wrapped->next = context->wrapped;
        context->wrapped = wrapped;
    }
    pthread_mutex_unlock(&context->wrapped_lock);
    return is_free;
}

static void give_back(tombola_context *context, const struct wrapped *wrapped)
{
    pthread_mutex_lock(&context->wrapped_lock);
    struct wrapped **link = &context->wrapped;
    while (*link != wrapped)
        link = &(*link)->next;
    *link = wrapped->next;
    pthread_mutex_unlock(&context->wrapped_lock);
}

tombola_status host_memory_wrap(tombola_context *context, cl_mem_flags flags, const void *start, size_t bytes,
                                struct wrapped *wrapped, tombola_error *error)
{
    wrapped->buffer = NULL;
    if (!claim(lister(context), start, bytes, wrapped))
        return TOMBOLA_OK;
    cl_int code;
    void *memory = (void *)(uintptr_t)start; /* OpenCL's type; what is read only stays so */
    wrapped->buffer = clCreateBuffer(context->cl, flags | CL_MEM_USE_HOST_PTR, bytes, memory, &code);
    if (code == CL_SUCCESS)
        return TOMBOLA_OK;
    wrapped->buffer = NULL;
    give_back(lister(context), wrapped);
    return fail_cl(error, "clCreateBuffer over host memory", code);
}

void host_memory_release(tombola_context *context, struct wrapped *wrapped)
{
    clReleaseMemObject(wrapped->buffer);
    wrapped->buffer = NULL;
    give_back(lister(context), wrapped);
}
