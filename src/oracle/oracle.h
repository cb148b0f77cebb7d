/* The contract in plain sequential C: a sort, loops, and 128-bit integers. It shares the
 * weight function, the logarithm, the arithmetic of a runner's time and Philox with the kernels,
 * and none of what decides which tokens are kept or drawn. The tests' yardstick, and the benchmark's
 * before it times anything. Ends the program where memory runs out. */
#ifndef ORACLE_H
#define ORACLE_H

#include <stddef.h>
#include <stdint.h>

#include "draw.h"
#include "oracle_sequences.h"
#include "tombola.h"

/* One row, checked and sorted once. The weights of temperature 1 and of the last other one asked for are
 * kept, so ask by temperature where many draws are wanted. */
struct oracle_row;

/* A row's tokens so far, prompt first. */
struct oracle_history {
    const int32_t *tokens;
    size_t count, prompt;
    const int32_t *end_tokens;
    size_t end_token_count;
};

struct oracle_input {
    const float *values; /* logits or probabilities, widened to binary32 */
    uint32_t vocabulary;
    tombola_input kind;
    const uint32_t *mask; /* bit i % 32 of word i / 32 is set where token i may be drawn; NULL: all may */
    const tombola_bias *biases;
    size_t bias_count; /* at most one for each token; none where kind is TOMBOLA_PROBABILITIES */
    struct oracle_history history;
    const tombola_params
        *params; /* of whoever draws, for what penalties and the like make of the history; NULL: none */
    const struct oracle_sequences *sequences; /* NULL: none */
};

/* The input is copied. */
struct oracle_row *oracle_row_create_from(const struct oracle_input *input);
/* Of a row without mask and biases. */
struct oracle_row *oracle_row_create(const float *values, uint32_t vocabulary, tombola_input input);
void oracle_row_release(struct oracle_row *row);

/* The ids in rank order; -inf (probability 0) comes last. Not for invalid rows. */
const uint32_t *oracle_row_order(const struct oracle_row *row);

/* The effective logits, which are drawn from: subnormals made 0, probabilities made logarithms, mask and biases
 * applied. */
const float *oracle_row_logits(const struct oracle_row *row);

struct draw oracle_draw(struct oracle_row *row, const tombola_params *params);

/* The kept token that ranks last, and its logit; -1 and -inf where no token is drawn. */
struct boundary {
    float logit;
    int32_t token;
};
struct boundary oracle_boundary(struct oracle_row *row, const tombola_params *params);

/* What the columns of a token drawn are, to the last bit. `as_given`: the row without its mask and biases. */
struct told {
    float logprob, raw_logprob;
    uint32_t rank;
    float margin, entropy, observed;
};
struct told oracle_tell(struct oracle_row *row, struct oracle_row *as_given, const tombola_params *params);

/* The same in binary64, by libm, from the logits: only of a row that a token is drawn from. */
struct told_exactly {
    double logprob, raw_logprob, entropy;
};
struct told_exactly oracle_tell_exactly(struct oracle_row *row, const struct oracle_row *as_given,
                                        const tombola_params *params);

/* The log-probabilities of a token among those kept and in the row as given, to the last bit; -inf where it has none.
 */
struct scored {
    float score, raw_score;
};
struct scored oracle_score(struct oracle_row *row, struct oracle_row *as_given, const tombola_params *params,
                           uint32_t token);

/* The token of this rank, 0 the first, and its log-probabilities, as oracle_score has them. -1 and -inf where there is
 * none that can be drawn, and of a row without a token. */
struct placed {
    int32_t token;
    float logprob, raw_logprob;
};
struct placed oracle_placed(struct oracle_row *row, struct oracle_row *as_given, const tombola_params *params,
                            uint32_t rank);

/* The probability of each token among those kept, 0 for the others, and the logits of those kept, -inf for the others:
 * to the last bit. Zeros and -inf of a row without a token. */
void oracle_processed(struct oracle_row *row, const tombola_params *params, float *probabilities, float *logits);

/* The probability with which each token is drawn by integer weights, filters applied;
 * zeros for an invalid or empty row. Returns its tombola_row_status. */
tombola_row_status oracle_distribution(struct oracle_row *row, const tombola_params *params, double *shares);

/* softmax in binary64 of the whole row, or its logarithms. Greedy temperatures give one-hot;
 * an invalid or empty row zeros (logarithms: -inf). Returns the row's tombola_row_status. */
tombola_row_status oracle_softmax(struct oracle_row *row, float temperature, int logarithms, double *shares);

#endif
