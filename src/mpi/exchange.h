/* An exchange: what each rank has to tell brought to all of them, and whether they agree.
 *
 * Ranks that agree know each other's sizes, others do not, and a collective call needs to. So each rank sends as many
 * bytes as the same exchange took in the calls before, which all of them know, behind an envelope and a head that tell
 * the rest; and where all agree that this was too little, all of it once more. */
#ifndef TOMBOLA_SRC_MPI_EXCHANGE_H
#define TOMBOLA_SRC_MPI_EXCHANGE_H

#include "ranks.h"

/* Before each message. */
struct envelope {
    uint32_t magic;
    uint32_t status; /* a tombola_status: not OK where this rank has failed, and tells nothing else */
    uint32_t rows;   /* of the whole call */
    uint16_t halves;
    uint16_t is_listed; /* the rows would go in halves if kept tokens were not listed */
};

/* Memory for exchanges of one kind, one at a time. */
struct exchange {
    uint64_t *sent, *received;
    size_t sent_room, received_room; /* bytes; at least what `usual` needs */
    const void *messages;            /* that have come, `stride` bytes apart */
    size_t stride;
};

/* Room to write a message of so many bytes, and for those of all ranks. Leave what there is where there is no memory;
 * `exchange` makes the second by itself, but for the first time. */
tombola_status exchange_reserve(struct exchange *exchange, size_t bytes, tombola_error *error);
tombola_status exchange_reserve_all(struct exchange *exchange, int ranks, size_t bytes, tombola_error *error);
void exchange_free(struct exchange *exchange);

/* Where this rank's message is to be written, to which there is exchange_room(exchange) bytes. */
void *exchange_message(const struct exchange *exchange);
size_t exchange_room(const struct exchange *exchange);

enum exchange_end {
    EXCHANGE_DONE, /* all ranks agree, and have each other's messages */
    EXCHANGE_OVER, /* they don't, or one has failed: the error is the same on all */
    EXCHANGE_LOST, /* MPI has failed here, what has come is not known, and the others may go on: ranks->failure */
    EXCHANGE_GONE  /* MPI has failed here before anything was sent, and so it has once more: likewise */
};

/* Brings messages of `size` bytes to all ranks. Collective.
 * envelope  without magic and status
 * usual     bytes that each rank sends whatever the message has; the same on all ranks. Set to what it is to be next
 *           time
 * Where ranks->failure is set it is told to all in place of a message. */
enum exchange_end exchange(struct exchange *exchange, struct ranks *ranks, struct envelope envelope, size_t size,
                           size_t *usual, tombola_error *error);

/* Checks what has come as tombola_shard_check does, and names the rank that an error is about. */
tombola_status exchange_check(const struct exchange *exchange, const struct ranks *ranks, tombola_error *error);

#endif
