#include "params.h"

#include "adapt.h"
#include "error.h"
#include "filters.h"
#include "sized.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define GREEDY_BELOW 1e-5f
#define LOG2_E 1.4426950408889634

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

static tombola_status check_float(const tombola_field *field, const tombola_params *p, size_t row, tombola_error *error)
{
    const double value = params_value(field, p);
    if (value >= field->low && value <= field->high)
        return TOMBOLA_OK;
    if (isinf(field->high))
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].%s is %.9g, not %g or more", row, field->name, value,
                    field->low);
    return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].%s is %.9g, not from %g to %g", row, field->name, value,
                field->low, field->high);
}

static tombola_status check_choice(const tombola_field *field, const tombola_params *p, size_t row,
                                   tombola_error *error)
{
    const double value = params_value(field, p);
    if (value <= field->high)
        return TOMBOLA_OK;
    return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].%s is %.0f, not from %g to %g", row, field->name, value,
                field->low, field->high);
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
    switch (field->kind) {
    case TOMBOLA_KIND_FLOAT:
        return check_float(field, p, row, error);
    case TOMBOLA_KIND_CHOICE:
        return check_choice(field, p, row, error);
    case TOMBOLA_KIND_ORDER:
        return check_order(field, p, row, error);
    case TOMBOLA_KIND_UINT32:
    case TOMBOLA_KIND_UINT64:
        return TOMBOLA_OK;
    }
    return TOMBOLA_OK;
}

/* The row's order of steps, the default where none is given. */
static const uint8_t *order_of(const tombola_params *p)
{
    static const uint8_t usual[TOMBOLA_MAX_FILTERS] = TOMBOLA_TEMPERATURE_FIRST;
    return p->filters[0] == TOMBOLA_FILTER_END ? usual : p->filters;
}

/* What would be done in silence otherwise: a value whose step stands nowhere in the order. */
static tombola_status check_places(const tombola_params *p, size_t row, tombola_error *error)
{
    const uint8_t *order = order_of(p);
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        if (field->filter == TOMBOLA_FILTER_END)
            continue;
        double value = params_value(field, p);
        if (value != field->neutral && !memchr(order, (int)field->filter, TOMBOLA_MAX_FILTERS))
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "params[%zu].%s is %.9g, but params[%zu].filters has no place for it", row, field->name, value,
                        row);
    }
    return TOMBOLA_OK;
}

/* A watermark is one of the race: no detector would find it in a draw by inverse CDF. */
static tombola_status check_watermark(const tombola_params *p, size_t row, tombola_error *error)
{
    if (p->watermark == 0 || p->method == TOMBOLA_RACE)
        return TOMBOLA_OK;
    return fail(error, TOMBOLA_INVALID_ARGUMENT,
                "params[%zu].watermark is %lu, but params[%zu].method is %lu: a watermark needs TOMBOLA_RACE", row,
                (unsigned long)p->watermark, row, (unsigned long)p->method);
}

/* Adds to `needs` what parameters need that are not neutral. */
static tombola_status check_params(const tombola_params *p, size_t row, uint32_t *needs, tombola_error *error)
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

/* The row's parameters as this library has them, not checked yet. */
static tombola_status read_params(const tombola_params *params, size_t row, tombola_params *own, tombola_error *error)
{
    uint32_t size = sized_size(params);
    const char *theirs = (const char *)params + row * size;
    if (sized_size(theirs) != size)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "params[%zu].struct_size is %lu, but that of params[0] is %lu: start each from "
                    "tombola_params_default()",
                    row, (unsigned long)sized_size(theirs), (unsigned long)size);
    if (size == sizeof *own) {
        memcpy(own, theirs, sizeof *own);
        return TOMBOLA_OK;
    }
    char name[40];
    snprintf(name, sizeof name, "params[%zu]", row);
    *own = tombola_params_default();
    return sized_read(name, "tombola_params_default", own, sizeof *own, theirs, error);
}

/* The row's filters in its order. The temperature stands among them where it comes after one that weighs tokens, and
 * changes weights. Before it filters see temperature 1. */
static void convert_filters(const tombola_params *p, double temperature, struct row_params *device)
{
    const uint8_t *order = order_of(p);
    double now = memchr(order, TOMBOLA_FILTER_TEMPERATURE, TOMBOLA_MAX_FILTERS) ? 1.0 : temperature;
    int weighed = 0;
    size_t count = 0;
    for (size_t i = 0; i < TOMBOLA_MAX_FILTERS; i++) {
        const struct filter *filter = filter_of(order[i]);
        const int is_temperature = order[i] == TOMBOLA_FILTER_TEMPERATURE;
        const int is_dynamic = p->dynatemp_range > 0.0f; /* devices take what follows at temperature 1 then */
        if (is_temperature && !is_dynamic)
            now = temperature;
        if (is_temperature ? (!weighed || temperature == 1.0) && !is_dynamic : !filter || !filter->is_in_force(p))
            continue;
        device->filters[count++] = order[i];
        weighed |= (filter_needs(order[i]) & NEED_WEIGHTS) != 0;
        if (filter && filter->convert)
            filter->convert(p, now, device);
    }
}

