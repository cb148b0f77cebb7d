/* Which kernels have given the known answers. PoCL compiles a kernel when it is first run, which takes seconds: there
 * each is run and checked when it is first wanted, elsewhere all are at once. */
#ifndef TOMBOLA_SRC_TRUST_H
#define TOMBOLA_SRC_TRUST_H

#include "batch.h"
#include "context.h"

/* The kernels to check with a program that has just been made, a bit each. */
unsigned trust_at_once(const tombola_context *context, enum program program);

/* Checks those of the sampler's kernels, a bit each, that its context has not checked yet. For one whose program its
 * context has. */
tombola_status trust_kernels(struct engine *engine, unsigned kernels, tombola_error *error);

/* The same of a sampler that has just been made: what every call wants, and what options say will be wanted. */
tombola_status trust_declared(struct engine *engine, tombola_error *error);

/* The same of a shard. */
tombola_status trust_shard(struct engine *engine, tombola_error *error);

#endif
