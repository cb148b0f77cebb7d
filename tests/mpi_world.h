/* Ranks for tests, eight of them, as teams of 1 to 8 that each have a communicator. What any rank fails ends them all:
 * one that left the others would have them wait for ever. */
#ifndef MPI_WORLD_H
#define MPI_WORLD_H

#include "calls.h"
#include "tombola_mpi.h"

enum { WORLD = 8, SPLITS = 3 };

/* The ranks that draw together. */
struct team {
    MPI_Comm comm;
    int size, rank;
    uint64_t number; /* no other team of the split has it */
};

/* All ranks; and this rank's team in each way to split them: 8; 4, 3 and 1; 3, 2, 2 and 1. */
extern struct team world, teams[SPLITS];

/* Starts MPI; only rank 0 tells what it runs. Ends the program unless there are WORLD ranks. */
void world_open(int *argc, char ***argv);
void world_close(void);

/* A context on each rank (group.h), of which rank 0's has compiled kernels first. */
int open_world(void **state);

/* A sampler on each rank of a team, for columns cut at random: any of them may have none. */
struct spread {
    const struct team *team;
    struct make make;
    size_t first, last; /* this rank's */
    tombola_mpi_sampler *sampler;
};
void spread_open(struct spread *spread, const struct team *team, const struct make *make, size_t rows,
                 uint64_t *random);
void spread_close(struct spread *spread);

/* Draws from whole rows, which all ranks have. Fails the test on an error. */
void spread_draw(struct spread *spread, const tombola_rows *rows, const tombola_results *results);

#endif
