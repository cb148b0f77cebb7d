#include "bench_device.h"

#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

#define GPU_GROUP 256
#define GPU_GROUPS 2048 /* in all, that share the rows of a batch: enough for any GPU */

/* A row, or a part of one, for each work-group. 16-bit logits are compared as whole numbers: what counts is that they
 * are read. CPUs take one work-item with vectors as wide as four caches lines in flight, GPUs a group side by side. */
static const char SOURCE[] =
    "#define JOIN_(a, b) a##b\n"
    "#define JOIN(a, b) JOIN_(a, b)\n"
    "#define VECTOR JOIN(ELEMENT, WIDTH)\n"
    "#define AT(i) JOIN(vload, WIDTH)(0, row + (i))\n"
    "#define LARGER(a, b) ((b) > (a) ? (b) : (a))\n"
    "__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))\n"
    "void read_rows(__global const ELEMENT *logits, ulong offset, uint vocabulary, ulong stride,\n"
    "               uint parts, uint part_size, __global ELEMENT *maxima)\n"
    "{\n"
    "    __global const ELEMENT *row = logits + offset + get_group_id(0) / parts * stride;\n"
    "    uint begin = get_group_id(0) % parts * part_size, lane = get_local_id(0);\n"
    "    uint end = vocabulary - begin < part_size ? vocabulary : begin + part_size;\n"
    "    uint step = GROUP * WIDTH, i = begin + lane * WIDTH;\n"
    "    VECTOR a = (VECTOR)(LEAST), b = a, c = a, d = a;\n"
    "    for (; i + 3 * step + WIDTH <= end; i += 4 * step) {\n"
    "        VECTOR x = AT(i), y = AT(i + step), z = AT(i + 2 * step), w = AT(i + 3 * step);\n"
    "        a = LARGER(a, x), b = LARGER(b, y), c = LARGER(c, z), d = LARGER(d, w);\n"
    "    }\n"
    "    for (; i + WIDTH <= end; i += step)\n"
    "        a = LARGER(a, AT(i));\n"
    "    a = LARGER(LARGER(a, b), LARGER(c, d));\n"
    "    ELEMENT each[WIDTH], most = LEAST;\n"
    "    JOIN(vstore, WIDTH)(a, 0, each);\n"
    "    for (uint k = 0; k < WIDTH; k++)\n"
    "        most = LARGER(most, each[k]);\n"
    "    for (; i < end; i++)\n" /* less than a vector, for one lane */
    "        most = LARGER(most, row[i]);\n"
    "    __local ELEMENT shared[GROUP];\n"
    "    shared[lane] = most;\n"
    "    for (uint half_way = GROUP / 2; half_way > 0; half_way /= 2) {\n"
    "        barrier(CLK_LOCAL_MEM_FENCE);\n"
    "        if (lane < half_way)\n"
    "            shared[lane] = LARGER(shared[lane], shared[lane + half_way]);\n"
    "    }\n"
    "    if (lane == 0)\n"
    "        maxima[get_group_id(0)] = shared[0];\n"
    "}\n"
    "__kernel void do_nothing(__global uint *words)\n"
    "{\n"
    "    if (words[0] == 1u)\n" /* never */
    "        words[1] = 1u;\n"
    "}\n";

struct bench_device {
    cl_context cl; /* the Tombola context's, as is the device */
    cl_device_id id;
    int shares_memory;
    int is_float;
    size_t rows, vocabulary, row_stride, parts, group;
    cl_command_queue queue, timed_queue;
    cl_mem logits, maxima, words;
    cl_program program;
    cl_kernel read, nothing;
};

/* -1 with a message unless the code is that of success. */
static int check(const char *call, cl_int code)
{
    if (code == CL_SUCCESS)
        return 0;
    warnx("%s failed with %d", call, (int)code);
    return -1;
}

