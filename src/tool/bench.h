/* What the parts of `tombola bench` share: bench_plan reads the options, bench.c goes through the cases, bench_pool
 * makes their rows, bench_configs and bench_edits make what they are drawn with, bench_told knows what is asked for
 * beside tokens, bench_verify checks these, bench_measure times calls, as many as bench_pace says, bench_device and
 * bench_read are what they are compared with, bench_figure sums up, bench_print tells.
 *
 * Functions that can fail return 0, or -1 after a message on standard error. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "draw.h"
#include "npy.h"
#include "tombola.h"
#include "workload.h"

typedef enum bench_config {
    BENCH_GREEDY,
    BENCH_TEMPERATURE, /* 0.8, here and below */
    BENCH_TOP_K,       /* 50 */
    BENCH_TOP_P,       /* 0.95 */
    BENCH_TOP_K_TOP_P,
    BENCH_MIN_P,       /* 0.05 */
    BENCH_MIXED,       /* row by row another of the above */
    BENCH_TOP_N_SIGMA, /* 1 */
    BENCH_XTC,         /* 0.1, always */
    BENCH_TYPICAL_P,   /* 0.95 */
    BENCH_EPSILON,     /* 3e-4 */
    BENCH_ETA,         /* 3e-4 */
    BENCH_TOP_A,       /* 0.2 */
    BENCH_TOP_H,       /* 0.4 */
    BENCH_P_LESS,
    BENCH_MIN_K,           /* 3 */
    BENCH_DYNATEMP,        /* by 0.5 */
    BENCH_TOP_P_WARM,      /* 0.95 at temperature 1 */
    BENCH_TOP_P_HOT,       /* 0.95 at 1.5 */
    BENCH_TOP_P_COOL,      /* 0.9 at 0.7 */
    BENCH_TOP_K_TOP_P_LOW, /* 50 and 0.9 */
    BENCH_LOGPROBS,        /* top-p, and what is told of its tokens; see bench_told.h */
    BENCH_SAMPLES,         /* likewise */
    BENCH_N_BEST,          /* likewise */
    BENCH_PRESET,          /* the options' preset; only where it is asked for */
    BENCH_MASK,            /* top-p with a mask for each row, in host memory; see bench_edits.h */
    BENCH_BIAS,            /* top-p with biases */
    BENCH_MASK_BIAS,       /* with both */
    BENCH_REPETITION,      /* top-p with a history, here and below: a penalty of 1.1 */
    BENCH_PENALTIES,       /* and of 0.2 by frequency, 0.1 by presence */
    BENCH_MASK_BIAS_PENALTIES,
    BENCH_DRY,   /* 0.8 */
    BENCH_NGRAM, /* 3 */
    BENCH_CONFIGS
} bench_config;

/* A bit for each configuration. */
typedef uint64_t bench_config_set;
#define BENCH_BIT(config) ((bench_config_set)1 << (config))
#define BENCH_ALL (BENCH_BIT(BENCH_CONFIGS) - 1 - BENCH_BIT(BENCH_PRESET))
/* What is measured unless it is said. */
#define BENCH_USUAL                                                                                                    \
    (BENCH_BIT(BENCH_TYPICAL_P) - 1 + BENCH_BIT(BENCH_MASK) + BENCH_BIT(BENCH_BIAS) + BENCH_BIT(BENCH_MASK_BIAS))

typedef struct bench_options {
    bench_config_set configs;
    uint64_t seed;
    size_t repeats; /* 0: as many as `seconds` hold */
    double seconds; /* for each configuration and case */
    int turns;      /* rounds are measured in turns with other programs, as bench_pace.h says, whatever `seconds` */
    size_t threads; /* of the plain read; 0: a thread a core */
    tombola_dispatch dispatch;
    tombola_params preset; /* of BENCH_PRESET */
} bench_options;

const char *bench_config_name(bench_config config);
/* Of a row of the pool; its number is its random stream. */
tombola_params bench_config_params(bench_config config, const bench_options *options, size_t row);

/* Where the logits lie. */
typedef enum bench_where {
    BENCH_HOST,   /* host memory; how they reach the device is the library's choice */
    BENCH_DEVICE, /* an OpenCL buffer */
    BENCH_STAGED, /* host memory, copied to the device whatever the library would choose */
    BENCH_WHERES
} bench_where;

const char *bench_where_name(bench_where where);

/* --------------------------------------------------------------------- pool */

/* Rows to measure with: `batches` batches of `rows`, side by side, for calls to take in turns. A few rows again and
 * again would flatter: they would stay in the nearest cache, and branches be foreseen. */
typedef struct bench_pool {
    const char *workload; /* its name, or "file" for rows taken as they are */
    tombola_type type;
    size_t rows;
    size_t vocabulary;
    size_t row_stride; /* elements from the start of a row to that of the next */
    size_t batches;
    void *data;
} bench_pool;

