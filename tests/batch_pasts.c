#include "batch_pasts.h"

#include <stdlib.h>
#include <string.h>

#include "harness.h"

/* Lists one after another. */
struct joined {
    int32_t *tokens;
    size_t *ends;
};

struct joined_words {
    struct joined words;
    size_t *row_ends;
};

struct batch_pasts {
    struct joined history, end_tokens, forced;
    struct joined_words banned, breakers;
    size_t *prompt_lengths;
    struct oracle_tokens start, end; /* the pasts' */
};

static struct joined make_joined(size_t tokens, size_t ends)
{
    return (struct joined){allocate(tokens + 1, sizeof(int32_t)), allocate(ends + 1, sizeof(size_t))};
}

static void append(struct joined *to, size_t list, struct oracle_tokens from)
{
    const size_t first = list ? to->ends[list - 1] : 0;
    if (from.count) {
        memcpy(to->tokens + first, from.tokens, from.count * sizeof *from.tokens);
    }
    to->ends[list] = first + from.count;
}

static void append_words(struct joined_words *to, size_t row, const struct oracle_words *from)
{
    size_t word = row ? to->row_ends[row - 1] : 0;
    for (size_t i = 0; i < from->count; i++) {
        const size_t first = i ? from->ends[i - 1] : 0;
        append(&to->words, word++, (struct oracle_tokens){from->tokens + first, from->ends[i] - first});
    }
    to->row_ends[row] = word;
}

static struct joined_words make_words(size_t count)
{
    return (struct joined_words){make_joined(count * MOST_WORDS * MOST_WORD, count * MOST_WORDS),
                                 allocate(count, sizeof(size_t))};
}

struct batch_pasts *batch_pasts_make(struct past *pasts, size_t count)
{
    struct batch_pasts *b = allocate(1, sizeof *b);
    b->history = make_joined(count * MOST_HISTORY, count);
    b->end_tokens = make_joined(count * 3, count);
    b->forced = make_joined(count * MOST_FORCED, count);
    b->banned = make_words(count);
    b->breakers = make_words(count);
    b->prompt_lengths = allocate(count, sizeof *b->prompt_lengths);
    b->start = pasts[0].all.thinking_start;
    b->end = pasts[0].all.thinking_end;
    for (size_t row = 0; row < count; row++) {
        struct oracle_sequences *s = &pasts[row].all;
        append(&b->history, row, s->history);
        append(&b->end_tokens, row, s->end_tokens);
        append(&b->forced, row, s->forced);
        append_words(&b->banned, row, &s->banned);
        append_words(&b->breakers, row, &s->breakers);
        b->prompt_lengths[row] = s->prompt_length;
        s->thinking_start = b->start;
        s->thinking_end = b->end;
    }
    return b;
}

static void release_joined(struct joined *joined)
{
    free(joined->tokens);
    free(joined->ends);
}

void batch_pasts_release(struct batch_pasts *b)
{
    release_joined(&b->history);
    release_joined(&b->end_tokens);
    release_joined(&b->forced);
    release_joined(&b->banned.words);
    release_joined(&b->breakers.words);
    free(b->banned.row_ends);
    free(b->breakers.row_ends);
    free(b->prompt_lengths);
    free(b);
}

void batch_pasts_apply(const struct batch_pasts *b, tombola_rows *rows)
{
    rows->history = b->history.tokens;
    rows->history_ends = b->history.ends;
    rows->prompt_lengths = b->prompt_lengths;
    rows->end_tokens = b->end_tokens.tokens;
    rows->end_token_ends = b->end_tokens.ends;
    rows->words = b->banned.words.tokens;
    rows->word_ends = b->banned.words.ends;
    rows->banned_ends = b->banned.row_ends;
    rows->breakers = b->breakers.words.tokens;
    rows->breaker_ends = b->breakers.words.ends;
    rows->breaker_row_ends = b->breakers.row_ends;
    rows->forced = b->forced.tokens;
    rows->forced_ends = b->forced.ends;
    rows->thinking_start = b->start.tokens;
    rows->thinking_start_count = b->start.count;
    rows->thinking_end = b->end.tokens;
    rows->thinking_end_count = b->end.count;
}
