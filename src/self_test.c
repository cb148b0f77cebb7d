#include "self_test.h"

#include "context.h"
#include "error.h"
#include "sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VOCABULARY 1000
#define ROWS 17
#define DIGESTED 10   /* rows whose probabilities and candidates are known */
#define INVALID_ROW 8 /* NaN in its last place */
#define EMPTY_ROW 9
#define CANDIDATES 60
#define SCORES 2       /* of each row: the last token kept, and another */
#define KEPT_ROOM 8192 /* ids that all rows keep, and some more */

/* Rows longer than those that kernels look at token by token. */
#define LONG_VOCABULARY 5003
#define LONG_ROWS 7
#define BIASES 80 /* of a row that has masks and biases */
#define MASK_WORDS ((LONG_VOCABULARY + 31) / 32)

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

#include "self_test_answers.h"

/* Of probabilities with their logarithms, of candidates, and of what is told of tokens (tests/reference_report.py works
 * it out), as they are in memory. */
static const struct {
    uint64_t probabilities, candidates, report;
} digests[2] = {
    [TOMBOLA_LOGITS] = {0xe3ed12ebcd4d7cc4u, 0x7dc5b9f3c1bd1e3cu, 0xbd876a75de65ccbbu},
    [TOMBOLA_PROBABILITIES] = {0xba3a686b3b7a43ffu, 0xa53a7a5198f46fd8u, 0xa91cab5c612d0d07u},
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

/* What long rows may be restricted by: three of four tokens are left, and some are banned. */
struct constraints {
    uint32_t masks[LONG_ROWS * MASK_WORDS];
    tombola_bias biases[LONG_ROWS * BIASES];
    size_t ends[LONG_ROWS];
};

/* What came before in long rows. */
#define HISTORY 60 /* tokens of a row's history */
#define PROMPT 20  /* of these the prompt */
#define MIN_TOKENS 50
struct past {
    int32_t history[LONG_ROWS * HISTORY], end_tokens[LONG_ROWS];
    size_t history_ends[LONG_ROWS], prompt_lengths[LONG_ROWS], end_token_ends[LONG_ROWS];
};

/* All results of the rows, and what some are restricted by. */
struct answers {
    struct constraints constraints;
    struct past past;
    int32_t tokens[ROWS], status[ROWS];
    uint32_t kept[ROWS];
    tombola_boundary boundaries[ROWS];
    int32_t candidate_tokens[ROWS * CANDIDATES];
    float candidate_logits[ROWS * CANDIDATES], candidate_probabilities[ROWS * CANDIDATES];
    float probabilities[ROWS * VOCABULARY], log_probabilities[ROWS * VOCABULARY];
    int32_t score_tokens[ROWS * SCORES];
    size_t score_ends[ROWS];
    float scores[ROWS * SCORES], raw_scores[ROWS * SCORES];
    uint64_t kept_ends[ROWS];
    int32_t kept_tokens[KEPT_ROOM];
    float kept_probabilities[ROWS * VOCABULARY], processed_logits[ROWS * VOCABULARY];
};

static tombola_status compare_draws(const struct answers *got, const struct answer *right, int rows, const char *kind,
                                    const char *way, tombola_error *error)
{
    for (int row = 0; row < rows; row++) {
        const struct answer *a = &right[row];
        if (got->tokens[row] != a->token || got->status[row] != (int32_t)a->status || got->kept[row] != a->kept ||
            got->boundaries[row].token != a->last)
            return fail(error, TOMBOLA_SELF_TEST_FAILED,
                        "the device fails known answer %d (%s%s): token %d, status %d, kept %u, the last of them %d, "
                        "where %d, %d, %u, %d is right",
                        row, way, kind, (int)got->tokens[row], (int)got->status[row], (unsigned)got->kept[row],
                        (int)got->boundaries[row].token, (int)a->token, (int)a->status, (unsigned)a->kept,
                        (int)a->last);
    }
    return TOMBOLA_OK;
}

/* FNV-1a over 32-bit words. */
static uint64_t digest(uint64_t hash, const void *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, (const char *)words + i * sizeof word, sizeof word);
        hash = (hash ^ word) * 0x100000001B3u;
    }
    return hash;
}

