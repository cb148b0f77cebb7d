#include "kernels.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "harness.h"

enum { MOST_ARRAYS = 12 };

static cl_context context;
static cl_command_queue queue;
static cl_device_id device;
static int is_pocl, is_oclgrind;

/* The device of this place in the library's list. */
static cl_device_id device_at(uint32_t index)
{
    cl_platform_id platforms[16];
    cl_device_id devices[64];
    cl_uint platform_count = 0, count = 0, before = 0;
    assert_int_equal(clGetPlatformIDs(16, platforms, &platform_count), CL_SUCCESS);
    for (cl_uint i = 0; i < platform_count; i++, before += count) {
        count = 0;
        clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 64, devices, &count);
        if (index < before + count) {
            return devices[index - before];
        }
    }
    die("there is no device %u", index);
}

int kernels_open(void **state)
{
    (void)state;
    tombola_context *opened = test_context_open(0, 0);
    tombola_device info = device_of(opened);
    device = device_at(info.index);
    is_pocl = strcmp(info.platform, "Portable Computing Language") == 0;
    is_oclgrind = strcmp(info.platform, "Oclgrind") == 0;
    tombola_context_close(opened);
    cl_int code;
    context = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    queue = clCreateCommandQueue(context, device, 0, &code);
    assert_int_equal(code, CL_SUCCESS);
    return 0;
}

int kernels_close(void **state)
{
    (void)state;
    clReleaseCommandQueue(queue);
    clReleaseContext(context);
    return 0;
}

/* src/program.c has the same. */
unsigned kernels_candidates(void)
{
    cl_ulong memory = 0;
    clGetDeviceInfo(device, CL_DEVICE_LOCAL_MEM_SIZE, sizeof memory, &memory, NULL);
    return memory >= 192 * 1024 ? 4096 : memory >= 48 * 1024 ? 1024 : 512;
}

int kernels_are_on_oclgrind(void)
{
    return is_oclgrind;
}

cl_program kernels_build(const char *file, struct group_shape shape, tombola_type type, const char *more)
{
    const char *extra = getenv("TOMBOLA_TEST_BUILD_OPTIONS");
    const int is_group = shape.lanes * shape.teams > 1;
    char options[1024], text[64];
    const char *source = text;
    snprintf(text, sizeof text, "#include \"%s\"\n", file);
    /* src/program.c has the reasons for what is left unoptimised. */
    snprintf(options, sizeof options,
             "-cl-std=CL1.2 -w -I %s -I %s/../kernels -D WIDTH=%u -D LANES=%u -D TEAMS=%u -D CANDIDATES=%u "
             "-D LOGIT_TYPE=%d %s %s %s",
             TEST_DATA, TEST_DATA, shape.width, shape.lanes, shape.teams, kernels_candidates(), (int)type,
             (is_pocl && is_group) || is_oclgrind ? "-cl-opt-disable" : "", more, extra ? extra : "");
    cl_int code;
    cl_program program = clCreateProgramWithSource(context, 1, &source, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    code = clBuildProgram(program, 1, &device, options, NULL, NULL);
    if (code != CL_SUCCESS) {
        static char log[4096];
        clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
        die("%s: %s", file, log);
    }
    return program;
}

void kernels_run(cl_program program, const char *name, size_t items, struct group_shape shape, struct array *arrays,
                 cl_uint count, cl_uint first_output)
{
    cl_mem buffers[MOST_ARRAYS];
    const size_t group = (size_t)shape.lanes * shape.teams;
    cl_int code;
    cl_kernel kernel = clCreateKernel(program, name, &code);
    assert_int_equal(code, CL_SUCCESS);
    assert_at_most(count, MOST_ARRAYS);
    for (cl_uint i = 0; i < count; i++) {
        buffers[i] =
            clCreateBuffer(context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, arrays[i].bytes, arrays[i].values, &code);
        assert_int_equal(code, CL_SUCCESS);
        assert_int_equal(clSetKernelArg(kernel, i, sizeof buffers[i], &buffers[i]), CL_SUCCESS);
    }
    assert_int_equal(clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &items, &group, 0, NULL, NULL), CL_SUCCESS);
    for (cl_uint i = first_output; i < count; i++) {
        code = clEnqueueReadBuffer(queue, buffers[i], CL_TRUE, 0, arrays[i].bytes, arrays[i].values, 0, NULL, NULL);
        assert_int_equal(code, CL_SUCCESS);
    }
    clFinish(queue);
    for (cl_uint i = 0; i < count; i++) {
        clReleaseMemObject(buffers[i]);
    }
    clReleaseKernel(kernel);
}
