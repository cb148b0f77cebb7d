/* Hands out chunks of rows to workers, on ranks and in this process, and writes what they have drawn. */
#ifndef JOB_H
#define JOB_H

#include "drawing.h"
#include "job_files.h"

/* On the first rank, until all rows are there or it can't be.
 * own         the drawing of this process
 * takes_part  which ranks draw, this one, the first, included
 * chunk       rows
 * 0, or -1 with a message on standard error. A signal that asks it to end ends the process. */
int job_run(job_files *files, drawing *own, const unsigned char *takes_part, size_t chunk);

#endif
