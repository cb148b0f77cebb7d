/* The thinking budget: where a row has thought for so many tokens, the sequence that ends thinking comes. */
#include "processor.h"

#include <string.h>

/* Whether the `count` tokens begin with the list. */
static int begins_with(const int32_t *tokens, size_t count, const struct token_list *list)
{
    return list->count <= count && memcmp(tokens, list->tokens, list->count * sizeof *tokens) == 0;
}

/* Where thinking began that has not ended, behind the start that began it; SIZE_MAX where there is none. Read from the
 * left, so that a start within thinking does not begin it anew. */
static size_t find_open(const struct processor_input *in)
{
    size_t open = SIZE_MAX, place = 0;
    while (place < in->length) {
        const struct token_list *sought = open == SIZE_MAX ? &in->thinking_start : &in->thinking_end;
        if (in->history[place] != sought->tokens[0] || !begins_with(in->history + place, in->length - place, sought)) {
            place++;
            continue;
        }
        place += sought->count;
        open = open == SIZE_MAX ? place : SIZE_MAX;
    }
    return open;
}

/* How much of the end has come already: the longest beginning of it that these tokens end with. */
static size_t count_come(const int32_t *tokens, size_t count, const struct token_list *end)
{
    size_t come = end->count - 1 < count ? end->count - 1 : count;
    while (come > 0 && memcmp(tokens + count - come, end->tokens, come * sizeof *tokens) != 0)
        come--;
    return come;
}

int32_t thinking_token(const struct processor_input *in)
{
    if (in->params->thinking_budget == 0 || in->thinking_start.count == 0 || in->thinking_end.count == 0)
        return -1;
    const size_t open = find_open(in);
    if (open == SIZE_MAX || in->length - open < in->params->thinking_budget)
        return -1;
    return in->thinking_end.tokens[count_come(in->history + open, in->length - open, &in->thinking_end)];
}
