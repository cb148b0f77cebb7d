/* The lines of a journal, as an earlier run has left them. */
#ifndef JOURNAL_LINES_H
#define JOURNAL_LINES_H

#include "journal.h"

typedef struct journal_lines {
    json_t *header; /* the first line; NULL where there is none */
    char boot[64];  /* of the last run */
    extents done;
    uint64_t end;
    /* The same where the last line said that it is on the disk: */
    size_t synced_count;
    extent synced_last;
    uint64_t synced_end;
    size_t synced_rows;
    int is_complete;
    journal_left *begun; /* by the last run, whether done or not */
    size_t begun_count, begun_room;
    char (*hosts)[64]; /* of the last run's workers */
    size_t host_count;
} journal_lines;

/* Reads whole lines; half a one at the end does not count. 0, or -1 with a message on standard error. Release them
 * either way. */
int journal_lines_read(int file, const char *path, journal_lines *lines);
void journal_lines_release(journal_lines *lines);

/* Rows that are done, for sure where it matters that the machine has gone down meanwhile. 0, or -1 without memory. */
int journal_lines_list_done(const journal_lines *lines, int for_sure, extents *done);

/* What the last run had begun and sorted extents have not. left: free() it */
void journal_lines_find_left(const journal_lines *lines, const extents *done, journal_left **left, size_t *count);

#endif
