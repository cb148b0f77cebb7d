#include "grid.h"

#include <math.h>
#include <string.h>

#include "harness.h"

enum { MOST_VALUES = 7 };

/* The values that a parameter takes, the fastest changing one first. Numbers from FROM_VOCABULARY on are an offset from
 * the vocabulary. Every parameter of the library's table has a line here or stands apart. */
#define FROM_VOCABULARY 1e9
static const struct factor {
    const char *name;
    uint32_t count;
    double values[MOST_VALUES];
} factors[] = {
    {"top_k", 7, {0, 1, 2, 50, FROM_VOCABULARY - 1, FROM_VOCABULARY, FROM_VOCABULARY + 1}},
    {"top_p", 6, {0, 1e-6, 0.5, 0.9, 0.999999, 1}},
    {"min_p", 3, {0, 0.05, 1}},
    {"top_n_sigma", 3, {0, 0.5, 2}},
    {"xtc_probability", 3, {0, 0.5, 1}},
    {"xtc_threshold", 3, {0.1, 0, 0.001}},
    {"method", 2, {TOMBOLA_RACE, TOMBOLA_INVERSE_CDF}},
    {"filters", 4, {0, 1, 2, 3}}, /* of the orders below */
    {"temperature", 6, {0, 0.01, 0.7, 1, 100, INFINITY}},
};

/* Parameters that tests of their own look at, beside the oracle too. */
static const char *const apart[] = {"seed",
                                    "offset",
                                    "stream",
                                    "epsilon_cutoff",
                                    "top_a",
                                    "p_less",
                                    "min_keep",
                                    "min_k",
                                    "repetition_penalty",
                                    "penalty_window",
                                    "frequency_penalty",
                                    "presence_penalty",
                                    "penalty_prompt",
                                    "min_tokens",
                                    "dry_multiplier",
                                    "dry_base",
                                    "dry_allowed_length",
                                    "dry_window",
                                    "no_repeat_ngram",
                                    "length_penalty_start",
                                    "length_penalty_factor",
                                    "forced_from",
                                    "thinking_budget",
                                    "watermark",
                                    "typical_p",
                                    "eta_cutoff",
                                    "top_h",
                                    "dynatemp_range",
                                    "dynatemp_exponent",
                                    "mirostat",
                                    "mirostat_entropy",
                                    "mirostat_rate",
                                    "mirostat_mu",
                                    "adaptive_target",
                                    "adaptive_decay",
                                    "adaptive_sum",
                                    "adaptive_weight"};

static const uint8_t orders[][TOMBOLA_MAX_FILTERS] = {
    {TOMBOLA_FILTER_END},
    TOMBOLA_TEMPERATURE_LAST,
    {TOMBOLA_FILTER_MIN_P, TOMBOLA_FILTER_TOP_P, TOMBOLA_FILTER_XTC, TOMBOLA_FILTER_TEMPERATURE,
     TOMBOLA_FILTER_TOP_N_SIGMA, TOMBOLA_FILTER_TOP_K},
    {TOMBOLA_FILTER_XTC, TOMBOLA_FILTER_TOP_P, TOMBOLA_FILTER_TOP_K, TOMBOLA_FILTER_TEMPERATURE, TOMBOLA_FILTER_MIN_P,
     TOMBOLA_FILTER_TOP_N_SIGMA},
};

enum { FACTORS = COUNT_OF(factors) };

/* Which value each parameter takes in a combination; the last factor changes slowest. */
struct choice {
    uint32_t value[FACTORS];
};

static struct choice choose(uint32_t number)
{
    struct choice choice;
    for (uint32_t factor = 0; factor < FACTORS; factor++) {
        choice.value[factor] = number % factors[factor].count;
        number /= factors[factor].count;
    }
    return choice;
}

static size_t factor_of(const tombola_field *field)
{
    size_t i = 0;
    while (i < FACTORS && strcmp(factors[i].name, field->name) != 0) {
        i++;
    }
    return i;
}

