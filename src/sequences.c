#include "sequences.h"

#include "error.h"
#include "lists.h"
#include "rules.h"

static struct lists lists_of(const char *tokens_name, const char *ends_name, const char *owner, const int32_t *tokens,
                             const size_t *ends, size_t count)
{
    return (struct lists){tokens_name, ends_name, owner, tokens, ends, count, MOST_LISTED};
}

static struct lists forced_of(const tombola_rows *rows)
{
    return lists_of("forced", "forced_ends", "row", rows->forced, rows->forced_ends, rows->count);
}

/* ------------------------------------------------------------------- checks */

/* Words, and which of them each row has. */
static tombola_status check_words(const struct lists *words, const char *row_ends_name, const size_t *row_ends,
                                  size_t rows, size_t vocabulary, tombola_error *error)
{
    const struct lists of_rows = lists_of(words->tokens_name, row_ends_name, "row", NULL, row_ends, rows);
    tombola_status status = lists_check_ends(&of_rows, words->tokens != NULL, error);
    if (status || !row_ends || row_ends[rows - 1] == 0)
        return status;
    struct lists all = *words;
    all.count = row_ends[rows - 1];
    if (!all.ends)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s is NULL, but rows.%s[%zu] is %zu", all.ends_name,
                    row_ends_name, rows - 1, all.count);
    return lists_check_of_rows(&all, row_ends, vocabulary, error);
}

static tombola_status check_tokens(const char *name, const int32_t *tokens, size_t count, size_t vocabulary,
                                   tombola_error *error)
{
    if (count > 0 && !tokens)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s is NULL, but rows.%s_count is %zu", name, name, count);
    for (size_t i = 0; i < count; i++)
        if (tokens[i] < 0 || (size_t)tokens[i] >= vocabulary)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s[%zu] is %ld, not from 0 to %zu", name, i,
                        (long)tokens[i], vocabulary - 1);
    return TOMBOLA_OK;
}

tombola_status sequences_check(const struct plan *p, const tombola_rows *rows, tombola_error *error)
{
    const size_t count = rows->count, vocabulary = p->vocabulary;
    const struct lists words = lists_of("words", "word_ends", "word", rows->words, rows->word_ends, 0);
    const struct lists breakers = lists_of("breakers", "breaker_ends", "word", rows->breakers, rows->breaker_ends, 0);
    const struct lists forced = forced_of(rows);
    tombola_status status = check_words(&words, "banned_ends", rows->banned_ends, count, vocabulary, error);
    if (!status)
        status = check_words(&breakers, "breaker_row_ends", rows->breaker_row_ends, count, vocabulary, error);
    if (!status)
        status = lists_check(&forced, vocabulary, error);
    if (!status)
        status = check_tokens("thinking_start", rows->thinking_start, rows->thinking_start_count, vocabulary, error);
    if (!status)
        status = check_tokens("thinking_end", rows->thinking_end, rows->thinking_end_count, vocabulary, error);
    return status;
}

/* -------------------------------------------------------------------- input */

static struct token_words row_words(const int32_t *tokens, const size_t *ends, const size_t *row_ends, size_t row)
{
    struct token_words words = {tokens, ends, 0, 0};
    if (row_ends) {
        words.first = row ? row_ends[row - 1] : 0;
        words.end = row_ends[row];
    }
    return words;
}

static struct processor_input input_of(const tombola_rows *rows, size_t row, const struct history *h,
                                       const tombola_params *params)
{
    const struct lists forced = forced_of(rows);
    return (struct processor_input){
        .params = params,
        .history = h->tokens,
        .length = h->count,
        .prompt_length = h->prompt,
        .end_tokens = {h->end_tokens, h->end_token_count},
        .banned = row_words(rows->words, rows->word_ends, rows->banned_ends, row),
        .breakers = row_words(rows->breakers, rows->breaker_ends, rows->breaker_row_ends, row),
        .forced = {list_tokens(&forced, row), list_count(&forced, row)},
        .thinking_start = {rows->thinking_start, rows->thinking_start_count},
        .thinking_end = {rows->thinking_end, rows->thinking_end_count},
    };
}

