#include "upload.h"

#include "batch.h"
#include "context.h"
#include "error.h"

#include <stdio.h>
#include <stdlib.h>

tombola_status upload_reserve(struct batch *b, struct upload *upload, size_t bytes, const char *what,
                              tombola_error *error)
{
    const struct plan *p = &b->engine->plan;
    struct upload larger = {.room = bytes};
    tombola_status status = TOMBOLA_OK;
    if (upload->room >= bytes)
        return TOMBOLA_OK;
    if (bytes > p->largest_buffer)
        return fail(error, TOMBOLA_OUT_OF_MEMORY,
                    "the %s, %zu bytes, do not fit into one buffer of at most %zu bytes (CL_DEVICE_MAX_MEM_ALLOC_SIZE "
                    "of %s)",
                    what, bytes, p->largest_buffer, b->engine->context->device.info.name);
    if (!p->shares_memory)
        status = batch_make_buffer(b, CL_MEM_READ_ONLY, bytes, what, &larger.device, error);
    if (!status)
        status =
            batch_make_staging(b, CL_MEM_READ_ONLY, CL_MAP_WRITE, bytes, what, &larger.pinned, &larger.host, error);
    if (status) {
        upload_release_cl(b, &larger);
        upload_free(&larger);
        return status;
    }
    const struct cost gone = plan_upload(p, upload->room), come = plan_upload(p, bytes);
    upload_release_cl(b, upload);
    upload_free(upload);
    b->engine->memory.device_bytes += come.device - gone.device;
    b->engine->memory.host_bytes += come.host - gone.host;
    *upload = larger;
    return TOMBOLA_OK;
}

static tombola_status fail_call(const char *call, const char *what, cl_int code, tombola_error *error)
{
    char text[80];
    snprintf(text, sizeof text, "%s for the %s", call, what);
    return fail_cl(error, text, code);
}

tombola_status upload_send(struct batch *b, struct upload *upload, size_t bytes, const char *what, cl_mem *buffer,
                           tombola_error *error)
{
    cl_int code;
    if (!upload->device) {
        upload->wrapped =
            clCreateBuffer(b->engine->context->cl, CL_MEM_READ_ONLY | CL_MEM_USE_HOST_PTR, bytes, upload->host, &code);
        *buffer = upload->wrapped;
        if (code == CL_SUCCESS)
            return TOMBOLA_OK;
        upload->wrapped = NULL;
        return fail_call("clCreateBuffer", what, code, error);
    }
    *buffer = upload->device;
    cl_uint waits = batch_waits(b, NULL);
    code = clEnqueueWriteBuffer(b->queue, upload->device, CL_FALSE, 0, bytes, upload->host, waits,
                                waits ? b->waits : NULL, batch_event(b));
    if (code != CL_SUCCESS)
        return fail_call("clEnqueueWriteBuffer", what, code, error);
    b->engine->times.bytes_uploaded += bytes;
    batch_enqueued(b, WORK_UPLOAD, 1);
    return TOMBOLA_OK;
}

void upload_settle(struct upload *upload)
{
    if (upload->wrapped)
        clReleaseMemObject(upload->wrapped);
    upload->wrapped = NULL;
}

void upload_release_cl(struct batch *b, struct upload *upload)
{
    upload_settle(upload);
    if (upload->pinned && upload->host) {
        clEnqueueUnmapMemObject(b->engine->queue, upload->pinned, upload->host, 0, NULL, NULL);
        clFinish(b->engine->queue);
    }
    if (upload->pinned) {
        clReleaseMemObject(upload->pinned);
        upload->host = NULL;
    }
    if (upload->device)
        clReleaseMemObject(upload->device);
    upload->pinned = upload->device = NULL;
}

void upload_free(struct upload *upload)
{
    if (!upload->pinned) /* else it is mapped memory, gone with its buffer */
        free(upload->host);
    upload->host = NULL;
    upload->room = 0;
}
