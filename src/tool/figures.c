#include "figures.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Draws of a batch: enough to keep a device busy, with little to copy for short rows. */
#define BATCH_ROWS 4096
#define BATCH_VALUES ((size_t)1 << 20)

/* What one computation needs at hand: a batch of equal rows. */
typedef struct batch {
    tombola_context *context;
    tombola_sampler *sampler;
    size_t rows;
    float *values;
    tombola_params *params;
    int32_t *tokens; /* drawn */
    int32_t *status;
} batch;

static int allocate(figures *figures, batch *batch, const float *values)
{
    size_t cells = figures->tokens * figures->columns;
    figures->probabilities = calloc(cells, sizeof(float));
    figures->keeps = calloc(cells, 1);
    figures->drawn = calloc(cells, sizeof(uint64_t));
    figures->kept = calloc(figures->columns, sizeof(uint32_t));
    figures->entropy = calloc(figures->columns, sizeof(double));

    batch->rows = BATCH_VALUES / figures->tokens;
    batch->rows = batch->rows > BATCH_ROWS ? BATCH_ROWS : batch->rows;
    if (figures->draws < batch->rows)
        batch->rows = (size_t)figures->draws;
    if (batch->rows < figures->columns)
        batch->rows = figures->columns;
    batch->values = calloc(batch->rows * figures->tokens, sizeof(float));
    batch->params = calloc(batch->rows, sizeof *batch->params);
    batch->tokens = calloc(batch->rows, sizeof *batch->tokens);
    batch->status = calloc(figures->columns, sizeof *batch->status);
    if (!figures->probabilities || !figures->keeps || !figures->drawn || !figures->kept || !figures->entropy ||
        !batch->values || !batch->params || !batch->tokens || !batch->status) {
        warnx("out of memory");
        return -1;
    }
    for (size_t row = 0; row < batch->rows; row++)
        memcpy(batch->values + row * figures->tokens, values, figures->tokens * sizeof *values);
    return 0;
}

static int check_rows(const figures *figures, const batch *batch)
{
    for (size_t column = 0; column < figures->columns; column++) {
        tombola_row_status status = (tombola_row_status)batch->status[column];
        if (status == TOMBOLA_ROW_INVALID) {
            warnx("at temperature %g the distribution is invalid: its values overflow when scaled",
                  (double)figures->temperatures[column]);
            return -1;
        }
        if (status == TOMBOLA_ROW_EMPTY) {
            warnx("at temperature %g the distribution is empty: there is no token that could be drawn",
                  (double)figures->temperatures[column]);
            return -1;
        }
    }
    return 0;
}

static tombola_rows rows_of(const batch *batch, size_t count)
{
    tombola_rows rows = tombola_rows_default();
    rows.count = count;
    rows.logits.host = batch->values;
    rows.params = batch->params;
    return rows;
}

/* Filters keep neighbours in rank order, and a draw tells how many and the last of them. The probabilities are those
 * that a token is drawn with. */
static int find_kept(figures *figures, batch *batch, tombola_error *error)
{
    int32_t *ranked = calloc(figures->columns * figures->tokens, sizeof *ranked);
    tombola_boundary *last = calloc(figures->columns, sizeof *last);
    int failed = -1;
    if (!ranked || !last) {
        warnx("out of memory");
        goto done;
    }
    tombola_rows rows = rows_of(batch, figures->columns);
    tombola_results results = tombola_results_default();
    results.status.host = batch->status;
    results.kept.host = figures->kept;
    results.boundary.host = last;
    results.kept_probabilities.host = figures->probabilities;
    results.candidate_count = (uint32_t)figures->tokens;
    results.candidate_tokens.host = ranked;
    if (tombola_sampler_sample(batch->sampler, &rows, &results, error)) {
        warnx("%s", error->message);
        goto done;
    }
    if (check_rows(figures, batch))
        goto done;
    for (size_t column = 0; column < figures->columns; column++) {
        const int32_t *tokens = ranked + column * figures->tokens;
        size_t end = 0;
        while (end + 1 < figures->tokens && tokens[end] != last[column].token)
            end++;
        for (size_t n = 0; n < figures->kept[column] && n <= end; n++)
            figures->keeps[column * figures->tokens + (size_t)tokens[end - n]] = 1;
    }
    failed = 0;
done:
    free(ranked);
    free(last);
    return failed;
}

static void add_entropy(figures *figures)
{
    for (size_t i = 0; i < figures->columns * figures->tokens; i++) {
        double p = figures->probabilities[i];
        if (p > 0)
            figures->entropy[i / figures->tokens] -= p * log2(p);
    }
}

static int count_draws(figures *figures, batch *batch, size_t column, const tombola_params *params,
                       tombola_error *error)
{
    uint64_t *drawn = figures->drawn + column * figures->tokens;
    tombola_results results = tombola_results_default();
    results.tokens.host = batch->tokens;
    for (uint64_t done = 0; done < figures->draws;) {
        uint64_t left = figures->draws - done;
        tombola_rows rows = rows_of(batch, left < batch->rows ? (size_t)left : batch->rows);
        for (size_t row = 0; row < rows.count; row++) {
            batch->params[row] = *params;
            batch->params[row].offset += done + row;
        }
        if (tombola_sampler_sample(batch->sampler, &rows, &results, error)) {
            warnx("%s", error->message);
            return -1;
        }
        for (size_t row = 0; row < rows.count; row++)
            if (batch->tokens[row] >= 0)
                drawn[batch->tokens[row]]++;
        done += rows.count;
    }
    return 0;
}

int figures_compute(figures *figures, const tool_sampling *sampling, const float *values, tombola_input input)
{
    int failed = -1;
    batch batch = {0};
    tombola_error error = tombola_error_default();
    if (allocate(figures, &batch, values))
        goto done;
    if (!(batch.context = tool_sampling_open(sampling)))
        goto done;
    tombola_sampler_options options = tombola_sampler_options_default();
    options.input = input;
    options.in_thread = TOMBOLA_IN_THREAD_OFF; /* to open it takes longer than it saves in a few calls */
    if (tombola_sampler_create(batch.context, figures->tokens, batch.rows, &options, &batch.sampler, &error)) {
        warnx("%s", error.message);
        goto done;
    }

    tombola_params params = sampling->params;
    figures->filtered = tool_params_have_filters(&params);
    for (size_t column = 0; column < figures->columns; column++) {
        batch.params[column] = params;
        batch.params[column].temperature = figures->temperatures[column];
    }
    if (find_kept(figures, &batch, &error))
        goto done;
    add_entropy(figures);
    for (size_t column = 0; column < figures->columns; column++) {
        params.temperature = figures->temperatures[column];
        if (count_draws(figures, &batch, column, &params, &error))
            goto done;
    }
    failed = 0;
done:
    tombola_sampler_release(batch.sampler);
    tombola_context_close(batch.context);
    free(batch.values);
    free(batch.params);
    free(batch.tokens);
    free(batch.status);
    return failed;
}

void figures_release(figures *figures)
{
    free(figures->probabilities);
    free(figures->keeps);
    free(figures->drawn);
    free(figures->kept);
    free(figures->entropy);
}
