#include "params.h"

#include "adapt.h"
#include "error.h"
#include "filters.h"
#include "params_check.h"
#include "sized.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define GREEDY_BELOW 1e-5f
#define LOG2_E 1.4426950408889634

/* The row's parameters as this library has them, not checked yet: the caller's own, or in `room` where their size is
 * another; NULL after a failure. */
static const tombola_params *read_params(const tombola_params *params, size_t row, tombola_params *room,
                                         tombola_error *error)
{
    uint32_t size = sized_size(params);
    const char *theirs = (const char *)params + row * size;
    if (sized_size(theirs) != size) {
        fail(error, TOMBOLA_INVALID_ARGUMENT,
             "params[%zu].struct_size is %lu, but that of params[0] is %lu: start each from tombola_params_default()",
             row, (unsigned long)sized_size(theirs), (unsigned long)size);
        return NULL;
    }
    if (size == sizeof *room)
        return params + row;
    char name[40];
    snprintf(name, sizeof name, "params[%zu]", row);
    *room = tombola_params_default();
    return sized_read(name, "tombola_params_default", room, sizeof *room, theirs, error) ? NULL : room;
}

/* The row's filters in its order. The temperature stands among them where it comes after one that weighs tokens, and
 * changes weights. Before it filters see temperature 1. */
static void convert_filters(const tombola_params *p, double temperature, struct row_params *device)
{
    const uint8_t *order = params_order(p);
    const int is_dynamic = p->dynatemp_range > 0.0f; /* devices take what follows at temperature 1 then */
    double now = params_have_place(p, TOMBOLA_FILTER_TEMPERATURE) ? 1.0 : temperature;
    int weighed = 0;
    size_t count = 0;
    for (size_t i = 0; i < TOMBOLA_MAX_FILTERS && order[i] != TOMBOLA_FILTER_END; i++) {
        const struct filter *filter = &filters[order[i]];
        const int is_temperature = order[i] == TOMBOLA_FILTER_TEMPERATURE;
        if (is_temperature && !is_dynamic)
            now = temperature;
        if (is_temperature ? (!weighed || temperature == 1.0) && !is_dynamic : !filter->is_in_force(p))
            continue;
        device->filters[count++] = order[i];
        weighed |= (filter_needs(order[i]) & NEED_WEIGHTS) != 0;
        filter->convert(p, now, device);
    }
}

void params_convert_row(const tombola_params *p, struct row_params *device)
{
    double temperature = fmin((double)p->temperature, HOTTEST);
    int greedy = p->temperature < GREEDY_BELOW, adaptive = adapt_has_target(p);
    double scaled = greedy ? HOTTEST : temperature; /* a greedy row is not scaled */
    const float reciprocal = (float)(1.0 / (double)p->repetition_penalty);
    *device = (struct row_params){
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
        convert_filters(p, temperature, device);
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
static void convert_samples(const tombola_params *p, size_t samples, struct row_params *device)
{
    const struct filter *xtc = &filters[TOMBOLA_FILTER_XTC];
    params_convert_row(p, device);
    if (samples == 1 || p->xtc_probability == 0.0f || (device->flags & ROW_GREEDY))
        return;
    const int is_first_cut = xtc->is_in_force(p);
    int has_others = 0;
    for (size_t i = 1; i < samples; i++) {
        tombola_params own = *p;
        own.stream += (uint32_t)i;
        if (xtc->is_in_force(&own) == is_first_cut)
            continue;
        device->others[i / 32] |= 1u << i % 32;
        if (has_others)
            continue;
        struct row_params other;
        params_convert_row(&own, &other);
        memcpy(device->other_filters, other.filters, sizeof other.filters);
        device->xtc_threshold = is_first_cut ? device->xtc_threshold : other.xtc_threshold;
        has_others = 1;
    }
}

/* What becomes of a row whose parameters are like those before it: nothing but XTC's chance is made of the stream. */
static void convert_alike(const tombola_params *p, size_t samples, const struct row_params *before,
                          struct row_params *device)
{
    if (p->xtc_probability > 0.0f) {
        convert_samples(p, samples, device);
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
    const struct params_words words = params_words();
    const tombola_params usual = tombola_params_default(), *before = &usual;
    tombola_params rooms[2]; /* for a row's and those of the row before */
    *needs = 0;
    for (size_t row = 0; row < rows; row++) {
        const tombola_params *own = read_params(params, row, &rooms[row % 2], error);
        int is_alike;
        if (!own || params_check(&words, own, before, row, &is_alike, needs, error))
            return TOMBOLA_INVALID_ARGUMENT;
        if (device && is_alike && row > 0)
            convert_alike(own, samples, &device[row - 1], &device[row]);
        else if (device)
            convert_samples(own, samples, &device[row]);
        before = own;
    }
    return TOMBOLA_OK;
}
