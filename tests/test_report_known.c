/* The answers in known_report.txt, which reference_report.py computed: by either dispatch, to the last bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "group.h"
#include "rows.h"

/* What is told of a row: scores by their bits, arrays by their digests. */
struct told {
    uint32_t score, raw_score;
    uint64_t kept, ids, probabilities, logits;
};

struct answer {
    struct row_recipe recipe;
    uint32_t mask, biases;
    tombola_params params;
    int32_t token;
    struct told told;
};

static unsigned place_of(const char *word, const char *const *names, unsigned count)
{
    unsigned i = 0;
    while (i < count && strcmp(word, names[i]) != 0)
        i++;
    return i;
}

/* Whether there was another one. */
static int read_answer(FILE *file, struct answer *answer)
{
    static const char *const types[] = {"f32", "f16", "bf16"}, *const inputs[] = {"logits", "probabilities"};
    struct row_recipe *r = &answer->recipe;
    tombola_params *p = &answer->params;
    struct told *t = &answer->told;
    char line[512], kind[32], type[8], input[16];
    unsigned order, number = 0;
    do
        if (!fgets(line, sizeof line, file))
            return 0;
    while (line[0] == '#');
    *p = tombola_params_default();
    int read = sscanf(line,
                      "%31s %7s %15s %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %f %" SCNu32 " %f %f %u %" SCNu32
                      " %" SCNu64 " %" SCNu64 " %" SCNu32 " %" SCNd32 " %" SCNx32 " %" SCNx32 " %" SCNu64 " %" SCNx64
                      " %" SCNx64 " %" SCNx64,
                      kind, type, input, &r->seed, &r->vocabulary, &answer->mask, &answer->biases, &p->temperature,
                      &p->top_k, &p->top_p, &p->xtc_threshold, &order, &p->method, &p->seed, &p->offset, &p->stream,
                      &answer->token, &t->score, &t->raw_score, &t->kept, &t->ids, &t->probabilities, &t->logits);
    while (number < ROW_KINDS && strcmp(kind, row_kind_name((enum row_kind)number)) != 0)
        number++;
    r->kind = (enum row_kind)number;
    r->type = (tombola_type)place_of(type, types, COUNT_OF(types));
    r->input = (tombola_input)place_of(input, inputs, COUNT_OF(inputs));
    if (read != 23 || r->kind == ROW_KINDS || r->type == COUNT_OF(types) || r->input == COUNT_OF(inputs))
        die("known_report.txt has a line that can't be read: %s", line);
    p->xtc_probability = p->xtc_threshold > 0.0f ? 1.0f : 0.0f;
    if (order)
        tombola_filters_temperature_last(p);
    return 1;
}

/* FNV-1a of words. */
static uint64_t digest(const void *values, size_t count)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, (const char *)values + i * sizeof word, sizeof word);
        h = (h ^ word) * UINT64_C(0x100000001B3);
    }
    return h;
}

static struct told tell(const struct answer *answer, const tombola_rows *rows, tombola_dispatch dispatch)
{
    const struct row_recipe *r = &answer->recipe;
    const struct make make = {r->type, r->input, r->vocabulary};
    tombola_sampler *sampler = make_sampler(context, &make, 1, dispatch);
    tombola_error error = tombola_error_default();
    tombola_results results = tombola_results_default();
    int32_t *ids = allocate(r->vocabulary, sizeof *ids);
    float *values = allocate(2 * (size_t)r->vocabulary, sizeof *values), scores[2];
    struct told told;
    results.scores.host = &scores[0];
    results.raw_scores.host = &scores[1];
    results.kept_ends.host = &told.kept;
    results.kept_tokens.host = ids;
    results.kept_capacity = r->vocabulary;
    results.kept_probabilities.host = values;
    results.processed_logits.host = values + r->vocabulary;
    if (tombola_sampler_sample(sampler, rows, &results, &error))
        fail_msg("%s", error.message);
    memcpy(&told.score, &scores[0], sizeof told.score);
    memcpy(&told.raw_score, &scores[1], sizeof told.raw_score);
    told.ids = digest(ids, (size_t)told.kept);
    told.probabilities = digest(values, r->vocabulary);
    told.logits = digest(values + r->vocabulary, r->vocabulary);
    free(values);
    free(ids);
    tombola_sampler_release(sampler);
    return told;
}

static void expect_told(const struct answer *answer, const struct told *got, unsigned number)
{
    const struct told *t = &answer->told;
    if (memcmp(t, got, sizeof *got) != 0)
        fail_msg("answer %u, a row %s of %u: scores %08x and %08x, kept %u, digests %s, %s and %s; not %08x, %08x, %u",
                 number, row_kind_name(answer->recipe.kind), answer->recipe.vocabulary, got->score, got->raw_score,
                 (unsigned)got->kept, got->ids == t->ids ? "right" : "wrong",
                 got->probabilities == t->probabilities ? "right" : "wrong",
                 got->logits == t->logits ? "right" : "wrong", t->score, t->raw_score, (unsigned)t->kept);
}

static void every_known_answer_comes_out(void **state)
{
    (void)state;
    FILE *file = fopen(TEST_DATA "/known_report.txt", "r");
    struct answer answer;
    unsigned count = 0;
    if (!file)
        die("cannot open " TEST_DATA "/known_report.txt");
    while (read_answer(file, &answer)) {
        const uint32_t V = answer.recipe.vocabulary;
        static const size_t one[1] = {1};
        void *elements = allocate(V, tombola_type_size(answer.recipe.type));
        uint32_t *mask = allocate((V + 31) / 32, sizeof *mask);
        int32_t tokens[MOST_ROW_BIASES];
        float values[MOST_ROW_BIASES];
        tombola_bias biases[MOST_ROW_BIASES];
        row_fill(&answer.recipe, elements, NULL);
        if (answer.mask)
            row_mask(answer.mask, V, mask);
        const size_t bias_count = row_biases(answer.biases, V, tokens, values);
        for (size_t i = 0; i < bias_count; i++)
            biases[i] = (tombola_bias){tokens[i], values[i]};
        tombola_rows rows = host_rows(elements, 1, 0, &answer.params);
        rows.masks.host = answer.mask ? mask : NULL;
        rows.biases = bias_count ? biases : NULL;
        rows.bias_ends = bias_count ? &bias_count : NULL;
        rows.score_tokens = &answer.token;
        rows.score_ends = one;
        const struct told told = tell(&answer, &rows, count % 2 ? TOMBOLA_DISPATCH_SPREAD : TOMBOLA_DISPATCH_ROW);
        expect_told(&answer, &told, count);
        count++;
        free(elements);
        free(mask);
    }
    fclose(file);
    assert_true(count >= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_answer_comes_out),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