struct row_params params_convert_row(const tombola_params *p)
{
    double temperature = fmin((double)p->temperature, HOTTEST);
    int greedy = p->temperature < GREEDY_BELOW, adaptive = adapt_has_target(p);
    double scaled = greedy ? HOTTEST : temperature; /* a greedy row is not scaled */
    const float reciprocal = (float)(1.0 / (double)p->repetition_penalty);
    struct row_params device = {
        .seed = p->seed,
        .offset = p->offset,
        .top_p = TOP_P_ALL,
        .scale = (float)(LOG2_E / scaled),
        .unscale = (float)(scaled / LOG2_E),
        .temperature = (float)temperature,
        .stream = p->stream,
        .flags = (greedy ? ROW_GREEDY : 0) | (p->method == TOMBOLA_INVERSE_CDF ? ROW_INVERSE_CDF : 0) |
                 (p->watermark ? ROW_ONE_STREAM : 0) | (adaptive && !greedy ? ROW_ADAPTIVE : 0),
        .mask = NO_MASK,
        .min_keep = p->min_keep,
        .repeated_above = reciprocal >= FLT_MIN ? reciprocal : 0.0f,
        .repeated_below = p->repetition_penalty,
        .adapted_target = adaptive ? adapt_target(p) : 0.0f,
    };
    if (!greedy)
        convert_filters(p, temperature, &device);
    return device;
}

double params_value_of_row(const tombola_field *field, const tombola_params *params, size_t row)
{
    const size_t size = sized_size(params), end = field->offset + sizeof(uint32_t);
    if (end > size) /* an older caller's struct does not have it */
        return field->neutral;
    return params_value(field, (const tombola_params *)((const char *)params + row * size));
}

tombola_params params_of_row(const tombola_params *params, size_t row)
{
    const size_t size = sized_size(params);
    const char *theirs = (const char *)params + row * size;
    tombola_params own = tombola_params_default();
    memcpy(&own, theirs, size < sizeof own ? size : sizeof own);
    own.struct_size = sizeof own;
    return own;
}

/* The same for samples, each from a stream of its own. XTC may be in force for some of them alone. */
static struct row_params convert_samples(const tombola_params *p, size_t samples)
{
    struct row_params device = params_convert_row(p);
    const struct filter *xtc = filter_of(TOMBOLA_FILTER_XTC);
    const int is_first_cut = xtc->is_in_force(p);
    int has_others = 0;
    for (size_t i = 1; i < samples && !(device.flags & ROW_GREEDY); i++) {
        tombola_params own = *p;
        own.stream += (uint32_t)i;
        if (xtc->is_in_force(&own) == is_first_cut)
            continue;
        device.others[i / 32] |= 1u << i % 32;
        if (has_others)
            continue;
        const struct row_params other = params_convert_row(&own);
        memcpy(device.other_filters, other.filters, sizeof other.filters);
        device.xtc_threshold = is_first_cut ? device.xtc_threshold : other.xtc_threshold;
        has_others = 1;
    }
    return device;
}

/* Whether they differ in no more than where in the random stream a row is. */
static int are_alike(const tombola_params *a, const tombola_params *b)
{
    tombola_params there = *a;
    there.seed = b->seed;
    there.offset = b->offset;
    there.stream = b->stream;
    return memcmp(&there, b, sizeof there) == 0;
}

/* What becomes of a row whose parameters are like those before it: nothing but XTC's chance is made of the stream. */
static void convert_alike(const tombola_params *p, size_t samples, const struct row_params *before,
                          struct row_params *device)
{
    if (p->xtc_probability > 0.0f) {
        *device = convert_samples(p, samples);
        return;
    }
    *device = *before;
    device->seed = p->seed;
    device->offset = p->offset;
    device->stream = p->stream;
}

tombola_status params_convert(const tombola_params *params, size_t rows, size_t samples, struct row_params *device,
                              uint32_t *needs, tombola_error *error)
{
    tombola_params both[2]; /* a row's and those of the row before: rows of a batch are mostly alike */
    *needs = 0;
    for (size_t row = 0; row < rows; row++) {
        tombola_params *own = &both[row % 2];
        tombola_status status = read_params(params, row, own, error);
        const int is_alike = !status && row > 0 && are_alike(own, &both[1 - row % 2]);
        if (!status && !is_alike)
            status = check_params(own, row, needs, error);
        if (status)
            return status;
        if (device && is_alike)
            convert_alike(own, samples, &device[row - 1], &device[row]);
        else if (device)
            device[row] = convert_samples(own, samples);
    }
    return TOMBOLA_OK;
}
