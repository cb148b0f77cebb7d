#include "columns.h"

#include <stddef.h>
#include <string.h>

#define MEMBER(field, words)                                                                                           \
    {                                                                                                                  \
#field, offsetof(tombola_results, field), words                                                                \
    }
#define COLUMN_MEMBER(NAME, field, type) MEMBER(field, sizeof(type) / sizeof(u32)),

static const struct member columns[COLUMNS] = {MEMBER(status, 1), SAMPLE_COLUMNS_OF(COLUMN_MEMBER)};
static const struct member candidates[TOP_K_COLUMNS] = {
    [TOP_K_TOKENS] = MEMBER(candidate_tokens, 1),
    [TOP_K_LOGITS] = MEMBER(candidate_logits, 1),
    [TOP_K_PROBABILITIES] = MEMBER(candidate_probabilities, 1),
};

const struct member *column_member(int column)
{
    return &columns[column];
}

const struct member *candidate_member(int column)
{
    return &candidates[column];
}

struct place member_place(const tombola_results *results, const struct member *member)
{
    const TOMBOLA_ARRAY(void) array = {NULL, NULL, 0}; /* laid out as every other array */
    struct place place;
    _Static_assert(sizeof array == sizeof place, "a place is what an array says");
    memcpy(&place, (const char *)results + member->offset, sizeof place);
    return place;
}

/* Wider ones first, so that all of them are aligned. */
static int lies_before(int a, int b)
{
    return columns[a].words > columns[b].words || (columns[a].words == columns[b].words && a < b);
}

size_t column_begin(int column, size_t rows)
{
    size_t words = 0;
    for (int other = 0; other < COLUMNS; other++)
        words += lies_before(other, column) ? columns[other].words * rows : 0;
    return words;
}

size_t columns_words(size_t rows)
{
    size_t words = 0;
    for (int column = 0; column < COLUMNS; column++)
        words += columns[column].words * rows;
    return words;
}
