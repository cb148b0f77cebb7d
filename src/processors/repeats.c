#include "repeats.h"

/* How many tokens before `from` and before `from - k` are the same, the first `known` of them for sure. */
static size_t extend(const int32_t *end, size_t count, size_t k, size_t known)
{
    size_t n = known;
    while (n + k < count && end[-1 - (ptrdiff_t)n] == end[-1 - (ptrdiff_t)(n + k)])
        n++;
    return n;
}

/* The Z-algorithm on the history read backwards. Of what repeats the end, the stretch that reaches farthest back is
 * [left, right), counted from the end; within it the answers of its start are known. */
void repeats_count(const int32_t *tokens, size_t count, uint32_t *repeats)
{
    const int32_t *end = tokens + count;
    size_t left = 0, right = 0;
    for (size_t k = 1; k < count; k++) {
        size_t n = 0, inside = k < right ? right - k : 0;
        if (inside > 0 && repeats[k - left] < inside) {
            repeats[k] = repeats[k - left];
            continue;
        }
        n = extend(end, count, k, inside);
        repeats[k] = (uint32_t)n;
        if (n > 0) {
            left = k;
            right = k + n;
        }
    }
}
