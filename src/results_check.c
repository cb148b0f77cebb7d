#include "results.h"

#include "columns.h"
#include "error.h"
#include "memory_object.h"
#include "sized.h"

#include <stddef.h>
#include <stdio.h>

#define WORD sizeof(u32) /* all arrays are of words, or of structs of words */

/* Checks an array that has so many elements; *wanted tells whether one of them is asked for. */
static tombola_status check_array(const struct engine *e, const tombola_results *r, const struct member *m,
                                  size_t elements, int *wanted, tombola_error *error)
{
    const struct place a = member_place(r, m);
    const size_t size = m->words * WORD;
    char field[64];
    size_t bytes;
    *wanted |= place_is_wanted(a);
    if (a.host && a.buffer)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "results.%s is in host memory and in a buffer: one is to be set, or neither", m->name);
    if ((uintptr_t)a.host % m->alignment)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.%s.host is not aligned to its type of %zu bytes", m->name,
                    m->alignment);
    if (!a.buffer && a.offset)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.%s.offset is %zu, but there is no buffer", m->name,
                    a.offset);
    if (!a.buffer)
        return TOMBOLA_OK;
    snprintf(field, sizeof field, "results.%s.buffer", m->name);
    tombola_status status = memory_object_check(e->context, field, a.buffer, CL_MEM_READ_ONLY, &bytes, error);
    if (status)
        return status;
    if (a.offset > bytes / size || elements > bytes / size - a.offset)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "results.%s.buffer holds %zu elements: %zu do not fit behind results.%s.offset %zu", m->name,
                    bytes / size, elements, m->name, a.offset);
    return TOMBOLA_OK;
}

/* Whether a column of the report kernel is wanted. */
static int wants_report(const tombola_results *r, int column)
{
    return place_is_wanted(member_place(r, column_member(COLUMNS_OF_REPORT + column)));
}

static tombola_status check_numbers(const struct plan *p, tombola_results *r, size_t rows, tombola_error *error)
{
    int wants_candidates = 0;
    for (int column = 0; column < TOP_K_COLUMNS; column++)
        wants_candidates |= place_is_wanted(member_place(r, candidate_member(column)));
    if (r->candidate_count > TOMBOLA_MAX_CANDIDATES)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.candidate_count is %lu, not from 0 to %u",
                    (unsigned long)r->candidate_count, TOMBOLA_MAX_CANDIDATES);
    if (r->samples > TOMBOLA_MAX_SAMPLES)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.samples is %lu, not from 0 to %u",
                    (unsigned long)r->samples, TOMBOLA_MAX_SAMPLES);
    if (r->samples == 0)
        r->samples = 1;
    const int wants_kept = wants_report(r, REPORT_KEPT_TOKENS);
    if (wants_kept && !wants_report(r, REPORT_KEPT_ENDS))
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "results.kept_tokens is wanted, but not results.kept_ends, which tells the rows' lists apart");
    if (!wants_kept)
        r->kept_capacity = 0;
    if (r->kept_capacity > SIZE_MAX / WORD / 4)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.kept_capacity is %zu, which is too large",
                    r->kept_capacity);
    if (r->reserved)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.reserved is %lu, not 0", (unsigned long)r->reserved);
    if (wants_candidates && r->candidate_count == 0)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.candidate_count is 0, but there is an array for them");
    if (!wants_candidates)
        r->candidate_count = 0;
    if (r->probability_stride == 0)
        r->probability_stride = p->columns;
    if (r->probability_stride < p->columns)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.probability_stride is %zu, less than the %s %zu",
                    r->probability_stride, p->is_shard ? "shard's columns," : "vocabulary", p->columns);
    if (r->probability_stride > SIZE_MAX / WORD / rows)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.probability_stride is %zu, which is too large",
                    r->probability_stride);
    return TOMBOLA_OK;
}

int results_have_buffers(const tombola_results *r)
{
    int have = 0;
    for (int column = 0; column < COLUMNS; column++)
        have |= member_place(r, column_member(column)).buffer != NULL;
    for (int output = 0; output < OUTPUTS; output++)
        have |= member_place(r, output_member(output)).buffer != NULL;
    for (int column = 0; column < TOP_K_COLUMNS; column++)
        have |= member_place(r, candidate_member(column)).buffer != NULL;
    return have;
}

struct counts results_counts(const tombola_rows *rows, const tombola_results *results)
{
    return (struct counts){
        .rows = rows->count, .samples = results->samples, .scores = scores_count(rows), .kept = results->kept_capacity};
}

/* That there are ids where their scores are wanted. */
static tombola_status check_scores(const tombola_results *r, const tombola_rows *rows, tombola_error *error)
{
    for (int column = 0; column < COLUMNS; column++) {
        const struct member *m = column_member(column);
        if (m->entries == ENTRIES_SCORES && place_is_wanted(member_place(r, m)) && !rows->score_ends)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.%s is wanted, but rows.score_ends is NULL", m->name);
    }
    return TOMBOLA_OK;
}

tombola_status results_check(const struct engine *e, const tombola_results *theirs, const tombola_rows *rows,
                             tombola_results *own, tombola_error *error)
{
    const struct plan *p = &e->plan;
    if (!theirs)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results is NULL");
    *own = tombola_results_default();
    tombola_status status = sized_read("results", "tombola_results_default", own, sizeof *own, theirs, error);
    if (!status)
        status = check_numbers(p, own, rows->count, error);
    if (!status)
        status = check_scores(own, rows, error);
    if (status)
        return status;
    const struct counts counts = results_counts(rows, own);
    const size_t probabilities = (rows->count - 1) * own->probability_stride + p->columns;
    const size_t candidates = rows->count * own->candidate_count;
    int wanted = 0;
    for (int i = 0; i < COLUMNS && !status; i++) { /* the status comes last */
        const int column = (COLUMNS_OF_SAMPLE + i) % COLUMNS;
        status = check_array(e, own, column_member(column), column_elements(column, &counts), &wanted, error);
    }
    for (int i = 0; i < OUTPUTS && !status; i++)
        status = check_array(e, own, output_member(i), probabilities, &wanted, error);
    for (int i = 0; i < TOP_K_COLUMNS && !status; i++)
        status = check_array(e, own, candidate_member(i), candidates, &wanted, error);
    if (!status && !wanted)
        status = fail(error, TOMBOLA_INVALID_ARGUMENT, "results asks for nothing: all of its arrays are NULL");
    return status;
}
