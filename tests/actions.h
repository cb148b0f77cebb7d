/* What the library is asked for while calls fail or are counted: each action does one thing with a probe's rows, and
 * gives the status of it. For programs with faults.c in them. */
#ifndef ACTIONS_H
#define ACTIONS_H

#include "device_batch.h"

extern tombola_sampler *plain, *timed, *staged;

/* A group's setup and teardown, which fails if anything has leaked. */
int open_all(void **state);
int close_all(void **state);

tombola_status make_probe_sampler(tombola_transfer transfer, tombola_sampler **sampler, tombola_error *error);
tombola_status sample_by(tombola_sampler *sampler, tombola_error *error);

tombola_status try_list(tombola_error *error);
tombola_status try_open(tombola_error *error);
tombola_status try_open_cl(tombola_error *error);
tombola_status try_create(tombola_error *error);
tombola_status try_create_staged(tombola_error *error);
tombola_status try_sample(tombola_error *error);
tombola_status try_sample_staged(tombola_error *error);
tombola_status try_sample_parts(tombola_error *error);
tombola_status try_submit_twice(tombola_error *error);
tombola_status try_enqueue(tombola_error *error);
tombola_status try_enqueue_staged(tombola_error *error);
tombola_status try_sample_timed(tombola_error *error);
tombola_status try_softmax(tombola_error *error);
tombola_status try_softmax_timed(tombola_error *error);
tombola_status try_top_k(tombola_error *error);
tombola_status try_generate(tombola_error *error);
/* With masks, biases and the boundary wanted; the second makes room for them each time. */
tombola_status try_masked(tombola_error *error);
tombola_status try_masked_staged(tombola_error *error);

#endif
