/* The benchmark's own OpenCL: a pool's rows in a buffer, and the calls that say what the device could do at best. */
#ifndef BENCH_DEVICE_H
#define BENCH_DEVICE_H

#include "bench.h"
#include "tombola_cl.h"

struct bench_device;

/* Over the pool's own memory where the device shares it, else over a copy. NULL with a message on failure. */
struct bench_device *bench_device_open(tombola_context *context, const bench_pool *pool);
void bench_device_close(struct bench_device *device);

int bench_device_shares_memory(const struct bench_device *device);
cl_mem bench_device_logits(const struct bench_device *device);
/* timed  with times of its commands, which cost some */
cl_command_queue bench_device_queue(const struct bench_device *device, int timed);

/* The largest logit of each row of a batch, without reading them back: launch and wait. Seconds. */
int bench_device_read(struct bench_device *device, size_t batch, double *seconds);
/* That the last bench_device_read found each row's maximum: that all of it was read. */
int bench_device_check(struct bench_device *device, const bench_pool *pool, size_t batch);

/* Launches a kernel that does nothing, waits, reads 16 bytes back. Seconds. */
int bench_device_call_empty(struct bench_device *device, double *seconds);

#endif
