#include "bench.h"

#include <stdio.h>
#include <unistd.h>

#include "tool.h"

static double kernel_share(const bench_result *result)
{
    return result->plain_read.median / result->kernel_read.median;
}

static int is_shape(const bench_result *result, size_t rows, size_t vocabulary)
{
    return result->rows == rows && result->vocabulary == vocabulary && result->type == TOMBOLA_FLOAT32;
}

int bench_read_is_kernel(const bench_result *results, size_t count, const bench_result *result)
{
    int known = 0, reached = 1;
    for (size_t i = 0; i < count; i++) {
        double least = is_shape(&results[i], 256, 262144)  ? BENCH_SHARE_FROM_MEMORY
                       : is_shape(&results[i], 64, 128256) ? BENCH_SHARE_IN_CACHE
                                                           : 0;
        known |= least > 0;
        reached &= !(least > 0) || kernel_share(&results[i]) >= least;
    }
    if (known)
        return reached;
    double memory = 256.0 * 262144 * 4, cache = 64.0 * 128256 * 4, bytes = bench_result_bytes(result);
    return kernel_share(result) >= (bytes * bytes > memory * cache ? BENCH_SHARE_FROM_MEMORY : BENCH_SHARE_IN_CACHE);
}

static void print_heading(const bench_about *about, const bench_result *results, size_t count)
{
    tombola_device device = tombola_device_default();
    tombola_context_device(about->context, &device);
    uint32_t lanes, width, teams;
    tombola_context_shape(about->context, &lanes, &width, &teams);
    printf("Tombola %s on %s (%s, %s, driver %s), %u compute units, blocks %ux%u, %u side by side.\n",
           tombola_version_string(), device.name, device.platform, device.version, device.driver, device.compute_units,
           lanes, width, teams);
    if (!tombola_context_in_thread(about->context, &device, NULL))
        printf("Batches of few rows are drawn by the calling thread, on %s.\n", device.name);
    printf("Processor: %s, %ld cores, plain read with %zu threads. Seed %llu.\n", about->processor,
           sysconf(_SC_NPROCESSORS_ONLN), about->threads, (unsigned long long)about->seed);
    printf("The read is the maximum-reduction kernel where that reaches %.0f%% of the plain read at 256x262144 and "
           "%.0f%% at 64x128256%s.\n",
           100 * BENCH_SHARE_FROM_MEMORY, 100 * BENCH_SHARE_IN_CACHE, ", or at the shape at hand, else the plain read");
    printf("Times are of whole calls; upload, kernels and read-back are those of other calls, with a clock on each.\n");
    for (size_t i = 0; i < count; i++)
        if (results[i].rows * results[i].batches < BENCH_LEAST_ROWS) {
            printf("Some shapes have fewer than %d distinct rows: caches and branch prediction flatter them.\n",
                   BENCH_LEAST_ROWS);
            return;
        }
}

static void print_figure(const char *name, const bench_figure *figure, double bytes, double read)
{
    printf("| %-19s | %9.1f | %9.1f | %9.1f |", name, 1e6 * figure->median, 1e6 * figure->least, 1e6 * figure->p95);
    if (bytes > 0)
        printf(" %6.1f | %5.2f |", bytes / figure->median * 1e-9, read / figure->median);
    else
        printf(" %6s | %5s |", "", "");
}

static void print_no_parts(void)
{
    printf(" %6s | %7s | %9s | %6s | %13s |\n", "", "", "", "", "");
}

static void print_result(const bench_result *results, size_t count, const bench_result *result)
{
    int by_kernel = bench_read_is_kernel(results, count, result);
    double bytes = bench_result_bytes(result),
           read = by_kernel ? result->kernel_read.median : result->plain_read.median;
    printf("\n%s, %zux%zu %s, %s: %zu calls of each over %zu distinct rows, %zu of them checked against the oracle.\n",
           result->workload, result->rows, result->vocabulary, tool_type_name(result->type), result->lay, result->calls,
           result->rows * result->batches, result->checked);
    printf("%.1f MB a batch; the read is the %s. The sampler holds %.1f MB beside the logits.", bytes * 1e-6,
           by_kernel ? "kernel" : "plain read", (double)result->own_bytes * 1e-6);
    printf("\n\n| %-19s | median us |    min us |    p95 us |   GB/s |  read | upload | kernels | read-back |   kept | "
           "        range |\n"
           "|:--------------------|----------:|----------:|----------:|-------:|------:|-------:|--------:|----------:|"
           "-------:|--------------:|\n",
           "");
    print_figure("read, kernel", &result->kernel_read, bytes, read);
    print_no_parts();
    print_figure("read, plain", &result->plain_read, bytes, read);
    print_no_parts();
    print_figure("empty call", &result->empty_call, 0, read);
    print_no_parts();
    for (int config = 0; config < BENCH_CONFIGS; config++)
        if (result->configs >> config & 1) {
            print_figure(bench_config_name((bench_config)config), &result->of[config].call, bytes, read);
            char range[32];
            snprintf(range, sizeof range, "%u-%u", result->of[config].kept.least, result->of[config].kept.most);
            printf(" %6.1f | %7.1f | %9.1f | %6.0f | %13s |\n", 1e6 * result->of[config].upload,
                   1e6 * result->of[config].kernel, 1e6 * result->of[config].read, result->of[config].kept.median,
                   range);
        }
}

void bench_print_table(const bench_about *about, const bench_result *results, size_t count)
{
    print_heading(about, results, count);
    for (size_t i = 0; i < count; i++)
        print_result(results, count, &results[i]);
}
