#include "bench.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "narrow.h"

/* Whole pages, so that any device can use them in place. */
static int allocate(bench_pool *pool)
{
    size_t bytes = pool->batches * bench_pool_batch_bytes(pool);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (posix_memalign(&pool->data, page, (bytes + page - 1) / page * page)) {
        pool->data = NULL;
        warnx("no memory for %zu batches of %zu x %zu logits (%zu bytes)", pool->batches, pool->rows, pool->vocabulary,
              bytes);
        return -1;
    }
    return 0;
}

/* Batches that make BENCH_LEAST_ROWS rows; fewer where they would take an eighth of the machine's memory. */
static size_t choose_batches(const bench_pool *pool)
{
    size_t wanted = (BENCH_LEAST_ROWS + pool->rows - 1) / pool->rows;
    size_t memory = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    size_t most = memory / 8 / bench_pool_batch_bytes(pool);
    return wanted < most ? wanted : most < 1 ? 1 : most;
}

int bench_pool_make(bench_pool *pool, workload kind, tombola_type type, size_t rows, size_t vocabulary, uint64_t seed)
{
    *pool = (bench_pool){.workload = workload_name(kind),
                         .type = type,
                         .rows = rows,
                         .vocabulary = vocabulary,
                         .row_stride = vocabulary};
    pool->batches = choose_batches(pool);
    if (allocate(pool))
        return -1;
    struct workload_maker *maker = workload_maker_create(vocabulary);
    if (!maker) {
        warnx("no memory to make a row of %zu logits in", vocabulary);
        bench_pool_release(pool);
        return -1;
    }
    size_t row_bytes = vocabulary * tombola_type_size(type);
    for (size_t row = 0; row < pool->batches * rows; row++)
        workload_fill(maker, kind, seed, row, type, (char *)pool->data + row * row_bytes);
    workload_maker_release(maker);
    return 0;
}

int bench_pool_copy(bench_pool *pool, const npy *file, size_t rows)
{
    *pool = (bench_pool){.workload = "file",
                         .type = file->type,
                         .rows = rows,
                         .vocabulary = file->vocabulary,
                         .row_stride = file->columns};
    pool->batches = file->rows / rows;
    if (allocate(pool))
        return -1;
    memcpy(pool->data, file->data, pool->batches * bench_pool_batch_bytes(pool));
    return 0;
}

int bench_pool_repeat(bench_pool *pool, const npy *file, tombola_type type, size_t rows)
{
    const size_t vocabulary = file->vocabulary, row_bytes = vocabulary * tombola_type_size(type);
    float *values = malloc(vocabulary * sizeof *values);
    *pool = (bench_pool){.workload = workload_name(WORKLOAD_REAL),
                         .type = type,
                         .rows = rows,
                         .vocabulary = vocabulary,
                         .row_stride = vocabulary};
    pool->batches = choose_batches(pool);
    if (!values || allocate(pool)) {
        if (!values)
            warnx("no memory to make a row of %zu logits in", vocabulary);
        free(values);
        return -1;
    }
    for (size_t row = 0; row < pool->batches * rows; row++) {
        const size_t shift = row / file->rows * BENCH_SHIFT % vocabulary, before = vocabulary - shift;
        const size_t element = row % file->rows * file->columns;
        char *start = (char *)pool->data + row * row_bytes;
        widen_elements((const char *)file->data + element * tombola_type_size(file->type), vocabulary, file->type,
                       values);
        narrow_elements(values, before, type, start + shift * tombola_type_size(type));
        narrow_elements(values + before, shift, type, start);
    }
    free(values);
    return 0;
}

void bench_pool_release(bench_pool *pool)
{
    free(pool->data);
    pool->data = NULL;
}

size_t bench_pool_batch_bytes(const bench_pool *pool)
{
    return pool->rows * pool->row_stride * tombola_type_size(pool->type);
}

const void *bench_pool_batch(const bench_pool *pool, size_t batch)
{
    return (const char *)pool->data + batch * bench_pool_batch_bytes(pool);
}

void bench_pool_widen(const bench_pool *pool, size_t row, float *values)
{
    const char *start = (const char *)pool->data + row * pool->row_stride * tombola_type_size(pool->type);
    widen_elements(start, pool->vocabulary, pool->type, values);
}
