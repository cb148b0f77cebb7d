/* Lists of token ids from a file of JSON lines. */
#ifndef ID_LINES_H
#define ID_LINES_H

#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

/* List i is ids[ends[i - 1]] up to ids[ends[i]], where ends[-1] is 0. */
typedef struct id_lines {
    int32_t *ids;
    size_t *ends;
    size_t count;
} id_lines;

/* Reads a list of ids from 0 to vocabulary - 1 from each line, as [5, 17]. Empty lines do not count; an empty list does
 * where `may_be_empty`.
 * 0, or -1 with a message on standard error. Free the lists with id_lines_release, which does for {0} too. */
int id_lines_read(const char *path, size_t vocabulary, int may_be_empty, id_lines *lines);

/* Adds a list of whole numbers that are ids. 0, or -1 with a message on standard error. */
int id_lines_add(id_lines *lines, const json_t *list);

void id_lines_release(id_lines *lines);

#endif
