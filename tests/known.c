#include "known.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {"f32", "f16", "bf16"};
static const char *const input_names[] = {"logits", "probabilities"};
static const char *const status_names[] = {"ok", "invalid", "empty"};

/* The place of a word in a list of them; dies if it is in none. */
static unsigned place_of(const char *word, const char *const *names, size_t count, unsigned line)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(word, names[i]) == 0) {
            return i;
        }
    }
    die("known_answers.txt:%u: unknown word '%s'", line, word);
}

static enum row_kind kind_of(const char *word, unsigned line)
{
    for (unsigned kind = 0; kind < ROW_KINDS; kind++) {
        if (strcmp(word, row_kind_name((enum row_kind)kind)) == 0) {
            return (enum row_kind)kind;
        }
    }
    die("known_answers.txt:%u: unknown kind '%s'", line, word);
}

static struct known_answer parse(const char *text, unsigned line)
{
    struct known_answer answer = {.line = line, .params = tombola_params_default()};
    struct row_recipe *recipe = &answer.recipe;
    tombola_params *params = &answer.params;
    char kind[16], type[8], input[16], status[16];
    int fields = sscanf(text,
                        "%15s %7s %15s %" SCNu32 " %" SCNu32 " %f %" SCNu32 " %f %f %" SCNu64 " %" SCNu64 " %" SCNu32
                        " %" SCNd32 " %" SCNu32 " %15s",
                        kind, type, input, &recipe->seed, &recipe->vocabulary, &params->temperature, &params->top_k,
                        &params->top_p, &params->min_p, &params->seed, &params->offset, &params->stream,
                        &answer.draw.token, &answer.draw.kept, status);
    if (fields != 15) {
        die("known_answers.txt:%u: %d of 15 fields", line, fields);
    }
    recipe->kind = kind_of(kind, line);
    recipe->type = (tombola_type)place_of(type, type_names, COUNT_OF(type_names), line);
    recipe->input = (tombola_input)place_of(input, input_names, COUNT_OF(input_names), line);
    answer.draw.status = (int32_t)place_of(status, status_names, COUNT_OF(status_names), line);
    return answer;
}

struct known_answer *known_answers_read(size_t *count)
{
    FILE *file = fopen(TEST_DATA "/known_answers.txt", "r");
    if (!file) {
        die("cannot open " TEST_DATA "/known_answers.txt");
    }
    struct known_answer *answers = NULL;
    size_t room = 0;
    char text[512];
    *count = 0;
    for (unsigned line = 1; fgets(text, sizeof text, file); line++) {
        if (text[0] == '#' || text[0] == '\n') {
            continue;
        }
        if (*count == room) {
            room = room ? 2 * room : 1024;
            answers = realloc(answers, room * sizeof *answers);
            if (!answers) {
                die("out of memory");
            }
        }
        answers[(*count)++] = parse(text, line);
    }
    fclose(file);
    return answers;
}

void expect_draw(const char *who, const struct row_recipe *recipe, const tombola_params *params,
                 const struct draw *expected, const struct draw *got)
{
    if (got->token == expected->token && got->kept == expected->kept && got->status == expected->status) {
        return;
    }
    die("%s: %s row %" PRIu32 " of %" PRIu32 " %s %s, T %a k %" PRIu32 " p %a m %a seed %" PRIu64 " offset %" PRIu64
        " stream %" PRIu32 ": expected token %" PRId32 ", kept %" PRIu32 ", status %" PRId32 "; got %" PRId32
        ", %" PRIu32 ", %" PRId32,
        who, row_kind_name(recipe->kind), recipe->seed, recipe->vocabulary, type_names[recipe->type],
        input_names[recipe->input], (double)params->temperature, params->top_k, (double)params->top_p,
        (double)params->min_p, params->seed, params->offset, params->stream, expected->token, expected->kept,
        expected->status, got->token, got->kept, got->status);
}