static int build(struct bench_device *d, const bench_pool *pool, int is_gpu)
{
    const char *source = SOURCE;
    char options[128];
    cl_int code;
    snprintf(options, sizeof options, "-w -D ELEMENT=%s -D LEAST=%s -D WIDTH=%d -D GROUP=%zu",
             d->is_float ? "float" : "short", d->is_float ? "-INFINITY" : "SHRT_MIN",
             is_gpu ? (d->is_float ? 4 : 8) : 16, d->group);
    d->program = clCreateProgramWithSource(d->cl, 1, &source, NULL, &code);
    if (check("clCreateProgramWithSource", code) ||
        check("clBuildProgram for the read", clBuildProgram(d->program, 1, &d->id, options, NULL, NULL)))
        return -1;
    d->read = clCreateKernel(d->program, "read_rows", &code);
    if (check("clCreateKernel", code))
        return -1;
    d->nothing = clCreateKernel(d->program, "do_nothing", &code);
    if (check("clCreateKernel", code))
        return -1;
    size_t step = d->group * (is_gpu ? 32 : 64); /* a part is whole turns of the loop */
    size_t part_size = ((pool->vocabulary + d->parts - 1) / d->parts + step - 1) / step * step;
    d->parts = (pool->vocabulary + part_size - 1) / part_size;
    cl_uint vocabulary = (cl_uint)pool->vocabulary, parts = (cl_uint)d->parts, size = (cl_uint)part_size;
    cl_ulong stride = pool->row_stride;
    code = clSetKernelArg(d->read, 0, sizeof(cl_mem), &d->logits);
    code |= clSetKernelArg(d->read, 2, sizeof vocabulary, &vocabulary);
    code |= clSetKernelArg(d->read, 3, sizeof stride, &stride);
    code |= clSetKernelArg(d->read, 4, sizeof parts, &parts);
    code |= clSetKernelArg(d->read, 5, sizeof size, &size);
    code |= clSetKernelArg(d->read, 6, sizeof(cl_mem), &d->maxima);
    code |= clSetKernelArg(d->nothing, 0, sizeof(cl_mem), &d->words);
    return check("clSetKernelArg", code);
}

static int make_buffers(struct bench_device *d, const bench_pool *pool)
{
    cl_int code;
    cl_uint words[4] = {0};
    cl_mem_flags from = d->shares_memory ? CL_MEM_USE_HOST_PTR : CL_MEM_COPY_HOST_PTR;
    d->logits =
        clCreateBuffer(d->cl, CL_MEM_READ_ONLY | from, pool->batches * bench_pool_batch_bytes(pool), pool->data, &code);
    if (check("clCreateBuffer for the logits", code))
        return -1;
    d->maxima = clCreateBuffer(d->cl, CL_MEM_READ_WRITE, d->rows * d->parts * sizeof(float), NULL, &code);
    if (check("clCreateBuffer", code))
        return -1;
    d->words = clCreateBuffer(d->cl, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, sizeof words, words, &code);
    return check("clCreateBuffer", code);
}

struct bench_device *bench_device_open(tombola_context *context, const bench_pool *pool)
{
    struct bench_device *d = calloc(1, sizeof *d);
    if (!d) {
        warnx("out of memory");
        return NULL;
    }
    cl_int code;
    cl_bool unified = CL_FALSE;
    tombola_device device = tombola_device_default();
    tombola_context_device(context, &device);
    int is_gpu = device.type == TOMBOLA_DEVICE_GPU, failed = -1;
    d->cl = tombola_context_cl_context(context);
    d->id = tombola_context_cl_device(context);
    clGetDeviceInfo(d->id, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof unified, &unified, NULL);
    d->shares_memory = unified == CL_TRUE;
    d->is_float = pool->type == TOMBOLA_FLOAT32;
    d->rows = pool->rows;
    d->vocabulary = pool->vocabulary;
    d->row_stride = pool->row_stride;
    d->group = is_gpu ? GPU_GROUP : 1;
    d->parts = is_gpu ? (GPU_GROUPS + pool->rows - 1) / pool->rows : 1;
    d->queue = clCreateCommandQueue(d->cl, d->id, 0, &code);
    if (check("clCreateCommandQueue", code))
        goto done;
    d->timed_queue = clCreateCommandQueue(d->cl, d->id, CL_QUEUE_PROFILING_ENABLE, &code);
    if (check("clCreateCommandQueue", code))
        goto done;
    failed = make_buffers(d, pool) || build(d, pool, is_gpu);
done:
    if (failed) {
        bench_device_close(d);
        return NULL;
    }
    return d;
}

