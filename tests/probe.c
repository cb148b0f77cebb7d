#include "probe.h"

#include <string.h>

#include "oracle.h"
#include "rows.h"

void probe_make(struct probe *probe, tombola_type type)
{
    static const struct {
        float temperature, top_p, min_p;
        uint32_t top_k;
    } questions[PROBE_ROWS] = {
        {0.0f, 1.0f, 0.0f, 0}, {1.0f, 1.0f, 0.0f, 0}, {0.7f, 0.9f, 0.0f, 40}, {2.0f, 1.0f, 0.05f, 0}};
    memset(probe, 0xFF, sizeof *probe); /* between the rows, NaN */
    probe->type = type;
    for (uint32_t row = 0; row < PROBE_ROWS; row++) {
        const struct row_recipe recipe = {ROW_GAUSSIAN, row, PROBE_VOCABULARY, type, TOMBOLA_LOGITS};
        float values[PROBE_VOCABULARY];
        row_fill(&recipe, (char *)probe->logits + row * PROBE_STRIDE * tombola_type_size(type), values);
        tombola_params *params = &probe->params[row];
        *params = tombola_params_default();
        params->temperature = questions[row].temperature;
        params->top_p = questions[row].top_p;
        params->min_p = questions[row].min_p;
        params->top_k = questions[row].top_k;
        params->seed = 42;
        params->stream = row;
        struct oracle_row *sorted = oracle_row_create(values, PROBE_VOCABULARY, TOMBOLA_LOGITS);
        probe->draws[row] = oracle_draw(sorted, params);
        oracle_row_release(sorted);
    }
}

int probe_passes(const struct probe *probe, tombola_sampler *sampler)
{
    tombola_draw draws[PROBE_ROWS];
    memset(draws, 0xFF, sizeof draws);
    return tombola_sampler_sample(sampler, probe->logits, PROBE_ROWS, PROBE_STRIDE, probe->params, draws, NULL) ==
               TOMBOLA_OK &&
           memcmp(draws, probe->draws, sizeof draws) == 0;
}

int probe_passes_on(const struct probe *probe, tombola_context *context)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = probe->type;
    tombola_sampler *sampler;
    if (tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, &options, &sampler, NULL) != TOMBOLA_OK)
        return 0;
    int passes = probe_passes(probe, sampler);
    tombola_sampler_release(sampler);
    return passes;
}
