/* The autoregressive loop with a language model of a small text: greedy decoding, which repeats itself, and what keeps
 * it from that; many texts in one batch; the surprise that mirostat is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bigram.h"
#include "calls.h"
#include "expect.h"
#include "group.h"
#include "harness.h"

enum { MOST_TEXTS = 80, ROOM = 408, LONG = 400 };

/* Texts, and what they are drawn by. */
struct texts {
    size_t count;
    tombola_sequence sequences[MOST_TEXTS];
    tombola_params params[MOST_TEXTS];
    int32_t tokens[MOST_TEXTS][ROOM];
    size_t starts[MOST_TEXTS]; /* tokens of prompts */
};

/* One more text of at most so many words after a prompt, whose words have spaces between them; it does not end before.
 * Returns its parameters, which are the defaults, from a stream of its own. */
static tombola_params *add_text(struct texts *texts, const char *prompt, size_t length)
{
    const size_t i = texts->count++;
    tombola_sequence *sequence = &texts->sequences[i];
    char words[64];
    *sequence = tombola_sequence_default();
    snprintf(words, sizeof words, "%s", prompt);
    for (const char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        texts->tokens[i][sequence->length++] = bigram_word(word);
    texts->starts[i] = sequence->length;
    texts->params[i] = tombola_params_default();
    texts->params[i].seed = 11;
    texts->params[i].stream = (uint32_t)i;
    sequence->tokens = texts->tokens[i];
    sequence->params = &texts->params[i];
    sequence->max_new_tokens = length;
    return sequence->params;
}

/* max_rows  that are decoded together; the others wait for a place */
static void write_texts(struct texts *texts, size_t max_rows)
{
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, BIGRAM_VOCABULARY};
    const tombola_model model = bigram_model();
    tombola_error error = tombola_error_default();
    tombola_sampler *sampler = make_sampler(context, &make, max_rows, TOMBOLA_DISPATCH_AUTO);
    const tombola_status status =
        tombola_sampler_generate(sampler, texts->sequences, texts->count, &model, NULL, NULL, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, TOMBOLA_OK);
    tombola_sampler_release(sampler);
}

/* The most likely word after so many tokens, of equals the one with the lower id. */
static int32_t most_likely(const int32_t *tokens, size_t count)
{
    float row[BIGRAM_VOCABULARY];
    int32_t best = 0;
    bigram_predict(tokens, count, row);
    for (int32_t id = 1; id < BIGRAM_VOCABULARY; id++)
        best = row[id] > row[best] ? id : best;
    return best;
}

static void greedy_falls_into_a_loop(void **state)
{
    (void)state;
    static const char *const PROMPTS[] = {"", "the old miller", "some say", "nobody", "in the evening"};
    static struct texts texts;
    texts = (struct texts){0};
    for (size_t i = 0; i < COUNT_OF(PROMPTS); i++)
        add_text(&texts, PROMPTS[i], LONG)->temperature = 0;
    write_texts(&texts, COUNT_OF(PROMPTS));
    for (size_t i = 0; i < texts.count; i++) {
        const int32_t *tokens = texts.tokens[i];
        const size_t length = texts.starts[i] + LONG;
        size_t period = 1;
        assert_int_equal(texts.sequences[i].length, length);
        for (size_t at = texts.starts[i]; at < length; at++)
            assert_int_equal(tokens[at], most_likely(tokens, at));
        while (2 * period < LONG && tokens[length - 1 - period] != tokens[length - 1])
            period++;
        assert_less(period, 60); /* it is known by heart long before the end */
        for (size_t at = length / 2; at < length; at++)
            assert_int_equal(tokens[at], tokens[at - period]);
    }
}

/* How many different runs of n words there are in what was drawn. */
static size_t count_different(const struct texts *texts, size_t i, size_t n)
{
    const int32_t *tokens = texts->tokens[i] + texts->starts[i];
    const size_t runs = texts->sequences[i].length - texts->starts[i] - (n - 1);
    size_t different = 0;
    for (size_t at = 0; at < runs; at++) {
        size_t before = 0;
        while (before < at && memcmp(tokens + before, tokens + at, n * sizeof *tokens) != 0)
            before++;
        different += before == at;
    }
    return different;
}

static void what_is_told_of_the_text_so_far_keeps_greedy_out_of_its_loop(void **state)
{
    (void)state;
    enum { PLAIN, NGRAM, DRY, PENALISED };
    static struct texts texts;
    texts = (struct texts){0};
    for (int rule = PLAIN; rule <= PENALISED; rule++)
        add_text(&texts, "the old miller", LONG)->temperature = 0;
    texts.params[NGRAM].no_repeat_ngram = 3;
    texts.params[DRY].dry_multiplier = 0.8f;
    texts.params[PENALISED].repetition_penalty = 1.2f;
    texts.params[PENALISED].frequency_penalty = 0.1f;
    write_texts(&texts, 3);
    assert_int_equal(count_different(&texts, NGRAM, 3), LONG - 2);
    assert_less(count_different(&texts, PLAIN, 3), 60);
    for (size_t rule = NGRAM; rule <= PENALISED; rule++)
        assert_less(2 * count_different(&texts, PLAIN, 1), count_different(&texts, rule, 1));
}

