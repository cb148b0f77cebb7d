#include "bench.h"

#include <stdlib.h>

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

bench_figure bench_figure_of(double *seconds, size_t count)
{
    double median = bench_median(seconds, count);
    return (bench_figure){median, seconds[0], seconds[(count * 95 + 99) / 100 - 1]};
}

double bench_result_bytes(const bench_result *result)
{
    return (double)result->rows * (double)result->vocabulary * (double)tombola_type_size(result->type);
}