static tombola_status compare_digest(const char *what, const char *dispatch, uint64_t got, uint64_t right,
                                     tombola_error *error)
{
    if (got == right)
        return TOMBOLA_OK;
    return fail(error, TOMBOLA_SELF_TEST_FAILED,
                "the device fails the known %s (%s): their digest is %016llx, where %016llx is right", what, dispatch,
                (unsigned long long)got, (unsigned long long)right);
}

static uint64_t digest_report(uint64_t basis, const struct answers *got)
{
    const uint64_t end = got->kept_ends[ROWS - 1];
    uint64_t hash = digest(basis, got->scores, ROWS * SCORES);
    hash = digest(hash, got->raw_scores, ROWS * SCORES);
    hash = digest(hash, got->kept_ends, 2 * ROWS);
    hash = digest(hash, got->kept_tokens, (size_t)(end < KEPT_ROOM ? end : KEPT_ROOM));
    hash = digest(hash, got->kept_probabilities, ROWS * VOCABULARY);
    return digest(hash, got->processed_logits, ROWS * VOCABULARY);
}

static tombola_status compare(const struct answers *got, tombola_input input, const char *dispatch,
                              tombola_error *error)
{
    const uint64_t basis = 0xCBF29CE484222325u;
    uint64_t probabilities = digest(basis, got->probabilities, DIGESTED * VOCABULARY);
    probabilities = digest(probabilities, got->log_probabilities, DIGESTED * VOCABULARY);
    uint64_t candidates = digest(basis, got->candidate_tokens, DIGESTED * CANDIDATES);
    candidates = digest(candidates, got->candidate_logits, DIGESTED * CANDIDATES);
    candidates = digest(candidates, got->candidate_probabilities, DIGESTED * CANDIDATES);
    tombola_status status = compare_draws(got, answers[input], ROWS, "", dispatch, error);
    if (!status)
        status = compare_digest("probabilities", dispatch, probabilities, digests[input].probabilities, error);
    if (!status)
        status = compare_digest("candidates", dispatch, candidates, digests[input].candidates, error);
    if (!status)
        status = compare_digest("report", dispatch, digest_report(basis, got), digests[input].report, error);
    return status;
}

/* Rows that begin at odd places, so that no vector is aligned. */
#define STRIDE(vocabulary) ((vocabulary) + 1)

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

/* The columns that every row has. */
static tombola_results draws_of(struct answers *got)
{
    tombola_results results = tombola_results_default();
    results.tokens.host = got->tokens;
    results.status.host = got->status;
    results.kept.host = got->kept;
    results.boundary.host = got->boundaries;
    return results;
}

static void constrain(struct constraints *c, tombola_rows *rows, tombola_input input)
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

/* Penalties, and histories for them. Tokens come up to four times. */
static void penalise(struct past *past, tombola_params *params, tombola_rows *rows)
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

/* Rows, what they are drawn with, and a sampler made for them. */
struct draw {
    tombola_params params[ROWS];
    tombola_rows rows;
    tombola_sampler *sampler;
};

static tombola_status make_draw(tombola_context *context, cl_program program, const tombola_sampler_options *options,
                                const struct question *of, uint32_t count, uint32_t vocabulary, void *values,
                                struct draw *draw, tombola_error *error)
{
    struct plan plan;
    fill(values, draw->params, of, count, vocabulary, options->type, options->input);
    draw->rows = tombola_rows_default();
    draw->rows.count = count;
    draw->rows.logits.host = values;
    draw->rows.stride = STRIDE(vocabulary);
    draw->rows.params = draw->params;
    tombola_status status = plan_make(context, vocabulary, count, options, &plan, error);
    return status ? status : sampler_create_from(context, program, &plan, &draw->sampler, error);
}

