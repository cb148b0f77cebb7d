/* What goes to and fro between who hands out chunks of rows and who draws them: within a process or between ranks. */
#ifndef PACKET_H
#define PACKET_H

#include <stddef.h>
#include <stdint.h>

/* What is made of a chunk's rows: a piece for each output. */
enum { PIECE_TOKENS, PIECE_KEPT_IDS, PIECE_PROBABILITIES, PIECE_LOGITS, PIECES };

typedef enum packet_kind {
    PACKET_ROWS,    /* to be drawn */
    PACKET_STOP,    /* there are no more */
    PACKET_DRAWN,   /* with the pieces, one after another */
    PACKET_REFUSED, /* with a sentence: what is wrong with these rows, whoever draws them */
    PACKET_BROKEN,  /* with a sentence: why this worker draws no more */
    PACKET_BYE      /* a worker's last */
} packet_kind;

typedef struct packet_head {
    uint64_t kind;
    uint64_t first, count; /* rows */
    uint64_t sizes[PIECES];
} packet_head;

typedef struct packet {
    struct packet *next; /* in a list */
    int rank;            /* who sent it */
    packet_head head;    /* this and the data are what is sent */
    char data[];
} packet;

/* Room for that much data behind the head; free() it. NULL without memory. */
packet *packet_make(packet_kind kind, uint64_t first, uint64_t count, size_t size);

/* One with a sentence. */
packet *packet_of_text(packet_kind kind, uint64_t first, uint64_t count, const char *text);

/* Bytes of data. */
size_t packet_size(const packet *packet);

#endif
