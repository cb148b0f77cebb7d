/* Queries of stages_row.cl: what the stages make of one row, each query answered by a work-group of its own. */
#ifndef QUERIES_H
#define QUERIES_H

#include "kernels.h"
#include "model.h"
#include "rows.h"

/* As stages_row.cl has them. */
struct query {
    uint64_t limit, seed, offset;
    uint32_t first_key, first_id, last_key, last_id;
    uint32_t by_mass;
    uint32_t way;
    uint32_t stream;
    float scale, unscale;
    uint32_t vocabulary;
};
enum { WAY_SELECT, WAY_ANY, WAY_ALONE };
struct answer {
    uint64_t mass;
    uint32_t count, counted;
    uint32_t top;
    uint32_t last_key, last_id;
    uint32_t is_summed, is_declined;
    uint32_t block, token;
};

enum { MOST_QUERIES = 256 };

/* The shapes that the stages are tested in. */
static const struct group_shape QUERY_SHAPES[] = {{16, 1, 1}, {4, 4, 2}, {8, 8, 1}};

/* Queries and their answers, of one row. Maxima and facts: `padded` entries for each query. */
struct queries {
    struct group_shape shape;
    const struct model *model;
    uint32_t count, padded;
    struct query query[MOST_QUERIES];
    struct ranks ranks[MOST_QUERIES]; /* that the query's window takes in */
    struct answer answer[MOST_QUERIES];
    uint32_t *maxima;
    uint64_t *facts;
};

/* Begins queries of this row. They are many bytes: allocated, and released by queries_release. */
struct queries *queries_make(struct group_shape shape, const struct model *model);
void queries_release(struct queries *q);

/* Adds a query whose window takes in these ranks, and gives it for further parameters. A window that ends by value has
 * all tokens of its last key. NULL where there are no such ranks, or no room. */
struct query *queries_add(struct queries *q, struct ranks ranks, int ends_by_value);
/* Adds a query for each of some windows: the whole row, beginnings, and middles, cut between keys and by value. */
void queries_add_windows(struct queries *q);

/* Answers the queries by a kernel of stages_row.cl. */
void queries_run(struct queries *q, const char *kernel);

/* Calls check in each shape with rows of many kinds and lengths, up to so many tokens; the slower the device is, the
 * fewer. The row can be drawn from at its scale. */
void for_rows(uint32_t longest, void (*check)(struct group_shape shape, const struct model *model));

/* Releases what was built. */
int queries_close(void **state);

#endif
