#include "known_told.h"

#include "group.h"
#include "shards.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A question, and what its row consists of. */
struct laid_out {
    struct told_question question;
    tombola_params params;
    void *elements;
    uint32_t *mask;
    tombola_bias biases[MOST_ROW_BIASES];
    size_t bias_count;
};

/* What draws for each make that has come up. */
struct drawers {
    struct make make;
    tombola_sampler *samplers[2];
    struct shards shards[4];
};
static struct drawers made[16];
static size_t made_count;
static uint64_t random_state = 1;

static struct drawers *drawers_of(const struct make *make)
{
    static const size_t counts[COUNT_OF(made->shards)] = {1, 2, 3, 8};
    size_t i = 0;
    while (i < made_count && memcmp(&made[i].make, make, sizeof *make) != 0)
        i++;
    if (i < made_count)
        return &made[i];
    if (made_count++ == COUNT_OF(made))
        die("there are more makes than %zu", COUNT_OF(made));
    made[i] = (struct drawers){.make = *make};
    made[i].samplers[0] = make_sampler(context, make, 1, TOMBOLA_DISPATCH_ROW);
    made[i].samplers[1] = make_sampler(context, make, 1, TOMBOLA_DISPATCH_SPREAD);
    for (size_t s = 0; shards_suit(context, make) && s < COUNT_OF(counts); s++)
        shards_open(&made[i].shards[s], &context, 1, make, 1, counts[s], &random_state);
    return &made[i];
}

void known_call(const struct told_question *question, enum known_way way, const tombola_results *results)
{
    struct drawers *d = drawers_of(&question->make);
    if (way == KNOWN_ON_SHARDS && shards_suit(context, &question->make))
        shards_call(&d->shards[question->number % COUNT_OF(d->shards)], &question->rows, results, &random_state);
    else
        call_rows(d->samplers[way == KNOWN_SPREAD], &question->rows, results);
}

static void release_drawers(void)
{
    for (size_t i = 0; i < made_count; i++) {
        tombola_sampler_release(made[i].samplers[0]);
        tombola_sampler_release(made[i].samplers[1]);
        for (size_t s = 0; s < COUNT_OF(made->shards); s++)
            shards_close(&made[i].shards[s]);
    }
    made_count = 0;
}

static unsigned place_of(const char *word, const char *const *names, unsigned count)
{
    unsigned i = 0;
    while (i < count && strcmp(word, names[i]) != 0)
        i++;
    return i;
}

static void lay_out(struct laid_out *row, const struct row_recipe *recipe, uint32_t mask, uint32_t biases)
{
    const uint32_t V = recipe->vocabulary;
    row->question.kind = recipe->kind;
    row->question.make = (struct make){recipe->type, recipe->input, V};
    row->elements = allocate(V, tombola_type_size(recipe->type));
    row->mask = allocate((V + 31) / 32, sizeof *row->mask);
    row_fill(recipe, row->elements, NULL);
    if (mask)
        row_mask(mask, V, row->mask);
    row->bias_count = row_biases(biases, V, row->biases);
    tombola_rows *rows = &row->question.rows;
    *rows = host_rows(row->elements, 1, 0, &row->params);
    rows->masks.host = mask ? row->mask : NULL;
    rows->biases = row->bias_count ? row->biases : NULL;
    rows->bias_ends = row->bias_count ? &row->bias_count : NULL;
}

/* The answer, which is the rest of the line; NULL where the question can't be read. */
static const char *read_question(const char *line, struct laid_out *row)
{
    static const char *const types[] = {"f32", "f16", "bf16"}, *const inputs[] = {"logits", "probabilities"};
    tombola_params *p = &row->params;
    struct row_recipe r;
    char kind[32], type[8], input[16];
    uint32_t mask, biases;
    unsigned order, number = 0;
    int end;
    *p = tombola_params_default();
    if (sscanf(line,
               "%31s %7s %15s %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %f %" SCNu32 " %f %f %u %" SCNu32
               " %" SCNu64 " %" SCNu64 " %" SCNu32 "%n",
               kind, type, input, &r.seed, &r.vocabulary, &mask, &biases, &p->temperature, &p->top_k, &p->top_p,
               &p->xtc_threshold, &order, &p->method, &p->seed, &p->offset, &p->stream, &end) != 16)
        return NULL;
    while (number < ROW_KINDS && strcmp(kind, row_kind_name((enum row_kind)number)) != 0)
        number++;
    r.kind = (enum row_kind)number;
    r.type = (tombola_type)place_of(type, types, COUNT_OF(types));
    r.input = (tombola_input)place_of(input, inputs, COUNT_OF(inputs));
    if (r.kind == ROW_KINDS || r.type == COUNT_OF(types) || r.input == COUNT_OF(inputs))
        return NULL;
    p->xtc_probability = p->xtc_threshold > 0.0f ? 1.0f : 0.0f;
    if (order)
        tombola_filters_temperature_last(p);
    lay_out(row, &r, mask, biases);
    return line + end;
}

uint64_t known_digest(const void *values, size_t count)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, (const char *)values + i * sizeof word, sizeof word);
        h = (h ^ word) * UINT64_C(0x100000001B3);
    }
    return h;
}

unsigned known_told_check(const char *name, told_check *check)
{
    char path[4096], line[512];
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/%s", TEST_DATA, name);
    FILE *file = fopen(path, "r");
    if (!file)
        die("cannot open %s", path);
    while (fgets(line, sizeof line, file)) {
        struct laid_out row = {.question.number = count};
        if (line[0] == '#')
            continue;
        const char *answer = read_question(line, &row);
        if (!answer || !check(&row.question, answer))
            die("%s has a line that can't be read: %s", name, line);
        free(row.elements);
        free(row.mask);
        count++;
    }
    fclose(file);
    release_drawers();
    return count;
}
