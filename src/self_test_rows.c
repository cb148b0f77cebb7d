#include "self_test_rows.h"

#include "portable.h"

#include <math.h>

#define INVALID_ROW 8 /* NaN in its last place */
#define EMPTY_ROW 9

/* What a row is drawn with; seed, offset and stream follow from its number. */
struct question {
    float temperature;
    uint32_t top_k;
    float top_p, min_p;
    tombola_method method;
    unsigned more; /* of the following */
};
#define LAST 1u   /* the temperature comes last */
#define SIGMA 2u  /* top-n-sigma 1.5 */
#define CHOICE 4u /* XTC .001 */

static const struct question questions[ROWS] = {
    {1.0f, 0, 1.0f, 0.0f, TOMBOLA_RACE, 0},
    {0.0f, 0, 1.0f, 0.0f, TOMBOLA_RACE, 0},
    {0.7f, 50, 1.0f, 0.0f, TOMBOLA_RACE, 0},
    {1.0f, 0, 0.9f, 0.0f, TOMBOLA_RACE, 0},
    {0.7f, 40, 0.95f, 0.05f, TOMBOLA_RACE, 0},
    {2.0f, 0, 1.0f, 0.02f, TOMBOLA_RACE, 0},
    {INFINITY, 0, 0.5f, 0.0f, TOMBOLA_RACE, 0},
    {0.05f, 2, 1.0f, 0.0f, TOMBOLA_RACE, 0},
    {1.0f, 0, 1.0f, 0.0f, TOMBOLA_RACE, 0},
    {1.0f, 0, 1.0f, 0.0f, TOMBOLA_RACE, 0},
    {1.0f, 0, 1.0f, 0.0f, TOMBOLA_INVERSE_CDF, 0},
    {0.7f, 40, 0.95f, 0.05f, TOMBOLA_INVERSE_CDF, 0},
    {INFINITY, 0, 0.5f, 0.0f, TOMBOLA_INVERSE_CDF, 0},
    {2.0f, 400, 0.9f, 0.01f, TOMBOLA_RACE, LAST},
    {0.5f, 0, 0.8f, 0.0f, TOMBOLA_INVERSE_CDF, LAST},
    {1.0f, 0, 1.0f, 0.0f, TOMBOLA_RACE, SIGMA},
    {0.7f, 0, 1.0f, 0.0f, TOMBOLA_INVERSE_CDF, LAST | SIGMA | CHOICE},
};
static const struct question long_questions[LONG_ROWS] = {
    {1.0f, 0, 1.0f, 0.0f, TOMBOLA_RACE, 0},
    {1.0f, 0, 0.95f, 0.0f, TOMBOLA_RACE, 0},
    {0.5f, 50, 0.9f, 0.0f, TOMBOLA_RACE, 0},
    {2.0f, 0, 1.0f, 0.05f, TOMBOLA_RACE, 0},
    {1.0f, 0, 1.0f, 0.0f, TOMBOLA_INVERSE_CDF, 0},
    {2.0f, 0, 0.9f, 0.0f, TOMBOLA_INVERSE_CDF, LAST},
    {1.0f, 0, 0.9f, 0.0f, TOMBOLA_RACE, SIGMA | CHOICE},
};

/* Eighths from -8 to 8, or 128ths from 0 to 1, which every type holds exactly; ties abound. */
static float value_at(uint32_t row, uint32_t id, tombola_input input)
{
    if (row == INVALID_ROW && id == VOCABULARY - 1)
        return NAN;
    if (row == EMPTY_ROW)
        return input == TOMBOLA_PROBABILITIES ? 0.0f : -INFINITY;
    uint32_t hash = ((id * 2654435761u) ^ (row * 0x9E3779B9u)) >> 20;
    int step = (int)(hash % 129);
    return input == TOMBOLA_PROBABILITIES ? (float)step / 128.0f : (float)(step - 64) / 8.0f;
}

