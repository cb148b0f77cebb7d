#define _GNU_SOURCE /* RTLD_NEXT */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults_plan.h"
#include "harness.h"

struct faults_plan faults_plan = {.nth = NEVER, .largest_buffer = NEVER, .memory = NEVER, .disk = NEVER};
struct faults_seen faults_counts;

__attribute__((constructor)) static void compile_every_kernel(void)
{
    setenv("TOMBOLA_CACHE", "off", 1);
}

void faults_begin(void)
{
    long held = faults_counts.held;
    memset(&faults_counts, 0, sizeof faults_counts);
    faults_counts.held = held;
    memset(&faults_plan, 0, sizeof faults_plan);
    faults_plan.nth = faults_plan.largest_buffer = faults_plan.memory = faults_plan.disk = NEVER;
    faults_forget_regions();
}

struct faults_seen faults_seen(void)
{
    return faults_counts;
}

void faults_fail(const char *call, size_t nth, int code)
{
    faults_plan.call = call;
    faults_plan.nth = nth;
    faults_plan.always = 0;
    faults_plan.code = code;
}

void faults_fail_always(const char *call, int code)
{
    faults_fail(call, 0, code);
    faults_plan.always = 1;
}

void faults_answer(unsigned property, const void *value, size_t size)
{
    size_t i = 0;
    while (i < FAULTS_ANSWERS && faults_plan.answers[i].property && faults_plan.answers[i].property != property)
        i++;
    if (i == FAULTS_ANSWERS)
        die("no more than %d answers", FAULTS_ANSWERS);
    faults_plan.answers[i] = (struct faults_answer){property, value, size};
}

void faults_fail_memory(size_t nth)
{
    faults_plan.memory = nth;
}

void faults_fill_disk(size_t room)
{
    faults_plan.disk = room;
}

void faults_edit_source(const char *text, const char *replacement)
{
    faults_plan.text = text;
    faults_plan.replacement = replacement;
}

void faults_edit_options(const char *text, const char *replacement)
{
    faults_plan.option = text;
    faults_plan.other_option = replacement;
}

void faults_answer_binary(const unsigned char *data, size_t size)
{
    faults_plan.binary = data;
    faults_plan.binary_size = size;
}

void faults_damage(const char *kernel, unsigned argument)
{
    faults_plan.damaged = kernel;
    faults_plan.damaged_argument = argument;
    faults_plan.damaged_buffer = NULL;
}

int faults_due(const char *call)
{
    faults_counts.calls++;
    if (faults_plan.nth == NEVER || (faults_plan.call && strcmp(faults_plan.call, call) != 0))
        return 0;
    if (faults_plan.nth > 0) {
        faults_plan.nth--;
        return 0;
    }
    if (!faults_plan.always)
        faults_plan.nth = NEVER;
    faults_counts.failed = call;
    return 1;
}

void *faults_made(void *object)
{
    faults_counts.created += object != NULL;
    faults_counts.held += object != NULL;
    return object;
}

faults_function faults_next(const char *name)
{
    void *address = dlsym(RTLD_NEXT, name);
    faults_function next;
    if (!address)
        die("there is no %s to hand the call on to", name);
    memcpy(&next, &address, sizeof next); /* C has no cast from the one to the other */
    return next;
}

/* The linker sends the program's own malloc, calloc, realloc, aligned_alloc and write here (--wrap), and not those of
 * the OpenCL drivers. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
ssize_t __real_write(int file, const void *data, size_t size);
ssize_t __wrap_write(int file, const void *data, size_t size);

static int lacks_memory(void)
{
    faults_counts.allocations++;
    if (faults_plan.memory == NEVER || faults_plan.memory-- > 0)
        return 0;
    faults_plan.memory = NEVER;
    faults_counts.failed = "malloc";
    return 1;
}

void *__wrap_malloc(size_t size)
{
    return lacks_memory() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return lacks_memory() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return lacks_memory() ? NULL : __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return lacks_memory() ? NULL : __real_aligned_alloc(alignment, size);
}

ssize_t __wrap_write(int file, const void *data, size_t size)
{
    const size_t piece = 1000;
    if (faults_plan.disk == NEVER)
        return __real_write(file, data, size);
    if (faults_plan.disk == 0) {
        errno = ENOSPC;
        return -1;
    }
    size = size < piece ? size : piece;
    size = size < faults_plan.disk ? size : faults_plan.disk;
    faults_plan.disk -= size;
    return __real_write(file, data, size);
}
