#include "adapt.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

#include "order.h"
#include "params.h"
#include "sized.h"

#define LOG2_E 0x1.715476p+0f

/* Not a product and a difference in one: both are rounded, as everywhere. */
static float next_mu(const tombola_params *p, float observed)
{
    const float surprise = fminf(-observed * LOG2_E, FLT_MAX);
    const float excess = surprise - p->mirostat_entropy;
    const float step = p->mirostat_rate * excess;
    const float mu = p->mirostat_mu - step;
    return made_normal(fmaxf(-FLT_MAX, fminf(mu, FLT_MAX)));
}

float tombola_mirostat_next(const tombola_params *params, float observed)
{
    const tombola_params own = params_of_row(params, 0);
    return own.mirostat && observed > -INFINITY ? next_mu(&own, observed) : own.mirostat_mu;
}

int adapt_is_on(const tombola_params *params)
{
    return params->mirostat != 0;
}

void adapt_next(tombola_params *params, float observed)
{
    params->mirostat_mu = tombola_mirostat_next(params, observed);
}

void adapt_hand(const tombola_params *params, tombola_params *theirs)
{
    if (sized_size(theirs) >= offsetof(tombola_params, mirostat_mu) + sizeof theirs->mirostat_mu)
        theirs->mirostat_mu = params->mirostat_mu;
}
