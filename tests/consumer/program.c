/* A user of both headers, in what C and C++ have in common: draws from a buffer of its own, on a queue of its own,
 * and the same again through host memory. Exit status 0 if both give the most likely token. */
#define CL_TARGET_OPENCL_VERSION 120
#include <tombola.h>
#include <tombola_cl.h>

#include <stdio.h>

static tombola_error error = {sizeof(tombola_error), TOMBOLA_OK, ""};

static tombola_status draw_from_buffer(tombola_context *context, tombola_sampler *sampler, float *logits,
                                       const tombola_params *params, int32_t *token)
{
    cl_int code;
    cl_context cl = tombola_context_cl_context(context);
    cl_command_queue queue = clCreateCommandQueue(cl, tombola_context_cl_device(context), 0, &code);
    if (code != CL_SUCCESS)
        return TOMBOLA_DEVICE_FAILED;
    tombola_status status = TOMBOLA_DEVICE_FAILED;
    cl_mem buffer = clCreateBuffer(cl, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, 4 * sizeof *logits, logits, &code);
    if (code == CL_SUCCESS) {
        tombola_rows rows = tombola_rows_default();
        rows.count = 1;
        rows.logits.buffer = buffer;
        rows.params = params;
        tombola_results results = tombola_results_default();
        results.tokens.host = token;
        status = tombola_sampler_enqueue(sampler, queue, &rows, &results, 0, NULL, NULL, &error);
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
    int32_t near_token = -1, far_token = -1;
    float probabilities[4] = {0, 0, 0, 0};
    tombola_rows rows = tombola_rows_default();
    rows.count = 1;
    rows.logits.host = logits;
    rows.params = &params;
    tombola_results results = tombola_results_default();
    results.tokens.host = &near_token;
    results.probabilities.host = probabilities;
    tombola_context *context;
    tombola_sampler *sampler;
    if (tombola_context_open(NULL, NULL, &context, &error) ||
        tombola_sampler_create(context, 4, 1, NULL, &sampler, &error) ||
        tombola_sampler_sample(sampler, &rows, &results, &error) ||
        draw_from_buffer(context, sampler, logits, &params, &far_token)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    tombola_sampler_release(sampler);
    tombola_context_close(context);
    return !(near_token == 1 && far_token == 1 && probabilities[1] == 1 && tombola_version() == TOMBOLA_VERSION);
}
