#include "self_test.h"

#include "error.h"
#include "sampler.h"

#include <math.h>
#include <stdlib.h>

#define VOCABULARY 1000
#define ROWS 10
#define INVALID_ROW 8 /* NaN in its last place */
#define EMPTY_ROW 9

/* What a row is drawn with; seed, offset and stream follow from its number. */
static const struct {
    float temperature;
    uint32_t top_k;
    float top_p, min_p;
} questions[ROWS] = {{1.0f, 0, 1.0f, 0.0f},     {0.0f, 0, 1.0f, 0.0f},    {0.7f, 50, 1.0f, 0.0f},
                     {1.0f, 0, 0.9f, 0.0f},     {0.7f, 40, 0.95f, 0.05f}, {2.0f, 0, 1.0f, 0.02f},
                     {INFINITY, 0, 0.5f, 0.0f}, {0.05f, 2, 1.0f, 0.0f},   {1.0f, 0, 1.0f, 0.0f},
                     {1.0f, 0, 1.0f, 0.0f}};

static const struct answer {
    int32_t token;
    tombola_row_status status;
    uint32_t kept;
} answers[2][ROWS] = {
    [TOMBOLA_LOGITS] = {{520, TOMBOLA_ROW_OK, 1000},
                        {50, TOMBOLA_ROW_OK, 1},
                        {459, TOMBOLA_ROW_OK, 50},
                        {842, TOMBOLA_ROW_OK, 142},
                        {551, TOMBOLA_ROW_OK, 37},
                        {920, TOMBOLA_ROW_OK, 486},
                        {334, TOMBOLA_ROW_OK, 500},
                        {48, TOMBOLA_ROW_OK, 2},
                        {-1, TOMBOLA_ROW_INVALID, 0},
                        {-1, TOMBOLA_ROW_EMPTY, 0}},
    [TOMBOLA_PROBABILITIES] = {{520, TOMBOLA_ROW_OK, 991},
                               {50, TOMBOLA_ROW_OK, 1},
                               {459, TOMBOLA_ROW_OK, 50},
                               {858, TOMBOLA_ROW_OK, 682},
                               {506, TOMBOLA_ROW_OK, 38},
                               {900, TOMBOLA_ROW_OK, 991},
                               {331, TOMBOLA_ROW_OK, 496},
                               {48, TOMBOLA_ROW_OK, 2},
                               {-1, TOMBOLA_ROW_INVALID, 0},
                               {-1, TOMBOLA_ROW_EMPTY, 0}},
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

static tombola_status compare(const tombola_draw *draws, tombola_input input, const char *dispatch,
                              tombola_error *error)
{
    for (int row = 0; row < ROWS; row++) {
        const struct answer *a = &answers[input][row];
        const tombola_draw *d = &draws[row];
        if (d->token != a->token || d->status != (int32_t)a->status || d->kept != a->kept)
            return fail(
                error, TOMBOLA_SELF_TEST_FAILED,
                "the device fails known answer %d (%s): token %d, status %d, kept %u, where %d, %d, %u is right", row,
                dispatch, (int)d->token, (int)d->status, (unsigned)d->kept, (int)a->token, (int)a->status,
                (unsigned)a->kept);
    }
    return TOMBOLA_OK;
}

tombola_status self_test_run(tombola_context *context, cl_program program, tombola_type type, tombola_input input,
                             tombola_error *error)
{
    void *values = malloc((size_t)ROWS * VOCABULARY * sizeof(float));
    if (!values)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for the self-test");
    tombola_params params[ROWS];
    for (uint32_t row = 0; row < ROWS; row++) {
        params[row] = tombola_params_default();
        params[row].temperature = questions[row].temperature;
        params[row].top_k = questions[row].top_k;
        params[row].top_p = questions[row].top_p;
        params[row].min_p = questions[row].min_p;
        params[row].seed = 0x123456789ABCDEF0u + row;
        params[row].offset = ((uint64_t)row << 32) + 7;
        params[row].stream = row * 3;
        for (uint32_t id = 0; id < VOCABULARY; id++)
            store(values, (size_t)row * VOCABULARY + id, value_at(row, id, input), type);
    }
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = type;
    options.input = input;
    tombola_status status = TOMBOLA_OK;
    static const char *const names[] = {"", "a row per work-group", "a row over many work-groups"};
    for (int dispatch = TOMBOLA_DISPATCH_ROW; dispatch <= TOMBOLA_DISPATCH_SPREAD && !status; dispatch++) {
        tombola_sampler *sampler;
        tombola_draw draws[ROWS];
        options.dispatch = (tombola_dispatch)dispatch;
        status = sampler_create_from(context, program, VOCABULARY, ROWS, &options, &sampler, error);
        if (status)
            break;
        status = tombola_sampler_sample(sampler, values, ROWS, VOCABULARY, params, draws, error);
        if (!status)
            status = compare(draws, input, names[dispatch], error);
        tombola_sampler_release(sampler);
    }
    free(values);
    return status;
}
