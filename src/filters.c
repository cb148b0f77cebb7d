#include "filters.h"

#include "adapt.h"
#include "philox.h"

#include <math.h>

#define LN_2 0.6931471805599453
#define SMALLEST_MIN_P 0x1p-126f
#define SMALLEST_XTC_THRESHOLD 0x1p-100f /* a smaller share counts as 0 */
#define SMALLEST_SHARE 0x1p-80f          /* of epsilon, eta, top-a; smaller ones count as 0 */
#define FEWEST_SIGMAS 0x1p-60f           /* fewer count as these, so that no product is subnormal */

#define SAME_NUMBER(NAME, name, number, needs)                                                                         \
    _Static_assert((int)TOMBOLA_FILTER_##NAME == (int)FILTER_##NAME, "filters have other numbers in kernels");
FILTERS(SAME_NUMBER)

static int always(const tombola_params *p)
{
    (void)p;
    return 1;
}

/* ---------------------------------------------------------------------- temperature */

static void convert_temperature(const tombola_params *p, double temperature, struct row_params *device)
{
    (void)temperature;
    const double middle = fmin((double)p->temperature, HOTTEST), range = (double)p->dynatemp_range;
    if (range == 0.0)
        return;
    device->coolest = (float)fmax(0.0, middle - range);
    device->hottest = (float)fmin(middle + range, HOTTEST);
    device->heat_exponent = p->dynatemp_exponent;
}

/* ---------------------------------------------------------------------- top-k */

static int has_top_k(const tombola_params *p)
{
    return p->top_k > 0;
}

static void convert_top_k(const tombola_params *p, double temperature, struct row_params *device)
{
    (void)temperature;
    device->top_k = p->top_k;
}

/* ---------------------------------------------------------------------- top-p */

static int has_top_p(const tombola_params *p)
{
    return p->top_p < 1.0f;
}

static void convert_top_p(const tombola_params *p, double temperature, struct row_params *device)
{
    (void)temperature;
    device->top_p = (u64)((double)p->top_p * 0x1p32 + 0.5);
}

/* ---------------------------------------------------------------------- min-p */

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

static int has_min_p(const tombola_params *p)
{
    return p->min_p >= SMALLEST_MIN_P;
}

static void convert_min_p(const tombola_params *p, double temperature, struct row_params *device)
{
    device->min_p_gap = (float)(temperature * logarithm64((double)p->min_p));
}

/* ---------------------------------------------------------------------- top-n-sigma */

static int has_top_n_sigma(const tombola_params *p)
{
    return p->top_n_sigma > 0.0f;
}

static void convert_top_n_sigma(const tombola_params *p, double temperature, struct row_params *device)
{
    (void)temperature;
    device->sigmas = fmaxf(p->top_n_sigma, FEWEST_SIGMAS);
}

/* ---------------------------------------------------------------------- XTC */

/* What counts as a share: 2^-17 of it less, so that decimal fractions behave as on paper, .3 of .4 .3 .2 .1 reaches
 * .3. */
static float reached_share(float share)
{
    return (float)((double)share * (1.0 - 0x1p-17));
}

/* Whether the row's chance comes. */
static int has_xtc(const tombola_params *p)
{
    u64 chance = (u64)((double)p->xtc_probability * 0x1p32 + 0.5);
    return chance > 0 && random_words(0, PHILOX_USE_XTC, p->seed, p->offset, p->stream).word[0] < chance;
}

static void convert_xtc(const tombola_params *p, double temperature, struct row_params *device)
{
    (void)temperature;
    device->xtc_threshold = p->xtc_threshold < SMALLEST_XTC_THRESHOLD ? 0.0f : reached_share(p->xtc_threshold);
}

/* ---------------------------------------------------------------------- epsilon */

static int has_epsilon(const tombola_params *p)
{
    return p->epsilon_cutoff >= SMALLEST_SHARE;
}

static void convert_epsilon(const tombola_params *p, double temperature, struct row_params *device)
{
    (void)temperature;
    device->epsilon = reached_share(p->epsilon_cutoff);
}

/* ---------------------------------------------------------------------- top-a */

static int has_top_a(const tombola_params *p)
{
    return p->top_a >= SMALLEST_SHARE;
}

static void convert_top_a(const tombola_params *p, double temperature, struct row_params *device)
{
    (void)temperature;
    device->top_a = reached_share(p->top_a);
}

/* ---------------------------------------------------------------------- p-less */

static int has_p_less(const tombola_params *p)
{
    return p->p_less != TOMBOLA_P_LESS_OFF;
}

static void convert_p_less(const tombola_params *p, double temperature, struct row_params *device)
{
    (void)temperature;
    device->p_less = p->p_less;
}

/* ---------------------------------------------------------------------- min-k */

static int has_min_k(const tombola_params *p)
{
    return p->min_k > 0.0f;
}

static void convert_min_k(const tombola_params *p, double temperature, struct row_params *device)
{
    (void)temperature;
    device->min_k = p->min_k;
}

/* ---------------------------------------------------------------------- typical-p */

static int has_typical_p(const tombola_params *p)
{
    return p->typical_p < 1.0f;
}

static void convert_typical_p(const tombola_params *p, double temperature, struct row_params *device)
{
    (void)temperature;
    device->typical_p = (u64)((double)p->typical_p * 0x1p32 + 0.5);
}

/* ---------------------------------------------------------------------- eta */

static int has_eta(const tombola_params *p)
{
    return p->eta_cutoff >= SMALLEST_SHARE;
}

static void convert_eta(const tombola_params *p, double temperature, struct row_params *device)
{
    (void)temperature;
    device->eta = reached_share(p->eta_cutoff);
    device->eta_root = (float)(sqrt((double)p->eta_cutoff) * (1.0 - 0x1p-17));
}

/* ---------------------------------------------------------------------- top-H */

static int has_top_h(const tombola_params *p)
{
    return p->top_h > 0.0f;
}

static void convert_top_h(const tombola_params *p, double temperature, struct row_params *device)
{
    (void)temperature;
    device->top_h = (u64)((double)p->top_h * 0x1p32 + 0.5);
}

/* ---------------------------------------------------------------------- mirostat */

#define MIROSTAT_MOST_MU 80.0f  /* of 2: no share is so small */
#define MIROSTAT_REACH 65536.0f /* of 1: more and less count as this */

/* 2^-x of 0 <= x <= 80 in binary64, from + - * / alone, as logarithm64. */
static double power_below(double x)
{
    const int whole = (int)(x + 0.5);
    const double y = ((double)whole - x) * LN_2;
    double q = 1.0;
    for (int n = 14; n > 0; n--)
        q = 1.0 + q * y / n;
    return ldexp(q, -whole);
}

static int has_mirostat(const tombola_params *p)
{
    return p->mirostat == 1 || (p->mirostat == 2 && adapt_mu(p) <= MIROSTAT_MOST_MU);
}

static void convert_mirostat(const tombola_params *p, double temperature, struct row_params *device)
{
    (void)temperature;
    device->mirostat = p->mirostat;
    if (p->mirostat == 1)
        device->mirostat_bound = fmaxf(-MIROSTAT_REACH, fminf(adapt_mu(p), MIROSTAT_REACH));
    else
        device->mirostat_bound = (float)(power_below(fmax((double)adapt_mu(p), 0.0)) * (1.0 - 0x1p-17));
}

/* ---------------------------------------------------------------------- all */

const struct filter filters[] = {
    [TOMBOLA_FILTER_TEMPERATURE] = {always, convert_temperature},
    [TOMBOLA_FILTER_TOP_K] = {has_top_k, convert_top_k},
    [TOMBOLA_FILTER_TOP_P] = {has_top_p, convert_top_p},
    [TOMBOLA_FILTER_MIN_P] = {has_min_p, convert_min_p},
    [TOMBOLA_FILTER_TOP_N_SIGMA] = {has_top_n_sigma, convert_top_n_sigma},
    [TOMBOLA_FILTER_XTC] = {has_xtc, convert_xtc},
    [TOMBOLA_FILTER_EPSILON] = {has_epsilon, convert_epsilon},
    [TOMBOLA_FILTER_TOP_A] = {has_top_a, convert_top_a},
    [TOMBOLA_FILTER_P_LESS] = {has_p_less, convert_p_less},
    [TOMBOLA_FILTER_MIN_K] = {has_min_k, convert_min_k},
    [TOMBOLA_FILTER_TYPICAL_P] = {has_typical_p, convert_typical_p},
    [TOMBOLA_FILTER_ETA] = {has_eta, convert_eta},
    [TOMBOLA_FILTER_TOP_H] = {has_top_h, convert_top_h},
    [TOMBOLA_FILTER_MIROSTAT] = {has_mirostat, convert_mirostat},
};
