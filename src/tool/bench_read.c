#include "bench_read.h"

#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "bench.h"
#include "clock.h"

/* Threads take what is left piece by piece, as a driver's do work-groups: one that is held up holds up no more than
 * its piece. Sixteen pieces for each, of whole cache lines. */
#define PIECES 16
#define LINE 64

struct worker {
    struct bench_reader *reader;
    pthread_t thread;
    int core; /* -1: any */
    uint32_t digest;
    double start, end;
};

struct bench_reader {
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    unsigned round; /* counts reads; guarded by the lock, as are the next two */
    size_t finished;
    int is_over;
    const char *data; /* of this round, as are the next five */
    size_t bytes, piece;
    size_t row_bytes, row_stride; /* `bytes` are of rows that lie so far apart */
    atomic_size_t next;           /* the first byte that nobody has taken */
    atomic_size_t ready;
    size_t count;
    struct worker *workers;
};

/* Defines a function that reads with vectors of so many bytes, four at a time, so that no sum waits for another.
 * Vectors wider than the registers would be taken apart, and badly. */
#define DEFINE_READ(name, size)                                                                                        \
    static uint32_t name(const char *data, size_t bytes)                                                               \
    {                                                                                                                  \
        typedef uint32_t words __attribute__((vector_size(size), aligned(2), may_alias));                              \
        words a = {0}, b = {0}, c = {0}, d = {0};                                                                      \
        const words *next = (const words *)(const void *)data, *end = next + bytes / sizeof(words);                    \
        for (; end - next >= 4; next += 4) {                                                                           \
            a ^= next[0];                                                                                              \
            b ^= next[1];                                                                                              \
            c ^= next[2];                                                                                              \
            d ^= next[3];                                                                                              \
        }                                                                                                              \
        for (; next < end; next++)                                                                                     \
            a ^= *next;                                                                                                \
        a ^= b ^ c ^ d;                                                                                                \
        uint32_t digest = 0;                                                                                           \
        for (size_t i = 0; i < sizeof(words) / sizeof(uint32_t); i++)                                                  \
            digest ^= a[i];                                                                                            \
        return digest;                                                                                                 \
    }

DEFINE_READ(read_any, 16)

#if defined(__x86_64__)
__attribute__((target("avx2"))) DEFINE_READ(read_avx2, 32) __attribute__((target("avx512f")))
DEFINE_READ(read_avx512, 64)

    static uint32_t read_best(const char *data, size_t bytes)
{
    if (__builtin_cpu_supports("avx512f"))
        return read_avx512(data, bytes);
    return __builtin_cpu_supports("avx2") ? read_avx2(data, bytes) : read_any(data, bytes);
}
#else
static uint32_t read_best(const char *data, size_t bytes)
{
    return read_any(data, bytes);
}
#endif

static void pin(const struct worker *worker)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (worker->core < 0)
        return;
    CPU_SET((size_t)worker->core, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set); /* where it may not be, it runs where it is put */
}

static uint32_t read_pieces(struct bench_reader *reader)
{
    uint32_t digest = 0;
    size_t begin;
    while ((begin = atomic_fetch_add(&reader->next, reader->piece)) < reader->bytes) {
        size_t end = reader->bytes - begin < reader->piece ? reader->bytes : begin + reader->piece, bytes;
        for (size_t at = begin; at < end; at += bytes) {
            size_t row = at / reader->row_bytes, column = at % reader->row_bytes;
            bytes = end - at < reader->row_bytes - column ? end - at : reader->row_bytes - column;
            digest ^= read_best(reader->data + row * reader->row_stride + column, bytes);
        }
    }
    return digest;
}

static void *work(void *user)
{
    struct worker *worker = user;
    struct bench_reader *reader = worker->reader;
    pin(worker);
    for (unsigned seen = 0;; seen++) {
        pthread_mutex_lock(&reader->lock);
        while (reader->round == seen && !reader->is_over)
            pthread_cond_wait(&reader->wake, &reader->lock);
        int is_over = reader->is_over;
        pthread_mutex_unlock(&reader->lock);
        if (is_over)
            return NULL;
        /* Awake; the read begins once all are. Yielding lets a thread come that has to share this core. */
        for (atomic_fetch_add(&reader->ready, 1); atomic_load(&reader->ready) < reader->count;)
            sched_yield();
        worker->start = clock_now();
        worker->digest = read_pieces(reader);
        worker->end = clock_now();
        pthread_mutex_lock(&reader->lock);
        if (++reader->finished == reader->count)
            pthread_cond_signal(&reader->done);
        pthread_mutex_unlock(&reader->lock);
    }
}

