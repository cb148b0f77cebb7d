#include "program.h"

#include "absence.h"
#include "error.h"
#include "kernel_cache.h"
#include "kernel_text.h"
#include "self_test.h"
#include "self_test_shards.h"
#include "trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_SIZE 1024

/* PoCL has a cache of its own. Oclgrind, a debugger, is started to see the kernels compiled, and in ways that its
 * driver's version does not tell. */
static int goes_its_own_way(const tombola_device *device)
{
    return strcmp(device->platform, PLATFORM_POCL) == 0 || strcmp(device->platform, PLATFORM_OCLGRIND) == 0;
}

char *program_cache_folder(const tombola_device *device, tombola_cache cache)
{
    return cache == TOMBOLA_CACHE_OFF || goes_its_own_way(device) ? NULL : kernel_cache_folder();
}

int program_cache_trouble(const tombola_context *context, tombola_cache cache, char *clause, size_t size)
{
    if (goes_its_own_way(&context->device.info) || (context->cache && !context->cache_code))
        return 0;
    if (cache == TOMBOLA_CACHE_OFF)
        snprintf(clause, size, "options.cache is TOMBOLA_CACHE_OFF");
    else
        kernel_cache_trouble(context->cache, context->cache_code, clause, size);
    return 1;
}

/* With the start of the compiler's log, where its first complaint is. */
static tombola_status fail_build(const tombola_context *context, cl_program program, const char *reason,
                                 tombola_error *error)
{
    char log[500] = "";
    size_t size = 0;
    clGetProgramBuildInfo(program, context->device.id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    char *whole = size ? malloc(size + 1) : NULL;
    if (whole &&
        clGetProgramBuildInfo(program, context->device.id, CL_PROGRAM_BUILD_LOG, size, whole, NULL) == CL_SUCCESS) {
        whole[size] = '\0';
        snprintf(log, sizeof log, "%s", whole);
    }
    free(whole);
    return fail(error, TOMBOLA_BUILD_FAILED, "%s did not compile the kernels%s: %s", context->device.info.name, reason,
                log[0] ? log : "no build log");
}

/* Tokens that a work-item alone can list: the more the better, while the kernels' local memory holds them. They take 20
 * bytes each, and the tops beside them (TOPS in kernels/group.clh) 4 or 20; all of it comes to 174,000 bytes for 4096,
 * 35,000 for 1024 and 23,000 for 512. Tuned: bench/tune.py CANDIDATES. */
static unsigned list_size(const tombola_context *context)
{
    cl_ulong memory = 0;
    clGetDeviceInfo(context->device.id, CL_DEVICE_LOCAL_MEM_SIZE, sizeof memory, &memory, NULL);
    return memory >= 192 * 1024 ? 4096 : memory >= 48 * 1024 ? 1024 : 512;
}

/* PoCL 3.1 brings functions with barriers together after its compiler has optimised them, and takes minutes for that.
 * Without optimisation before, groups of several work-items compile in seconds; a CPU has no use for them but in
 * tests. Oclgrind 21.10 ends at an intrinsic that its compiler's inlining leaves behind. */
static const char *workaround(const tombola_context *context)
{
    const char *platform = context->device.info.platform;
    int is_group = context->lanes * context->teams > 1;
    return (is_group && strcmp(platform, PLATFORM_POCL) == 0) || strcmp(platform, PLATFORM_OCLGRIND) == 0
               ? "-cl-opt-disable "
               : "";
}

static tombola_status write_options(const tombola_context *context, tombola_type type, tombola_input input,
                                    char options[OPTIONS_SIZE], tombola_error *error)
{
    int length = snprintf(options, OPTIONS_SIZE,
                          "-cl-std=CL1.2 -w -D LANES=%u -D WIDTH=%u -D TEAMS=%u -D CANDIDATES=%u -D LOGIT_TYPE=%d -D "
                          "PROBABILITIES=%d %s%s",
                          (unsigned)context->lanes, (unsigned)context->width, (unsigned)context->teams,
                          list_size(context), (int)type, (int)input, workaround(context), context->build_options);
    if (length < 0 || length >= OPTIONS_SIZE)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.build_options has %zu bytes, but at most %d fit",
                    strlen(context->build_options), OPTIONS_SIZE - 1 - (length - (int)strlen(context->build_options)));
    return TOMBOLA_OK;
}

static tombola_status compile(const tombola_context *context, const char *text, const char *options,
                              cl_program *program, tombola_error *error)
{
    cl_int code;
    *program = clCreateProgramWithSource(context->cl, 1, &text, NULL, &code);
    if (code != CL_SUCCESS)
        return fail_cl(error, "clCreateProgramWithSource", code);
    code = clBuildProgram(*program, 1, &context->device.id, options, NULL, NULL);
    if (code == CL_SUCCESS)
        return TOMBOLA_OK;
    char reason[400];
    absence_reason(context->device.info.platform, reason, sizeof reason);
    tombola_status status =
        code == CL_BUILD_PROGRAM_FAILURE || code == CL_COMPILER_NOT_AVAILABLE || code == CL_INVALID_BUILD_OPTIONS
            ? fail_build(context, *program, reason, error)
            : fail_cl_because(error, "clBuildProgram", code, reason);
    clReleaseProgram(*program);
    *program = NULL;
    return status;
}

/* All that decides what the compiler makes, NUL after each part. The vectors stand for the instructions that the
 * processor has: in a virtual machine these can be fewer than its name promises. */
