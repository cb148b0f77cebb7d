/* Calls that all ranks of a team make together, each with arguments of its own, and what comes of them on all. */
#ifndef MPI_CALLS_H
#define MPI_CALLS_H

#include "mpi_world.h"

enum { ROWS = 6, V = 3000 };

/* What a rank passes. */
struct arguments {
    tombola_context *context;
    size_t vocabulary, first, last, max_rows, halve_from;
    tombola_sampler_options options;
    tombola_rows rows;
    tombola_results results;
    int has_rows;
};

extern const struct team *team;
extern tombola_params params[ROWS];
extern uint16_t narrow[ROWS * V]; /* the rows, in both types */
extern float logits[ROWS * V];
extern int32_t tokens[ROWS], right[ROWS]; /* what the last call has drawn, and what it should have */
extern tombola_mpi_sampler *sampler;

/* Opens the world (mpi_world.h), and makes the rows. */
int open_calls(void **state);

/* Whether this is the rank that does what is wrong. */
int is_last(void);

/* What is right, for this rank; sets `params` too. */
struct arguments arguments_of_all(void);

/* sampler  set to NULL where it fails */
tombola_status create(const struct arguments *arguments, tombola_error *error);
tombola_status sample(const struct arguments *arguments, tombola_error *error);

/* That all ranks have the same status and words, and that these have `words` in them. NULL: all is well. */
void expect_same(tombola_status status, const tombola_error *error, const char *words);

/* That the sampler draws the right tokens. */
void expect_works(void);

#endif
