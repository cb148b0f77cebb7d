#include "rules.h"

static const struct processor {
    size_t (*most)(const struct processor_input *input); /* how often it tells something at most; 0: it is off */
    void (*run)(const struct processor_input *input, const struct processor_output *output);
    int needs_room; /* for the history */
} processors[] = {
    {min_tokens_most, min_tokens_run, 0}, {dry_most, dry_run, 1},       {banned_words_most, banned_words_run, 0},
    {ngram_most, ngram_run, 1},           {length_most, length_run, 0},
};
#define PROCESSORS (sizeof processors / sizeof processors[0])

int32_t rules_only(const struct processor_input *input)
{
    const int32_t only = forced_token(input);
    return only < 0 ? thinking_token(input) : only;
}

size_t rules_most(const struct processor_input *input)
{
    size_t most = 0;
    for (size_t i = 0; i < PROCESSORS; i++)
        most += processors[i].most(input);
    return most;
}

size_t rules_length(const struct processor_input *input)
{
    for (size_t i = 0; i < PROCESSORS; i++)
        if (processors[i].needs_room && processors[i].most(input) > 0)
            return input->length;
    return 0;
}

void rules_run(const struct processor_input *input, const struct processor_output *output)
{
    for (size_t i = 0; i < PROCESSORS; i++)
        if (processors[i].most(input) > 0)
            processors[i].run(input, output);
}
