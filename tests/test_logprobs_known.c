/* The answers in known_results.txt, which reference_results.py computed: by either dispatch and on shards, to the last
 * bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "group.h"
#include "known_told.h"

/* What is told of a row, floats by their bits. */
struct told_bits {
    int32_t token;
    uint32_t logprob, raw_logprob, rank, margin, entropy, observed;
};

static struct told_bits tell(const struct told_question *question, enum known_way way)
{
    struct told_bits told;
    tombola_results results = tombola_results_default();
    results.tokens.host = &told.token;
    results.logprobs.host = (float *)&told.logprob;
    results.raw_logprobs.host = (float *)&told.raw_logprob;
    results.ranks.host = &told.rank;
    results.margins.host = (float *)&told.margin;
    results.entropies.host = (float *)&told.entropy;
    results.observed.host = (float *)&told.observed;
    known_call(question, way, &results);
    return told;
}

static int check(struct told_question *question, const char *answer)
{
    struct told_bits t;
    if (sscanf(answer, "%" SCNd32 " %" SCNx32 " %" SCNx32 " %" SCNu32 " %" SCNx32 " %" SCNx32 " %" SCNx32, &t.token,
               &t.logprob, &t.raw_logprob, &t.rank, &t.margin, &t.entropy, &t.observed) != 7)
        return 0;
    for (enum known_way way = 0; way < KNOWN_WAYS; way++) {
        const struct told_bits got = tell(question, way);
        if (memcmp(&t, &got, sizeof got) != 0)
            fail_msg("answer %u, a row %s of %u: token %d, %08x, %08x, rank %u, %08x, %08x, %08x, not %d, %08x, "
                     "%08x, %u, %08x, %08x, %08x",
                     question->number, row_kind_name(question->kind), question->make.vocabulary, (int)got.token,
                     got.logprob, got.raw_logprob, got.rank, got.margin, got.entropy, got.observed, (int)t.token,
                     t.logprob, t.raw_logprob, t.rank, t.margin, t.entropy, t.observed);
    }
    return 1;
}

static void every_known_answer_comes_out(void **state)
{
    (void)state;
    assert_true(known_told_check("known_results.txt", check) >= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_answer_comes_out),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
