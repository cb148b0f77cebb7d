#include "columns.h"

#include <stddef.h>
#include <string.h>

#define MEMBER(field, type, entries)                                                                                   \
    {                                                                                                                  \
#field, offsetof(tombola_results, field), sizeof(type) / sizeof(u32), _Alignof(type), entries                  \
    }
#define COLUMN_MEMBER(NAME, field, type, entries) MEMBER(field, type, ENTRIES_##entries),

static const struct member columns[COLUMNS] = {MEMBER(status, s32, ENTRIES_ROWS),
                                               SAMPLE_COLUMNS_OF(COLUMN_MEMBER) REPORT_COLUMNS_OF(COLUMN_MEMBER)};
static const struct member candidates[TOP_K_COLUMNS] = {
    [TOP_K_TOKENS] = MEMBER(candidate_tokens, s32, ENTRIES_ROWS),
    [TOP_K_LOGITS] = MEMBER(candidate_logits, float, ENTRIES_ROWS),
    [TOP_K_PROBABILITIES] = MEMBER(candidate_probabilities, float, ENTRIES_ROWS),
    [TOP_K_LOGPROBS] = MEMBER(candidate_logprobs, float, ENTRIES_ROWS),
    [TOP_K_RAW_LOGPROBS] = MEMBER(candidate_raw_logprobs, float, ENTRIES_ROWS),
};
static const struct member outputs[OUTPUTS] = {
    [OUTPUT_PROBABILITIES] = MEMBER(probabilities, float, ENTRIES_ROWS),
    [OUTPUT_LOG_PROBABILITIES] = MEMBER(log_probabilities, float, ENTRIES_ROWS),
    [OUTPUT_KEPT_PROBABILITIES] = MEMBER(kept_probabilities, float, ENTRIES_ROWS),
    [OUTPUT_PROCESSED_LOGITS] = MEMBER(processed_logits, float, ENTRIES_ROWS),
};

const struct member *column_member(int column)
{
    return &columns[column];
}

const struct member *candidate_member(int column)
{
    return &candidates[column];
}

const struct member *output_member(int output)
{
    return &outputs[output];
}

struct place member_place(const tombola_results *results, const struct member *member)
{
    const TOMBOLA_ARRAY(void) array = {NULL, NULL, 0}; /* laid out as every other array */
    struct place place;
    _Static_assert(sizeof array == sizeof place, "a place is what an array says");
    memcpy(&place, (const char *)results + member->offset, sizeof place);
    return place;
}

size_t column_elements(int column, const struct counts *counts)
{
    switch (columns[column].entries) {
    case ENTRIES_ROWS:
        return counts->rows;
    case ENTRIES_SAMPLES:
        return counts->rows * counts->samples;
    case ENTRIES_SCORES:
        return counts->scores;
    case ENTRIES_KEPT:
        return counts->kept;
    }
    return 0;
}

size_t column_row(int column, const struct counts *counts, size_t row)
{
    switch (columns[column].entries) {
    case ENTRIES_ROWS:
        return row;
    case ENTRIES_SAMPLES:
        return row * counts->samples;
    case ENTRIES_SCORES:
    case ENTRIES_KEPT:
        return 0;
    }
    return 0;
}

static size_t column_words(int column, const struct counts *counts)
{
    return columns[column].words * column_elements(column, counts);
}

/* Wider ones first, so that all of them are aligned. */
static int lies_before(int a, int b)
{
    return columns[a].words > columns[b].words || (columns[a].words == columns[b].words && a < b);
}

size_t column_begin(int column, const struct counts *counts)
{
    size_t words = 0;
    for (int other = 0; other < COLUMNS; other++)
        words += lies_before(other, column) ? column_words(other, counts) : 0;
    return words;
}

size_t columns_words(const struct counts *counts)
{
    size_t words = 0;
    for (int column = 0; column < COLUMNS; column++)
        words += column_words(column, counts);
    return words;
}
