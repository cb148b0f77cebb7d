#include "self_test_results.h"

#include "batch.h"
#include "error.h"

#include <string.h>

#include "self_test_answers.h"

#define DIGESTED 10 /* rows whose probabilities and candidates are known */

/* Of probabilities with their logarithms, of candidates, and of what is told of tokens (tests/reference_report.py works
 * it out), as they are in memory. */
static const struct {
    uint64_t probabilities, candidates, report;
} digests[2] = {
    [TOMBOLA_LOGITS] = {0xe3ed12ebcd4d7cc4u, 0x7dc5b9f3c1bd1e3cu, 0xbd876a75de65ccbbu},
    [TOMBOLA_PROBABILITIES] = {0xba3a686b3b7a43ffu, 0xa53a7a5198f46fd8u, 0xa91cab5c612d0d07u},
};

tombola_results self_test_draws(struct answers *got)
{
    tombola_results results = tombola_results_default();
    results.tokens.host = got->tokens;
    results.status.host = got->status;
    results.kept.host = got->kept;
    results.boundary.host = got->boundaries;
    return results;
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

tombola_results self_test_reports(struct answers *got, tombola_input input, unsigned kernels, tombola_rows *rows)
{
    tombola_results results = self_test_draws(got);
    if (kernels & KERNEL_BIT(KERNEL_SOFTMAX)) {
        results.probabilities.host = got->probabilities;
        results.log_probabilities.host = got->log_probabilities;
    }
    if (kernels & KERNEL_BIT(KERNEL_TOP_K)) {
        results.candidate_count = CANDIDATES;
        results.candidate_tokens.host = got->candidate_tokens;
        results.candidate_logits.host = got->candidate_logits;
        results.candidate_probabilities.host = got->candidate_probabilities;
    }
    if (kernels & KERNEL_BIT(KERNEL_REPORT))
        ask_report(got, input, rows, &results);
    return results;
}

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

static uint64_t digest_probabilities(uint64_t basis, const struct answers *got)
{
    const uint64_t hash = digest(basis, got->probabilities, DIGESTED * VOCABULARY);
    return digest(hash, got->log_probabilities, DIGESTED * VOCABULARY);
}

static uint64_t digest_candidates(uint64_t basis, const struct answers *got)
{
    uint64_t hash = digest(basis, got->candidate_tokens, DIGESTED * CANDIDATES);
    hash = digest(hash, got->candidate_logits, DIGESTED * CANDIDATES);
    return digest(hash, got->candidate_probabilities, DIGESTED * CANDIDATES);
}

tombola_status self_test_compare(const struct answers *got, tombola_input input, unsigned kernels, const char *dispatch,
                                 tombola_error *error)
{
    const uint64_t basis = 0xCBF29CE484222325u;
    tombola_status status = compare_draws(got, answers[input], ROWS, "", dispatch, error);
    if (!status && (kernels & KERNEL_BIT(KERNEL_SOFTMAX)))
        status = compare_digest("probabilities", dispatch, digest_probabilities(basis, got),
                                digests[input].probabilities, error);
    if (!status && (kernels & KERNEL_BIT(KERNEL_TOP_K)))
        status =
            compare_digest("candidates", dispatch, digest_candidates(basis, got), digests[input].candidates, error);
    if (!status && (kernels & KERNEL_BIT(KERNEL_REPORT)))
        status = compare_digest("report", dispatch, digest_report(basis, got), digests[input].report, error);
    return status;
}

tombola_status self_test_compare_long(const struct answers *got, tombola_input input, enum long_rows rows,
                                      const char *way, tombola_error *error)
{
    static const char *const kinds[] = {", long rows", ", masks and biases", ", histories"};
    const struct answer *right[] = {long_answers[input], constrained_answers[input], penalised_answers};
    return compare_draws(got, right[rows], LONG_ROWS, kinds[rows], way, error);
}
