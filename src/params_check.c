#include "params_check.h"

#include "error.h"
#include "row.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

double params_value(const tombola_field *field, const tombola_params *p)
{
    const char *at = (const char *)p + field->offset;
    float real;
    uint32_t number;
    if (field->kind == TOMBOLA_KIND_FLOAT) {
        memcpy(&real, at, sizeof real);
        return (double)real;
    }
    memcpy(&number, at, sizeof number);
    return number;
}

static int is_in_range(const tombola_field *field, double value)
{
    switch (field->kind) {
    case TOMBOLA_KIND_FLOAT:
        return value >= field->low && value <= field->high;
    case TOMBOLA_KIND_CHOICE:
        return value <= field->high;
    case TOMBOLA_KIND_UINT32:
    case TOMBOLA_KIND_UINT64:
    case TOMBOLA_KIND_ORDER:
        return 1;
    }
    return 1;
}

static tombola_status fail_range(const tombola_field *field, double value, size_t row, tombola_error *error)
{
    const int digits = field->kind == TOMBOLA_KIND_FLOAT ? 9 : 10;
    if (isinf(field->high))
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].%s is %.*g, not %g or more", row, field->name, digits,
                    value, field->low);
    return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].%s is %.*g, not from %g to %g", row, field->name, digits,
                value, field->low, field->high);
}

/* How many steps have a name, their end included. */
static size_t count_steps(const tombola_field *field)
{
    size_t count = 0;
    while (field->values[count])
        count++;
    return count;
}

static tombola_status check_order(const tombola_field *field, const tombola_params *p, size_t row, tombola_error *error)
{
    const size_t steps = count_steps(field);
    unsigned seen = 0;
    int ended = 0;
    for (size_t i = 0; i < TOMBOLA_MAX_FILTERS; i++) {
        const unsigned step = p->filters[i];
        if (step >= steps)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].%s[%zu] is %u, not from 0 to %zu", row,
                        field->name, i, step, steps - 1);
        if (!*field->values[step])
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].%s[%zu] is %u, which no filter has", row,
                        field->name, i, step);
        if (step != TOMBOLA_FILTER_END && ended)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].%s[%zu] is %u, %s, behind the end of the order",
                        row, field->name, i, step, field->values[step]);
        if (step != TOMBOLA_FILTER_END && (seen & 1u << step))
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].%s[%zu] is %u, %s, for the second time", row,
                        field->name, i, step, field->values[step]);
        ended = step == TOMBOLA_FILTER_END;
        seen |= 1u << step;
    }
    return TOMBOLA_OK;
}

static tombola_status check_field(const tombola_field *field, const tombola_params *p, size_t row, tombola_error *error)
{
    if (field->kind == TOMBOLA_KIND_ORDER)
        return check_order(field, p, row, error);
    const double value = params_value(field, p);
    return is_in_range(field, value) ? TOMBOLA_OK : fail_range(field, value, row, error);
}

/* -------------------------------------------------------------------- all of a row */

const uint8_t *params_order(const tombola_params *p)
{
    static const uint8_t usual[TOMBOLA_MAX_FILTERS] = TOMBOLA_TEMPERATURE_FIRST;
    return p->filters[0] == TOMBOLA_FILTER_END ? usual : p->filters;
}

int params_have_place(const tombola_params *p, uint32_t step)
{
    return p->filters[0] == TOMBOLA_FILTER_END /* the default order has all */ ||
           memchr(p->filters, (int)step, TOMBOLA_MAX_FILTERS);
}

static int has_place(const tombola_field *field, const tombola_params *p)
{
    return field->filter == TOMBOLA_FILTER_END || params_have_place(p, field->filter);
}

/* What would be done in silence otherwise: a value whose step stands nowhere in the order. */
static tombola_status check_places(const tombola_params *p, size_t row, tombola_error *error)
{
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        const double value = params_value(field, p);
        if (value != field->neutral && !has_place(field, p))
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "params[%zu].%s is %.9g, but params[%zu].filters has no place for it", row, field->name, value,
                        row);
    }
    return TOMBOLA_OK;
}

static int has_race_for_watermark(const tombola_params *p)
{
    return p->watermark == 0 || p->method == TOMBOLA_RACE;
}