static struct bytes make_key(const tombola_context *context, const char *text, const char *options)
{
    const tombola_device *info = &context->device.info;
    cl_uint native = 0, preferred = 0;
    clGetDeviceInfo(context->device.id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof native, &native, NULL);
    clGetDeviceInfo(context->device.id, CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT, sizeof preferred, &preferred, NULL);
    char vectors[32];
    snprintf(vectors, sizeof vectors, "%u %u", (unsigned)native, (unsigned)preferred);
    const char *parts[] = {info->platform, info->name, info->version, info->driver, vectors, options, text};
    struct bytes key = {NULL, 0};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        key.size += strlen(parts[i]) + 1;
    key.data = malloc(key.size);
    unsigned char *end = key.data;
    for (size_t i = 0; end && i < sizeof parts / sizeof parts[0]; i++) {
        size_t size = strlen(parts[i]) + 1;
        memcpy(end, parts[i], size);
        end += size;
    }
    return key;
}

int program_compiles_late(const tombola_device *device)
{
    return goes_its_own_way(device);
}

/* Known answers that kernels must give. */
static tombola_status check(tombola_context *context, cl_program program, enum program which, tombola_type type,
                            tombola_input input, tombola_error *error)
{
    const unsigned kernels = trust_at_once(context, which);
    return which == PROGRAM_ROWS ? self_test_run(context, program, type, input, kernels, error)
                                 : self_test_run_shards(context, program, type, input, kernels, error);
}

/* NULL unless the cache has kernels that the driver still takes and that give the known answers. */
static cl_program take(tombola_context *context, struct bytes key, const char *options, enum program which,
                       tombola_type type, tombola_input input)
{
    struct bytes binary = kernel_cache_load(context->cache, key);
    if (!binary.data)
        return NULL;
    const unsigned char *data = binary.data;
    cl_int refused = CL_SUCCESS, code;
    cl_program program =
        clCreateProgramWithBinary(context->cl, 1, &context->device.id, &binary.size, &data, &refused, &code);
    free(binary.data);
    if (code != CL_SUCCESS)
        return NULL;
    if (refused == CL_SUCCESS && clBuildProgram(program, 1, &context->device.id, options, NULL, NULL) == CL_SUCCESS &&
        check(context, program, which, type, input, NULL) == TOMBOLA_OK)
        return program;
    clReleaseProgram(program);
    return NULL;
}

/* The program's place among the devices of the context, all of which it is listed for; `count` if it has none. */
static cl_uint place_of(cl_program program, cl_device_id device, cl_uint count)
{
    cl_device_id *devices = calloc(count, sizeof *devices);
    cl_uint place = count;
    if (devices && clGetProgramInfo(program, CL_PROGRAM_DEVICES, count * sizeof *devices, devices, NULL) == CL_SUCCESS)
        for (place = 0; place < count && devices[place] != device;)
            place++;
    free(devices);
    return place;
}

/* Puts a compiled program into the cache. A driver that gives no binary leaves it as it was. */
static void keep(tombola_context *context, struct bytes key, cl_program program)
{
    cl_uint count = 0;
    if (clGetProgramInfo(program, CL_PROGRAM_NUM_DEVICES, sizeof count, &count, NULL) != CL_SUCCESS || count == 0)
        return;
    cl_uint place = place_of(program, context->device.id, count);
    size_t *sizes = calloc(count, sizeof *sizes);
    unsigned char **binaries = calloc(count, sizeof *binaries); /* NULL: not wanted */
    if (place < count && sizes && binaries &&
        clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, count * sizeof *sizes, sizes, NULL) == CL_SUCCESS &&
        sizes[place] && (binaries[place] = malloc(sizes[place])) &&
        clGetProgramInfo(program, CL_PROGRAM_BINARIES, count * sizeof *binaries, binaries, NULL) == CL_SUCCESS)
        context->cache_code = kernel_cache_store(context->cache, key, (struct bytes){binaries[place], sizes[place]});
    if (binaries && place < count)
        free(binaries[place]);
    free(binaries);
    free(sizes);
}

tombola_status program_make(tombola_context *context, enum program which, tombola_type type, tombola_input input,
                            cl_program *program, tombola_error *error)
{
    const char *text = which == PROGRAM_ROWS ? tombola_kernel_text : tombola_shard_text;
    char options[OPTIONS_SIZE];
    tombola_status status = write_options(context, type, input, options, error);
    if (status)
        return status;
    struct bytes key = {NULL, 0};
    if (context->cache)
        key = make_key(context, text, options);
    *program = key.data ? take(context, key, options, which, type, input) : NULL;
    if (!*program) {
        status = compile(context, text, options, program, error);
        if (!status) {
            status = check(context, *program, which, type, input, error);
            if (status) {
                clReleaseProgram(*program);
                *program = NULL;
            }
        }
        if (!status && key.data)
            keep(context, key, *program);
    }
    free(key.data);
    return status;
}

tombola_status context_program(tombola_context *context, enum program which, tombola_type type, tombola_input input,
                               cl_program *program, tombola_error *error)
{
    pthread_mutex_lock(&context->lock);
    struct built *built = &context->built[which][type][input];
    tombola_status status = TOMBOLA_OK;
    if (!built->program) {
        status = program_make(context, which, type, input, &built->program, error);
        if (!status)
            built->trusted = trust_at_once(context, which);
    }
    *program = built->program;
    pthread_mutex_unlock(&context->lock);
    return status;
}
