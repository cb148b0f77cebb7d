/* The order of a row's adjustments: by block, those of a token one after another. */
#ifndef TOMBOLA_SRC_ARRANGE_H
#define TOMBOLA_SRC_ARRANGE_H

#include "penalties.h"

/* By ascending place, in the memory that is there. */
void arrange_by_place(struct adjustment_list *list);

struct arranger {
    u32 *starts;            /* of each block its first adjustment, and one more; NULL: no memory yet */
    struct adjustment *few; /* of a row all but penalties, and the penalties of their tokens */
    size_t room;            /* of `few` */
};

/* Makes memory for rows of so many adjustments beside penalties. A failure leaves the arranger as it was. */
tombola_status arranger_reserve(struct arranger *arranger, size_t blocks, size_t others, tombola_error *error);
size_t arranger_bytes(size_t blocks, size_t others);
void arranger_free(struct arranger *arranger);

/* Writes to `list` those of arranger->few, which are sorted here, and the penalties of the tokens in the tally, which
 * is cleared. Of these, tokens that have some of `few` are dealt with there. */
void arrange_by_block(struct arranger *arranger, size_t blocks, size_t few, const tombola_params *params,
                      struct tally *tally, struct adjustment_list *list);

#endif
