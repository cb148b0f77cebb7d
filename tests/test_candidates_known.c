/* The answers in known_candidates.txt, which reference_candidates.py computed: by either dispatch and on shards, to the
 * last bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

#include "group.h"
#include "known_told.h"

enum { MOST = 64 };

/* Digests of the candidates of a row. */
struct digests {
    uint64_t ids, logprobs, raw_logprobs;
};

static struct digests rank(const struct told_question *question, uint32_t count, enum known_way way)
{
    tombola_results results = tombola_results_default();
    int32_t ids[MOST];
    float logprobs[MOST], raw_logprobs[MOST];
    results.candidate_count = count;
    results.candidate_tokens.host = ids;
    results.candidate_logprobs.host = logprobs;
    results.candidate_raw_logprobs.host = raw_logprobs;
    known_call(question, way, &results);
    return (struct digests){known_digest(ids, count), known_digest(logprobs, count), known_digest(raw_logprobs, count)};
}

static int check(struct told_question *question, const char *answer)
{
    uint32_t count;
    struct digests d;
    if (sscanf(answer, "%" SCNu32 " %" SCNx64 " %" SCNx64 " %" SCNx64, &count, &d.ids, &d.logprobs, &d.raw_logprobs) !=
            4 ||
        count > MOST)
        return 0;
    for (enum known_way way = 0; way < KNOWN_WAYS; way++) {
        const struct digests got = rank(question, count, way);
        if (got.ids != d.ids || got.logprobs != d.logprobs || got.raw_logprobs != d.raw_logprobs)
            fail_msg("answer %u, a row %s of %u, %u candidates: ids %s, log-probabilities %s, raw ones %s",
                     question->number, row_kind_name(question->kind), question->make.vocabulary, (unsigned)count,
                     got.ids == d.ids ? "right" : "wrong", got.logprobs == d.logprobs ? "right" : "wrong",
                     got.raw_logprobs == d.raw_logprobs ? "right" : "wrong");
    }
    return 1;
}

static void every_known_answer_comes_out(void **state)
{
    (void)state;
    assert_true(known_told_check("known_candidates.txt", check) >= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_answer_comes_out),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
