#include "self_test.h"

#include "context.h"
#include "error.h"
#include "sampler.h"
#include "self_test_results.h"

#include <stdlib.h>

/* What is tested, one way after the other, and the memory for it. */
struct test {
    tombola_context *context;
    cl_program program;
    tombola_sampler_options options;
    const char *way;
    void *values; /* of rows */
    struct answers *got;
};

/* Rows, what they are drawn with, and a sampler made for them. */
struct draw {
    tombola_params params[ROWS];
    tombola_rows rows;
    tombola_sampler *sampler;
};

static tombola_status make_draw(const struct test *t, int is_long, struct draw *draw, tombola_error *error)
{
    const size_t count = is_long ? LONG_ROWS : ROWS, vocabulary = is_long ? LONG_VOCABULARY : VOCABULARY;
    struct plan plan;
    (is_long ? self_test_fill_long : self_test_fill_short)(t->values, draw->params, t->options.type, t->options.input);
    draw->rows = tombola_rows_default();
    draw->rows.count = count;
    draw->rows.logits.host = t->values;
    draw->rows.stride = STRIDE(vocabulary);
    draw->rows.params = draw->params;
    tombola_status status = plan_make(t->context, vocabulary, count, &t->options, &plan, error);
    return status ? status : sampler_create_from(t->context, t->program, &plan, &draw->sampler, error);
}

/* Everything that these kernels draw and report of short rows. */
static tombola_status run_short(const struct test *t, unsigned kernels, tombola_error *error)
{
    const tombola_input input = t->options.input;
    struct draw draw;
    tombola_status status = make_draw(t, 0, &draw, error);
    if (status)
        return status;
    const tombola_results results = self_test_reports(t->got, input, kernels, &draw.rows);
    status = tombola_sampler_sample(draw.sampler, &draw.rows, &results, error);
    tombola_sampler_release(draw.sampler);
    return status ? status : self_test_compare(t->got, input, kernels, t->way, error);
}

/* Tokens of long rows, at first as they are, then with masks and biases, then with histories. */
static tombola_status run_long(const struct test *t, tombola_error *error)
{
    const tombola_input input = t->options.input;
    const enum long_rows last = input == TOMBOLA_LOGITS ? LONG_ROWS_PENALISED : LONG_ROWS_CONSTRAINED;
    const tombola_results results = self_test_draws(t->got);
    struct draw draw;
    tombola_status status = make_draw(t, 1, &draw, error);
    if (status)
        return status;
    for (enum long_rows rows = LONG_ROWS_PLAIN; rows <= last && !status; rows++) {
        if (rows == LONG_ROWS_CONSTRAINED)
            self_test_constrain(&t->got->constraints, &draw.rows, input);
        if (rows == LONG_ROWS_PENALISED)
            self_test_penalise(&t->got->past, draw.params, &draw.rows);
        status = tombola_sampler_sample(draw.sampler, &draw.rows, &results, error);
        if (!status)
            status = self_test_compare_long(t->got, input, rows, t->way, error);
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
    struct test t = {.context = context, .program = program, .options = tombola_sampler_options_default()};
    t.options.type = type;
    t.options.input = input;
    t.options.in_flight = 1;
    t.values = malloc((size_t)LONG_ROWS * STRIDE(LONG_VOCABULARY) * sizeof(float)); /* the larger of the two */
    t.got = malloc(sizeof *t.got);
    tombola_status status = TOMBOLA_OK;
    if (!t.values || !t.got)
        status = fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for the self-test");
    for (size_t i = 0; i < sizeof ways / sizeof ways[0] && !status; i++) {
        t.way = ways[i].name;
        t.options.dispatch = ways[i].dispatch;
        t.options.transfer = ways[i].transfer;
        status = run_short(&t, kernels, error);
        if (!status && (kernels & KERNEL_BIT(KERNEL_SAMPLE)))
            status = run_long(&t, error);
    }
    free(t.got);
    free(t.values);
    return status;
}
