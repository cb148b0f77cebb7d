/* What shards and the host tell each other of a row between rounds: a head, then words of 64 bits. What several shards
 * tell of the same row is merged word by word, so that their order is free. */
#ifndef TOMBOLA_SHARD_WORDS_H
#define TOMBOLA_SHARD_WORDS_H

#include "row.h"

#define SHARD_STATE_BYTES 1024 /* room for where a row stands between rounds */
#define SHARD_LISTED 128u      /* tokens that a filter by mass looks at first */
#define SHARD_LISTED_MOST 512u /* and that it looks at before it makes histograms */
#define SHARD_WIDE 256         /* bins of a histogram */

/* What is told in a round: KIND(NAME, words that add up, words of which the largest counts, words of which the least
 * does). Behind these come pairs, of which the least counts, the first word before the second; then a list that
 * ascends, of which the first ones of all lists count.
 *
 * NOTHING   the row is done
 * STATE     maximum: how the row is (row_state), of its columns here; a list where top-k comes first
 * START     the same, and what RACE has, where the row is drawn from as a whole
 * MASSES    as STATE, where top-p comes first. sum: tokens that are STORED; maximum: the key from which on these are
 *           all; behind it what the columns weigh, as struct shard_masses has it; a list
 * RACE      sum: tokens kept; least: the last of these, upside down; a pair for each sample: when it arrives, and
 *           which; where margins are wanted, in place of a list two words for each: when the second block arrives,
 *           and bits of how clearly its own token was the first of the block
 * MEASURES  sums: MEASURE_...; a list where a filter by mass has use for the first tokens
 * LIST      the first tokens of a window
 * STORED    maximum: a key; a list of the first tokens of the row, of which those from this key on count
 * BINS      sums: a histogram
 * EDGES     sums: a histogram; for each two of its bins the largest key in them, and the least
 * PARTITION sums: the mass of the window, the cost of what ranks above the bins; and what EDGES has
 * WEIGHED   a list of the first tokens of a window, each with what it costs
 * END       sum: tokens of a window; least: the last one upside down
 * FIRST     least: the first token of a window
 * COUNT     sum: tokens of a window
 * CLIFF     of bins: numbers of tokens, largest and least keys
 * KEPT      what RACE has of the tokens kept
 * EXTENDED  sum: extended weights of a window
 * TOLD      largest: bits of the entropy; in place of a list words that add up, three for each sample: its rank, the
 *           bits of its log-probabilities, before adaptive-p above and after it below, and of its margin; and one for
 *           each id to score
 * RAW       likewise a word for each sample and each id to score: the bits of its log-probability in the row as given
 * ROW       sum: extended weights of all tokens of the row before its filters; a list of the first of them
 *           and behind these a word for each: its key in the row as given, and the bits of its value
 */
#define SHARD_KINDS(KIND)                                                                                              \
    KIND(NOTHING, 0, 0, 0)                                                                                             \
    KIND(STATE, 0, 1, 0)                                                                                               \
    KIND(START, 1, 1, 1)                                                                                               \
    KIND(MASSES, 1, 2, 0)                                                                                              \
    KIND(RACE, 1, 0, 1)                                                                                                \
    KIND(MEASURES, MEASURES, 0, 0)                                                                                     \
    KIND(LIST, 0, 0, 0)                                                                                                \
    KIND(STORED, 0, 1, 0)                                                                                              \
    KIND(BINS, SHARD_WIDE, 0, 0)                                                                                       \
    KIND(EDGES, SHARD_WIDE, SHARD_WIDE / 2, SHARD_WIDE / 2)                                                            \
    KIND(PARTITION, 2 + SHARD_WIDE, SHARD_WIDE / 2, SHARD_WIDE / 2)                                                    \
    KIND(WEIGHED, 0, 0, 0)                                                                                             \
    KIND(END, 1, 0, 1)                                                                                                 \
    KIND(FIRST, 0, 0, 1)                                                                                               \
    KIND(COUNT, 1, 0, 0)                                                                                               \
    KIND(CLIFF, SHARD_WIDE, SHARD_WIDE, SHARD_WIDE)                                                                    \
    KIND(KEPT, 1, 0, 1)                                                                                                \
    KIND(EXTENDED, 1, 0, 0)                                                                                            \
    KIND(TOLD, 0, 1, 0)                                                                                                \
    KIND(RAW, 0, 0, 0)                                                                                                 \
    KIND(ROW, 1, 0, 0)