/* A watermark is one of the race: no detector would find it in a draw by inverse CDF. */
static tombola_status check_watermark(const tombola_params *p, size_t row, tombola_error *error)
{
    if (has_race_for_watermark(p))
        return TOMBOLA_OK;
    return fail(error, TOMBOLA_INVALID_ARGUMENT,
                "params[%zu].watermark is %lu, but params[%zu].method is %lu: a watermark needs TOMBOLA_RACE", row,
                (unsigned long)p->watermark, row, (unsigned long)p->method);
}

static tombola_status check_all(const tombola_params *p, size_t row, uint32_t *needs, tombola_error *error)
{
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        tombola_status status = check_field(field, p, row, error);
        if (status)
            return status;
        if (field->needs && params_value(field, p) != field->neutral)
            *needs |= field->needs;
    }
    tombola_status status = check_watermark(p, row, error);
    return status ? status : check_places(p, row, error);
}

/* -------------------------------------------------------------------- what has changed */

_Static_assert(sizeof(tombola_params) % sizeof(uint64_t) == 0, "words are compared some at a time");

struct params_words params_words(void)
{
    struct params_words words = {{NULL}};
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        const size_t count = field->kind == TOMBOLA_KIND_ORDER ? TOMBOLA_MAX_FILTERS / sizeof(uint32_t) : 1;
        for (size_t word = 0; word < count; word++)
            words.fields[field->offset / sizeof(uint32_t) + word] = field;
    }
    return words;
}

#define STEP_COUNT(NAME, name, number, needs) +1
#define STEP_BIT(NAME, name, number, needs) | 1u << (number)
enum { STEPS = FILTERS(STEP_COUNT), ALL_STEPS = 0 FILTERS(STEP_BIT) };

/* Whether it is the default order or another of all filters, which has a place for any value. */
static int has_all_places(const uint8_t *order)
{
    static const uint8_t none[TOMBOLA_MAX_FILTERS];
    unsigned seen = 0;
    for (size_t i = 0; i < STEPS; i++)
        seen |= order[i] <= STEPS ? 1u << order[i] : 0;
    return (seen == ALL_STEPS || !memcmp(order, none, STEPS)) &&
           !memcmp(order + STEPS, none, TOMBOLA_MAX_FILTERS - STEPS);
}

/* Whether a field's value is right where those that it has not in common with the row before are; of an order that
 * lacks filters that depends on other values. */
static int is_right(const tombola_field *field, const tombola_params *p, uint32_t *needs)
{
    if (field->kind == TOMBOLA_KIND_ORDER)
        return has_all_places(p->filters);
    const double value = params_value(field, p);
    if (value == field->neutral)
        return 1;
    *needs |= field->needs;
    return is_in_range(field, value) && has_place(field, p);
}

/* Whether what has changed from word `first` on, up to `end`, is right. */
static int is_right_from(const struct params_words *words, const tombola_params *p, const tombola_params *before,
                         size_t first, size_t end, uint32_t *needs)
{
    const uint32_t *now = (const uint32_t *)p, *then = (const uint32_t *)before;
    for (size_t word = first; word < end; word++) {
        const tombola_field *field = words->fields[word];
        if (field && memcmp(now + word, then + word, sizeof *now) && !is_right(field, p, needs))
            return 0;
    }
    return 1;
}

/* Whether they differ in no more than where in the random stream a row is. */
static int are_alike(const tombola_params *a, const tombola_params *b)
{
    enum { FIRST = offsetof(tombola_params, stream), END = offsetof(tombola_params, method) };
    _Static_assert(END - FIRST == sizeof a->stream + sizeof a->seed + sizeof a->offset, "they lie side by side");
    return memcmp(a, b, FIRST) == 0 && memcmp((const char *)a + END, (const char *)b + END, sizeof *a - END) == 0;
}

tombola_status params_check(const struct params_words *words, const tombola_params *p, const tombola_params *before,
                            size_t row, int *is_alike, uint32_t *needs, tombola_error *error)
{
    const size_t few = sizeof(uint64_t) / sizeof(uint32_t); /* words that are compared at once */
    int is_fine = has_race_for_watermark(p);
    *is_alike = are_alike(p, before);
    for (size_t word = 0; word < PARAMS_WORDS && is_fine && !*is_alike; word += few)
        if (memcmp((const uint32_t *)p + word, (const uint32_t *)before + word, few * sizeof(uint32_t)))
            is_fine = is_right_from(words, p, before, word, word + few, needs);
    return is_fine ? TOMBOLA_OK : check_all(p, row, needs, error);
}
