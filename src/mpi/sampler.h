/* The sampler of a rank. */
#ifndef TOMBOLA_SRC_MPI_SAMPLER_H
#define TOMBOLA_SRC_MPI_SAMPLER_H

#include "lane.h"
#include "part.h"

struct tombola_mpi_sampler {
    struct ranks ranks;
    struct lane lanes[2];
    struct part parts[2];
    struct part_shape shape;
    size_t halve_from; /* rows; 0: never */
    /* To make the second lane with. */
    tombola_context *context;
    tombola_sampler_options options;
    size_t first, last, max_rows;
};

/* Hands the library's own error, if it is one, to the caller, whose struct may be older, or NULL. */
tombola_status mpi_sampler_fail(const tombola_error *own, tombola_error *error);

#endif
