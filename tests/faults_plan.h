/* What is planned to fail, for the stand-ins of OpenCL calls. Any OpenCL function that the library takes up should have
 * one: what has none is never made to fail. */
#ifndef FAULTS_PLAN_H
#define FAULTS_PLAN_H

#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

#include "faults.h"

#define NEVER ((size_t)-1)

struct faults_plan {
    const char *call;
    size_t nth; /* NEVER, or how many calls of it are still to pass */
    int always;
    cl_int code;
    size_t largest_buffer; /* NEVER, or bytes */
    size_t memory;         /* NEVER, or how many allocations are still to pass */
    size_t disk;           /* NEVER, or how many bytes may still be written */
    const char *text, *replacement;
    const char *option, *other_option;
    const unsigned char *binary; /* NULL, or what programs have for one */
    size_t binary_size;
    const char *damaged; /* NULL, or a kernel's name */
    cl_uint damaged_argument;
    cl_mem damaged_buffer; /* which it has for that now */
    struct faults_answer {
        cl_device_info property; /* 0: none is planned */
        const void *value;
        size_t size;
    } answers[FAULTS_ANSWERS];
};

extern struct faults_plan faults_plan;
extern struct faults_seen faults_counts;

/* Counts a call; whether it is to fail. */
int faults_due(const char *call);

/* Drops the regions of buffers that have been released. */
void faults_forget_regions(void);

/* Counts what a call made, if it made something. */
void *faults_made(void *object);

typedef void (*faults_function)(void);

/* The function of this name that the program would have called without its stand-in. */
faults_function faults_next(const char *name);

#define REAL(call) ((__typeof__(&call))faults_next(#call))

#define FAIL_IF_PLANNED(call)                                                                                          \
    do {                                                                                                               \
        if (faults_due(#call))                                                                                         \
            return faults_plan.code;                                                                                   \
    } while (0)

#define FAIL_TO_MAKE_IF_PLANNED(call, code)                                                                            \
    do {                                                                                                               \
        if (faults_due(#call)) {                                                                                       \
            *(code) = faults_plan.code;                                                                                \
            return NULL;                                                                                               \
        }                                                                                                              \
    } while (0)

#endif
