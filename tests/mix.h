/* Batches of which each row has features of its own, and the oracle's rows of them. */
#ifndef MIX_H
#define MIX_H

#include "calls.h"
#include "row_features.h"
#include "oracle.h"

enum { MIX_MOST_ROWS = 48, MIX_IDS = 5 }; /* ids to score, of each row at most */

struct mix {
    struct make make;
    uint64_t seed, random;
    size_t count;
    struct featured_row rows[MIX_MOST_ROWS];
    tombola_params params[MIX_MOST_ROWS];
    struct past *pasts;
    struct batch_pasts *batch;
    unsigned char *elements;
    float *widened;
    uint32_t *masks;
    int32_t mask_of_row[MIX_MOST_ROWS];
    tombola_bias biases[MIX_MOST_ROWS * MOST_ROW_BIASES];
    size_t bias_ends[MIX_MOST_ROWS];
    int32_t ids[MIX_MOST_ROWS * MIX_IDS];
    size_t id_ends[MIX_MOST_ROWS];
    struct oracle_row *drawn[MIX_MOST_ROWS], *given[MIX_MOST_ROWS];
};

/* Rows without features: all of it comes from the seed. Features may be set in the rows until the mix is finished. */
struct mix *mix_create(struct make make, size_t count, uint64_t seed);
void mix_finish(struct mix *mix);
void mix_release(struct mix *mix);

/* The batch as a call takes it. */
tombola_rows mix_rows(const struct mix *mix);

/* The parameters that the oracle takes for a sample of the row. */
tombola_params mix_sample_params(const struct mix *mix, size_t row, uint32_t sample);

/* The row's seed, number, kind and features. */
void mix_describe(const struct mix *mix, size_t row, char *text, size_t size);

#endif
