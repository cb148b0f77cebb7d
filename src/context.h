/* A device with its compiled kernels. */
#ifndef TOMBOLA_SRC_CONTEXT_H
#define TOMBOLA_SRC_CONTEXT_H

#include "device.h"

#include <pthread.h>
#include <stdatomic.h>

#define TYPES 3
#define INPUTS 2

struct tombola_context {
    atomic_size_t references;
    struct device device;
    cl_context cl;
    uint32_t lanes, width, teams;
    int is_unified;                     /* the device works in the host's memory */
    size_t alignment;                   /* bytes: where it wants buffers over host memory to begin */
    char *build_options;                /* the caller's, "" if none */
    char *cache;                        /* the folder that keeps compiled kernels; NULL: none does */
    char *choice;                       /* why this device, a sentence a line */
    pthread_mutex_t lock;               /* guards programs */
    cl_program programs[TYPES][INPUTS]; /* built and checked when first asked for; NULL before */
};

#endif
