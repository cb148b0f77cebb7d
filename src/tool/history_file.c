#include "history_file.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "batch_ends.h"
#include "option_ids.h"
#include "token_texts.h"

enum { HISTORIES = 0x500, END_TOKENS };

static const struct argp_option OPTIONS[] = {
    {"histories", HISTORIES, "FILE", 0,
     "What came before in each row's sequence, for penalties, repetitions, watermarks and whatever else goes by it: an "
     "array of ids in a .npy file, or a line for each row, {\"prompt\": [ID, ...], \"output\": [ID, ...]}, or "
     "[ID, ...] where all of it is output",
     0},
    {"end-tokens", END_TOKENS, "ID,...", 0, "The tokens that end a sequence, for --min-tokens and the length penalty",
     0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    histories *h = state->input;
    switch (key) {
    case HISTORIES:
        h->path = text;
        return 0;
    case END_TOKENS:
        option_ids_add("--end-tokens", text, &h->end_tokens, &h->end_token_count, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp histories_argp = {.options = OPTIONS, .parser = parse};

/* -------------------------------------------------------------------- all */

/* Puts texts, one for each row, side by side. */
static int join(histories *h, const token_texts *texts)
{
    size_t count = 0;
    for (size_t row = 0; row < texts->count; row++)
        count += texts->list[row].count;
    h->tokens = malloc((count + 1) * sizeof *h->tokens);
    h->ends = calloc(texts->count, sizeof *h->ends);
    h->prompts = calloc(texts->count, sizeof *h->prompts);
    h->batch_ends = calloc(texts->count, sizeof *h->batch_ends);
    if (!h->tokens || !h->ends || !h->prompts || !h->batch_ends) {
        warnx("out of memory");
        return -1;
    }
    size_t end = 0;
    for (size_t row = 0; row < texts->count; row++) {
        const token_text *text = &texts->list[row];
        memcpy(h->tokens + end, text->tokens, text->count * sizeof *h->tokens);
        h->ends[row] = end += text->count;
        h->prompts[row] = text->prompt_length;
    }
    return 0;
}

static int load_file(histories *h, size_t rows, size_t vocabulary)
{
    token_texts texts;
    int failed = token_texts_read(h->path, vocabulary, &texts);
    if (!failed && texts.count != rows) {
        warnx("%s: histories for %zu rows, but there are %zu rows of logits", h->path, texts.count, rows);
        failed = -1;
    }
    if (!failed)
        failed = join(h, &texts);
    token_texts_release(&texts);
    return failed;
}

/* The same for each row of a batch. */
static int load_end_tokens(histories *h, size_t rows, size_t vocabulary)
{
    for (size_t i = 0; i < h->end_token_count; i++)
        if ((size_t)h->end_tokens[i] >= vocabulary) {
            warnx("an end token: %ld is not from 0 to %zu", (long)h->end_tokens[i], vocabulary - 1);
            return -1;
        }
    h->end_token_ends = calloc(rows, sizeof *h->end_token_ends);
    h->batch_end_tokens = calloc(rows * h->end_token_count, sizeof *h->batch_end_tokens);
    if (!h->end_token_ends || !h->batch_end_tokens) {
        warnx("out of memory");
        return -1;
    }
    for (size_t row = 0; row < rows; row++) {
        memcpy(h->batch_end_tokens + row * h->end_token_count, h->end_tokens, h->end_token_count * sizeof(int32_t));
        h->end_token_ends[row] = (row + 1) * h->end_token_count;
    }
    return 0;
}

int histories_load(histories *h, size_t rows, size_t batch, size_t vocabulary)
{
    if (h->path && load_file(h, rows, vocabulary))
        return -1;
    return h->end_token_count > 0 ? load_end_tokens(h, batch, vocabulary) : 0;
}

void histories_release(histories *h)
{
    free(h->end_tokens);
    free(h->tokens);
    free(h->ends);
    free(h->prompts);
    free(h->batch_ends);
    free(h->end_token_ends);
    free(h->batch_end_tokens);
}

void histories_apply(const histories *h, size_t first, tombola_rows *rows)
{
    if (h->ends) {
        const size_t before = batch_ends_cut(h->ends, first, rows->count, h->batch_ends);
        rows->history = h->tokens ? h->tokens + before : NULL;
        rows->history_ends = h->batch_ends;
        rows->prompt_lengths = h->prompts + first;
    }
    if (h->end_token_ends) { /* of every row the same */
        rows->end_tokens = h->batch_end_tokens;
        rows->end_token_ends = h->end_token_ends;
    }
}
