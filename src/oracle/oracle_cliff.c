/* Min-k: what ranks before the cliff of the sorted logits. */
#include "oracle_row.h"

#include "race.h"

int oracle_has_min_k(const tombola_params *params)
{
    return params->min_k > 0.0f;
}

static float fall(const struct oracle_row *row, uint32_t from, uint32_t to)
{
    const float z = row->logit[row->order[from]], y = row->logit[row->order[to]];
    return z - y >= 0x1p-90f ? z - y : 0.0f;
}

struct window oracle_min_k(const struct question *q, struct window window)
{
    const float range = fall(q->row, window.first, window.last - 1);
    const uint32_t number = window.last - window.first;
    float greatest = 0.0f;
    uint32_t keep = 1, within = 0;
    if (range == 0.0f) {
        return window;
    }
    for (uint32_t n = 1; n < number; n++) {
        const float here = fall(q->row, window.first + n - 1, window.first + n) * reciprocal((float)n);
        keep = here > greatest ? n : keep;
        greatest = here > greatest ? here : greatest;
    }
    while (within < number && (float)(within + 1) * range <= q->params->min_k) {
        within++;
    }
    window.last = window.first + (within > keep ? within : keep);
    return window;
}
