/* Banned words: the last token of one can't be drawn where the history ends with the others. */
#include "processor.h"

#include <string.h>

static int ends_with(const struct processor_input *in, const int32_t *tokens, size_t count)
{
    return count == 0 ||
           (count <= in->length && memcmp(in->history + in->length - count, tokens, count * sizeof *tokens) == 0);
}

size_t banned_words_most(const struct processor_input *in)
{
    return in->banned.end - in->banned.first;
}

void banned_words_run(const struct processor_input *in, const struct processor_output *out)
{
    for (size_t word = in->banned.first; word < in->banned.end; word++) {
        const int32_t *tokens = in->banned.tokens + word_start(&in->banned, word);
        const size_t others = word_length(&in->banned, word) - 1;
        if (ends_with(in, tokens, others))
            out->put(out->list, tokens[others], EFFECT_BAN, 0.0f);
    }
}