/* The cores this process may use, in turn. */
static int core_of(const cpu_set_t *allowed, size_t worker)
{
    size_t place = worker % (size_t)CPU_COUNT(allowed);
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET((size_t)core, allowed) && place-- == 0)
            return core;
    return -1;
}

struct bench_reader *bench_reader_create(size_t threads)
{
    cpu_set_t allowed;
    int known = sched_getaffinity(0, sizeof allowed, &allowed) == 0;
    size_t wanted = threads ? threads : known ? (size_t)CPU_COUNT(&allowed) : 1;
    struct bench_reader *reader = calloc(1, sizeof *reader);
    struct worker *workers = calloc(wanted, sizeof *workers);
    if (!reader || !workers) {
        warnx("out of memory");
        free(reader);
        free(workers);
        return NULL;
    }
    pthread_mutex_init(&reader->lock, NULL);
    pthread_cond_init(&reader->wake, NULL);
    pthread_cond_init(&reader->done, NULL);
    reader->workers = workers;
    for (; reader->count < wanted; reader->count++) {
        struct worker *worker = &workers[reader->count];
        *worker = (struct worker){.reader = reader, .core = known ? core_of(&allowed, reader->count) : -1};
        if (pthread_create(&worker->thread, NULL, work, worker)) {
            warnx("cannot start %zu threads for the plain read", wanted);
            bench_reader_release(reader);
            return NULL;
        }
    }
    return reader;
}

void bench_reader_release(struct bench_reader *reader)
{
    if (!reader)
        return;
    pthread_mutex_lock(&reader->lock);
    reader->is_over = 1;
    pthread_cond_broadcast(&reader->wake);
    pthread_mutex_unlock(&reader->lock);
    for (size_t i = 0; i < reader->count; i++)
        pthread_join(reader->workers[i].thread, NULL);
    pthread_cond_destroy(&reader->wake);
    pthread_cond_destroy(&reader->done);
    pthread_mutex_destroy(&reader->lock);
    free(reader->workers);
    free(reader);
}

size_t bench_reader_threads(const struct bench_reader *reader)
{
    return reader->count;
}

double bench_reader_read(struct bench_reader *reader, const void *data, size_t bytes)
{
    return bench_reader_read_rows(reader, data, 1, bytes, bytes);
}

double bench_reader_read_rows(struct bench_reader *reader, const void *data, size_t rows, size_t row_bytes,
                              size_t row_stride)
{
    size_t pieces = PIECES * reader->count, lines = rows * (row_bytes / LINE);
    pthread_mutex_lock(&reader->lock);
    reader->data = data;
    reader->bytes = lines * LINE;
    reader->row_bytes = row_bytes / LINE * LINE;
    reader->row_stride = row_stride;
    reader->piece = (lines / pieces + 1) * LINE;
    atomic_store(&reader->next, 0);
    reader->finished = 0;
    atomic_store(&reader->ready, 0);
    reader->round++;
    pthread_cond_broadcast(&reader->wake);
    while (reader->finished < reader->count)
        pthread_cond_wait(&reader->done, &reader->lock);
    pthread_mutex_unlock(&reader->lock);
    double start = reader->workers[0].start, end = reader->workers[0].end;
    for (size_t i = 1; i < reader->count; i++) {
        start = reader->workers[i].start < start ? reader->workers[i].start : start;
        end = reader->workers[i].end > end ? reader->workers[i].end : end;
    }
    return end - start;
}

unsigned bench_reader_digest(const struct bench_reader *reader)
{
    unsigned digest = 0;
    for (size_t i = 0; i < reader->count; i++)
        digest ^= reader->workers[i].digest;
    return digest;
}