size_t sequences_most(const tombola_rows *rows, size_t row, const struct history *h, const tombola_params *params)
{
    const struct processor_input input = input_of(rows, row, h, params);
    return rules_most(&input);
}

size_t sequences_length(const tombola_rows *rows, size_t row, const struct history *h, const tombola_params *params)
{
    const struct processor_input input = input_of(rows, row, h, params);
    return rules_length(&input);
}

size_t sequences_slots(const tombola_rows *rows, size_t row, const struct history *h, const tombola_params *params)
{
    const struct processor_input input = input_of(rows, row, h, params);
    return dry_slots(&input);
}

int32_t sequences_only(const tombola_rows *rows, size_t row, const struct history *h, const tombola_params *params)
{
    const struct processor_input input = input_of(rows, row, h, params);
    return rules_only(&input);
}

/* ------------------------------------------------------------------- making */

struct making {
    struct adjustment *made;
    size_t count;
};

static void put(void *list, int32_t token, enum effect effect, float value)
{
    static const u32 kinds[] = {
        [EFFECT_BAN] = ADJUST_BAN, [EFFECT_PENALTY] = ADJUST_DRY, [EFFECT_GROWTH] = ADJUST_GROWTH};
    struct making *m = list;
    m->made[m->count++] = (struct adjustment){(u32)token << ADJUST_BITS | kinds[effect], value};
}

#define DIGIT_BITS 9

/* Sorts by place, a digit after another from the lowest; gives where the sorted ones are, in one array or the other. */
static struct adjustment *sort(struct adjustment *from, struct adjustment *to, size_t count)
{
    for (unsigned shift = 0; shift < 3 * DIGIT_BITS; shift += DIGIT_BITS) {
        size_t starts[1 << DIGIT_BITS] = {0}, sum = 0;
        for (size_t i = 0; i < count; i++)
            starts[from[i].place >> shift & ((1u << DIGIT_BITS) - 1)]++;
        for (size_t digit = 0; digit < 1u << DIGIT_BITS; digit++) {
            const size_t here = starts[digit];
            starts[digit] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++)
            to[starts[from[i].place >> shift & ((1u << DIGIT_BITS) - 1)]++] = from[i];
        struct adjustment *swapped = from;
        from = to;
        to = swapped;
    }
    return from;
}
_Static_assert(TOMBOLA_MAX_VOCABULARY - 1 <= (1u << (3 * DIGIT_BITS - ADJUST_BITS)) - 1, "places have more digits");

/* Leaves one of each place, that with the largest value; gives how many are left. */
static size_t unite(struct adjustment *sorted, size_t count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (left == 0 || sorted[left - 1].place != sorted[i].place)
            sorted[left++] = sorted[i];
        else if (sorted[i].value > sorted[left - 1].value)
            sorted[left - 1].value = sorted[i].value;
    }
    return left;
}

/* Merges sorted entries into the list, from the last on. */
static void merge(struct adjustment_list *list, const struct adjustment *entries, size_t count)
{
    size_t left = list->count, at = left + count;
    list->count = at;
    while (count > 0) {
        if (left > 0 && list->entries[left - 1].place > entries[count - 1].place)
            list->entries[--at] = list->entries[--left];
        else
            list->entries[--at] = entries[--count];
    }
}

void sequences_add(const tombola_rows *rows, size_t row, const struct history *h, const tombola_params *params,
                   struct sequence_room *room, struct adjustment_list *list)
{
    struct processor_input input = input_of(rows, row, h, params);
    const int are_few = rules_most(&input) <= FEW_ADJUSTMENTS;
    struct making making = {are_few ? room->few_made : room->made, 0};
    const struct processor_output output = {&making, put};
    input.repeats = room->repeats;
    input.penalties = room->penalties;
    input.slots = room->slots;
    rules_run(&input, &output);
    struct adjustment *sorted = sort(making.made, are_few ? room->few_sorted : room->sorted, making.count);
    merge(list, sorted, unite(sorted, making.count));
}
