/* Hands out the rows of a job that are not complete, a chunk at a time. */
#ifndef CHUNKS_H
#define CHUNKS_H

#include "extents.h"

typedef struct chunk {
    size_t first, count;
} chunk;

/* "row 5", or "rows 5 to 9" */
typedef struct chunk_text {
    char text[64];
} chunk_text;

chunk_text chunk_describe(chunk chunk);

typedef struct chunks {
    size_t rows, size; /* of the job, and of a chunk at most */
    size_t next;       /* row, which may be complete already */
    extents done;      /* when it began, sorted */
    size_t passed;     /* of these */
    chunk *returned;   /* by workers that gave up */
    size_t returned_count;
} chunks;

/* done  what is complete; copied. 0, or -1 without memory; release it either way. */
int chunks_begin(chunks *chunks, size_t rows, size_t size, const extents *done);
void chunks_release(chunks *chunks);

/* The next; none has no rows. */
chunk chunks_take(chunks *chunks);

/* Takes one back, to be handed out again. 0, or -1 without memory. */
int chunks_return(chunks *chunks, chunk chunk);

#endif
