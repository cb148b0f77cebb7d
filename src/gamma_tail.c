#include "gamma_tail.h"

#include <float.h>
#include <math.h>

#define TWO_PI 6.283185307179586
#define SMALL 22 /* up to this k, k! is exact in binary64; beyond it Stirling's series is */

/* The probability of k events where x > 0 are expected. The exponent is written so that its large terms cancel before
 * they are rounded (Loader, "Fast and accurate computation of binomial probabilities", 2000). */
static double poisson(size_t k, double x)
{
    const double n = (double)k;
    if (k <= SMALL) {
        double factorial = 1.0;
        for (size_t i = 2; i <= k; i++)
            factorial *= (double)i;
        return exp(n * log(x) - x - log(factorial));
    }
    const double away = (x - n) / n;
    const double stirling =
        (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / 1680.0 / (n * n)) / (n * n)) / (n * n)) / n;
    return exp(-n * (away - log1p(away)) - stirling) / sqrt(TWO_PI * n);
}

/* A sum of `shape` such numbers is x or more where less than `shape` events come until x. The sums are of positive
 * terms, from the largest on. */
double gamma_tail(size_t shape, double x)
{
    if (shape == 0)
        return x > 0.0 ? 0.0 : 1.0;
    if (!(x > 0.0))
        return 1.0;
    double term = poisson(shape - 1, x), sum = 0.0;
    if (x >= (double)shape) {
        for (size_t k = shape - 1; term > sum * DBL_EPSILON / 4.0; k--) {
            sum += term;
            if (k == 0)
                break;
            term *= (double)k / x;
        }
        return fmin(sum, 1.0);
    }
    for (size_t k = shape; term > sum * DBL_EPSILON / 4.0; k++) {
        term *= x / (double)k;
        sum += term;
    }
    return fmax(1.0 - sum, 0.0);
}
