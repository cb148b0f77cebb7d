/* Mirostat: what of a window has no more than a given surprise, token by token or by Zipf's law. */
#include "oracle_row.h"

#include <float.h>
#include <math.h>

#include "logarithm.h"
#include "race.h"
#include "weight.h"

#define MOST_MU 80.0f
#define MOST_MU_BY_ZIPF 65536.0f
#define LOG2_E 0x1.715476p+0f

static float mu_of(const tombola_params *params)
{
    const float first = params->mirostat_entropy > FLT_MAX / 2 ? FLT_MAX : params->mirostat_entropy * 2;
    return isinf(params->mirostat_mu) ? first : params->mirostat_mu;
}

int oracle_has_mirostat(const tombola_params *params)
{
    return params->mirostat == 1 || (params->mirostat == 2 && mu_of(params) <= MOST_MU);
}

/* 2^-mu in binary64, of 0 to 80, by the contract's series. */
static double share_of(double mu)
{
    const double whole = floor(mu + 0.5), y = (whole - mu) * 0.6931471805599453;
    double q = 1.0;
    for (int i = 14; i >= 1; i--) {
        q = q * y / (double)i + 1.0;
    }
    for (double n = 0.0; n < whole; n += 1.0) {
        q /= 2.0;
    }
    return q;
}

static float within(float low, float x, float high)
{
    return x < low ? low : x > high ? high : x;
}

/* The exponent of Zipf's law for the first hundred of a window. */
static float steepness(const struct question *q, struct window window)
{
    float sum = 0.0f, squares = 0.0f;
    for (uint32_t i = 1; i < 100 && window.first + i < window.last; i++) {
        const float above = q->row->logit[q->row->order[window.first + i - 1]];
        const float fall = above - q->row->logit[q->row->order[window.first + i]];
        const float step = (float)log(((double)i + 1.0) / (double)i);
        sum = fmaf(step, fall < 0x1p-90f ? 0.0f : within(0.0f, fall, 0x1p100f), sum);
        squares = fmaf(step, step, squares);
    }
    return within(0x1p-60f, sum * reciprocal(squares) * (q->w->factor * 0x1.62e43p-1f), 0x1p20f);
}

/* log2 of e / (1 - n^-e). */
static float log2_of_ratio(float e, uint32_t n)
{
    const float log_n = logarithm((float)n), x = fabsf(e * log_n), y = x * x;
    float ratio;
    if (x < 0.5f) { /* x / (1 - exp(-x)) = 1 + x/2 + x^2/12 - x^4/720 + x^6/30240 */
        const float rest = fmaf(fmaf(y, 0x1.1566acp-15f, -0x1.6c16c2p-10f), y, 0x1.555556p-4f);
        ratio = fmaf(rest, y, fmaf(x, 0.5f, 1.0f));
    } else {
        ratio = x * reciprocal(1.0f - scaled_exp2(-x * LOG2_E) * 0x1p-27f);
    }
    const float positive = logarithm(ratio * reciprocal(log_n)) * LOG2_E;
    return e < 0.0f ? fmaf(-x, LOG2_E, positive) : positive;
}

static struct window keep_by_zipf(const struct question *q, struct window window)
{
    if (window.last - window.first < 2) {
        return window;
    }
    const float s = steepness(q, window), mu = within(-MOST_MU_BY_ZIPF, mu_of(q->params), MOST_MU_BY_ZIPF);
    const float doublings = (log2_of_ratio(s - 1.0f, q->row->vocabulary) + mu) * reciprocal(s);
    if (doublings < 23.0f) {
        const float k = doublings > 0.0f ? floorf(scaled_exp2(doublings) * 0x1p-27f) : 1.0f;
        const float number = (float)(window.last - window.first);
        window.last = k < number ? window.first + (uint32_t)k : window.last;
    }
    return window;
}

struct window oracle_mirostat(const struct question *q, struct window window)
{
    if (q->params->mirostat == 1) {
        return keep_by_zipf(q, window);
    }
    const double mu = (double)mu_of(q->params);
    return oracle_of_share(q, window, (float)(share_of(mu > 0.0 ? mu : 0.0) * (1.0 - 0x1p-17)));
}
