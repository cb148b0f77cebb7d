/* The answers in known_results.txt, which reference_results.py computed: by either dispatch, to the last bit. */
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

/* What is told of a row, floats by their bits. */
struct told_bits {
    int32_t token;
    uint32_t logprob, raw_logprob, rank, margin, entropy;
};

struct answer {
    struct row_recipe recipe;
    uint32_t mask, biases;
    tombola_params params;
    struct told_bits told;
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
    struct told_bits *t = &answer->told;
    char line[512], kind[32], type[8], input[16];
    unsigned order, number = 0;
    do
        if (!fgets(line, sizeof line, file))
            return 0;
    while (line[0] == '#');
    *p = tombola_params_default();
    int read = sscanf(line,
                      "%31s %7s %15s %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %f %" SCNu32 " %f %f %u %" SCNu32
                      " %" SCNu64 " %" SCNu64 " %" SCNu32 " %" SCNd32 " %" SCNx32 " %" SCNx32 " %" SCNu32 " %" SCNx32
                      " %" SCNx32,
                      kind, type, input, &r->seed, &r->vocabulary, &answer->mask, &answer->biases, &p->temperature,
                      &p->top_k, &p->top_p, &p->xtc_threshold, &order, &p->method, &p->seed, &p->offset, &p->stream,
                      &t->token, &t->logprob, &t->raw_logprob, &t->rank, &t->margin, &t->entropy);
    while (number < ROW_KINDS && strcmp(kind, row_kind_name((enum row_kind)number)) != 0)
        number++;
    r->kind = (enum row_kind)number;
    r->type = (tombola_type)place_of(type, types, COUNT_OF(types));
    r->input = (tombola_input)place_of(input, inputs, COUNT_OF(inputs));
    if (read != 22 || r->kind == ROW_KINDS || r->type == COUNT_OF(types) || r->input == COUNT_OF(inputs))
        die("known_results.txt has a line that can't be read: %s", line);
    p->xtc_probability = p->xtc_threshold > 0.0f ? 1.0f : 0.0f;
    if (order)
        tombola_filters_temperature_last(p);
    return 1;
}

/* A sampler for each make that comes up. */
static struct {
    struct make make;
    tombola_sampler *samplers[2];
} made[16];
static size_t made_count;

static tombola_sampler *sampler_for(struct make make, int is_spread)
{
    size_t i = 0;
    while (i < made_count && memcmp(&made[i].make, &make, sizeof make) != 0)
        i++;
    if (i == made_count) {
        assert_true(made_count++ < COUNT_OF(made));
        made[i].make = make;
        made[i].samplers[0] = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_ROW);
        made[i].samplers[1] = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_SPREAD);
    }
    return made[i].samplers[is_spread];
}

static struct told_bits tell(const struct answer *answer, const void *elements, const uint32_t *mask,
                             const tombola_bias *biases, size_t bias_count, int is_spread)
{
    const struct make make = {answer->recipe.type, answer->recipe.input, answer->recipe.vocabulary};
    struct told_bits told;
    tombola_error error = tombola_error_default();
    tombola_rows rows = host_rows(elements, 1, 0, &answer->params);
    tombola_results results = tombola_results_default();
    rows.masks.host = mask;
    rows.biases = bias_count ? biases : NULL;
    rows.bias_ends = bias_count ? &bias_count : NULL;
    results.tokens.host = &told.token;
    results.logprobs.host = (float *)&told.logprob;
    results.raw_logprobs.host = (float *)&told.raw_logprob;
    results.ranks.host = &told.rank;
    results.margins.host = (float *)&told.margin;
    results.entropies.host = (float *)&told.entropy;
    if (tombola_sampler_sample(sampler_for(make, is_spread), &rows, &results, &error))
        fail_msg("%s", error.message);
    return told;
}

static void expect_answer(const struct answer *answer, const struct told_bits *got, unsigned number)
{
    const struct told_bits *t = &answer->told;
    if (memcmp(t, got, sizeof *got) != 0)
        fail_msg("answer %u, a row %s of %u: token %d, %08x, %08x, rank %u, %08x, %08x, not %d, %08x, %08x, %u, %08x, "
                 "%08x",
                 number, row_kind_name(answer->recipe.kind), answer->recipe.vocabulary, (int)got->token, got->logprob,
                 got->raw_logprob, got->rank, got->margin, got->entropy, (int)t->token, t->logprob, t->raw_logprob,
                 t->rank, t->margin, t->entropy);
}

static void every_known_answer_comes_out(void **state)
{
    (void)state;
    FILE *file = fopen(TEST_DATA "/known_results.txt", "r");
    struct answer answer;
    unsigned count = 0;
    if (!file)
        die("cannot open " TEST_DATA "/known_results.txt");
    while (read_answer(file, &answer)) {
        const uint32_t V = answer.recipe.vocabulary;
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
        for (int is_spread = 0; is_spread < 2; is_spread++) {
            const struct told_bits told =
                tell(&answer, elements, answer.mask ? mask : NULL, biases, bias_count, is_spread);
            expect_answer(&answer, &told, count);
        }
        count++;
        free(elements);
        free(mask);
    }
    fclose(file);
    for (size_t i = 0; i < made_count; i++) {
        tombola_sampler_release(made[i].samplers[0]);
        tombola_sampler_release(made[i].samplers[1]);
    }
    assert_true(count >= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_answer_comes_out),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