/* Filters, penalties, rules and states; each for several texts. */
static void vary(tombola_params *params, size_t way)
{
    switch (way % 8) {
    case 1:
        params->top_p = 0.9f;
        return;
    case 2:
        params->top_k = 20;
        params->repetition_penalty = 1.3f;
        return;
    case 3:
        params->min_p = 0.02f;
        params->dry_multiplier = 0.8f;
        return;
    case 4:
        params->mirostat = 2;
        params->mirostat_entropy = 3;
        return;
    case 5:
        params->min_tokens = 8;
        params->no_repeat_ngram = 3;
        return;
    case 6:
        params->min_p = 0.01f;
        params->adaptive_target = 0.3f;
        return;
    case 7:
        params->watermark = 2;
        return;
    default:
        return;
    }
}

static void make_many(struct texts *texts)
{
    static const char *const PROMPTS[] = {"", "the child", "some say that the sea", "nobody"};
    static const float TEMPERATURES[] = {0.3f, 0.7f, 1.0f, 1.5f};
    static int32_t ends[2];
    ends[0] = BIGRAM_END;
    ends[1] = bigram_word(".");
    *texts = (struct texts){0};
    for (size_t i = 0; i < MOST_TEXTS; i++) {
        tombola_params *params = add_text(texts, PROMPTS[i % 4], 30);
        params->temperature = TEMPERATURES[i / 4 % 4];
        texts->sequences[i].end_tokens = ends;
        texts->sequences[i].end_token_count = COUNT_OF(ends);
        vary(params, i / 8);
    }
}

static void every_text_of_a_batch_is_the_one_it_is_alone(void **state)
{
    (void)state;
    static struct texts together, start, alone;
    size_t ended = 0;
    make_many(&start);
    make_many(&together);
    write_texts(&together, 64);
    for (size_t i = 0; i < MOST_TEXTS; i++)
        ended += together.sequences[i].finish == TOMBOLA_FINISH_END_TOKEN;
    assert_in_range(ended, 10, MOST_TEXTS - 10); /* others come to the limit */
    for (size_t i = 0; i < MOST_TEXTS; i += test_level() == TEST_SMALL ? 19 : 3) {
        alone.count = 1;
        alone.sequences[0] = start.sequences[i];
        alone.params[0] = start.params[i];
        memcpy(alone.tokens[0], start.tokens[i], sizeof alone.tokens[0]);
        alone.sequences[0].tokens = alone.tokens[0];
        alone.sequences[0].params = &alone.params[0];
        write_texts(&alone, 1);
        assert_int_equal(alone.sequences[0].finish, together.sequences[i].finish);
        assert_int_equal(alone.sequences[0].length, together.sequences[i].length);
        assert_memory_equal(alone.tokens[0], together.tokens[i], alone.sequences[0].length * sizeof(int32_t));
    }
}

/* Bits of surprise that a text's words have among what mirostat 2 keeps, on average; its state goes on in binary64. */
static double surprise_of(const struct texts *texts, size_t i)
{
    const double target = (double)texts->params[i].mirostat_entropy, rate = (double)texts->params[i].mirostat_rate;
    const int32_t *tokens = texts->tokens[i];
    const size_t first = texts->starts[i], end = texts->sequences[i].length;
    double mu = 2 * target, sum = 0;
    for (size_t at = first; at < end; at++) {
        float row[BIGRAM_VOCABULARY];
        double kept = 0;
        bigram_predict(tokens, at, row);
        const double best = (double)row[most_likely(tokens, at)], least = fmin(-mu * log(2), best);
        for (size_t id = 0; id < BIGRAM_VOCABULARY; id++)
            kept += (double)row[id] >= least ? exp((double)row[id]) : 0;
        assert_real_at_most(least - 1e-4, row[tokens[at]]);
        const double surprise = (log(kept) - (double)row[tokens[at]]) / log(2);
        sum += surprise;
        mu -= rate * (surprise - target);
    }
    return sum / (double)(end - first);
}

static void a_text_has_the_surprise_that_mirostat_is_asked_for(void **state)
{
    (void)state;
    static const float ENTROPIES[] = {1, 1.5f, 2, 3};
    static struct texts texts;
    texts = (struct texts){0};
    for (size_t i = 0; i < COUNT_OF(ENTROPIES); i++) {
        tombola_params *params = add_text(&texts, "the sea", LONG);
        params->mirostat = 2;
        params->mirostat_entropy = ENTROPIES[i];
    }
    write_texts(&texts, 2);
    for (size_t i = 0; i < texts.count; i++)
        assert_near(surprise_of(&texts, i), ENTROPIES[i], 0.06);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_falls_into_a_loop),
        cmocka_unit_test(what_is_told_of_the_text_so_far_keeps_greedy_out_of_its_loop),
        cmocka_unit_test(every_text_of_a_batch_is_the_one_it_is_alone),
        cmocka_unit_test(a_text_has_the_surprise_that_mirostat_is_asked_for),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
