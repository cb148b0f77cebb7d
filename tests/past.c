#include "past.h"

#include <string.h>

/* Uses of the numbers below. */
enum {
    KIND = 100,
    LETTERS,
    LETTER,
    LENGTH,
    TOKEN,
    PERIOD,
    NOISE,
    PROMPT,
    WORD_COUNT,
    WORD_LENGTH,
    WORD_TOKEN,
    BREAKER_COUNT,
    BREAKER_LENGTH,
    BREAKER_TOKEN,
    END_COUNT,
    END,
    FORCED_COUNT,
    FORCED,
    START_COUNT,
    START,
    STOP_COUNT,
    STOP
};

static uint32_t hash(uint32_t number, uint32_t use, uint32_t id)
{
    uint32_t h = number * 0x9E3779B1u + use * 0x85EBCA77u + id;
    h = (h ^ h >> 16) * 0x7FEB352Du;
    h = (h ^ h >> 15) * 0x846CA68Bu;
    return h ^ h >> 16;
}

/* One of the few tokens of a history, chosen by `use` and `id`. */
static int32_t letter(uint32_t number, uint32_t use, uint32_t id, uint32_t vocabulary)
{
    const uint32_t letters = 2 + hash(number, LETTERS, 0) % 6;
    return (int32_t)(hash(number, LETTER, hash(number, use, id) % letters) % vocabulary);
}

static size_t length_of(uint32_t number)
{
    const uint32_t h = hash(number, LENGTH, 0);
    return number % 11 == 3 ? h % 4 : number % 13 == 5 ? 300 + h % 400 : 1 + h % 60;
}

/* Tokens at random; of a period; of a period but for some. */
static int32_t token_at(uint32_t number, uint32_t i, uint32_t vocabulary)
{
    const uint32_t kind = hash(number, KIND, 0) % 3, period = 1 + hash(number, PERIOD, 0) % 9;
    const int is_noise = kind == 0 || (kind == 2 && hash(number, NOISE, i) % 16 == 0);
    return letter(number, TOKEN, is_noise ? i + 16 : i % period, vocabulary);
}

/* Writes so many words of up to three tokens, every other one with the end of the history in it. */
static struct oracle_words make_words(uint32_t number, uint32_t count, uint32_t lengths, uint32_t use,
                                      uint32_t vocabulary, struct oracle_tokens history, int32_t *tokens, size_t *ends)
{
    size_t end = 0;
    for (uint32_t word = 0; word < count; word++) {
        const uint32_t h = hash(number, lengths, word), length = 1 + h % MOST_WORD;
        for (uint32_t i = 0; i < length; i++) {
            const size_t back = length - 1 - i + (h >> 9) % 8 * (use == BREAKER_TOKEN);
            const int is_copied = h >> 8 & 1 && i + 1 < length && back > 0 && back <= history.count;
            tokens[end++] = is_copied ? history.tokens[history.count - back]
                                      : letter(number, use, word * MOST_WORD + i, vocabulary);
        }
        ends[word] = end;
    }
    return (struct oracle_words){tokens, ends, count};
}

static struct oracle_tokens make_letters(uint32_t number, uint32_t count, uint32_t use, uint32_t vocabulary,
                                         int32_t *tokens)
{
    for (uint32_t i = 0; i < count; i++) {
        tokens[i] = letter(number, use, i, vocabulary);
    }
    return (struct oracle_tokens){tokens, count};
}

static struct oracle_tokens make_any(uint32_t number, uint32_t count, uint32_t use, uint32_t vocabulary,
                                     int32_t *tokens)
{
    for (uint32_t i = 0; i < count; i++) {
        tokens[i] = (int32_t)(hash(number, use, i) % vocabulary);
    }
    return (struct oracle_tokens){tokens, count};
}

void past_make(uint32_t number, int with_words, uint32_t vocabulary, struct past *h)
{
    struct oracle_sequences *all = &h->all;
    memset(all, 0, sizeof *all);
    if (number == 0) {
        return;
    }
    all->history = (struct oracle_tokens){h->tokens, length_of(number)};
    for (uint32_t i = 0; i < all->history.count; i++) {
        h->tokens[i] = token_at(number, i, vocabulary);
    }
    all->prompt_length = hash(number, PROMPT, 0) % (all->history.count + 1);
    if (with_words) {
        all->banned = make_words(number, 1 + hash(number, WORD_COUNT, 0) % MOST_WORDS, WORD_LENGTH, WORD_TOKEN,
                                 vocabulary, all->history, h->words, h->word_ends);
    }
    all->breakers = make_words(number, hash(number, BREAKER_COUNT, 0) % 3, BREAKER_LENGTH, BREAKER_TOKEN, vocabulary,
                               all->history, h->breakers, h->breaker_ends);
    all->end_tokens = make_any(number, hash(number, END_COUNT, 0) % 4, END, vocabulary, h->end_tokens);
    all->forced = make_any(number, hash(number, FORCED_COUNT, 0) % (MOST_FORCED + 1), FORCED, vocabulary, h->forced);
    all->thinking_start =
        make_letters(number, 1 + hash(number, START_COUNT, 0) % 2, START, vocabulary, h->thinking_start);
    all->thinking_end = make_letters(number, 1 + hash(number, STOP_COUNT, 0) % 3, STOP, vocabulary, h->thinking_end);
}

struct oracle_history past_history(const struct past *past)
{
    const struct oracle_sequences *all = &past->all;
    return (struct oracle_history){.tokens = all->history.tokens,
                                   .count = all->history.count,
                                   .prompt = all->prompt_length,
                                   .end_tokens = all->end_tokens.tokens,
                                   .end_token_count = all->end_tokens.count};
}
