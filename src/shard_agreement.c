#include "shard_agreement.h"

#include "params.h"
#include "words_hash.h"

#include <stdio.h>
#include <string.h>

/* What rows and the call are told of by: a head has a byte for each. Parameters come behind the lists that some of them
 * are made from. */
#define KINDS_OF(KIND)                                                                                                 \
    KIND(RESULTS, "samples or results")                                                                                \
    KIND(THINKING, "tokens of thinking")                                                                               \
    KIND(HISTORIES, "histories")                                                                                       \
    KIND(BIASES, "biases")                                                                                             \
    KIND(END_TOKENS, "end tokens")                                                                                     \
    KIND(SEQUENCES, "words, breakers or forced tokens")                                                                \
    KIND(SCORES, "ids to score")                                                                                       \
    KIND(PARAMETERS, "parameters")
#define KIND_NUMBER(KIND, name) KIND,
#define KIND_NAME(KIND, name) name,
enum { KINDS_OF(KIND_NUMBER) KINDS, FIRST_OF_ROW = HISTORIES };
static const char *const names[KINDS] = {KINDS_OF(KIND_NAME)};

/* ---------------------------------------------------------------- of a row */

/* A row's part of what lies one row after another; ends NULL: none. */
struct stretch {
    size_t first, count;
};
static struct stretch stretch_of(const size_t *ends, size_t row)
{
    const size_t first = ends && row ? ends[row - 1] : 0;
    return (struct stretch){first, ends ? ends[row] - first : 0};
}

static u64 hash_of_tokens(const int32_t *tokens, const size_t *ends, size_t row)
{
    const struct stretch s = stretch_of(ends, row);
    return s.count ? words_hash(tokens + s.first, s.count) : 0;
}

/* As kernels take them, and what adjustments are made by. */
static u64 hash_of_params(const struct row_params *own, const tombola_params *given)
{
    struct row_params p;
    u32 penalties[(offsetof(tombola_params, typical_p) - offsetof(tombola_params, repetition_penalty)) / sizeof(u32)];
    memcpy(&p, own, sizeof p); /* with what lies between members, which is 0 */
    p.begin = 0;
    p.flags &= ~ROW_FORCED; /* which sequences tell */
    p.mask = p.adjust_first = p.adjust_end = p.score_first = p.score_end = 0;
    memcpy(penalties, &given->repetition_penalty, sizeof penalties);
    return hash_add(words_hash(&p, sizeof p / sizeof(u32)), words_hash(penalties, sizeof penalties / sizeof(u32)));
}

/* Biases and end tokens come in any order. */
static u64 hash_of_biases(const tombola_rows *rows, size_t row)
{
    const struct stretch s = stretch_of(rows->bias_ends, row);
    u64 sum = s.count;
    for (size_t i = 0; i < s.count; i++) {
        u64 bits;
        memcpy(&bits, &rows->biases[s.first + i], sizeof bits);
        sum += hash_mix(bits);
    }
    return sum;
}

static u64 hash_of_end_tokens(const tombola_rows *rows, size_t row)
{
    const struct stretch s = stretch_of(rows->end_token_ends, row);
    u64 sum = s.count;
    for (size_t i = 0; i < s.count; i++)
        sum += hash_mix((u32)rows->end_tokens[s.first + i]);
    return sum;
}

static u64 hash_of_history(const tombola_rows *rows, size_t row)
{
    const u64 tokens = hash_of_tokens(rows->history, rows->history_ends, row);
    return hash_add(tokens, rows->prompt_lengths ? rows->prompt_lengths[row] : 0);
}

/* Of words: how long each is, and their tokens. */
static u64 hash_of_words(const int32_t *words, const size_t *word_ends, const size_t *row_ends, size_t row)
{
    const struct stretch all = stretch_of(row_ends, row);
    u64 hash = all.count;
    for (size_t i = all.first; i < all.first + all.count; i++)
        hash = hash_add(hash, hash_of_tokens(words, word_ends, i) + stretch_of(word_ends, i).count);
    return hash;
}

static u64 hash_of_sequences(const tombola_rows *rows, size_t row)
{
    u64 hash = hash_of_words(rows->words, rows->word_ends, rows->banned_ends, row);
    hash = hash_add(hash, hash_of_words(rows->breakers, rows->breaker_ends, rows->breaker_row_ends, row));
    return hash_add(hash, hash_of_tokens(rows->forced, rows->forced_ends, row));
}

