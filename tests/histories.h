/* Rows with histories, masks and biases of every sort, and what the oracle draws from them. */
#ifndef HISTORIES_H
#define HISTORIES_H

#include "calls.h"

enum { HISTORIES_ROWS = 32 }; /* of the largest batch */

struct histories {
    struct make make;
    size_t count;
    void *logits;  /* of the type, side by side */
    float *values; /* the same in binary32 */
    tombola_params params[HISTORIES_ROWS];
    uint32_t *masks;
    int32_t mask_of_row[HISTORIES_ROWS]; /* some have none */
    tombola_bias *biases;
    int32_t *history, *end_tokens;
    size_t bias_ends[HISTORIES_ROWS], history_ends[HISTORIES_ROWS], prompt_lengths[HISTORIES_ROWS],
        end_token_ends[HISTORIES_ROWS];
};

/* `longest`: tokens of the longest history. Parameters are of all sorts; of probabilities they are neutral. */
void histories_make(struct histories *histories, const struct make *make, size_t count, size_t longest, uint64_t seed);
void histories_release(struct histories *histories);

tombola_rows histories_rows(const struct histories *histories);

/* What the oracle draws from a row, and the logits that it draws from; NULL: not wanted. */
struct draw histories_draw(const struct histories *histories, size_t row, float *logits);

/* The rows of `order`, which has `count` of them, as a batch of their own with arrays of its own. */
void histories_take(struct histories *to, const struct histories *from, const size_t *order, size_t count);

#endif
