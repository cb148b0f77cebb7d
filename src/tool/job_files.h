/* The files of a job: its outputs, and with --output the journal that tells what of them is complete. */
#ifndef JOB_FILES_H
#define JOB_FILES_H

#include "journal.h"
#include "npy_rows.h"
#include "output.h"
#include "packet.h"
#include "sample_options.h"

typedef struct job_files {
    const sample_options *options;
    size_t rows; /* of the job */
    int is_once; /* something of what it reads can't be read again */
    output outputs[PIECES];
    journal journal; /* not open without --output */
    extents done;
    double synced; /* when, in seconds */
} job_files;

/* Sees what there is to go on with; writes no output yet. 0, or -1 with a message on standard error; close it either
 * way. */
int job_files_open(job_files *files, const sample_options *options, const npy_rows *array);

/* Whether --resume can go on with what there is by now. */
int job_files_can_go_on(const job_files *files);

/* What is not complete stays as it is where --resume can go on with it, and is removed else. */
void job_files_close(job_files *files);

/* Takes rows that were drawn. 0, or -1 with a message on standard error. */
int job_files_put(job_files *files, const packet *drawn);

/* Once all rows are there. The same. */
int job_files_complete(job_files *files);

#endif