/* Words of STATE, START and RACE, and of what a window's tokens come to. */
enum { STATE_STATE, STATE_LIST };
enum { MASSES_NUMBER, MASSES_STATE, MASSES_DOWN_TO, MASSES_ORDER, MASSES_LOW, MASSES_HIGH, MASSES_LIST };
enum { STORED_DOWN_TO, STORED_LIST };
enum { DRAWN_KEPT };
enum { START_STATE = 1, START_LAST, START_DRAWS };
enum { RACE_LAST = 1, RACE_DRAWS };
enum { MEASURE_MASS, MEASURE_COUNT, MEASURE_MOMENTS, MEASURE_SQUARES = MEASURE_MOMENTS + 5, MEASURE_DEPTH, MEASURES };
enum { EDGES_HIGHEST = SHARD_WIDE, EDGES_LEAST = EDGES_HIGHEST + SHARD_WIDE / 2 };
enum { PARTITION_MASS, PARTITION_ABOVE, PARTITION_BINS };
enum { END_NUMBER, END_LAST };
enum { TOLD_ENTROPY, TOLD_SAMPLES };

#define SHARD_KIND_NUMBER(NAME, sums, highest, least) SHARD_##NAME,
enum { SHARD_KINDS(SHARD_KIND_NUMBER) SHARD_KINDS_COUNT };

/* What columns weigh, to within a doubt: a mass from `low` to `high` at the scale of their largest token, whose order
 * of two is order - SHARD_ORDERS. Told as three words, which are brought to the same scale and added up. */
#define SHARD_ORDERS 0x400000
#define SHARD_NO_ORDER (~(u64)0) /* it is not known */
#define SHARD_MASSES_WORDS 3u
struct shard_masses {
    u64 order, low, high;
};

/* The head: the kind, whether the row is drawn when this is merged, pairs, and words of the list. */
#define SHARD_LAST 0x100u
static inline u64 shard_head(u32 kind, u32 is_last, u32 pairs, u32 list)
{
    return kind | (is_last ? SHARD_LAST : 0u) | pairs << 16 | (u64)list << 32;
}

struct shard_form {
    u32 kind, is_last, sums, highest, least, pairs, list;
};
static inline struct shard_form shard_form_of(u64 head)
{
#define SHARD_KIND_FORM(NAME, sums_, highest_, least_)                                                                 \
    case SHARD_##NAME:                                                                                                 \
        f.sums = sums_, f.highest = highest_, f.least = least_;                                                        \
        break;
    struct shard_form f = {(u32)head & 0xFFu, ((u32)head & SHARD_LAST) != 0, 0, 0, 0, (u32)head >> 16,
                           (u32)(head >> 32)};
    switch (f.kind) {
        SHARD_KINDS(SHARD_KIND_FORM)
    default:
        break;
    }
    return f;
}

/* Words behind the head, and those before the list. */
static inline u32 shard_list_begin(struct shard_form f)
{
    return f.sums + f.highest + f.least + (f.kind == SHARD_MASSES ? SHARD_MASSES_WORDS : 0u) + 2 * f.pairs;
}
static inline u32 shard_words(struct shard_form f)
{
    return shard_list_begin(f) + f.list;
}

/* How a row is, so that the largest of all shards is that of the row: the status, then the largest key. */
static inline u64 row_state(int status, u32 top)
{
    return (u64)(status == ROW_INVALID ? 2 : status == ROW_OK ? 1 : 0) << 32 | top;
}
static inline int status_of_state(u64 state)
{
    return state >> 32 == 2 ? ROW_INVALID : state >> 32 == 1 ? ROW_OK : ROW_EMPTY;
}

/* Whether the list's second half goes with its first. */
static inline int shard_list_has_more(struct shard_form f)
{
    return f.kind == SHARD_ROW || f.kind == SHARD_WEIGHED;
}

/* Whether the list's words add up. */
static inline int shard_list_adds(struct shard_form f)
{
    return f.kind == SHARD_TOLD || f.kind == SHARD_RAW;
}

/* Whether they tell of margins. */
static inline int shard_has_margins(struct shard_form f)
{
    return f.kind == SHARD_RACE || f.kind == SHARD_START;
}

/* Whether the first words of all lists count, in order. */
static inline int shard_list_ascends(struct shard_form f)
{
    return f.list > 0 && !shard_list_adds(f) && !shard_has_margins(f);
}
#define TOLD_EACH 3u /* words of a sample */

/* The second word of a pair: of equal arrivals the lower id wins. */
static inline u64 pair_of(u32 id, u32 key)
{
    return (u64)id << 32 | key;
}

/* A token as a number that sorts in rank order. */
static inline u64 rank_number(u32 key, u32 id)
{
    return (u64)~key << 32 | id;
}

#endif
