#include "probe.h"

#include <string.h>

#include "expect.h"
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

/* Without malloc, which may be about to fail. */
int probe_passes(const struct probe *probe, tombola_sampler *sampler)
{
    int32_t tokens[PROBE_ROWS] = {0}, status[PROBE_ROWS] = {0};
    uint32_t kept[PROBE_ROWS] = {0};
    tombola_rows rows = tombola_rows_default();
    tombola_results results = tombola_results_default();
    rows.count = PROBE_ROWS;
    rows.logits.host = probe->logits;
    rows.stride = PROBE_STRIDE;
    rows.params = probe->params;
    results.tokens.host = tokens;
    results.status.host = status;
    results.kept.host = kept;
    memset(tokens, 0xFF, sizeof tokens);
    memset(status, 0xFF, sizeof status);
    memset(kept, 0xFF, sizeof kept);
    int passes = tombola_sampler_sample(sampler, &rows, &results, NULL) == TOMBOLA_OK;
    if (!passes)
        print_error("the probe is refused\n");
    for (size_t row = 0; row < PROBE_ROWS && passes; row++) {
        const struct draw *right = &probe->draws[row];
        passes = tokens[row] == right->token && status[row] == right->status && kept[row] == right->kept;
        if (!passes)
            print_error("row %zu of the probe: expected token %d, status %d, kept %u; got %d, %d, %u\n", row,
                        right->token, right->status, right->kept, tokens[row], status[row], kept[row]);
    }
    return passes;
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
