/* A row sorted by rank on the host, with its weights: what the stages on the device are compared with. It takes the
 * weight of a single token from weight.h, and nothing else from the kernels. */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

struct model {
    uint32_t vocabulary, blocks;
    float scale;
    float *logits;    /* by id; subnormal numbers and -0 made 0 */
    uint32_t *order;  /* by rank: the ids that can be drawn */
    uint32_t living;  /* how many these are */
    uint32_t *weight; /* by id */
    float *top;       /* by block: the largest logit */
    float *rounded;   /* by block: r_b */
    uint32_t *shift;  /* by block: d_b */
};

/* Some of the rank order: from rank `first` up to `end`, which is not one of them. */
struct ranks {
    uint32_t first, end;
};

/* scale  log2(e) / temperature */
struct model model_make(const float *values, uint32_t vocabulary, float scale);
void model_release(struct model *m);

/* Whether the row can be drawn from at this scale. */
int model_is_good(const struct model *m);

/* A token's exponent t within its block. */
float model_exponent(const struct model *m, uint32_t id);
/* The mass of one token. */
uint64_t model_token_mass(const struct model *m, uint32_t id);
/* The sums of weights of these ranks, and their numbers, by block; and the mass that these sums come to. */
void model_sums(const struct model *m, struct ranks ranks, uint64_t *sums, uint32_t *numbers);
uint64_t model_mass(const struct model *m, const uint64_t *sums);
/* A block's extended sum: weights as they are before they become integers, in units of 2^-13. */
uint64_t model_extended_sum(const struct model *m, uint32_t block);

/* How many of the ranks stay: each whose predecessors among them cost less than the limit, and one at least. */
uint32_t model_select(const struct model *m, struct ranks ranks, int by_mass, uint64_t limit);

#endif
