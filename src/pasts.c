#include "pasts.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

tombola_status pasts_make(struct pasts *pasts, size_t rows, tombola_error *error)
{
    *pasts = (struct pasts){
        .history = {.ends = calloc(rows, sizeof(size_t))},
        .end_tokens = {.ends = calloc(rows, sizeof(size_t))},
        .forced = {.ends = calloc(rows, sizeof(size_t))},
        .prompts = calloc(rows, sizeof(size_t)),
    };
    if (pasts->history.ends && pasts->end_tokens.ends && pasts->forced.ends && pasts->prompts)
        return TOMBOLA_OK;
    return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for the histories of %zu rows", rows);
}

void pasts_free(struct pasts *pasts)
{
    free(pasts->history.tokens);
    free(pasts->history.ends);
    free(pasts->end_tokens.tokens);
    free(pasts->end_tokens.ends);
    free(pasts->forced.tokens);
    free(pasts->forced.ends);
    free(pasts->prompts);
}

/* Adds one row's tokens to those before it. */
static tombola_status add(struct tokens *list, size_t row, const int32_t *tokens, size_t count, tombola_error *error)
{
    const size_t first = row ? list->ends[row - 1] : 0, end = first + count;
    if (end > list->room) {
        const size_t room = end + end / 2; /* sequences grow */
        int32_t *more = realloc(list->tokens, room * sizeof *more);
        if (!more)
            return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for histories of %zu tokens", room);
        list->tokens = more;
        list->room = room;
    }
    if (count > 0)
        memcpy(list->tokens + first, tokens, count * sizeof *tokens);
    list->ends[row] = end;
    return TOMBOLA_OK;
}

tombola_status pasts_add(struct pasts *pasts, const tombola_sequence *sequence, size_t prompt, tombola_error *error)
{
    static const tombola_sequence none;
    const tombola_sequence *s = sequence ? sequence : &none;
    tombola_status status = add(&pasts->history, pasts->rows, s->tokens, s->length, error);
    if (!status)
        status = add(&pasts->end_tokens, pasts->rows, s->end_tokens, s->end_token_count, error);
    if (!status)
        status = add(&pasts->forced, pasts->rows, s->forced, s->forced_count, error);
    if (status)
        return status;
    pasts->prompts[pasts->rows++] = prompt;
    return TOMBOLA_OK;
}

void pasts_hand(const struct pasts *pasts, tombola_rows *rows)
{
    rows->history = pasts->history.tokens;
    rows->history_ends = pasts->history.ends;
    rows->prompt_lengths = pasts->prompts;
    rows->end_tokens = pasts->end_tokens.tokens;
    rows->end_token_ends = pasts->end_tokens.ends;
    rows->forced = pasts->forced.tokens;
    rows->forced_ends = pasts->forced.ends;
}
