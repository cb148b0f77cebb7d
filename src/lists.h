/* Lists of tokens or of what has tokens, one after another: their checks. */
#ifndef TOMBOLA_SRC_LISTS_H
#define TOMBOLA_SRC_LISTS_H

#include "tombola.h"

/* List i is tokens[ends[i - 1]] up to tokens[ends[i]], where ends[-1] is 0. */
struct lists {
    const char *tokens_name, *ends_name; /* of the fields of tombola_rows */
    const char *owner;                   /* what has such a list: "row" */
    const int32_t *tokens;
    const size_t *ends; /* NULL: all are empty */
    size_t count;
    size_t most; /* that one may hold */
};

#define MOST_LISTED ((size_t)1 << 29) /* so that twice as many counts leave a bit of 32 */

static inline size_t list_first(const struct lists *lists, size_t i)
{
    return i && lists->ends ? lists->ends[i - 1] : 0;
}

static inline size_t list_count(const struct lists *lists, size_t i)
{
    return lists->ends ? lists->ends[i] - list_first(lists, i) : 0;
}

/* How much all of them hold. */
static inline size_t lists_total(const struct lists *lists)
{
    return lists->count ? list_first(lists, lists->count) : 0;
}

/* The list's tokens; NULL where it is empty. */
static inline const int32_t *list_tokens(const struct lists *lists, size_t i)
{
    return list_count(lists, i) ? lists->tokens + list_first(lists, i) : NULL;
}

/* Checks that ends do not descend, and that tokens are from 0 to vocabulary - 1. */
tombola_status lists_check(const struct lists *lists, size_t vocabulary, tombola_error *error);

/* The same of words, none of which may be empty: row r has [row_ends[r - 1], row_ends[r]) of them. */
tombola_status lists_check_of_rows(const struct lists *lists, const size_t *row_ends, size_t vocabulary,
                                   tombola_error *error);

/* Checks ends alone, of something that is there or not; and of such lists, tokens alone. */
tombola_status lists_check_ends(const struct lists *lists, int is_there, tombola_error *error);
tombola_status lists_check_tokens(const struct lists *lists, size_t vocabulary, tombola_error *error);

#endif
