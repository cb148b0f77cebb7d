/* What host and kernels hand each other. Sizes and offsets are the same on both sides:
 * the widest members come first. */
#ifndef TOMBOLA_ROW_H
#define TOMBOLA_ROW_H

#include "portable.h"

#define BLOCK 256u      /* consecutive token ids that are weighed together */
#define MAX_TOP_K 1024u /* candidates that the top_k kernel returns */
#define MAX_FILTERS 16  /* that a row may ask for */
#define MAX_SAMPLES 128 /* tokens drawn from a row, each from a stream of its own */

/* What a filter needs to know of what the filters before it have left. */
#define NEED_MASS 1u      /* what its tokens weigh */
#define NEED_MOMENTS 2u   /* how far its logits spread */
#define NEED_COLLISION 4u /* the sum of its squared shares */
#define NEED_ENTROPY 16u  /* the entropy of what they weigh, and with it what they weigh */
#define NEED_SCALE 32u    /* nothing of them all, but it weighs some itself */
#define NEED_WEIGHTS (NEED_MASS | NEED_ENTROPY | NEED_SCALE)

/* Filters, as row_params.filters has them: FILTER(NAME, its file filters/name.clh, number, NEED_...).
 * FILTER_TEMPERATURE keeps all: what stands behind it weighs with the row's temperature, and what stands before it with
 * temperature 1. */
#define FILTERS(FILTER)                                                                                                \
    FILTER(TEMPERATURE, temperature, 1, 0)                                                                             \
    FILTER(TOP_K, top_k, 2, 0)                                                                                         \
    FILTER(TOP_P, top_p, 3, NEED_MASS)                                                                                 \
    FILTER(MIN_P, min_p, 4, 0)                                                                                         \
    FILTER(TOP_N_SIGMA, top_n_sigma, 5, NEED_MOMENTS)                                                                  \
    FILTER(XTC, xtc, 6, NEED_MASS)                                                                                     \
    FILTER(EPSILON, epsilon, 7, NEED_MASS)                                                                             \
    FILTER(ETA, eta, 8, NEED_ENTROPY)                                                                                  \
    FILTER(TOP_A, top_a, 9, NEED_MASS)                                                                                 \
    FILTER(TYPICAL_P, typical_p, 10, NEED_ENTROPY)                                                                     \
    FILTER(TOP_H, top_h, 11, NEED_SCALE)                                                                               \
    FILTER(P_LESS, p_less, 12, NEED_MASS | NEED_COLLISION)                                                             \
    FILTER(MIN_K, min_k, 13, 0)                                                                                        \
    FILTER(MIROSTAT, mirostat, 14, NEED_MASS)
#define FILTER_NUMBER(NAME, name, number, needs) FILTER_##NAME = number,
enum { FILTERS(FILTER_NUMBER) FILTER_END = 0 };

static inline u32 filter_needs(u32 filter)
{
#define FILTER_NEEDS(NAME, name, number, needs)                                                                        \
    case FILTER_##NAME:                                                                                                \
        return needs;
    switch (filter) {
        FILTERS(FILTER_NEEDS)
    default:
        return 0;
    }
}

/* A row's parameters, as the kernels want them. */
struct row_params {
    u64 begin; /* the element of the logits' buffer with which the row begins */
    u64 seed;
    u64 offset;
    u64 top_p;       /* top-p in units of 2^-32; TOP_P_ALL and more: off */
    u64 typical_p;   /* typical-p in the same units; any number is in force */
    u64 top_h;       /* top-H in the same units; the same */
    float scale;     /* log2(e) / temperature */
    float unscale;   /* 1 / scale, for bounds alone */
    float min_p_gap; /* min-p: how far below the largest logit a token may lie, at most 0; of standing.heat */
    u32 top_k;       /* 0, or the vocabulary size and more: off */
    u32 stream;
    u32 flags;
    u32 mask;         /* which of the batch's masks; or NO_MASK */
    u32 adjust_first; /* of the batch's adjustments the row's, [adjust_first, adjust_end), by ascending block */
    u32 adjust_end;
    unsigned char filters[MAX_FILTERS]; /* those in force, in the row's order; FILTER_END behind the last.
                                           FILTER_TEMPERATURE is there only behind
                                           one that needs weights */
    float sigmas;                       /* top-n-sigma: how many, at least 2^-60 */
    float xtc_threshold;    /* xtc: the share of a top choice, lowered by 2^-17 of it; 0, or 2^-101 and more */
    float temperature;      /* the row's temperature, at most 2^90 */
    float epsilon;          /* a share, at least 2^-81 */
    float top_a;            /* at least 2^-81 */
    u32 p_less;             /* as params.p_less */
    u32 min_keep;           /* 0 and 1: off */
    float min_k;            /* the least number of tokens, times the range of the logits */
    float eta;              /* eta: the share, at least 2^-81, */
    float eta_root;         /* and its square root; both lowered by 2^-17 */
    float coolest, hottest; /* dynamic temperature: its ends; hottest 0: it is not dynamic */
    float heat_exponent;
    float repeated_above; /* of repeated tokens, what a logit above 0 is multiplied by */
    float repeated_below; /* and any other */
    u32 score_first;      /* of the batch's ids to score the row's, [score_first, score_end) */
    u32 score_end;
    u32 others[MAX_SAMPLES / 32];             /* bits of the samples that go by these filters in place of `filters`; */
    unsigned char other_filters[MAX_FILTERS]; /* bit 0, of the row's own stream, is never set */
    u32 mirostat;                             /* as params.mirostat */
    float mirostat_bound;                     /* 1: the surprise; 2: a share, at least 2^-81, lowered by 2^-17 of it */
    float adapted_target;                     /* adaptive-p's, 0 to 1 */
    u32 reserved;
};

