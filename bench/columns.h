/* Rows of which a rank or a shard has its columns, as the programs that time them make them. */
#ifndef BENCH_COLUMNS_H
#define BENCH_COLUMNS_H

#include "bench.h"

#include <argp.h>
#include <stddef.h>

enum { COLUMN_CONFIGS = 6 };

/* The same on all ranks and shards: rows of a workload, and how they are drawn from. */
struct columns {
    size_t rows, vocabulary;
    workload kind;
    bench_config configs[COLUMN_CONFIGS];
    size_t config_count;
};
struct columns columns_default(void);

/* Options for these, whose input is a struct columns. */
extern const struct argp columns_argp;

/* Ends the program. */
_Noreturn void columns_fail(const char *text);

/* Aligned to a page; ends the program where there is no memory. */
void *columns_allocate(size_t count, size_t size);

/* Columns [first, last) of all rows, side by side; to be freed. */
float *columns_make(const struct columns *columns, size_t first, size_t last);

/* The parameters of all rows by a configuration. */
void columns_params(const struct columns *columns, bench_config config, tombola_params *params);

/* Sorts them; gives the one in the middle. */
double columns_median(double *seconds, size_t count);

#endif
