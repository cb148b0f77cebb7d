/* A user of both headers, in what C and C++ have in common: draws from a buffer of its own, on a queue of its own,
 * and the same again through host memory. Exit status 0 if both give the most likely token. */
#define CL_TARGET_OPENCL_VERSION 120
#include <tombola.h>
#include <tombola_cl.h>

#include <stdio.h>

static tombola_error error;

static tombola_status draw_from_buffer(tombola_context *context, tombola_sampler *sampler, float *logits,
                                       const tombola_params *params, tombola_draw *draw)
{
    cl_int code;
    cl_context cl = tombola_context_cl_context(context);
    cl_command_queue queue = clCreateCommandQueue(cl, tombola_context_cl_device(context), 0, &code);
    if (code != CL_SUCCESS)
        return TOMBOLA_DEVICE_FAILED;
    tombola_status status = TOMBOLA_DEVICE_FAILED;
    cl_mem buffer = clCreateBuffer(cl, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, 4 * sizeof *logits, logits, &code);
    if (code == CL_SUCCESS) {
        tombola_cl_batch batch = tombola_cl_batch_default();
        batch.logits = buffer;
        batch.row_stride = 4;
        batch.rows = 1;
        batch.params = params;
        tombola_cl_draws draws = tombola_cl_draws_default();
        draws.host = draw;
        status = tombola_sampler_enqueue(sampler, queue, &batch, &draws, 0, NULL, NULL, &error);
        clFinish(queue);
        clReleaseMemObject(buffer);
    }
    clReleaseCommandQueue(queue);
    return status;
}

int main(void)
{
    float logits[4] = {1.0f, 3.0f, 2.0f, 0.5f};
    tombola_params params = tombola_params_default();
    params.temperature = 0;
    tombola_draw near_draw, far_draw;
    tombola_context *context;
    tombola_sampler *sampler;
    if (tombola_context_open(NULL, NULL, &context, &error) ||
        tombola_sampler_create(context, 4, 1, NULL, &sampler, &error) ||
        tombola_sampler_sample(sampler, logits, 1, 4, &params, &near_draw, &error) ||
        draw_from_buffer(context, sampler, logits, &params, &far_draw)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    tombola_sampler_release(sampler);
    tombola_context_close(context);
    return !(near_draw.token == 1 && far_draw.token == 1 && tombola_version() == TOMBOLA_VERSION);
}
