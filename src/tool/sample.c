#include "tool.h"

#include <stdlib.h>

#include "drawing.h"
#include "row_text.h"

static int print_batches(drawing *drawing)
{
    const sample_options *options = drawing->options;
    const size_t row_count = drawing->array->rows;
    const row_layout layout = row_layout_of(row_count, drawing->array->vocabulary);
    for (size_t first = 0; first < row_count; first += drawing->batch) {
        tombola_rows rows;
        if (drawing_draw(drawing, first, &rows))
            return -1;
        if (first == 0 && !options->json) /* not before the parameters have proved right */
            row_print_head(stdout, layout, options);
        for (size_t i = 0; i < rows.count; i++)
            if (!options->json)
                row_print_lines(stdout, layout, first + i, &drawing->results, &options->told, i);
            else if (row_print_json(stdout, first + i, options, &rows, &drawing->results, i))
                return -1;
        if (ferror(stdout))
            return -1;
    }
    return 0;
}

static int draw_array(sample_options *options, const npy *array)
{
    drawing drawing;
    const int failed =
        drawing_open(&drawing, options, array) || print_batches(&drawing) || reports_write(&options->reports);
    drawing_close(&drawing);
    return failed ? TOOL_FAILURE : 0;
}

int tool_sample(int argc, char **argv)
{
    sample_options options;
    if (sample_options_parse(argc, argv, &options))
        return TOOL_FAILURE;

    npy array = {0};
    int status = TOOL_FAILURE;
    if (npy_read(options.logits, &options.wish, &array) == 0 &&
        config_check(options.sampling.config_path, &options.sampling.config, options.has_config_ends,
                     array.vocabulary) == 0 &&
        constraints_load(&options.constraints, array.rows, array.vocabulary) == 0 &&
        histories_load(&options.histories, array.rows, array.vocabulary) == 0)
        status = draw_array(&options, &array);
    free(array.data);
    sample_options_release(&options);
    return status;
}