/* Stores a value of those above, none of which needs rounding. */
static void store(void *values, size_t place, float value, tombola_type type)
{
    uint32_t bits = words_of(value), magnitude = bits & 0x7FFFFFFFu;
    uint16_t *halves = values;
    switch (type) {
    case TOMBOLA_FLOAT32:
        ((float *)values)[place] = value;
        break;
    case TOMBOLA_BFLOAT16:
        halves[place] = (uint16_t)(bits >> 16);
        break;
    case TOMBOLA_FLOAT16:
        magnitude = magnitude == 0             ? 0
                    : magnitude >= 0x7F800000u ? 0x7C00u | (magnitude & 0x007FFFFFu) >> 13
                                               : (magnitude - (112u << 23)) >> 13;
        halves[place] = (uint16_t)((bits >> 16 & 0x8000u) | magnitude);
        break;
    }
}

static void fill(void *values, tombola_params *params, const struct question *of, uint32_t rows, uint32_t vocabulary,
                 tombola_type type, tombola_input input)
{
    for (uint32_t row = 0; row < rows; row++) {
        params[row] = tombola_params_default();
        params[row].temperature = of[row].temperature;
        params[row].top_k = of[row].top_k;
        params[row].top_p = of[row].top_p;
        params[row].min_p = of[row].min_p;
        params[row].method = of[row].method;
        params[row].top_n_sigma = of[row].more & SIGMA ? 1.5f : 0.0f;
        params[row].xtc_probability = of[row].more & CHOICE ? 1.0f : 0.0f;
        params[row].xtc_threshold = 0.001f;
        if (of[row].more & LAST)
            tombola_filters_temperature_last(&params[row]);
        params[row].seed = 0x123456789ABCDEF0u + row;
        params[row].offset = ((uint64_t)row << 32) + 7;
        params[row].stream = row * 3;
        for (uint32_t id = 0; id < vocabulary; id++)
            store(values, (size_t)row * STRIDE(vocabulary) + id, value_at(row, id, input), type);
    }
}

void self_test_fill_short(void *values, tombola_params *params, tombola_type type, tombola_input input)
{
    fill(values, params, questions, ROWS, VOCABULARY, type, input);
}

void self_test_fill_long(void *values, tombola_params *params, tombola_type type, tombola_input input)
{
    fill(values, params, long_questions, LONG_ROWS, LONG_VOCABULARY, type, input);
}

void self_test_constrain(struct constraints *c, tombola_rows *rows, tombola_input input)
{
    for (uint32_t row = 0; row < LONG_ROWS; row++) {
        for (uint32_t word = 0; word < MASK_WORDS; word++) {
            uint32_t hash = word * 2654435761u + row * 0x9E3779B9u;
            c->masks[row * MASK_WORDS + word] = hash | hash >> 7;
        }
        for (int n = 0; n < BIASES; n++)
            c->biases[row * BIASES + (uint32_t)n] =
                (tombola_bias){37 + 61 * n, n % 8 == 0 ? -INFINITY : (float)(n % 17 - 8) / 4.0f};
        c->ends[row] = (row + 1) * (size_t)BIASES;
    }
    rows->masks.host = c->masks;
    rows->biases = input == TOMBOLA_LOGITS ? c->biases : NULL;
    rows->bias_ends = input == TOMBOLA_LOGITS ? c->ends : NULL;
}

/* Tokens come up to four times. */
void self_test_penalise(struct past *past, tombola_params *params, tombola_rows *rows)
{
    for (uint32_t row = 0; row < LONG_ROWS; row++) {
        for (uint32_t n = 0; n < HISTORY; n++)
            past->history[row * HISTORY + n] = (int32_t)((row * 101 + n * n % 64 * 7) % LONG_VOCABULARY);
        past->end_tokens[row] = (int32_t)(row * 3);
        past->history_ends[row] = (row + 1) * (size_t)HISTORY;
        past->prompt_lengths[row] = PROMPT;
        past->end_token_ends[row] = row + 1;
        params[row].repetition_penalty = row % 2 ? 1.25f : 0.875f;
        params[row].frequency_penalty = row % 3 ? 0.5f : 0.0f;
        params[row].presence_penalty = -0.75f;
        params[row].penalty_prompt = row % 3;
        params[row].penalty_window = row == 4 ? 30 : 0;
        params[row].min_tokens = MIN_TOKENS;
    }
    rows->masks.host = NULL;
    rows->biases = NULL;
    rows->bias_ends = NULL;
    rows->history = past->history;
    rows->history_ends = past->history_ends;
    rows->prompt_lengths = past->prompt_lengths;
    rows->end_tokens = past->end_tokens;
    rows->end_token_ends = past->end_token_ends;
}