#define NO_MASK 0xFFFFFFFFu

/* A step in what becomes of a token's logit. A row's steps ascend by block; those of a token come one after another, in
 * the order of their kinds. */
struct adjustment {
    u32 place;   /* token << ADJUST_BITS | kind */
    float value; /* finite */
};
#define ADJUST_BITS 3
#define ADJUST_KINDS ((1u << ADJUST_BITS) - 1)
enum {
    ADJUST_BIAS,       /* subtract the value, which is the bias with its sign turned */
    ADJUST_REPETITION, /* multiply by one of the row's factors; then subtract the value */
    ADJUST_PENALTY,    /* subtract the value */
    ADJUST_DRY,        /* subtract the value */
    ADJUST_GROWTH,     /* add the value times its magnitude */
    ADJUST_BAN,        /* make it -inf; a probability: 0 */
    ADJUST_FORCE       /* make it 0; a probability: 1 */
};

/* The last token kept, in rank order. */
struct boundary {
    float logit;
    int token;
};

#define TOP_P_ALL ((u64)1 << 32)
#define ROW_GREEDY 1u
#define ROW_INVERSE_CDF 4u /* draw by inverse CDF; else by race */
#define ROW_ONE_STREAM 16u /* it has a watermark: all samples draw from the same stream */
#define ROW_ADAPTIVE 32u   /* it is reshaped by adaptive-p */
#define ROW_FORCED 8u      /* masked by the mask without bits that the batch's adjustments begin with */

#define ROW_OK 0
#define ROW_INVALID 1
#define ROW_EMPTY 2

/* The law of some tokens: how their logits become probabilities among them (normalise.clh). */
struct law {
    float scale, top, whole; /* how logits become exponents */
    float inverse, logarithm;
    u32 is_there; /* else the law is not wanted, or the tokens hold what is not allowed */
};

/* What the sample kernel has found of a row, for the kernels behind it to tell of any token. */
struct finding {
    u32 status;                                 /* a ROW_... */
    u32 number;                                 /* of tokens in the window */
    u32 is_greedy;                              /* the window is the token drawn, and has no law */
    u32 first_key, first_id, last_key, last_id; /* the window that the filters have left */
    struct law kept;                            /* of the window's tokens */
    struct law given;                           /* of all in the row as given, at temperature 1 */
    struct law before;                          /* of the window's tokens before adaptive-p */
    float adapted_target;
    u32 is_adaptive;
    u32 reserved;
};

/* The columns of the sample kernel: COLUMN(NAME, its field of tombola_results, type of an element, what it has an
 * element for). */
#define SAMPLE_COLUMNS_OF(COLUMN)                                                                                      \
    COLUMN(TOKENS, tokens, s32, SAMPLES)                                                                               \
    COLUMN(KEPT, kept, u32, ROWS)                                                                                      \
    COLUMN(BOUNDARY, boundary, struct boundary, ROWS)                                                                  \
    COLUMN(LOGPROBS, logprobs, float, SAMPLES)                                                                         \
    COLUMN(RAW_LOGPROBS, raw_logprobs, float, SAMPLES)                                                                 \
    COLUMN(RANKS, ranks, u32, SAMPLES)                                                                                 \
    COLUMN(MARGINS, margins, float, SAMPLES)                                                                           \
    COLUMN(ENTROPIES, entropies, float, ROWS)                                                                          \
    COLUMN(OBSERVED, observed, float, SAMPLES)
#define SAMPLE_COLUMN_NUMBER(NAME, field, type, entries) SAMPLE_##NAME,

