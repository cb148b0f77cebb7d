/* Which tokens occur in a row's history, and how often: a table of the whole vocabulary, all zeros between rows, so
 * that what a row costs is in proportion to its history. */
#ifndef TOMBOLA_SRC_TALLY_H
#define TOMBOLA_SRC_TALLY_H

#include "plan.h"

struct tally {
    u32 *entries; /* of each token: twice how often it was counted, and 1 more if it occurs at all; NULL: no memory */
    u32 *tokens;  /* that occur, the first that came first; room for one more than `room` */
    size_t count; /* of them */
    size_t room;  /* for them */
};

/* Makes memory for rows in which so many tokens occur, 1 to the vocabulary. A failure leaves the tally as it was. */
tombola_status tally_reserve(struct tally *tally, size_t vocabulary, size_t tokens, tombola_error *error);
size_t tally_bytes(size_t vocabulary, size_t tokens);
void tally_free(struct tally *tally);

/* Notes that these tokens occur; and counts each as well. Notes come first. */
void tally_note(struct tally *tally, const int32_t *tokens, size_t count);
void tally_count(struct tally *tally, const int32_t *tokens, size_t count);

#endif
