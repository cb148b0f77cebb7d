#include "reports.h"

#include <err.h>
#include <stdlib.h>

#include "kept_ids.h"
#include "tool.h"
#include "top_logprobs.h"

enum { SCORE = 0x400, SAMPLES, TOP_LOGPROBS, KEPT_IDS, KEPT_PROBABILITIES, PROCESSED_LOGITS };

static const struct argp_option OPTIONS[] = {
    {"samples", SAMPLES, "N", 0,
     "Draw N tokens from each row, up to 128, each as the row draws it with the next stream; lines of the table, and "
     "arrays of --json. Columns that are not the token's own are of the first",
     0},
    {"score", SCORE, "FILE.jsonl", 0,
     "Tell the log-probabilities of given tokens, with --json: a line for each row, an array of ids", 0},
    {"top-logprobs", TOP_LOGPROBS, "N", 0,
     "Tell the N most likely tokens, up to 1024, with --json: of each its log-probability among what passed the "
     "filters, null for one that did not, and in the row as given",
     0},
    {"kept-ids", KEPT_IDS, "FILE.jsonl", 0,
     "Write the ids of the tokens that passed the filters: a line for each row, an array of ids, as --score reads them",
     0},
    {"kept-probabilities", KEPT_PROBABILITIES, "FILE.npy", 0, "Write the probabilities of all tokens after the filters",
     0},
    {"processed-logits", PROCESSED_LOGITS, "FILE.npy", 0,
     "Write the logits of what passed the filters, with masks and biases, not divided by the temperature; -inf for the "
     "others",
     0},
    {0},
};

static uint32_t read_count(const char *option, const char *text, uint32_t most, struct argp_state *state)
{
    uint64_t number;
    if (tool_integer_read(text, most, &number) || number == 0)
        argp_error(state, "%s: '%s' is not an integer from 1 to %u", option, text, most);
    return (uint32_t)number;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    reports *reports = state->input;
    switch (key) {
    case SAMPLES:
        reports->samples = read_count("--samples", text, TOMBOLA_MAX_SAMPLES, state);
        return 0;
    case TOP_LOGPROBS:
        reports->top_logprobs = read_count("--top-logprobs", text, TOMBOLA_MAX_CANDIDATES, state);
        return 0;
    case KEPT_IDS:
        reports->kept_ids_path = text;
        return 0;
    case SCORE:
        reports->score_path = text;
        return 0;
    case KEPT_PROBABILITIES:
        reports->probabilities_path = text;
        return 0;
    case PROCESSED_LOGITS:
        reports->logits_path = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp reports_argp = {.options = OPTIONS, .parser = parse};

/* The most ids that rows which follow each other have, so many of them. */
static size_t most_ids(const score_ids *ids, size_t rows, size_t batch)
{
    size_t most = 0;
    for (size_t end = 0; end < rows; end++) {
        const size_t count = ids->ends[end] - (end >= batch ? ids->ends[end - batch] : 0);
        most = count > most ? count : most;
    }
    return most;
}

/* Room for the scores of any batch. */
static int make_scores(const reports *r, size_t rows, size_t batch, tombola_results *results)
{
    const size_t count = most_ids(&r->ids, rows, batch) + 1;
    results->scores.host = calloc(count, sizeof(float));
    results->raw_scores.host = calloc(count, sizeof(float));
    return results->scores.host && results->raw_scores.host ? 0 : -1;
}

int reports_load(reports *r, size_t rows, size_t batch, size_t vocabulary, tombola_results *results)
{
    results->samples = r->samples;
    if (r->score_path && score_ids_read(r->score_path, rows, vocabulary, &r->ids))
        return -1;
    if ((r->score_path && make_scores(r, rows, batch, results)) ||
        top_logprobs_allocate(r->top_logprobs, batch, results) ||
        (r->kept_ids_path && kept_ids_allocate(batch, vocabulary, results)) ||
        (r->probabilities_path && !(results->kept_probabilities.host = calloc(batch, vocabulary * sizeof(float)))) ||
        (r->logits_path && !(results->processed_logits.host = calloc(batch, vocabulary * sizeof(float))))) {
        warnx("out of memory");
        return -1;
    }
    return 0;
}

void reports_release(reports *r, tombola_results *results)
{
    free(results->scores.host);
    free(results->raw_scores.host);
    free(results->kept_probabilities.host);
    free(results->processed_logits.host);
    score_ids_release(&r->ids);
    top_logprobs_release(results);
    kept_ids_release(results);
}

void reports_apply(const reports *r, size_t first, tombola_rows *rows)
{
    score_ids_apply(&r->ids, first, rows);
}

static json_t *list_of(const float *values, size_t first, size_t end)
{
    json_t *list = json_array();
    for (size_t i = first; i < end; i++)
        list = tool_json_add(list, tool_json_real(values[i]));
    return list;
}

int reports_add(const reports *r, const tombola_rows *rows, const tombola_results *results, size_t row, json_t *object)
{
    if (top_logprobs_add(results, row, object))
        return -1;
    if (!r->ids.ends)
        return 0;
    const size_t first = row ? rows->score_ends[row - 1] : 0, end = rows->score_ends[row];
    return json_object_set_new(object, "scores", list_of(results->scores.host, first, end)) ||
                   json_object_set_new(object, "raw_scores", list_of(results->raw_scores.host, first, end))
               ? -1
               : 0;
}
