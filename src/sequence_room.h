/* Memory in which the processors of a row work. */
#ifndef TOMBOLA_SRC_SEQUENCE_ROOM_H
#define TOMBOLA_SRC_SEQUENCE_ROOM_H

#include "processor.h"
#include "row.h"
#include "tombola.h"

#define FEW_ADJUSTMENTS 64 /* of a row, which take no more memory than is here */

/* For histories of `length` tokens, rows with `count` adjustments, and `slot_count` slots for breakers. It grows, and
 * is kept. */
struct sequence_room {
    size_t length, count; /* all 0: nothing is made */
    u32 *repeats;
    float *penalties;
    struct adjustment *made, *sorted;
    size_t slot_count;
    struct breaker_slot *slots;
    struct adjustment few_made[FEW_ADJUSTMENTS], few_sorted[FEW_ADJUSTMENTS];
};

/* A failure leaves what was there. */
tombola_status sequence_room_reserve(struct sequence_room *room, size_t length, size_t count, size_t slots,
                                     tombola_error *error);
size_t sequence_room_bytes(const struct sequence_room *room);
void sequence_room_free(struct sequence_room *room);

#endif
