/* Rows whose columns lie on the ranks of an MPI communicator: tombola_shard.h over MPI. Every rank keeps its columns of
 * the logits, and all of them get the tokens that one device would draw.
 *
 *     size_t first, last;
 *     tombola_mpi_columns(vocabulary, ranks, rank, &first, &last);      // or any cut of your own
 *     tombola_mpi_sampler_create(context, MPI_COMM_WORLD, vocabulary, first, last, max_rows, NULL, &sampler, &error);
 *     ...
 *     tombola_mpi_sampler_sample(sampler, &rows, &results, &error);     // rows: their logits are those of the columns
 *
 * Create, sample and release are collective: all ranks of the communicator call them, in the same order, as they call
 * MPI's own. A rank that is to fail has to call them all the same; then all ranks get the same error, which begins with
 * the one that is at fault, "rank 2: ...", and the sampler serves for the next call. Only what leaves no way to tell
 * the others is told to the rank alone, without waiting for them: a sampler that is NULL, no communicator, MPI that is
 * not up, or an MPI call that fails and, tried again, still does; and what fails behind the last exchange of a call,
 * be it memory or the device as it tells of candidates or of each token: the others have their results then. What MPI
 * reports is a TOMBOLA_TRANSPORT_FAILED with its text.
 *
 * MPI has to be up, for the thread that makes the calls: MPI_THREAD_FUNNELED and the main thread, or more. No other
 * thread calls MPI, drivers' threads included. Communication takes place on a duplicate of the communicator, so that it
 * meets none of the caller's, and errors on it are returned, whatever handler the caller has. */
#ifndef TOMBOLA_MPI_H
#define TOMBOLA_MPI_H

#include "tombola_shard.h"

/* MPI's interface to C++, which MPI has given up, takes a library more and is of no use here. Who wants it all the same
 * includes mpi.h first. */
#if defined(__cplusplus) && !defined(OMPI_SKIP_MPICXX)
#define OMPI_SKIP_MPICXX 1
#endif
#if defined(__cplusplus) && !defined(MPICH_SKIP_MPICXX)
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Cuts a vocabulary evenly into whole blocks of 256 for so many ranks: rank 0's columns come first. Where there are
 * more ranks than blocks some get none, first = last, as does a rank that is none of 0 to ranks - 1. */
TOMBOLA_API void tombola_mpi_columns(size_t vocabulary, int ranks, int rank, size_t *first, size_t *last);

typedef struct tombola_mpi_sampler tombola_mpi_sampler;

/* Makes a sampler on each rank. Collective.
 * context      the rank's own; kept alive by the sampler
 * comm         an intra-communicator; not used after release. Its ranks have the columns of the vocabulary, each once,
 *              in any order
 * vocabulary   of the whole row; the same on all ranks, and so is max_rows
 * first, last  this rank's columns, as tombola_shard_create has them
 * options      as tombola_shard_create has them; types may differ between ranks, inputs may not
 * sampler      set on success; release it with tombola_mpi_sampler_release
 * A sampler is used by one thread at a time. Errors: those of tombola_shard_create, and of disagreement. */
TOMBOLA_API tombola_status tombola_mpi_sampler_create(tombola_context *context, MPI_Comm comm, size_t vocabulary,
                                                      size_t first, size_t last, size_t max_rows,
                                                      const tombola_sampler_options *options,
                                                      tombola_mpi_sampler **sampler, tombola_error *error);

/* Waits for what is running and releases the sampler. Collective; where MPI is down already it is not. NULL is allowed,
 * on all ranks. */
TOMBOLA_API void tombola_mpi_sampler_release(tombola_mpi_sampler *sampler);

/* Draws from rows. Collective: each rank passes the logits of its columns, and all else as if it had whole rows, the
 * same on all ranks.
 * rows, results   as tombola_shard_begin has them; free again on return. Each rank has all results
 * Errors: those of tombola_shard_begin and of the shards' calls, and of disagreement, which leave the results
 * undefined. */
TOMBOLA_API tombola_status tombola_mpi_sampler_sample(tombola_mpi_sampler *sampler, const tombola_rows *rows,
                                                      const tombola_results *results, tombola_error *error);

/* Calls of at least so many rows go in two halves, so that the messages of one travel while the device is at the other;
 * 0, the default: none do. A call of one round gains nothing by it, as the last message has nothing to travel beside.
 * It may pay where calls take several rounds, and an exchange takes long, as between machines, but not longer than the
 * device takes for half of the rows: measure it. To be called alike on all ranks, between calls; not collective. Takes
 * memory for half of max_rows more. Calls that list kept tokens go whole, and then all ranks are to list theirs.
 * Errors: INVALID_ARGUMENT for 1, OUT_OF_MEMORY and DEVICE_FAILED, on this rank alone. */
TOMBOLA_API tombola_status tombola_mpi_sampler_halve(tombola_mpi_sampler *sampler, size_t from_rows,
                                                     tombola_error *error);

/* What the last call has taken. */
typedef struct tombola_mpi_call {
    uint32_t struct_size;
    uint32_t rounds;         /* of both halves together */
    uint32_t collectives;    /* of MPI: one a round, where messages are about as large as in calls before */
    uint32_t halves;         /* 2, or 1 where the rows went together */
    uint64_t bytes;          /* that this rank has sent to each other one */
    double exchange_seconds; /* in these collectives, of which waiting for slower ranks is a part */
} tombola_mpi_call;

static inline tombola_mpi_call tombola_mpi_call_default(void)
{
    tombola_mpi_call call;
    memset(&call, 0, sizeof call);
    call.struct_size = sizeof call;
    return call;
}

/* call: made by tombola_mpi_call_default */
TOMBOLA_API void tombola_mpi_sampler_last_call(const tombola_mpi_sampler *sampler, tombola_mpi_call *call);

#ifdef __cplusplus
}
#endif
#endif
