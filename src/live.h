/* The sequences of a call of generate that are live: a row of logits for each, and all that goes with it. */
#ifndef TOMBOLA_SRC_LIVE_H
#define TOMBOLA_SRC_LIVE_H

#include "pasts.h"

struct live {
    tombola_sampler *sampler;
    tombola_model model;
    tombola_sequence *sequences; /* elements `sequence_size` apart */
    size_t sequence_size, count;
    size_t waiting; /* the first one that has not been live yet */
    void *logits;
    size_t capacity; /* rows */
    size_t rows;     /* live ones */
    /* of each row: */
    size_t *indices;    /* its sequence, increasing */
    size_t *cache_rows; /* its row of the model's caches */
    size_t *left;       /* tokens that it may still draw */
    size_t *prompts;    /* tokens of its start context, but for those generated before */
    tombola_params *params;
    int32_t *tokens, *status;
    float *observed, *logprobs, *raw_logprobs;
    /* and of each row of the model's caches: */
    size_t *free_caches; /* those that no live sequence has; a stack */
    size_t free_count;
    struct pasts pasts;
};

/* Makes all sequences wait, with room for rows. On failure what was allocated is left for live_end. */
tombola_status live_begin(struct live *live, tombola_error *error);

/* Ends all rows, and frees what was allocated. */
void live_end(struct live *live);

/* One of all sequences, with the defaults for fields that its caller's struct lacks. It was checked before. */
tombola_sequence live_sequence(const struct live *live, size_t index);

/* Waiting sequences take the free places. They come after all live ones, so the order stays. */
tombola_status live_refill(struct live *live, tombola_error *error);

/* Gives the draws to their sequences and closes the gaps that finished ones leave. Returns 0 once the callback has
 * asked to stop all: later sequences then have not taken their draw, nor advanced their offset, and would draw the same
 * again. */
int live_deliver(struct live *live, tombola_token_callback on_token, void *token_user);

#endif