/* What the report kernel tells of short rows' tokens. */
static void ask_report(struct answers *got, tombola_input input, tombola_rows *rows, tombola_results *results)
{
    for (int row = 0; row < ROWS; row++) {
        const struct answer *right = &answers[input][row];
        got->score_tokens[SCORES * row] = right->kept ? right->last : 0;
        got->score_tokens[SCORES * row + 1] = row * 61 + 7;
        got->score_ends[row] = (size_t)(row + 1) * SCORES;
    }
    rows->score_tokens = got->score_tokens;
    rows->score_ends = got->score_ends;
    results->scores.host = got->scores;
    results->raw_scores.host = got->raw_scores;
    results->kept_ends.host = got->kept_ends;
    results->kept_tokens.host = got->kept_tokens;
    results->kept_capacity = KEPT_ROOM;
    results->kept_probabilities.host = got->kept_probabilities;
    results->processed_logits.host = got->processed_logits;
}

/* Everything that kernels draw and report of short rows. */
static tombola_status run_short(tombola_context *context, cl_program program, const tombola_sampler_options *options,
                                void *values, struct answers *got, const char *way, tombola_error *error)
{
    tombola_results results = draws_of(got);
    results.probabilities.host = got->probabilities;
    results.log_probabilities.host = got->log_probabilities;
    results.candidate_count = CANDIDATES;
    results.candidate_tokens.host = got->candidate_tokens;
    results.candidate_logits.host = got->candidate_logits;
    results.candidate_probabilities.host = got->candidate_probabilities;
    struct draw draw;
    tombola_status status = make_draw(context, program, options, questions, ROWS, VOCABULARY, values, &draw, error);
    if (status)
        return status;
    ask_report(got, options->input, &draw.rows, &results);
    status = tombola_sampler_sample(draw.sampler, &draw.rows, &results, error);
    tombola_sampler_release(draw.sampler);
    return status ? status : compare(got, options->input, way, error);
}

/* Tokens of long rows, at first as they are, then with masks and biases, then with histories. */
static tombola_status run_long(tombola_context *context, cl_program program, const tombola_sampler_options *options,
                               void *values, struct answers *got, const char *way, tombola_error *error)
{
    const tombola_results results = draws_of(got);
    struct draw draw;
    tombola_status status =
        make_draw(context, program, options, long_questions, LONG_ROWS, LONG_VOCABULARY, values, &draw, error);
    if (status)
        return status;
    status = tombola_sampler_sample(draw.sampler, &draw.rows, &results, error);
    if (!status)
        status = compare_draws(got, long_answers[options->input], LONG_ROWS, ", long rows", way, error);
    constrain(&got->constraints, &draw.rows, options->input);
    if (!status)
        status = tombola_sampler_sample(draw.sampler, &draw.rows, &results, error);
    if (!status)
        status = compare_draws(got, constrained_answers[options->input], LONG_ROWS, ", masks and biases", way, error);
    if (!status && options->input == TOMBOLA_LOGITS) {
        penalise(&got->past, draw.params, &draw.rows);
        status = tombola_sampler_sample(draw.sampler, &draw.rows, &results, error);
        if (!status)
            status = compare_draws(got, penalised_answers, LONG_ROWS, ", histories", way, error);
    }
    tombola_sampler_release(draw.sampler);
    return status;
}

tombola_status self_test_run(tombola_context *context, cl_program program, tombola_type type, tombola_input input,
                             tombola_error *error)
{
    static const struct {
        const char *name;
        tombola_dispatch dispatch;
        tombola_transfer transfer;
    } ways[] = {{"a row per work-group", TOMBOLA_DISPATCH_ROW, TOMBOLA_TRANSFER_AUTO},
                {"a row over many work-groups", TOMBOLA_DISPATCH_SPREAD, TOMBOLA_TRANSFER_STAGED}};
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = type;
    options.input = input;
    options.in_flight = 1;
    tombola_status status = TOMBOLA_OK;
    void *values = malloc((size_t)LONG_ROWS * STRIDE(LONG_VOCABULARY) * sizeof(float)); /* the larger of the two */
    struct answers *got = malloc(sizeof *got);
    if (!values || !got) {
        status = fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for the self-test");
        goto done;
    }
    for (size_t i = 0; i < sizeof ways / sizeof ways[0] && !status; i++) {
        options.dispatch = ways[i].dispatch;
        options.transfer = ways[i].transfer;
        status = run_short(context, program, &options, values, got, ways[i].name, error);
        if (!status)
            status = run_long(context, program, &options, values, got, ways[i].name, error);
    }
done:
    free(got);
    free(values);
    return status;
}
