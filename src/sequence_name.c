#include "sequence_name.h"

#include <stdio.h>
#include <string.h>

#include "error.h"
#include "sampler.h"

/* Whether the first `count` rows are refused, and how. Nothing is drawn. */
static int is_refused(tombola_sampler *sampler, const tombola_rows *rows, size_t count, const tombola_results *results,
                      tombola_error *reason)
{
    struct batch *batch;
    tombola_rows first = *rows;
    first.count = count;
    if (sampler_begin(sampler, &first, results, NULL, 0, &batch, reason))
        return 1;
    batch_finish(batch, TOMBOLA_OK, NULL);
    return 0;
}

/* Else it is about the whole batch. */
static int is_about_row(const char *message, size_t row)
{
    char place[32], name[32];
    snprintf(place, sizeof place, "[%zu]", row);
    snprintf(name, sizeof name, "row %zu", row);
    return strstr(message, place) || strstr(message, name);
}

void sequence_name(tombola_sampler *sampler, const tombola_rows *rows, const tombola_results *results,
                   const size_t *live, tombola_error *error)
{
    tombola_error reason = tombola_error_default();
    size_t right = 0, wrong = rows->count; /* rows that are not refused together, and that are */
    while (wrong - right > 1) {
        const size_t middle = right + (wrong - right) / 2;
        if (is_refused(sampler, rows, middle, results, &reason))
            wrong = middle;
        else
            right = middle;
    }
    if (is_refused(sampler, rows, wrong, results, &reason) && is_about_row(reason.message, wrong - 1))
        fail(error, reason.status, "sequences[%zu]: %s", live[wrong - 1], reason.message);
}
