/* Tells on standard error how far a long job is. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stddef.h>

typedef struct progress {
    size_t total, before; /* rows, and those of them that were done when it began */
    int is_wanted, is_terminal;
    double began, told; /* seconds */
    int has_line;       /* a terminal's line is there */
} progress;

typedef struct progress_text {
    char text[160];
} progress_text;

/* "1536 of 4096 rows (37%), 12345 rows/s, 0:12 left"
 * now      rows done by now
 * seconds  since the job began */
progress_text progress_describe(const progress *progress, size_t now, double seconds);

/* Whether it is time to tell, so many seconds after it began and after it was told: none within the first second; then
 * a few times a second on a terminal, and else every minute. */
int progress_is_due(const progress *progress, double since_began, double since_told);

/* total  rows of the job, of which `before` are done
 * A line without a terminal comes by warnx. */
void progress_begin(progress *progress, int is_wanted, size_t total, size_t before);
void progress_tell(progress *progress, size_t now);

/* Before anything else is printed. */
void progress_clear(progress *progress);

#endif
