#include "known.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "past.h"

static const char *file_name = "known_answers.txt"; /* what is being read, for messages */

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
    die("%s:%u: unknown word '%s'", file_name, line, word);
}

static enum row_kind kind_of(const char *word, unsigned line)
{
    for (unsigned kind = 0; kind < ROW_KINDS; kind++) {
        if (strcmp(word, row_kind_name((enum row_kind)kind)) == 0) {
            return (enum row_kind)kind;
        }
    }
    die("%s:%u: unknown kind '%s'", file_name, line, word);
}

enum { MOST_COLUMNS = 32 };

/* The words of a line, which is cut up. */
struct words {
    char *word[MOST_COLUMNS];
    size_t count;
};

static struct words split(char *text)
{
    struct words words = {.count = 0};
    for (char *word = strtok(text, " \n"); word; word = strtok(NULL, " \n")) {
        if (words.count == MOST_COLUMNS) {
            die("%s: a line of more than %d words", file_name, MOST_COLUMNS);
        }
        words.word[words.count++] = word;
    }
    return words;
}

static uint64_t number_of(const char *word, unsigned line)
{
    char *end;
    uint64_t number = strtoull(word, &end, 10);
    if (*end || end == word) {
        die("%s:%u: '%s' is no number", file_name, line, word);
    }
    return number;
}

/* The value of a choice or of a step that has this name; dies if none has. */
static uint32_t value_of(const tombola_field *field, const char *name, size_t length, unsigned line)
{
    for (uint32_t value = 0; field->values[value]; value++) {
        if (strlen(field->values[value]) == length && memcmp(field->values[value], name, length) == 0) {
            return value;
        }
    }
    die("%s:%u: '%s' is no %s", file_name, line, name, field->name);
}

/* "default", or steps with commas between. */
static void set_order(uint8_t *filters, const tombola_field *field, const char *word, unsigned line)
{
    memset(filters, 0, TOMBOLA_MAX_FILTERS);
    for (size_t i = 0; strcmp(word, "default") != 0 && *word && i < TOMBOLA_MAX_FILTERS; i++) {
        const size_t length = strcspn(word, ",");
        filters[i] = (uint8_t)value_of(field, word, length, line);
        word += length + (word[length] == ',');
    }
}

/* Sets the parameter of that name; dies if the library has none. */
static void set_parameter(tombola_params *params, const char *name, const char *word, unsigned line)
{
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)) && strcmp(field->name, name) != 0;) {
        i++;
    }
    if (!field) {
        die("%s: unknown column '%s'", file_name, name);
    }
    char *target = (char *)params + field->offset;
    float real;
    uint32_t narrow;
    uint64_t whole;
    switch (field->kind) {
    case TOMBOLA_KIND_FLOAT:
        real = strtof(word, NULL);
        memcpy(target, &real, sizeof real);
        break;
    case TOMBOLA_KIND_UINT32:
        narrow = (uint32_t)number_of(word, line);
        memcpy(target, &narrow, sizeof narrow);
        break;
    case TOMBOLA_KIND_UINT64:
        whole = number_of(word, line);
        memcpy(target, &whole, sizeof whole);
        break;
    case TOMBOLA_KIND_CHOICE:
        narrow = value_of(field, word, strlen(word), line);
        memcpy(target, &narrow, sizeof narrow);
        break;
    case TOMBOLA_KIND_ORDER:
        set_order((uint8_t *)target, field, word, line);
        break;
    }
}

static void set_column(struct known_answer *answer, const char *name, const char *word, unsigned line)
{
    struct row_recipe *recipe = &answer->recipe;
    if (strcmp(name, "kind") == 0) {
        recipe->kind = kind_of(word, line);
    } else if (strcmp(name, "type") == 0) {
        recipe->type = (tombola_type)place_of(word, type_names, COUNT_OF(type_names), line);
    } else if (strcmp(name, "input") == 0) {
        recipe->input = (tombola_input)place_of(word, input_names, COUNT_OF(input_names), line);
    } else if (strcmp(name, "row_seed") == 0) {
        recipe->seed = (uint32_t)number_of(word, line);
    } else if (strcmp(name, "vocabulary") == 0) {
        recipe->vocabulary = (uint32_t)number_of(word, line);
    } else if (strcmp(name, "mask") == 0) {
        answer->mask = (uint32_t)number_of(word, line);
    } else if (strcmp(name, "biases") == 0) {
        answer->biases = (uint32_t)number_of(word, line);
    } else if (strcmp(name, "history") == 0) {
        answer->history = (uint32_t)number_of(word, line);
    } else if (strcmp(name, "past") == 0) {
        answer->past = (uint32_t)number_of(word, line);
    } else if (strcmp(name, "words") == 0) {
        answer->words = (uint32_t)number_of(word, line);
    } else if (strcmp(name, "token") == 0) {
        answer->draw.token = (int32_t)strtol(word, NULL, 10);
    } else if (strcmp(name, "kept") == 0) {
        answer->draw.kept = (uint32_t)number_of(word, line);
    } else if (strcmp(name, "status") == 0) {
        answer->draw.status = (int32_t)place_of(word, status_names, COUNT_OF(status_names), line);
    } else {
        set_parameter(&answer->params, name, word, line);
    }
}

static struct known_answer parse(char *text, const struct words *columns, unsigned line)
{
    struct known_answer answer = {.line = line, .params = tombola_params_default()};
    struct words words = split(text);
    if (words.count != columns->count || words.count == 0) {
        die("%s:%u: %zu words for %zu columns", file_name, line, words.count, columns->count);
    }
    for (size_t i = 0; i < words.count; i++) {
        set_column(&answer, columns->word[i], words.word[i], line);
    }
    return answer;
}

