/* Reads memory as fast as this machine's cores can, without OpenCL. */
#ifndef BENCH_READ_H
#define BENCH_READ_H

#include <stddef.h>

struct bench_reader;

/* threads  0: one for each core that this process may use, and each on its own
 * NULL with a message on failure. */
struct bench_reader *bench_reader_create(size_t threads);
void bench_reader_release(struct bench_reader *reader);
size_t bench_reader_threads(const struct bench_reader *reader);

/* Reads every byte once, a piece for each thread. Returns the seconds from when all were awake and ready until the
 * last was done: what it takes to wake them is not the memory's. */
double bench_reader_read(struct bench_reader *reader, const void *data, size_t bytes);

/* The same of rows that lie apart; each row's bytes beyond its last whole 64 are left out. */
double bench_reader_read_rows(struct bench_reader *reader, const void *data, size_t rows, size_t row_bytes,
                              size_t row_stride);

/* The exclusive or of the 32-bit words that were read last; bytes beyond the last whole 64 are left out. */
unsigned bench_reader_digest(const struct bench_reader *reader);

#endif
