#include "adapt.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

#include "order.h"
#include "params.h"
#include "sized.h"
#include "weight.h"

#define LOG2_E 0x1.715476p+0f

float adapt_mu(const tombola_params *p)
{
    return p->mirostat_mu == INFINITY ? fminf(2.0f * p->mirostat_entropy, FLT_MAX) : p->mirostat_mu;
}

/* Not a product and a difference in one: both are rounded, as everywhere. */
static float next_mu(const tombola_params *p, float observed)
{
    const float surprise = fminf(-observed * LOG2_E, FLT_MAX);
    const float excess = surprise - p->mirostat_entropy;
    const float step = p->mirostat_rate * excess;
    const float mu = adapt_mu(p) - step;
    return made_normal(fmaxf(-FLT_MAX, fminf(mu, FLT_MAX)));
}

int adapt_has_target(const tombola_params *p)
{
    return p->adaptive_target >= 0.0f;
}

float adapt_target(const tombola_params *p)
{
    const double target = (double)p->adaptive_target;
    double adapted = target;
    if (p->adaptive_weight > 0.0f)
        adapted = 2.0 * target - (double)p->adaptive_sum / (double)p->adaptive_weight;
    return made_normal((float)fmin(fmax(adapted, 0.0), 1.0));
}

/* e^x of x <= 0. */
static float exponential_of(float x)
{
    const float t = x * LOG2_E;
    return t > -126.0f ? made_normal(scaled_exp2(t) * 0x1p-27f) : 0.0f;
}

/* Products and sums are rounded one by one, as everywhere. */
static void next_average(tombola_params *p, float observed)
{
    const float rest = 1.0f - p->adaptive_decay;
    const int begins = p->adaptive_weight == 0.0f;
    const float sum = begins ? p->adaptive_target / rest : p->adaptive_sum;
    const float weight = begins ? 1.0f / rest : p->adaptive_weight;
    const float old_sum = p->adaptive_decay * sum, old_weight = p->adaptive_decay * weight;
    p->adaptive_sum = made_normal(exponential_of(observed) + old_sum);
    p->adaptive_weight = 1.0f + old_weight;
}

int adapt_is_on(const tombola_params *params)
{
    return params->mirostat != 0 || adapt_has_target(params);
}

void adapt_next(tombola_params *params, float observed)
{
    if (!(observed > -INFINITY))
        return;
    if (params->mirostat)
        params->mirostat_mu = next_mu(params, observed);
    if (adapt_has_target(params))
        next_average(params, observed);
}

void adapt_hand(const tombola_params *params, tombola_params *theirs)
{
    if (sized_size(theirs) >= offsetof(tombola_params, mirostat_mu) + sizeof theirs->mirostat_mu)
        theirs->mirostat_mu = params->mirostat_mu;
    if (sized_size(theirs) >= offsetof(tombola_params, adaptive_weight) + sizeof theirs->adaptive_weight) {
        theirs->adaptive_sum = params->adaptive_sum;
        theirs->adaptive_weight = params->adaptive_weight;
    }
}

void tombola_params_observe(tombola_params *params, float observed)
{
    tombola_params own = params_of_row(params, 0);
    adapt_next(&own, observed);
    adapt_hand(&own, params);
}
