/* The ranks of a sampler: their communicator, what MPI says of it, and how all of them hear of what failed on one. */
#ifndef TOMBOLA_SRC_MPI_RANKS_H
#define TOMBOLA_SRC_MPI_RANKS_H

#include "tombola_mpi.h"

struct ranks {
    MPI_Comm comm; /* a duplicate, on which errors are returned */
    int count, rank;
    const char *rows_name;  /* what envelopes call rows */
    tombola_error failure;  /* of this rank, which the others are to hear of; its status OK: none */
    tombola_mpi_call taken; /* by the call under way */
};

/* For an MPI call that returned `code`: a message that names the call and has MPI's text. */
tombola_status fail_mpi(tombola_error *error, const char *call, int code);

/* That MPI is up and this thread may call it. */
tombola_status ranks_check_mpi(tombola_error *error);

/* Duplicates a communicator, which is collective where it is one that will do. */
tombola_status ranks_open(struct ranks *ranks, MPI_Comm comm, tombola_error *error);
/* Collective, but where MPI is down. */
void ranks_close(struct ranks *ranks);

/* The first failure of this rank is what the others are to hear of. */
void ranks_keep_failure(struct ranks *ranks, const tombola_error *failure);

/* Tells all ranks of the failure of one, which they all know it is: "rank 2: ...". Collective. */
tombola_status ranks_tell(const struct ranks *ranks, int who, tombola_error *error);

/* Whether no rank has failed; else all have the error of the first that has. Collective, without any memory. */
tombola_status ranks_settle(const struct ranks *ranks, tombola_error *error);

#endif
