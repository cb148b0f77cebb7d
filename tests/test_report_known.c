/* The answers in known_report.txt, which reference_report.py computed: by either dispatch and on shards, to the last
 * bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "known_told.h"

/* What is told of a row: scores by their bits, arrays by their digests. */
struct told {
    uint32_t score, raw_score;
    uint64_t kept, ids, probabilities, logits;
};

static struct told tell(const struct told_question *question, enum known_way way)
{
    const uint32_t V = question->make.vocabulary;
    tombola_results results = tombola_results_default();
    int32_t *ids = allocate(V, sizeof *ids);
    float *values = allocate(2 * (size_t)V, sizeof *values), scores[2];
    struct told told;
    results.scores.host = &scores[0];
    results.raw_scores.host = &scores[1];
    results.kept_ends.host = &told.kept;
    results.kept_tokens.host = ids;
    results.kept_capacity = V;
    results.kept_probabilities.host = values;
    results.processed_logits.host = values + V;
    known_call(question, way, &results);
    memcpy(&told.score, &scores[0], sizeof told.score);
    memcpy(&told.raw_score, &scores[1], sizeof told.raw_score);
    told.ids = known_digest(ids, (size_t)told.kept);
    told.probabilities = known_digest(values, V);
    told.logits = known_digest(values + V, V);
    free(values);
    free(ids);
    return told;
}

static int check(struct told_question *question, const char *answer)
{
    static const size_t one[1] = {1};
    int32_t token;
    struct told t;
    if (sscanf(answer, "%" SCNd32 " %" SCNx32 " %" SCNx32 " %" SCNu64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &token,
               &t.score, &t.raw_score, &t.kept, &t.ids, &t.probabilities, &t.logits) != 7)
        return 0;
    question->rows.score_tokens = &token;
    question->rows.score_ends = one;
    for (enum known_way way = 0; way < KNOWN_WAYS; way++) {
        const struct told got = tell(question, way);
        if (memcmp(&t, &got, sizeof got) != 0)
            fail_msg(
                "answer %u, a row %s of %u: scores %08x and %08x, kept %u, digests %s, %s and %s; not %08x, %08x, %u",
                question->number, row_kind_name(question->kind), question->make.vocabulary, got.score, got.raw_score,
                (unsigned)got.kept, got.ids == t.ids ? "right" : "wrong",
                got.probabilities == t.probabilities ? "right" : "wrong", got.logits == t.logits ? "right" : "wrong",
                t.score, t.raw_score, (unsigned)t.kept);
    }
    return 1;
}

static void every_known_answer_comes_out(void **state)
{
    (void)state;
    assert_true(known_told_check("known_report.txt", check) >= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_answer_comes_out),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
