#include "sequences.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "batch_ends.h"
#include "option_ids.h"

enum { BANNED = 0x480, BREAKERS, FORCED, START, END };

static const struct argp_option OPTIONS[] = {
    {"banned-words", BANNED, "FILE", 0,
     "Words that may not come, a list of token ids a line, as [5, 17]: in every row the last one can't be drawn where "
     "the history ends with the others",
     0},
    {"dry-breakers", BREAKERS, "FILE", 0, "DRY: lists of token ids likewise, beyond which no repetition reaches back",
     0},
    {"forced", FORCED, "FILE", 0,
     "A list of token ids a line, [] for none, one line for each row: from --forced-from on they come whatever the "
     "logits are",
     0},
    {"thinking-start", START, "ID,...", 0, "The tokens that begin thinking, for --thinking-budget", 0},
    {"thinking-end", END, "ID,...", 0, "The tokens that end it", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    sequences *s = state->input;
    switch (key) {
    case BANNED:
        s->banned.path = text;
        return 0;
    case BREAKERS:
        s->breakers.path = text;
        return 0;
    case FORCED:
        s->forced_path = text;
        return 0;
    case START:
        s->start_count = 0;
        option_ids_add("--thinking-start", text, &s->start, &s->start_count, state);
        return 0;
    case END:
        s->end_count = 0;
        option_ids_add("--thinking-end", text, &s->end, &s->end_count, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp sequences_argp = {.options = OPTIONS, .parser = parse};

/* Reads words and gives each row of a batch its own copy of them. */
static int load_words(shared_words *words, size_t batch, size_t vocabulary)
{
    const id_lines *lines = words->path ? &words->lines : words->given;
    if (!lines)
        return 0;
    if (words->path && id_lines_read(words->path, vocabulary, 0, &words->lines))
        return -1;
    const size_t ids = lines->count ? lines->ends[lines->count - 1] : 0;
    words->ids = calloc(batch, (ids + 1) * sizeof *words->ids);
    words->ends = calloc(batch, (lines->count + 1) * sizeof *words->ends);
    words->row_ends = calloc(batch, sizeof *words->row_ends);
    if (!words->ids || !words->ends || !words->row_ends) {
        warnx("out of memory");
        return -1;
    }
    for (size_t row = 0; row < batch; row++) {
        for (size_t i = 0; i < ids; i++)
            words->ids[row * ids + i] = lines->ids[i];
        for (size_t word = 0; word < lines->count; word++)
            words->ends[row * lines->count + word] = row * ids + lines->ends[word];
        words->row_ends[row] = (row + 1) * lines->count;
    }
    return 0;
}

static int load_forced(sequences *s, size_t rows, size_t batch, size_t vocabulary)
{
    if (!s->forced_path)
        return 0;
    if (id_lines_read(s->forced_path, vocabulary, 1, &s->forced))
        return -1;
    if (s->forced.count != rows) {
        warnx("%s: %zu lists, but there are %zu rows of logits", s->forced_path, s->forced.count, rows);
        return -1;
    }
    s->forced_ends = calloc(batch, sizeof *s->forced_ends);
    if (!s->forced_ends)
        warnx("out of memory");
    return s->forced_ends ? 0 : -1;
}

static int check_ids(const char *option, const int32_t *ids, size_t count, size_t vocabulary)
{
    for (size_t i = 0; i < count; i++)
        if ((size_t)ids[i] >= vocabulary) {
            warnx("%s: token %ld is not from 0 to %zu", option, (long)ids[i], vocabulary - 1);
            return -1;
        }
    return 0;
}

int sequences_load(sequences *s, size_t rows, size_t batch, size_t vocabulary)
{
    return check_ids("--thinking-start", s->start, s->start_count, vocabulary) ||
                   check_ids("--thinking-end", s->end, s->end_count, vocabulary) ||
                   load_words(&s->banned, batch, vocabulary) || load_words(&s->breakers, batch, vocabulary) ||
                   load_forced(s, rows, batch, vocabulary)
               ? -1
               : 0;
}

static void release_words(shared_words *words)
{
    id_lines_release(&words->lines);
    free(words->ids);
    free(words->ends);
    free(words->row_ends);
}

void sequences_release(sequences *s)
{
    release_words(&s->banned);
    release_words(&s->breakers);
    id_lines_release(&s->forced);
    free(s->forced_ends);
    free(s->start);
    free(s->end);
}

void sequences_apply(const sequences *s, size_t first, tombola_rows *rows)
{
    rows->words = s->banned.ids;
    rows->word_ends = s->banned.ends;
    rows->banned_ends = s->banned.row_ends;
    rows->breakers = s->breakers.ids;
    rows->breaker_ends = s->breakers.ends;
    rows->breaker_row_ends = s->breakers.row_ends;
    rows->thinking_start = s->start;
    rows->thinking_start_count = s->start_count;
    rows->thinking_end = s->end;
    rows->thinking_end_count = s->end_count;
    if (s->forced_ends) {
        rows->forced = s->forced.ids + batch_ends_cut(s->forced.ends, first, rows->count, s->forced_ends);
        rows->forced_ends = s->forced_ends;
    }
}
