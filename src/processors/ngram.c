/* No n tokens in a row come twice, as Transformers' NoRepeatNGramLogitsProcessor has it. */
#include "processor.h"
#include "repeats.h"

size_t ngram_most(const struct processor_input *in)
{
    const size_t n = in->params->no_repeat_ngram;
    return n > 0 && in->length >= n ? in->length : 0;
}

void ngram_run(const struct processor_input *in, const struct processor_output *out)
{
    const size_t n = in->params->no_repeat_ngram, length = in->length;
    if (n > 1)
        repeats_count(in->history, length, in->repeats);
    else /* the one token that no repetition tells of */
        out->put(out->list, in->history[0], EFFECT_BAN, 0.0f);
    for (size_t k = 1; k < length; k++)
        if (n == 1 || in->repeats[k] >= n - 1)
            out->put(out->list, in->history[length - k], EFFECT_BAN, 0.0f);
}