/* The words that tell of the vocabulary, of the last one those bits that do. */
static u64 hash_of_mask(const tombola_rows *rows, size_t mask, size_t vocabulary)
{
    const uint32_t *words = rows->masks.host + mask * rows->mask_stride;
    const size_t whole = vocabulary / 32;
    const u32 last = vocabulary % 32 ? words[whole] & ((1u << vocabulary % 32) - 1) : 0;
    return hash_add(words_hash(words, whole), last);
}

/* ----------------------------------------------------------------- of a call */

static u64 hash_of_thinking(const tombola_rows *rows)
{
    return hash_add(words_hash(rows->thinking_start, rows->thinking_start_count),
                    words_hash(rows->thinking_end, rows->thinking_end_count));
}

static u64 hash_of_masks(const struct batch *b)
{
    const tombola_rows *rows = &b->rows;
    u64 hash = 1, last = 0;
    size_t hashed = SIZE_MAX; /* rows side by side may have the same one */
    for (size_t row = 0; rows->masks.host && row < rows->count; row++) {
        const size_t mask = rows->mask_of_row ? (size_t)rows->mask_of_row[row] : row;
        const int has_one = !rows->mask_of_row || rows->mask_of_row[row] >= 0;
        if (has_one && mask != hashed) {
            last = hash_of_mask(rows, mask, b->engine->plan.vocabulary);
            hashed = mask;
        }
        hash = hash_add(hash, has_one ? last : 0);
    }
    return rows->masks.buffer ? 0 : hash | 1;
}

/* Sums of rows' numbers modulo a prime, plain and times the row's place: where two shards' sums differ by d and by
 * d * place, that row alone differs. */
#define PRIME 0x7FFFFFFFu

static u64 sums_with(u64 sums, u64 hash, size_t place)
{
    const u64 own = hash % PRIME;
    const u64 plain = ((u32)sums + own) % PRIME, placed = ((sums >> 32) + own * (place % PRIME)) % PRIME;
    return placed << 32 | plain;
}

/* The place, from 1 on; 0: another number than one differ. */
static size_t place_of(u64 sums, u64 other, size_t rows)
{
    const u64 plain = ((u32)sums + PRIME - (u32)other) % PRIME;
    const u64 placed = ((sums >> 32) + PRIME - (other >> 32)) % PRIME;
    for (size_t place = 1; plain && place <= rows; place++)
        if (plain * place % PRIME == placed)
            return place;
    return 0;
}

void shard_agreement_tell(const struct batch *b, u64 wanted, tombola_shard_head *head)
{
    const tombola_rows *rows = &b->rows;
    u64 kinds[KINDS] = {[THINKING] = hash_of_thinking(rows), [RESULTS] = hash_add(wanted, b->counts.samples)};
    head->agreed = hash_add(kinds[THINKING], kinds[RESULTS]);
    head->places = 0;
    for (size_t row = 0; row < rows->count; row++) {
        const tombola_params given = params_of_row(rows->params, row);
        const u64 own[KINDS] = {
            [PARAMETERS] = hash_of_params(&b->host_params[row], &given),
            [BIASES] = hash_of_biases(rows, row),
            [HISTORIES] = hash_of_history(rows, row),
            [END_TOKENS] = hash_of_end_tokens(rows, row),
            [SEQUENCES] = hash_of_sequences(rows, row),
            [SCORES] = hash_of_tokens(rows->score_tokens, rows->score_ends, row),
        };
        u64 hash = 0;
        for (int kind = FIRST_OF_ROW; kind < KINDS; kind++) {
            kinds[kind] = hash_add(kinds[kind], own[kind]);
            hash = hash_add(hash, own[kind]);
        }
        head->agreed = hash_add(head->agreed, hash);
        head->places = sums_with(head->places, hash, row + 1);
    }
    head->kinds = 0;
    for (int kind = 0; kind < KINDS; kind++)
        head->kinds |= (kinds[kind] & 0xFF) << 8 * kind;
    head->masks = hash_of_masks(b);
}

int shard_agreement_same(const tombola_shard_head *one, const tombola_shard_head *other, char *text, size_t size)
{
    const u64 kinds = one->kinds ^ other->kinds;
    const size_t place = place_of(one->places, other->places, one->rows);
    int kind = 0;
    while (kind < KINDS && !(kinds >> 8 * kind & 0xFF))
        kind++;
    const char *name = kind < KINDS ? names[kind] : "parameters or lists"; /* a byte of each may well be the same */
    if (place && kind >= FIRST_OF_ROW)
        snprintf(text, size, "has other %s in row %zu", name, place - 1);
    else
        snprintf(text, size, "has other %s", name);
    return one->agreed == other->agreed;
}

int shard_agreement_same_masks(const tombola_shard_head *one, const tombola_shard_head *other)
{
    return one->masks == 0 || other->masks == 0 || one->masks == other->masks;
}
