#include "self_test.h"

#include "context.h"
#include "error.h"
#include "sampler.h"
#include "self_test_results.h"

#include <stdlib.h>

/* Rows, what they are drawn with, and a sampler made for them. */
struct draw {
    tombola_params params[ROWS];
    tombola_rows rows;
    tombola_sampler *sampler;
};

static tombola_status make_draw(tombola_context *context, cl_program program, const tombola_sampler_options *options,
                                int is_long, void *values, struct draw *draw, tombola_error *error)
{
    const size_t count = is_long ? LONG_ROWS : ROWS, vocabulary = is_long ? LONG_VOCABULARY : VOCABULARY;
    struct plan plan;
    (is_long ? self_test_fill_long : self_test_fill_short)(values, draw->params, options->type, options->input);
    draw->rows = tombola_rows_default();
    draw->rows.count = count;
    draw->rows.logits.host = values;
    draw->rows.stride = STRIDE(vocabulary);
    draw->rows.params = draw->params;
    tombola_status status = plan_make(context, vocabulary, count, options, &plan, error);
    return status ? status : sampler_create_from(context, program, &plan, &draw->sampler, error);
}

/* Everything that these kernels draw and report of short rows. */
static tombola_status run_short(tombola_context *context, cl_program program, const tombola_sampler_options *options,
                                unsigned kernels, void *values, struct answers *got, const char *way,
                                tombola_error *error)
{
    struct draw draw;
    tombola_status status = make_draw(context, program, options, 0, values, &draw, error);
    if (status)
        return status;
    const tombola_results results = self_test_reports(got, options->input, kernels, &draw.rows);
    status = tombola_sampler_sample(draw.sampler, &draw.rows, &results, error);
    tombola_sampler_release(draw.sampler);
    return status ? status : self_test_compare(got, options->input, kernels, way, error);
}

/* Tokens of long rows, at first as they are, then with masks and biases, then with histories. */
static tombola_status run_long(tombola_context *context, cl_program program, const tombola_sampler_options *options,
                               void *values, struct answers *got, const char *way, tombola_error *error)
{
    const enum long_rows last = options->input == TOMBOLA_LOGITS ? LONG_ROWS_PENALISED : LONG_ROWS_CONSTRAINED;
    const tombola_results results = self_test_draws(got);
    struct draw draw;
    tombola_status status = make_draw(context, program, options, 1, values, &draw, error);
    if (status)
        return status;
    for (enum long_rows rows = LONG_ROWS_PLAIN; rows <= last && !status; rows++) {
        if (rows == LONG_ROWS_CONSTRAINED)
            self_test_constrain(&got->constraints, &draw.rows, options->input);
        if (rows == LONG_ROWS_PENALISED)
            self_test_penalise(&got->past, draw.params, &draw.rows);
        status = tombola_sampler_sample(draw.sampler, &draw.rows, &results, error);
        if (!status)
            status = self_test_compare_long(got, options->input, rows, way, error);
    }
    tombola_sampler_release(draw.sampler);
    return status;
}

tombola_status self_test_run(tombola_context *context, cl_program program, tombola_type type, tombola_input input,
                             unsigned kernels, tombola_error *error)
{
    static const struct {
        const char *name;
        tombola_dispatch dispatch;
        tombola_transfer transfer;
    } ways[] = {{"a row per work-group", TOMBOLA_DISPATCH_ROW, TOMBOLA_TRANSFER_AUTO},
                {"a row over many work-groups", TOMBOLA_DISPATCH_SPREAD, TOMBOLA_TRANSFER_STAGED}};
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = type;
    options.input = input;
    options.in_flight = 1;
    tombola_status status = TOMBOLA_OK;
    void *values = malloc((size_t)LONG_ROWS * STRIDE(LONG_VOCABULARY) * sizeof(float)); /* the larger of the two */
    struct answers *got = malloc(sizeof *got);
    if (!values || !got) {
        status = fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for the self-test");
        goto done;
    }
    for (size_t i = 0; i < sizeof ways / sizeof ways[0] && !status; i++) {
        options.dispatch = ways[i].dispatch;
        options.transfer = ways[i].transfer;
        status = run_short(context, program, &options, kernels, values, got, ways[i].name, error);
        if (!status && (kernels & KERNEL_BIT(KERNEL_SAMPLE)))
            status = run_long(context, program, &options, values, got, ways[i].name, error);
    }
done:
    free(got);
    free(values);
    return status;
}