static int is_apart(const tombola_field *field)
{
    for (size_t i = 0; i < COUNT_OF(apart); i++) {
        if (strcmp(apart[i], field->name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void set_field(tombola_params *params, const tombola_field *field, double value, uint32_t vocabulary)
{
    const float real = (float)value;
    const uint32_t whole = (uint32_t)(value >= FROM_VOCABULARY - 1 ? value - FROM_VOCABULARY + vocabulary : value);
    if (field->kind == TOMBOLA_KIND_FLOAT) {
        memcpy((char *)params + field->offset, &real, sizeof real);
    } else if (field->kind == TOMBOLA_KIND_ORDER) {
        memcpy((char *)params + field->offset, orders[whole], sizeof orders[whole]);
    } else {
        memcpy((char *)params + field->offset, &whole, sizeof whole);
    }
}

/* The fields of the factors. They are looked for once: names take longer to compare than parameters to set. */
static const tombola_field *const *factor_fields(void)
{
    static const tombola_field *fields[FACTORS];
    static int are_found;
    const tombola_field *field;
    for (size_t i = 0; !are_found && (field = tombola_params_field(i)); i++) {
        if (!is_apart(field)) {
            size_t factor = factor_of(field);
            if (factor == FACTORS) {
                die("the grid has no values for the parameter %s", field->name);
            }
            fields[factor] = field;
        }
    }
    are_found = 1;
    return fields;
}

tombola_params grid_params(uint32_t number, uint32_t vocabulary)
{
    struct choice choice = choose(number);
    tombola_params params = tombola_params_default();
    for (size_t i = 0; i < FACTORS; i++) {
        set_field(&params, factor_fields()[i], factors[i].values[choice.value[i]], vocabulary);
    }
    return params;
}

/* Pairs of values that have met. */
typedef unsigned char meetings[FACTORS][MOST_VALUES][FACTORS][MOST_VALUES];

/* How many pairs meet in a combination for the first time; notes them if told to. */
static uint32_t new_meetings(meetings met, uint32_t number, int note)
{
    struct choice choice = choose(number);
    uint32_t count = 0;
    for (uint32_t a = 0; a < FACTORS; a++) {
        for (uint32_t b = a + 1; b < FACTORS; b++) {
            unsigned char *pair = &met[a][choice.value[a]][b][choice.value[b]];
            count += !*pair;
            *pair = (unsigned char)(*pair || note);
        }
    }
    return count;
}

/* The combination in which the most pairs meet for the first time; GRID_SIZE if all have met. */
static uint32_t most_useful(meetings met)
{
    uint32_t best = GRID_SIZE, most = 0;
    for (uint32_t number = 0; number < GRID_SIZE; number++) {
        uint32_t count = new_meetings(met, number, 0);
        if (count > most) {
            most = count;
            best = number;
        }
    }
    return best;
}

/* The numbers of those taken, in increasing order. */
static size_t list_taken(const unsigned char taken[GRID_SIZE], uint32_t *numbers)
{
    size_t count = 0;
    for (uint32_t number = 0; number < GRID_SIZE; number++) {
        if (taken[number]) {
            numbers[count++] = number;
        }
    }
    return count;
}

size_t grid_cover(uint32_t *numbers)
{
    meetings met;
    unsigned char taken[GRID_SIZE] = {0};
    memset(met, 0, sizeof met);
    for (uint32_t number = most_useful(met); number < GRID_SIZE; number = most_useful(met)) {
        new_meetings(met, number, 1);
        taken[number] = 1;
    }
    return list_taken(taken, numbers);
}

size_t grid_extend(uint32_t *numbers, size_t count, size_t wanted, uint64_t *random)
{
    unsigned char taken[GRID_SIZE] = {0};
    for (size_t i = 0; i < count; i++) {
        taken[numbers[i]] = 1;
    }
    while (count < wanted && count < GRID_SIZE) {
        uint32_t number = random_below(random, GRID_SIZE);
        count += !taken[number];
        taken[number] = 1;
    }
    return list_taken(taken, numbers);
}