/* What findings have, in bits behind those of the columns. */
#define FIND_WINDOW (1u << SAMPLE_COLUMNS)
#define FIND_SHARES (2u << SAMPLE_COLUMNS) /* what the window's tokens come to */
#define FIND_RAW (4u << SAMPLE_COLUMNS)    /* what all tokens do in the row as given */
#define FIND_NUMBER (8u << SAMPLE_COLUMNS) /* how many tokens the window has */
/* What shards find besides. */
#define FIND_ROW (16u << SAMPLE_COLUMNS)        /* what all tokens come to at the row's temperature */
#define FIND_CANDIDATES (32u << SAMPLE_COLUMNS) /* its first tokens */

/* Those of the report kernel, likewise. */
#define REPORT_COLUMNS_OF(COLUMN)                                                                                      \
    COLUMN(SCORES, scores, float, SCORES)                                                                              \
    COLUMN(RAW_SCORES, raw_scores, float, SCORES)                                                                      \
    COLUMN(KEPT_ENDS, kept_ends, u64, ROWS)                                                                            \
    COLUMN(KEPT_TOKENS, kept_tokens, s32, KEPT)
#define REPORT_COLUMN_NUMBER(NAME, field, type, entries) REPORT_##NAME,

/* Which of its own columns a kernel has where; behind them, what the kernels hand each other. */
enum { SAMPLE_COLUMNS_OF(SAMPLE_COLUMN_NUMBER) SAMPLE_COLUMNS, SAMPLE_FINDINGS = SAMPLE_COLUMNS, SAMPLE_ARGUMENTS };
enum {
    REPORT_COLUMNS_OF(REPORT_COLUMN_NUMBER) REPORT_COLUMNS,
    REPORT_KEPT_PROBABILITIES = REPORT_COLUMNS, /* of all tokens of each row */
    REPORT_PROCESSED_LOGITS,                    /* likewise */
    REPORT_FINDINGS,
    REPORT_SCORE_TOKENS,
    REPORT_ARGUMENTS
};
enum { SOFTMAX_PROBABILITIES, SOFTMAX_COLUMNS };
enum {
    TOP_K_TOKENS,
    TOP_K_LOGITS,
    TOP_K_PROBABILITIES,
    TOP_K_LOGPROBS,
    TOP_K_RAW_LOGPROBS,
    TOP_K_COLUMNS,
    TOP_K_FINDINGS = TOP_K_COLUMNS,
    TOP_K_ARGUMENTS
};

enum { SHARD_QUESTS, SHARD_ANSWERS, SHARD_MESSAGES, SHARD_SCORE_TOKENS, SHARD_ARGUMENTS };
enum { SHARD_LAST_QUESTS, SHARD_LAST_ANSWERS, SHARD_LAST_MESSAGES, SHARD_LAST_FINDINGS, SHARD_LAST_ARGUMENTS };

/* Arguments of its own that a kernel has at most. */
enum { MAX_COLUMNS = (int)SAMPLE_ARGUMENTS > (int)REPORT_ARGUMENTS ? (int)SAMPLE_ARGUMENTS : (int)REPORT_ARGUMENTS };

/* What the work-groups of a launch have in common; handed to a kernel by value. A launch covers rows that lie side by
 * side in the batch; columns begin with the first of them. */
struct launch {
    u64 status; /* where each column begins in its buffer, in elements */
    u64 columns[MAX_COLUMNS];
    u64 masks;     /* where they begin in their buffer, in words */
    u64 stride;    /* elements from row to row of the kernel's own columns */
    u64 kept_room; /* report: elements that there are for the kept tokens of all rows together */
    u32 first_row; /* in the batch */
    u32 vocabulary;
    u32 groups;      /* work-groups for each row */
    u32 phases;      /* PHASE_..., one or more */
    u32 logarithms;  /* softmax: of the probabilities */
    u32 mask_stride; /* words from mask to mask */
    u32 finds;       /* sample: what findings are to have, FIND_... */
    u32 samples;     /* sample: of each row */
    u32 first_block; /* shard: with which its columns begin */
    u32 whole;       /* shard: the vocabulary of the whole row */
    u32 candidates;  /* shard: of each row */
    u32 reserved;
};

/* The arguments of every kernel, by number: those that all have, then the columns of its own. A column that is NULL is
 * not wanted. */
enum {
    ARGUMENT_LOGITS,
    ARGUMENT_PARAMS,
    ARGUMENT_MASKS,       /* may be NULL */
    ARGUMENT_ADJUSTMENTS, /* may be NULL */
    ARGUMENT_MAXIMA,
    ARGUMENT_FACTS,
    ARGUMENT_LAUNCH,
    ARGUMENT_STATUS,
    ARGUMENT_COLUMNS
};

/* Which part of its work a launch of a kernel does. A row per work-group does all of it in
 * one launch; a row over many work-groups takes a launch for each part. */
#define PHASE_WEIGH 1u  /* block maxima and sums, over the groups that share the row */
#define PHASE_FINISH 2u /* the rest */

#endif
