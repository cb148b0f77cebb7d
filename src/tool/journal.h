/* What of a job is complete, kept beside its output as lines of JSON, so that another run can go on where one has
 * ended. A line is written once the rows it tells of are in their files. Lines before one that says "synced" are on the
 * disk, and so are their rows; the others have survived if the machine has, which goes by the kernel's boot id, and if
 * no write to the disk has failed: then they are taken back. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <jansson.h>

#include "chunks.h"
#include "extents.h"

/* Rows that a worker had when a run ended. */
typedef struct journal_left {
    int worker;
    char host[64];
    chunk rows;
} journal_left;

typedef struct journal {
    char *path;
    int file;     /* -1: not open */
    uint64_t end; /* of what was written */
    uint64_t synced_end;
    size_t rows, synced_rows; /* that it tells of, and of these those on the disk */
    int is_complete;          /* all rows are, and only names were left to be changed */
    journal_left *left;       /* what the earlier run had begun and not completed */
    size_t left_count;
} journal;

/* Opens the journal of a job and locks it against other runs.
 * path     of the part: ".jsonl" is added
 * job      what the job is: an object of names, each with a value that must be the same for a run that goes on
 * resumes  whether this one does; else rows that are complete are an error
 * done     set to these, for the caller to release
 * 0, or -1 with a message on standard error; close it either way. */
int journal_open(journal *journal, const char *path, const json_t *job, int resumes, extents *done);
void journal_close(journal *journal);
int journal_is_open(const journal *journal);

/* Each adds a line. 0, or -1 with a message on standard error. */
int journal_add_worker(journal *journal, int worker, const char *host, long process);
int journal_add_begun(journal *journal, int worker, chunk rows);
int journal_add_done(journal *journal, const extent *extent);
/* Once the outputs are on the disk; waits until it is, too. Where it can't be, takes back what is not. */
int journal_add_synced(journal *journal);
int journal_add_complete(journal *journal);

/* Takes back what is not on the disk for sure, once an output could not be brought there: the kernel may have dropped
 * it, and does not say so again. */
void journal_forget_unsynced(journal *journal);

/* Removes the file. */
void journal_remove(journal *journal);

#endif
