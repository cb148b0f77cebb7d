/* The processes that a launcher such as mpirun has started for one command, its ranks. MPI is begun only where a
 * launcher has left its mark in the environment; else, and in builds without MPI, there is one rank, which waits for
 * nobody. */
#ifndef RANKS_H
#define RANKS_H

#include "packet.h"

/* Where this process stands; in one that no launcher started, rank 0 of 1. */
typedef struct ranks_place {
    int rank, count;
    int local, local_count; /* among those of this machine */
} ranks_place;

/* To be called first, once. Standard error of all ranks but the first is held back, up to ranks_begin_work. Where the
 * first ends, be it by --help or a mistake in its arguments, before it calls ranks_share, so do the others. 0, or -1
 * with a message on standard error. */
int ranks_begin(void);
ranks_place ranks_own(void);

/* Gives all ranks the first one's bytes. */
void ranks_share(void *bytes, size_t size);

/* For all ranks at the same place: how a step went for each, of which the first to fail tells why: what it has said on
 * standard error meanwhile. 0 where it went well everywhere; else -1 on all of them. */
int ranks_check(int failed);

/* From here on all may talk. A rank that has failed tells why it takes no part; -1 where none is left.
 * takes_part  of as many as there are ranks, set for each */
int ranks_begin_work(int failed, unsigned char *takes_part);

/* "rank 1 on host", for messages. Static storage. */
const char *ranks_name(int rank);

const char *ranks_host(int rank);
long ranks_process(int rank);

/* Sends to a rank, takes the packet over, and waits for nothing. */
void ranks_put(int rank, packet *packet);

/* What has come, which is the caller's; NULL where there is nothing. */
packet *ranks_take(void);

/* Once nothing is on its way any more. A process that exits without it ends the others too. */
void ranks_end(void);

#endif
