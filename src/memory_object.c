#include "memory_object.h"

#include "context.h"
#include "error.h"

tombola_status memory_object_check(const tombola_context *c, const char *field, cl_mem buffer, cl_mem_flags refused,
                                   size_t *bytes, tombola_error *error)
{
    cl_context context = NULL;
    cl_mem_flags flags = 0;
    cl_mem_object_type type = 0;
    cl_int code = clGetMemObjectInfo(buffer, CL_MEM_CONTEXT, sizeof context, &context, NULL);
    if (code == CL_SUCCESS)
        code = clGetMemObjectInfo(buffer, CL_MEM_TYPE, sizeof type, &type, NULL);
    if (code == CL_SUCCESS)
        code = clGetMemObjectInfo(buffer, CL_MEM_FLAGS, sizeof flags, &flags, NULL);
    if (code == CL_SUCCESS)
        code = clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof *bytes, bytes, NULL);
    if (code != CL_SUCCESS)
        return fail_cl(error, "clGetMemObjectInfo", code);
    if (context != c->cl)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "%s is of another OpenCL context than the sampler", field);
    if (type != CL_MEM_OBJECT_BUFFER)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "%s is a memory object of type %#x, not a buffer", field,
                    (unsigned)type);
    if (flags & refused)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "%s is a buffer that kernels may not %s", field,
                    refused == CL_MEM_READ_ONLY ? "write" : "read");
    return TOMBOLA_OK;
}
