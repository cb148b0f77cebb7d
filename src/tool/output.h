/* A file that a job writes piece by piece. It is called FILE.part until all is there. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdint.h>

#include "extents.h"

typedef struct output {
    const char *path; /* as the user has it; NULL where it is not wanted, or standard output */
    int is_standard;
    char *header; /* what comes before the first row */
    size_t header_size;
    size_t row_bytes; /* 0: text, whose rows are put one after another as they come */
    /* How it is written: */
    char *target, *part; /* part: NULL where the path is a device or pipe, which takes rows in order alone */
    int file;            /* -1: not open */
    int is_earlier;      /* the part is that of an earlier run */
    uint64_t end;        /* of what was written of text */
} output;

/* One that is not wanted. */
output output_none(void);

/* Sees that the file can be written. header: malloc'ed, taken over; NULL for none. 0, or -1 with a message on standard
 * error. */
int output_prepare(output *output, const char *path, char *header, size_t header_size, size_t row_bytes);

/* The same for standard output, as text. */
void output_prepare_standard(output *output, char *header, size_t header_size);
void output_release(output *output);

/* Takes up a part that has these rows. i: which text it is. 0, or -1 with a message on standard error. */
int output_resume(output *output, const extents *done, int i);

/* Writes rows from `first` on.
 * at  of text: set to where they lie
 * 0, or -1 with a message on standard error, except for standard output, which ends with one. */
int output_put(output *output, uint64_t first, const char *bytes, size_t size, uint64_t *at);

/* Sees that all of it is on the disk. 0, or -1 with a message on standard error. */
int output_sync(output *output);

/* Puts text in the order of sorted extents; leaves the file behind under its name. All rows are there. 0, or -1 with a
 * message on standard error, and the part as it was. */
int output_complete(output *output, const extents *all, int i);

/* Leaves nothing behind, but what an earlier run has left. */
void output_discard(output *output);

#endif
