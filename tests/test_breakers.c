/* DRY's breakers: what is found of them is what a search of all of them finds, and it takes no longer the more there
 * are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "breakers.h"
#include "expect.h"
#include "harness.h"

enum { MOST_WORDS = 3000, MOST_LENGTH = 6, TOKENS = 4096 };

struct set {
    int32_t tokens[MOST_WORDS * MOST_LENGTH];
    size_t ends[MOST_WORDS];
    struct token_words words;
    struct breaker_slot *slots;
};

/* Words over so many letters, of which some come twice, and some begin others. */
static void make_set(struct set *set, size_t count, uint32_t letters, uint64_t *random)
{
    size_t end = 0;
    for (size_t word = 0; word < count; word++) {
        const size_t length = 1 + random_below(random, MOST_LENGTH);
        for (size_t i = 0; i < length; i++)
            set->tokens[end++] = (int32_t)random_below(random, letters) * 8192; /* which share bits of heads */
        set->ends[word] = end;
    }
    set->words = (struct token_words){set->tokens, set->ends, count / 5, count};
    set->slots = allocate(breakers_slots(&set->words) + 1, sizeof *set->slots);
}

static size_t search(const struct token_words *words, const int32_t *tokens, size_t count)
{
    size_t longest = 0;
    for (size_t word = words->first; word < words->end; word++) {
        const size_t length = word_length(words, word);
        if (length > longest && length <= count &&
            memcmp(words->tokens + word_start(words, word), tokens, length * sizeof *tokens) == 0)
            longest = length;
    }
    return longest;
}

static void the_longest_is_that_of_a_search(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 5, 40, 700, MOST_WORDS};
    static struct set set;
    static struct breakers breakers;
    uint64_t random = 5;
    size_t found = 0;
    for (size_t i = 0; i < 7 * COUNT_OF(counts); i++) {
        int32_t text[64 + MOST_LENGTH];
        make_set(&set, counts[i % 7], 2 + (uint32_t)(i / 7) * 9, &random);
        breakers_make(&breakers, &set.words, set.slots);
        for (size_t at = 0; at < COUNT_OF(text); at++)
            text[at] = (int32_t)random_below(&random, 2 + (uint32_t)(i / 7) * 9) * 8192;
        for (size_t at = 0; at < COUNT_OF(text); at++) {
            const size_t longest = search(&set.words, text + at, COUNT_OF(text) - at);
            assert_int_equal(breakers_longest(&breakers, text + at, COUNT_OF(text) - at), longest);
            found += longest > 0;
        }
        free(set.slots);
    }
    assert_less(500, found);
}

static void count_put(void *list, int32_t token, enum effect effect, float value)
{
    (void)token;
    (void)effect;
    (void)value;
    ++*(size_t *)list;
}

/* The seconds that a row with these breakers takes, the least of several tries. */
static double seconds_of(const struct token_words *words, const int32_t *history)
{
    static uint32_t repeats[TOKENS];
    static float penalties[TOKENS];
    static struct breaker_slot slots[4 * TOKENS];
    tombola_params params = tombola_params_default();
    double least = 1e9;
    params.dry_multiplier = 1.0f;
    params.dry_allowed_length = 0;
    const struct processor_input input = {.params = &params,
                                          .history = history,
                                          .length = TOKENS,
                                          .breakers = *words,
                                          .repeats = repeats,
                                          .penalties = penalties,
                                          .slots = slots};
    assert_at_most(dry_slots(&input), COUNT_OF(slots));
    for (int i = 0; i < 9; i++) {
        size_t told = 0;
        const struct processor_output output = {&told, count_put};
        const clock_t start = clock();
        dry_run(&input, &output);
        const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        least = seconds < least ? seconds : least;
        assert_int_equal(told, TOKENS - 1);
    }
    return least;
}

/* All of the history begins every breaker, and none is there: to look for one after another takes thousands of times as
 * long as to look for none. */
static void thousands_of_breakers_take_little_longer_than_one(void **state)
{
    (void)state;
    static int32_t history[TOKENS], tokens[2 * TOKENS];
    static size_t ends[TOKENS];
    for (int32_t i = 0; i < TOKENS; i++) {
        history[i] = 7;
        tokens[2 * i] = 7;
        tokens[2 * i + 1] = 8 + i;
        ends[i] = 2 * (size_t)i + 2;
    }
    const double one = seconds_of(&(struct token_words){tokens, ends, 0, 1}, history),
                 all = seconds_of(&(struct token_words){tokens, ends, 0, TOKENS}, history);
    assert_real_less(all, 100 * one + 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_is_that_of_a_search),
        cmocka_unit_test(thousands_of_breakers_take_little_longer_than_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