/* Distinct rows that a pool has where memory allows. */
#define BENCH_LEAST_ROWS 64

int bench_pool_make(bench_pool *pool, workload kind, tombola_type type, size_t rows, size_t vocabulary, uint64_t seed);
/* rows  of a batch; the rest of the file makes further ones, but for what fills none. */
int bench_pool_copy(bench_pool *pool, const npy *file, size_t rows);
/* As many rows as bench_pool_make makes, of the type, by taking those of the file over and over: the n-th time, counted
 * from 0, a token has the logit of the one n * BENCH_SHIFT before it, and the first ones those of the last. So rows
 * differ, in where their tokens lie; what they keep is the same. */
int bench_pool_repeat(bench_pool *pool, const npy *file, tombola_type type, size_t rows);
#define BENCH_SHIFT 8191u /* a prime number: odd, and no multiple of any vocabulary's factors but its own */
void bench_pool_release(bench_pool *pool);

/* What lies between rows included. */
size_t bench_pool_batch_bytes(const bench_pool *pool);
const void *bench_pool_batch(const bench_pool *pool, size_t batch);
/* Row `row` of the whole pool as binary32. */
void bench_pool_widen(const bench_pool *pool, size_t row, float *values);

/* ------------------------------------------------------------------- verify */

/* How many tokens rows keep. */
typedef struct bench_kept {
    double median;
    uint32_t least, most;
} bench_kept;

/* What the oracle draws from a sample of a pool's rows. */
typedef struct bench_truth {
    size_t count;
    size_t *rows;                      /* of the pool, increasing */
    struct draw *draws[BENCH_CONFIGS]; /* `count` for each configuration asked for; else NULL */
    uint64_t *told[BENCH_CONFIGS];     /* likewise, digests of what is told beside */
    bench_kept kept[BENCH_CONFIGS];
} bench_truth;

#define BENCH_MOST_CHECKED 64

int bench_truth_make(bench_truth *truth, const bench_pool *pool, const bench_options *options);
void bench_truth_release(bench_truth *truth);

/* Compares what a batch gave with what the truth has of its rows; the message names the first that differs.
 * told  digests of what is told beside the draws; NULL where nothing is */
int bench_truth_check(const bench_truth *truth, const bench_pool *pool, bench_config config, size_t batch,
                      const struct draw *draws, const uint64_t *told);

/* ------------------------------------------------------------------ figures */

/* Of whole calls, in seconds. */
typedef struct bench_figure {
    double median, least, p95;
} bench_figure;

/* Both sort the values. */
double bench_median(double *values, size_t count);
bench_figure bench_figure_of(double *seconds, size_t count);

/* All that was measured of one pool in one place. */
typedef struct bench_result {
    const char *workload;
    tombola_type type;
    size_t rows, vocabulary, batches;
    bench_where where;
    const char *lay;    /* where the logits lay, in words */
    size_t calls;       /* of each, timed */
    size_t checked;     /* rows held against the oracle */
    uint64_t own_bytes; /* of memory that the sampler holds beside the caller's logits */
    bench_figure kernel_read, plain_read, empty_call;
    bench_config_set configs; /* those measured */
    struct {
        bench_figure call;
        double upload, kernel, read; /* medians */
        bench_kept kept;
    } of[BENCH_CONFIGS];
} bench_result;

/* Of the logits of a batch, as declared: each is to be read once. */
double bench_result_bytes(const bench_result *result);

struct bench_reader;

/* Checks tokens, then times calls, taking turns round by round. */
int bench_measure(bench_result *result, const bench_options *options, tombola_context *context, const bench_pool *pool,
                  const bench_truth *truth, bench_where where, struct bench_reader *reader);

/* -------------------------------------------------------------------- print */

/* Whether the kernel is the read that this result is measured against, or the plain read is. The kernel is, if it
 * reaches BENCH_SHARE_FROM_MEMORY of the plain read at 256 x 262144 and BENCH_SHARE_IN_CACHE at 64 x 128256, of those
 * that were measured; where neither was, the one nearer in size says how much this result's kernel has to reach. */
int bench_read_is_kernel(const bench_result *results, size_t count, const bench_result *result);
#define BENCH_SHARE_FROM_MEMORY 0.80
#define BENCH_SHARE_IN_CACHE 0.65

/* What the results hold for. */
typedef struct bench_about {
    tombola_context *context;
    char processor[256];
    uint64_t seed;
    size_t threads; /* of the plain read */
} bench_about;

void bench_print_table(const bench_about *about, const bench_result *results, size_t count);
int bench_print_json(const bench_about *about, const bench_result *results, size_t count);

#endif
