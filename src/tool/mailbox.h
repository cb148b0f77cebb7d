/* Packets between two threads, in order. */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <pthread.h>

#include "packet.h"

typedef struct mailbox {
    pthread_mutex_t mutex;
    pthread_cond_t change;
    packet *first, *last;
} mailbox;

void mailbox_init(mailbox *mailbox);
void mailbox_destroy(mailbox *mailbox); /* with what is in it */

/* Takes the packet over. */
void mailbox_put(mailbox *mailbox, packet *packet);

/* The next, which is the caller's; NULL where none comes within so many milliseconds.
 * milliseconds  negative: for ever */
packet *mailbox_take(mailbox *mailbox, long milliseconds);

#endif