enum { PLAIN = 1, RESTRICTED = 2 }; /* which rows are wanted */

static struct known_answer *read_answers(const char *name, size_t *count, int wanted)
{
    char path[sizeof TEST_DATA + 64];
    snprintf(path, sizeof path, "%s/%s", TEST_DATA, name);
    FILE *file = fopen(path, "r");
    file_name = name;
    if (!file) {
        die("cannot open %s", path);
    }
    struct known_answer *answers = NULL;
    size_t room = 0;
    static const char columns_follow[] = "#columns ";
    char text[1024], names[1024] = "";
    struct words columns = {.count = 0};
    int contract = 0;
    *count = 0;
    for (unsigned line = 1; fgets(text, sizeof text, file); line++) {
        if (sscanf(text, "#contract %d", &contract) == 1 && contract != tombola_contract()) {
            die("%s has answers of contract %d, the library is of contract %d", name, contract, tombola_contract());
        }
        if (strncmp(text, columns_follow, sizeof columns_follow - 1) == 0) {
            strcpy(names, text + sizeof columns_follow - 1);
            columns = split(names);
        }
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
        answers[*count] = parse(text, &columns, line);
        *count += (wanted & (answers[*count].mask || answers[*count].biases ? RESTRICTED : PLAIN)) != 0;
    }
    fclose(file);
    if (contract == 0) {
        die("%s does not tell of which contract its answers are", name);
    }
    return answers;
}

struct known_answer *known_answers_read(size_t *count)
{
    return read_answers("known_answers.txt", count, PLAIN);
}

struct known_answer *known_restricted_read(size_t *count)
{
    return read_answers("known_answers.txt", count, RESTRICTED);
}

struct known_answer *known_file_read(const char *name, size_t *count)
{
    return read_answers(name, count, PLAIN | RESTRICTED);
}

struct oracle_row *known_row(const struct known_answer *answer)
{
    const struct row_recipe *recipe = &answer->recipe;
    float *values = allocate(recipe->vocabulary, sizeof *values);
    uint32_t *mask = allocate((recipe->vocabulary + 31) / 32, sizeof *mask);
    tombola_bias biases[MOST_ROW_BIASES];
    struct oracle_input input = {.values = values, .vocabulary = recipe->vocabulary, .kind = recipe->input};
    row_fill(recipe, NULL, values);
    if (answer->mask) {
        row_mask(answer->mask, recipe->vocabulary, mask);
        input.mask = mask;
    }
    input.bias_count = row_biases(answer->biases, recipe->vocabulary, biases);
    input.biases = biases;
    const struct row_history history = row_history(answer->history, recipe->vocabulary);
    input.history = (struct oracle_history){.tokens = history.tokens,
                                            .count = history.count,
                                            .prompt = history.prompt,
                                            .end_tokens = history.end_tokens,
                                            .end_token_count = history.end_token_count};
    struct past *past = allocate(1, sizeof *past);
    past_make(answer->past, (int)answer->words, recipe->vocabulary, past);
    input.sequences = answer->past ? &past->all : NULL;
    input.params = &answer->params;
    struct oracle_row *row = oracle_row_create_from(&input);
    free(past);
    free(mask);
    free(values);
    return row;
}

/* A parameter in words, floats with all their bits. */
static void print_parameter(const tombola_params *params, const tombola_field *field)
{
    const char *at = (const char *)params + field->offset;
    float real;
    uint32_t narrow;
    uint64_t wide;
    switch (field->kind) {
    case TOMBOLA_KIND_FLOAT:
        memcpy(&real, at, sizeof real);
        print_error(" %s %a", field->name, (double)real);
        break;
    case TOMBOLA_KIND_UINT32:
        memcpy(&narrow, at, sizeof narrow);
        print_error(" %s %" PRIu32, field->name, narrow);
        break;
    case TOMBOLA_KIND_CHOICE:
        memcpy(&narrow, at, sizeof narrow);
        print_error(" %s %s", field->name, field->values[narrow]);
        break;
    case TOMBOLA_KIND_ORDER:
        print_error(" %s %s", field->name, at[0] ? "" : "default");
        for (size_t i = 0; i < TOMBOLA_MAX_FILTERS && at[i]; i++) {
            print_error("%s%s", i ? "," : "", field->values[(unsigned char)at[i]]);
        }
        break;
    case TOMBOLA_KIND_UINT64:
        memcpy(&wide, at, sizeof wide);
        print_error(" %s %" PRIu64, field->name, wide);
    }
}

void expect_draw(const char *who, const struct row_recipe *recipe, const tombola_params *params,
                 const struct draw *expected, const struct draw *got)
{
    if (got->token == expected->token && got->kept == expected->kept && got->status == expected->status) {
        return;
    }
    const tombola_field *field;
    print_error("%s: %s row %" PRIu32 " of %" PRIu32 " %s %s,", who, row_kind_name(recipe->kind), recipe->seed,
                recipe->vocabulary, type_names[recipe->type], input_names[recipe->input]);
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        print_parameter(params, field);
    }
    print_error("\n");
    fail_msg("expected token %" PRId32 ", kept %" PRIu32 ", status %" PRId32 "; got %" PRId32 ", %" PRIu32 ", %" PRId32,
             expected->token, expected->kept, expected->status, got->token, got->kept, got->status);
}

void known_answers_expect_oracle(const struct known_answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct oracle_row *row = known_row(&answers[i]);
        const struct draw draw = oracle_draw(row, &answers[i].params);
        expect_draw("the oracle", &answers[i].recipe, &answers[i].params, &answers[i].draw, &draw);
        oracle_row_release(row);
    }
}
