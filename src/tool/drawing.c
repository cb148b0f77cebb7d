#include "drawing.h"

#include <err.h>
#include <stdlib.h>

#include "needs.h"
#include "params_csv.h"

/* Rows go to the device in batches of about this many bytes, so that it need not hold a
 * large file as a whole. */
#define BATCH_BYTES ((size_t)64 << 20)

static tombola_params *make_params(const sample_options *options, size_t rows)
{
    tombola_params *params = calloc(rows, sizeof *params);
    if (!params) {
        warnx("out of memory");
        return NULL;
    }
    for (size_t i = 0; i < rows; i++) {
        params[i] = options->sampling.params;
        params[i].stream += (uint32_t)i * (options->reports.samples ? options->reports.samples : 1);
    }
    if (options->params && (params_csv_read(options->params, rows, params) ||
                            needs_check(options->params, params, rows, sample_options_supply(options)))) {
        free(params);
        return NULL;
    }
    return params;
}

static int allocate_results(drawing *d)
{
    tombola_results *results = &d->results;
    if ((results->tokens.host = calloc(d->batch * told_samples(results), sizeof(int32_t))) &&
        (results->status.host = calloc(d->batch, sizeof(int32_t))) &&
        (results->kept.host = calloc(d->batch, sizeof(uint32_t))) &&
        (!d->options->boundary || (results->boundary.host = calloc(d->batch, sizeof(tombola_boundary)))) &&
        told_allocate(&d->options->told, results, d->batch) == 0)
        return 0;
    warnx("out of memory");
    return -1;
}

static int open_sampler(drawing *d)
{
    tombola_error error = tombola_error_default();
    if (!(d->context = tool_sampling_open(&d->options->sampling)))
        return -1;
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = d->array->type;
    options.input = d->options->probabilities ? TOMBOLA_PROBABILITIES : TOMBOLA_LOGITS;
    options.in_thread = TOMBOLA_IN_THREAD_OFF; /* to open it takes longer than it saves in a few calls */
    if (tombola_sampler_create(d->context, d->array->vocabulary, d->batch, &options, &d->sampler, &error) == TOMBOLA_OK)
        return 0;
    warnx("%s", error.message);
    return -1;
}

int drawing_open(drawing *d, sample_options *options, const npy *array)
{
    size_t batch = BATCH_BYTES / (array->columns * tombola_type_size(array->type));
    batch = batch < 1 ? 1 : batch > array->rows ? array->rows : batch;
    *d = (drawing){.options = options, .array = array, .batch = batch, .results = tombola_results_default()};
    return !(d->params = make_params(options, array->rows)) ||
                   sequences_load(&options->sequences, array->rows, batch, array->vocabulary) ||
                   reports_begin(&options->reports, array, batch, &d->results) || allocate_results(d) || open_sampler(d)
               ? -1
               : 0;
}

void drawing_close(drawing *d)
{
    tombola_sampler_release(d->sampler);
    tombola_context_close(d->context);
    free(d->results.tokens.host);
    free(d->results.status.host);
    free(d->results.kept.host);
    free(d->results.boundary.host);
    told_release(&d->results);
    reports_release(&d->options->reports, &d->results);
    free(d->params);
}

int drawing_draw(drawing *d, size_t first, tombola_rows *rows)
{
    const npy *array = d->array;
    sample_options *options = d->options;
    *rows = tombola_rows_default();
    rows->count = array->rows - first < d->batch ? array->rows - first : d->batch;
    rows->logits.host = (const char *)array->data + first * array->columns * tombola_type_size(array->type);
    rows->stride = array->columns;
    rows->params = d->params + first;
    constraints_apply(&options->constraints, first, rows);
    histories_apply(&options->histories, first, rows);
    sequences_apply(&options->sequences, first, rows);
    reports_apply(&options->reports, first, rows, &d->results);
    tombola_error error = tombola_error_default();
    if (tombola_sampler_sample(d->sampler, rows, &d->results, &error)) {
        warnx("%s", error.message);
        return -1;
    }
    reports_take(&options->reports, rows->count, &d->results);
    return 0;
}
