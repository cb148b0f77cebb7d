/* The answers in known_answers.txt, which reference.py computed. */
#ifndef KNOWN_H
#define KNOWN_H

#include <stddef.h>

#include "draw.h"
#include "rows.h"

struct known_answer {
    unsigned line; /* in the file */
    struct row_recipe recipe;
    tombola_params params;
    struct draw draw;
};

/* Reads them all, those of one row next to each other; dies on a line that it cannot read.
 * The caller frees the result. */
struct known_answer *known_answers_read(size_t *count);

/* Fails the test unless both are the same draw, telling `who` drew wrongly from what. */
void expect_draw(const char *who, const struct row_recipe *recipe, const tombola_params *params,
                 const struct draw *expected, const struct draw *got);

#endif
