#include "params.h"

#include "error.h"

#include <math.h>

#define GREEDY_BELOW 1e-5f
#define HOTTEST 0x1p90 /* a higher temperature counts as this one */
#define LOG2_E 1.4426950408889634
#define LN_2 0.6931471805599453
#define SMALLEST_MIN_P 0x1p-126f

tombola_params tombola_params_default(void)
{
    return (tombola_params){.struct_size = sizeof(tombola_params), .temperature = 1.0f, .top_p = 1.0f};
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

static tombola_status params_check(const tombola_params *p, size_t row, tombola_error *error)
{
    if (p->struct_size != sizeof *p)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "params[%zu].struct_size is %u, not %zu: start from tombola_params_default()", row,
                    (unsigned)p->struct_size, sizeof *p);
    if (!(p->temperature >= 0.0f))
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].temperature is %.9g, not 0 or more", row,
                    (double)p->temperature);
    if (!(p->top_p >= 0.0f && p->top_p <= 1.0f))
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].top_p is %.9g, not from 0 to 1", row,
                    (double)p->top_p);
    if (!(p->min_p >= 0.0f && p->min_p <= 1.0f))
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].min_p is %.9g, not from 0 to 1", row,
                    (double)p->min_p);
    return TOMBOLA_OK;
}

tombola_status params_convert(const tombola_params *params, size_t rows, struct row_params *device,
                              tombola_error *error)
{
    for (size_t row = 0; row < rows; row++) {
        const tombola_params *p = &params[row];
        tombola_status status = params_check(p, row, error);
        if (status)
            return status;
        double temperature = fmin((double)p->temperature, HOTTEST);
        int greedy = p->temperature < GREEDY_BELOW;
        double scaled = greedy ? HOTTEST : temperature; /* a greedy row is not scaled */
        device[row] = (struct row_params){
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
            device[row].flags |= ROW_MIN_P;
            device[row].drop = (float)(temperature * logarithm64((double)p->min_p));
        }
    }
    return TOMBOLA_OK;
}
