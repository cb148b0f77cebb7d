/* A device with its compiled kernels. */
#ifndef TOMBOLA_SRC_CONTEXT_H
#define TOMBOLA_SRC_CONTEXT_H

#include "device.h"
#include "host_memory.h"

#include <pthread.h>
#include <stdatomic.h>

#define TYPES 3
#define INPUTS 2

enum program { PROGRAM_ROWS, PROGRAM_SHARDS, PROGRAMS };

/* A program of the context's, built and checked when it is first asked for. */
struct built {
    cl_program program; /* NULL before */
    unsigned trusted;   /* a bit for each kernel that has given the known answers */
};

/* The context of a device that works in the calling thread, for batches of few rows (companion.h). */
struct companion {
    struct device device; /* id NULL: there is none */
    pthread_mutex_t lock; /* guards what follows */
    int is_sought;
    tombola_context *context; /* opened when first sought; NULL before, and where that failed */
    tombola_error error;      /* of that failure */
    tombola_context *of;      /* borrowed, in a companion itself: whose it is; NULL in any other context */
};

struct tombola_context {
    atomic_size_t references;
    struct device device;
    cl_context cl;
    uint32_t lanes, width, teams;
    int is_unified;        /* the device works in the host's memory */
    size_t alignment;      /* bytes: where buffers over host memory begin that it uses in place */
    size_t largest_buffer; /* bytes */
    pthread_mutex_t wrapped_lock;
    struct wrapped *wrapped; /* what is wrapped of host memory, guarded by wrapped_lock */
    char *build_options;     /* the caller's, "" if none */
    char *cache;             /* the folder that keeps compiled kernels; NULL: none does */
    int cache_code;          /* the errno of what was last put there, 0 if all is well */
    char *choice;            /* why this device, a sentence a line */
    struct companion companion;
    pthread_mutex_t lock; /* guards what follows */
    struct built built[PROGRAMS][TYPES][INPUTS];
};

/* Opens one device, whole: what is returned has its kernels for binary32 logits built and checked.
 * given  the caller's OpenCL context, NULL for one of the device alone */
tombola_status context_open_device(const struct device *device, cl_context given,
                                   const tombola_context_options *options, tombola_context **opened,
                                   tombola_error *error);

#endif
