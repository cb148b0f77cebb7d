/* Rows with masks and biases of every sort, and the same rows with them applied beforehand: each has to draw what the
 * other draws. */
#ifndef EDITED_H
#define EDITED_H

#include "calls.h"
#include "whole.h"

enum { EDITED_ROWS = 24, EDITED_CANDIDATES = 30 }; /* of the largest batch; of each row */

struct edited {
    struct make make;
    size_t rows;
    void *logits;   /* of the type, side by side */
    float *applied; /* binary32, with masks and biases applied */
    tombola_params *params;
    uint32_t *masks;
    size_t mask_stride, mask_count; /* fewer than rows, with a gap behind each whose bits are random */
    int32_t *mask_of_row;           /* some have none */
    tombola_bias *biases;           /* of probabilities there are none */
    size_t *bias_ends;
};

/* All memory of host rows lies apart, so that masks may be read in place. */
void edited_make(struct edited *edited, const struct make *make, size_t rows, uint64_t seed);
void edited_release(struct edited *edited);

/* The rows as the library gets them: with masks and biases. */
tombola_rows edited_rows(const struct edited *edited);

/* One value with them applied. */
float edited_value(const struct edited *edited, size_t row, uint32_t id, float value);

/* Everything that a batch gives, by an entry into the sampler, for groups of open_queues; and what a sampler of
 * binary32 that is made for it gives for the applied rows. To be released. */
struct whole edited_draw(tombola_sampler *sampler, enum whole_entry entry, const tombola_rows *rows, size_t vocabulary);
struct whole applied_draw(const struct edited *edited);

/* Words of a mask. */
size_t mask_words(uint32_t vocabulary);

#endif
