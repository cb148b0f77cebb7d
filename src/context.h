/* A device with its compiled kernels. */
#ifndef TOMBOLA_SRC_CONTEXT_H
#define TOMBOLA_SRC_CONTEXT_H

#include "device.h"

#include <pthread.h>

#define TYPES 3
#define INPUTS 2

struct tombola_context {
    struct device device;
    cl_context cl;
    uint32_t lanes, width, teams;
    char *build_options;                /* the caller's, "" if none */
    char *choice;                       /* why this device, a sentence a line */
    pthread_mutex_t lock;               /* guards programs */
    cl_program programs[TYPES][INPUTS]; /* built and checked when first asked for; NULL before */
};

/* The kernels for one kind of row; they stay the context's. Builds them, and checks them against known
 * answers, when they are first asked for. */
tombola_status context_program(tombola_context *context, tombola_type type, tombola_input input, cl_program *program,
                               tombola_error *error);

#endif
