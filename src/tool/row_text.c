#include "row_text.h"

static int width_of(size_t number)
{
    int width = 1;
    while (number /= 10)
        width++;
    return width;
}

/* A token; or those of several samples. */
static json_t *tokens_of(const tombola_results *results, size_t i)
{
    const size_t samples = told_samples(results);
    const int32_t *tokens = results->tokens.host + i * samples;
    if (samples == 1)
        return json_integer(tokens[0]);
    json_t *list = json_array();
    for (size_t sample = 0; sample < samples; sample++)
        list = tool_json_add(list, json_integer(tokens[sample]));
    return list;
}

static int add_boundary(const tombola_results *results, size_t i, json_t *object)
{
    if (!results->boundary.host)
        return 0;
    const tombola_boundary last = results->boundary.host[i];
    return json_object_set_new(
        object, "boundary",
        last.token < 0 ? json_null() : json_pack("{s:i, s:f}", "token", last.token, "logit", (double)last.logit));
}

int row_print_json(FILE *file, size_t row, const sample_options *options, const tombola_rows *rows,
                   const tombola_results *results, size_t i)
{
    json_t *object = json_pack("{s:I, s:o, s:s, s:I}", "row", (json_int_t)row, "token", tokens_of(results, i), "status",
                               tombola_row_status_string((tombola_row_status)results->status.host[i]), "kept",
                               (json_int_t)results->kept.host[i]);
    if (object && (add_boundary(results, i, object) || told_add(&options->told, results, i, object) ||
                   reports_add(&options->reports, rows, results, i, object))) {
        json_decref(object);
        object = NULL;
    }
    return tool_json_print(file, object);
}

row_layout row_layout_of(size_t rows, size_t vocabulary)
{
    row_layout layout = {width_of(rows - 1), width_of(vocabulary)};
    layout.row = layout.row < 3 ? 3 : layout.row;
    layout.token = layout.token < 5 ? 5 : layout.token;
    return layout;
}

void row_print_head(FILE *file, row_layout layout, const sample_options *options)
{
    fprintf(file, "%*s  %*s  %-7s  %*s", layout.row, "row", layout.token, "token", "status", layout.token, "kept");
    told_print_head(file, &options->told);
    fputs(options->boundary ? "  boundary  logit\n" : "\n", file);
}

static void print_line(FILE *file, row_layout layout, size_t row, const tombola_results *results, const told *told,
                       size_t i, size_t sample)
{
    const int32_t token = results->tokens.host[i * told_samples(results) + sample];
    fprintf(file, "%*zu  %*d  %-7s  %*u", layout.row, row, layout.token, token,
            tombola_row_status_string((tombola_row_status)results->status.host[i]), layout.token,
            results->kept.host[i]);
    told_print(file, told, results, i, sample);
    if (results->boundary.host)
        fprintf(file, "  %8d  %.9g", results->boundary.host[i].token, (double)results->boundary.host[i].logit);
    putc('\n', file);
}

void row_print_lines(FILE *file, row_layout layout, size_t row, const tombola_results *results, const told *told,
                     size_t i)
{
    for (size_t sample = 0; sample < told_samples(results); sample++)
        print_line(file, layout, row, results, told, i, sample);
}
