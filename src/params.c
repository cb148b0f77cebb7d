#include "params.h"

#include "error.h"
#include "sized.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define GREEDY_BELOW 1e-5f
#define HOTTEST 0x1p90 /* a higher temperature counts as this one */
#define LOG2_E 1.4426950408889634
#define LN_2 0.6931471805599453
#define SMALLEST_MIN_P 0x1p-126f

/* The table of parameters: a line for each field of tombola_params behind struct_size, in the order of options and
 * columns. FIELD(name, kind, low, high, neutral, help); the range is a float's. */
#define FIELDS(FIELD)                                                                                                  \
    FIELD(temperature, FLOAT, 0, HUGE_VAL, 1, "Divide logits by this: 0 (always the most likely token) to inf")        \
    FIELD(top_k, UINT32, 0, 0, 0, "Keep so many of the most likely tokens; 0 keeps all")                               \
    FIELD(top_p, FLOAT, 0, 1, 1, "Keep the most likely tokens until they hold this share, 0 to 1; 1 keeps all")        \
    FIELD(min_p, FLOAT, 0, 1, 0, "Keep tokens at least this many times as likely as the first, 0 to 1; 0 keeps all")   \
    FIELD(seed, UINT64, 0, 0, 0, "The random stream; the same seed draws the same tokens on every device")             \
    FIELD(offset, UINT64, 0, 0, 0, "Where in the random stream to start")                                              \
    FIELD(stream, UINT32, 0, 0, 0, "Which of several samples of one request, with a random stream each")

#define TABLE_LINE(name, kind, low, high, neutral, help)                                                               \
    {sizeof(tombola_field), TOMBOLA_KIND_##kind, #name, offsetof(tombola_params, name), low, high, neutral, help},
static const tombola_field fields[] = {FIELDS(TABLE_LINE)};
#define FIELD_COUNT (sizeof fields / sizeof fields[0])

const tombola_field *tombola_params_field(size_t index)
{
    return index < FIELD_COUNT ? &fields[index] : NULL;
}

/* The natural logarithm of 0 < m <= 1 in binary64, from + - * / alone: a libm's last bit may differ
 * from another's, and the token with it. ln m = e ln 2 + 2 artanh(s), s = (f - 1) / (f + 1). */
static double logarithm64(double m)
{
    int e;
    double f = frexp(m, &e);
    if (f < 0.7071067811865476) {
        f *= 2.0;
        e -= 1;
    }
    double s = (f - 1.0) / (f + 1.0);
    double y = s * s;
    double q = 0.0;
    for (int n = 23; n > 1; n -= 2)
        q = (q + 1.0 / n) * y;
    return e * LN_2 + 2.0 * (s + s * q);
}

static tombola_status check_field(const tombola_field *field, const tombola_params *p, size_t row, tombola_error *error)
{
    float value;
    if (field->kind != TOMBOLA_KIND_FLOAT)
        return TOMBOLA_OK;
    memcpy(&value, (const char *)p + field->offset, sizeof value);
    if ((double)value >= field->low && (double)value <= field->high)
        return TOMBOLA_OK;
    if (isinf(field->high))
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].%s is %.9g, not %g or more", row, field->name,
                    (double)value, field->low);
    return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].%s is %.9g, not from %g to %g", row, field->name,
                (double)value, field->low, field->high);
}

/* The row's parameters as this library has them. */
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
    } else {
        char name[40];
        snprintf(name, sizeof name, "params[%zu]", row);
        *own = tombola_params_default();
        tombola_status status = sized_read(name, "tombola_params_default", own, sizeof *own, theirs, error);
        if (status)
            return status;
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        tombola_status status = check_field(&fields[i], own, row, error);
        if (status)
            return status;
    }
    return TOMBOLA_OK;
}

static struct row_params convert(const tombola_params *p)
{
    double temperature = fmin((double)p->temperature, HOTTEST);
    int greedy = p->temperature < GREEDY_BELOW;
    double scaled = greedy ? HOTTEST : temperature; /* a greedy row is not scaled */
    struct row_params device = {
        .seed = p->seed,
        .offset = p->offset,
        .share = (u64)((double)p->top_p * 0x1p32 + 0.5),
        .scale = (float)(LOG2_E / scaled),
        .unscale = (float)(scaled / LOG2_E),
        .top_k = p->top_k,
        .stream = p->stream,
        .flags = greedy ? ROW_GREEDY : 0,
    };
    if (p->min_p >= SMALLEST_MIN_P) {
        device.flags |= ROW_MIN_P;
        device.drop = (float)(temperature * logarithm64((double)p->min_p));
    }
    return device;
}

tombola_status params_convert(const tombola_params *params, size_t rows, struct row_params *device,
                              tombola_error *error)
{
    for (size_t row = 0; row < rows; row++) {
        tombola_params own;
        tombola_status status = read_params(params, row, &own, error);
        if (status)
            return status;
        if (device)
            device[row] = convert(&own);
    }
    return TOMBOLA_OK;
}
