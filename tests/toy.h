/* A toy model for the autoregressive loop, whose logits are a hash of all tokens so far: whatever changes a
 * sequence's past changes its future. */
#ifndef TOY_H
#define TOY_H

#include <stddef.h>
#include <stdint.h>

#include "tombola.h"

#define VOCABULARY 300 /* more than a block, and no whole number of them */
#define ROWS 4
#define ROOM 64

/* A batch of sequences with the memory that they use, and what the callbacks saw. */
struct batch {
    tombola_sequence sequences[12];
    int32_t tokens[12][ROOM];
    tombola_params params[12];
    size_t count;
    tombola_type type;
    size_t most_rows;    /* that the model was asked for at once */
    size_t calls;        /* of the model */
    size_t failing_call; /* the model fails at this one; 0 never */
    size_t bad_sequence; /* whose row is spoilt from length bad_length on, by bad_logit */
    size_t bad_length;
    float bad_logit; /* 0 for none */
    size_t heard;    /* tokens that the token callback was given */
    size_t stop_at;  /* the callback's answer to this token, counted from 1, is stop_verdict */
    tombola_verdict stop_verdict;
};

/* What the toy knows of a sequence: the state of its tokens so far, which those that follow carry on; and the logits
 * that come of it. */
#define TOY_START UINT64_C(1)
uint64_t toy_state(uint64_t state, const int32_t *tokens, size_t count);
void toy_fill(tombola_type type, uint64_t state, void *row);

/* What the model does in a step, the model, and the token callback; `user` is a struct batch. */
int toy_forward(void *user, const tombola_step *step);
tombola_model toy_model(struct batch *batch);
tombola_verdict hear(void *user, const tombola_sequence *sequences, size_t index, int32_t token);

/* Sequence i starts with i + 1 tokens, may draw 10 + 3 i, and has a temperature, filters and stream of its own. */
struct batch make_batch(size_t count);

/* With a sampler made for it, of the group's context. */
tombola_status run(struct batch *batch, size_t max_rows, tombola_error *error);

/* Fails unless sequence i of the one and j of the other have come to the same. */
void assert_same(const struct batch *a, size_t i, const struct batch *b, size_t j);

#endif
