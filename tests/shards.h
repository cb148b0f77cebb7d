/* Rows cut into shards in one process, whose messages come in any order. */
#ifndef SHARDS_H
#define SHARDS_H

#include "calls.h"
#include "tombola_shard.h"

enum { MOST_SHARDS = 8 };

/* What is wanted of a batch beside tokens, status, kept and boundaries. */
struct shard_wants {
    size_t rows, samples;
    size_t ids;        /* to score, of all rows */
    int is_told;       /* what is told of tokens, and scores */
    size_t candidates; /* of each row */
    size_t vocabulary; /* what there is for each token, and the kept ones; 0: not wanted */
};

enum { SHARD_OUTPUTS = 4 };

/* What a batch draws. */
struct shard_results {
    struct shard_wants wants;
    int32_t *tokens, *status;
    uint32_t *kept;
    tombola_boundary *boundary;
    float *entropies;
    uint32_t *ranks;
    float *logprobs, *raw_logprobs, *observed, *margins;
    float *scores, *raw_scores;
    int32_t *candidate_tokens;
    float *candidate_logits, *candidate_probabilities, *candidate_logprobs, *candidate_raw_logprobs;
    uint64_t *kept_ends;
    int32_t *kept_tokens;
    float *outputs[SHARD_OUTPUTS]; /* rows x vocabulary */
};
struct shard_results *shard_results_make(struct shard_wants wants);
/* And what there is for each token, and those kept: all shards together. */
int shard_results_same_outputs(const struct shard_results *a, const struct shard_results *b, size_t row);
void shard_results_release(struct shard_results *results);
tombola_results shard_results_columns(struct shard_results *results);

/* Whether both have the same bits of a row, and of all scores. */
int shard_results_same(const struct shard_results *a, const struct shard_results *b, size_t row);

/* Shards of rows, that of number i with the columns [cuts[i], cuts[i + 1]). */
struct shards {
    struct make make;
    size_t count, cuts[MOST_SHARDS + 1];
    tombola_shard *shards[MOST_SHARDS];
    tombola_shard_call call; /* what the last call took */
};

/* Cuts at random multiples of 256, so that some may be empty. on: the contexts, taken in turn */
void shards_open(struct shards *shards, tombola_context *const *on, size_t contexts, const struct make *make,
                 size_t rows, size_t count, uint64_t *random);
/* At these cuts, of which there is one more than shards. */
void shards_open_at(struct shards *shards, tombola_context *const *on, size_t contexts, const struct make *make,
                    size_t rows, const size_t *cuts, size_t count, uint64_t *random);
void shards_close(struct shards *shards);

/* Draws from whole rows in host memory. Fails the test unless all shards have the same results, which these are. */
void shards_draw(struct shards *shards, const tombola_rows *rows, struct shard_results *results, uint64_t *random);

/* The same, as results that lie in host memory ask for it: to stand in for a sampler's call. */
void shards_call(struct shards *shards, const tombola_rows *rows, const tombola_results *results, uint64_t *random);

/* Whether tests that share this context may have shards of this make: there are kernels to compile for each, which
 * compile_kernels has compiled for these. */
int shards_suit(tombola_context *on, const struct make *make);

#endif
