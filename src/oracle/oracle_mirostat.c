/* Mirostat: what of a window has no more than a given surprise. */
#include "oracle_row.h"

#include <math.h>

#define MOST_MU 80.0f

int oracle_has_mirostat(const tombola_params *params)
{
    return params->mirostat == 2 && params->mirostat_mu <= MOST_MU;
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

struct window oracle_mirostat(const struct question *q, struct window window)
{
    const double mu = (double)q->params->mirostat_mu;
    return oracle_of_share(q, window, (float)(share_of(mu > 0.0 ? mu : 0.0) * (1.0 - 0x1p-17)));
}
