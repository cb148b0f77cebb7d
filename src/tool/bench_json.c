#include "bench.h"

#include <string.h>
#include <unistd.h>

#include "tool.h"

static json_t *pack_header(const bench_about *about)
{
    tombola_device device = tombola_device_default();
    tombola_context_device(about->context, &device);
    tombola_device in_thread = tombola_device_default();
    tombola_context_in_thread(about->context, &in_thread, NULL); /* else its name stays empty */
    uint32_t lanes, width, teams;
    tombola_context_shape(about->context, &lanes, &width, &teams);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:[I,I,I], s:s, s:I, s:I, s:I}", "kind", "header",
                     "tombola", tombola_version_string(), "device", device.name, "in_thread", in_thread.name,
                     "platform", device.platform, "version", device.version, "driver", device.driver, "compute_units",
                     (json_int_t)device.compute_units, "blocks", (json_int_t)lanes, (json_int_t)width,
                     (json_int_t)teams, "processor", about->processor, "cores",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "threads", (json_int_t)about->threads, "seed",
                     (json_int_t)about->seed);
}

/* `name` is "kernel read", "plain read", "empty call" or a configuration. */
static json_t *pack_figure(const bench_result *result, const char *kind, const char *name, const bench_figure *figure,
                           double read)
{
    double bytes = bench_result_bytes(result);
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:I, s:I, s:f, s:f, s:f}", "kind", kind, "name", name, "workload",
        result->workload, "type", tool_type_name(result->type), "rows", (json_int_t)result->rows, "vocabulary",
        (json_int_t)result->vocabulary, "where", bench_where_name(result->where), "logits", result->lay,
        "distinct_rows", (json_int_t)(result->rows * result->batches), "calls", (json_int_t)result->calls, "median_us",
        1e6 * figure->median, "min_us", 1e6 * figure->least, "p95_us", 1e6 * figure->p95);
    if (object && strcmp(kind, "empty") != 0 &&
        (json_object_set_new(object, "bytes", json_integer((json_int_t)bytes)) ||
         json_object_set_new(object, "gb_per_s", json_real(bytes / figure->median * 1e-9)) ||
         json_object_set_new(object, "share_of_read", json_real(read / figure->median)))) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *pack_config(const bench_result *result, int config, double read, int by_kernel)
{
    json_t *object =
        pack_figure(result, "tombola", bench_config_name((bench_config)config), &result->of[config].call, read);
    json_t *more =
        json_pack("{s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:s}", "upload_us", 1e6 * result->of[config].upload,
                  "kernel_us", 1e6 * result->of[config].kernel, "read_back_us", 1e6 * result->of[config].read,
                  "kept_median", result->of[config].kept.median, "kept_min", (json_int_t)result->of[config].kept.least,
                  "kept_max", (json_int_t)result->of[config].kept.most, "checked_rows", (json_int_t)result->checked,
                  "own_bytes", (json_int_t)result->own_bytes, "read", by_kernel ? "kernel" : "plain");
    if (!object || !more || json_object_update(object, more)) {
        json_decref(object);
        object = NULL;
    }
    json_decref(more);
    return object;
}

int bench_print_json(const bench_about *about, const bench_result *results, size_t count)
{
    int failed = tool_json_print(stdout, pack_header(about));
    for (size_t i = 0; i < count && !failed; i++) {
        const bench_result *result = &results[i];
        int by_kernel = bench_read_is_kernel(results, count, result);
        double read = by_kernel ? result->kernel_read.median : result->plain_read.median;
        failed = tool_json_print(stdout, pack_figure(result, "read", "kernel", &result->kernel_read, read)) ||
                 tool_json_print(stdout, pack_figure(result, "read", "plain", &result->plain_read, read)) ||
                 tool_json_print(stdout, pack_figure(result, "empty", "empty call", &result->empty_call, read));
        for (int config = 0; config < BENCH_CONFIGS && !failed; config++)
            if (result->configs >> config & 1)
                failed = tool_json_print(stdout, pack_config(result, config, read, by_kernel));
    }
    return failed ? -1 : 0;
}