void bench_device_close(struct bench_device *d)
{
    if (!d)
        return;
    if (d->read)
        clReleaseKernel(d->read);
    if (d->nothing)
        clReleaseKernel(d->nothing);
    if (d->program)
        clReleaseProgram(d->program);
    cl_mem buffers[] = {d->logits, d->maxima, d->words};
    for (int i = 0; i < 3; i++)
        if (buffers[i])
            clReleaseMemObject(buffers[i]);
    if (d->queue)
        clReleaseCommandQueue(d->queue);
    if (d->timed_queue)
        clReleaseCommandQueue(d->timed_queue);
    free(d);
}

int bench_device_shares_memory(const struct bench_device *d)
{
    return d->shares_memory;
}

cl_mem bench_device_logits(const struct bench_device *d)
{
    return d->logits;
}

cl_command_queue bench_device_queue(const struct bench_device *d, int timed)
{
    return timed ? d->timed_queue : d->queue;
}

int bench_device_read(struct bench_device *d, size_t batch, double *seconds)
{
    cl_ulong offset = (cl_ulong)batch * d->rows * d->row_stride;
    size_t local = d->group, global = d->rows * d->parts * local;
    if (check("clSetKernelArg", clSetKernelArg(d->read, 1, sizeof offset, &offset)))
        return -1;
    double start = clock_now();
    cl_int code = clEnqueueNDRangeKernel(d->queue, d->read, 1, NULL, &global, &local, 0, NULL, NULL);
    if (check("clEnqueueNDRangeKernel for the read", code) || check("clFinish", clFinish(d->queue)))
        return -1;
    *seconds = clock_now() - start;
    return 0;
}

/* The largest of `count` elements, in the order that the kernel goes by. */
static float maximum_of(const void *elements, size_t count, int is_float)
{
    float most = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        float value = is_float ? ((const float *)elements)[i] : (float)((const int16_t *)elements)[i];
        most = value > most ? value : most;
    }
    return most;
}

int bench_device_check(struct bench_device *d, const bench_pool *pool, size_t batch)
{
    size_t size = tombola_type_size(pool->type), row_bytes = pool->row_stride * size;
    char *maxima = malloc(d->rows * d->parts * size);
    if (!maxima) {
        warnx("out of memory");
        return -1;
    }
    int failed = check("clEnqueueReadBuffer", clEnqueueReadBuffer(d->queue, d->maxima, CL_TRUE, 0,
                                                                  d->rows * d->parts * size, maxima, 0, NULL, NULL));
    for (size_t row = 0; row < d->rows && !failed; row++) {
        const char *logits = (const char *)bench_pool_batch(pool, batch) + row * row_bytes;
        float want = maximum_of(logits, pool->vocabulary, d->is_float);
        float got = maximum_of(maxima + row * d->parts * size, d->parts, d->is_float);
        if (!(got == want)) {
            warnx("the kernel that stands for the read found %g as the maximum of row %zu, which is %g", (double)got,
                  row, (double)want);
            failed = -1;
        }
    }
    free(maxima);
    return failed;
}

int bench_device_call_empty(struct bench_device *d, double *seconds)
{
    cl_uint words[4];
    size_t one = 1;
    double start = clock_now();
    cl_int code = clEnqueueNDRangeKernel(d->queue, d->nothing, 1, NULL, &one, &one, 0, NULL, NULL);
    if (check("clEnqueueNDRangeKernel for the empty call", code) ||
        check("clEnqueueReadBuffer",
              clEnqueueReadBuffer(d->queue, d->words, CL_TRUE, 0, sizeof words, words, 0, NULL, NULL)))
        return -1;
    *seconds = clock_now() - start;
    return 0;
}
