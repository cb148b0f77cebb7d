#include "nearness.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "harness.h"

/* What the header promises further. */
#define PROMISED_BELOW 5.8e6 /* |logit| / temperature */
#define LOGARITHM_RELATIVE 1e-6
#define LOGARITHM_ABSOLUTE 1e-5
#define SUM_WITHIN 2e-6

static struct softmax_results make_results(const struct make *make, size_t rows)
{
    struct softmax_results results = {.probabilities = allocate(rows * make->vocabulary, sizeof(float)),
                                      .logarithms = allocate(rows * make->vocabulary, sizeof(float))};
    return results;
}

void softmax_results_release(struct softmax_results *results)
{
    free(results->probabilities);
    free(results->logarithms);
}

static struct softmax_results run_dispatch(tombola_context *context, const struct make *make, tombola_dispatch dispatch,
                                           const void *elements, size_t rows, const tombola_params *params)
{
    struct softmax_results results = make_results(make, rows);
    tombola_row_status again[SOFTMAX_MOST_ROWS];
    tombola_sampler *sampler = make_sampler(context, make, rows, dispatch);
    call_softmax(sampler, make, elements, rows, params, 0, results.probabilities, results.status);
    call_softmax(sampler, make, elements, rows, params, 1, results.logarithms, again);
    if (memcmp(results.status, again, rows * sizeof *again) != 0) {
        fail_msg("V %" PRIu32 ": probabilities and logarithms differ in a row's status", make->vocabulary);
    }
    tombola_sampler_release(sampler);
    return results;
}

static int same_bits(const float *a, const float *b, size_t count)
{
    return memcmp(a, b, count * sizeof *a) == 0;
}

struct softmax_results softmax_run(tombola_context *context, const struct make *make, const void *elements, size_t rows,
                                   const tombola_params *params)
{
    struct softmax_results results = run_dispatch(context, make, TOMBOLA_DISPATCH_ROW, elements, rows, params);
    struct softmax_results spread = run_dispatch(context, make, TOMBOLA_DISPATCH_SPREAD, elements, rows, params);
    size_t count = rows * make->vocabulary;
    if (memcmp(results.status, spread.status, rows * sizeof *results.status) != 0 ||
        !same_bits(results.probabilities, spread.probabilities, count) ||
        !same_bits(results.logarithms, spread.logarithms, count)) {
        fail_msg("V %" PRIu32 ", type %d of input %d: spread rows differ from whole ones", make->vocabulary,
                 (int)make->type, (int)make->input);
    }
    softmax_results_release(&spread);
    return results;
}

struct softmax_results softmax_run_at(tombola_context *context, const struct make *make, const void *elements,
                                      size_t rows, float temperature)
{
    tombola_params params[SOFTMAX_MOST_ROWS] = {{0}};
    for (size_t row = 0; row < rows; row++) {
        params[row] = params_at(temperature);
    }
    return softmax_run(context, make, elements, rows, params);
}

static int is_near(double got, double truth, double relative, double absolute)
{
    return fabs(got - truth) <= relative * fabs(truth) + absolute;
}

/* A true logarithm that binary32 cannot hold may become its lowest number or -inf. */
static int is_near_logarithm(float got, double truth)
{
    if (truth == -INFINITY) {
        return got == -INFINITY;
    }
    return is_near((double)got, truth, LOGARITHM_RELATIVE, LOGARITHM_ABSOLUTE) ||
           (truth < -(double)FLT_MAX && (double)got <= -(double)FLT_MAX * (1.0 - LOGARITHM_RELATIVE));
}

static void expect_near(const struct softmax_answer *a, const double *truth, const double *true_logarithms)
{
    const float *logits = oracle_row_logits(a->row);
    double top = (double)logits[oracle_row_order(a->row)[0]], sum = 0.0;
    int promised = a->temperature < SOFTMAX_COLDEST || fabs(top) / (double)a->temperature < PROMISED_BELOW;
    for (uint32_t id = 0; id < a->vocabulary; id++) {
        int exactly = logits[id] == -INFINITY || a->temperature < SOFTMAX_COLDEST;
        float p = a->probabilities[id], l = a->logarithms[id];
        if (exactly ? (double)p != truth[id]
                    : promised && !is_near((double)p, truth[id], SOFTMAX_RELATIVE, SOFTMAX_ABSOLUTE)) {
            fail_msg("%s, V %" PRIu32 ", T %g: the probability of %" PRIu32 " (logit %a) is %.9g, not %.9g", a->name,
                     a->vocabulary, (double)a->temperature, id, (double)logits[id], (double)p, truth[id]);
        }
        if (exactly ? (double)l != true_logarithms[id] : !is_near_logarithm(l, true_logarithms[id])) {
            fail_msg("%s, V %" PRIu32 ", T %g: the log-probability of %" PRIu32 " (logit %a) is %.9g, not %.9g",
                     a->name, a->vocabulary, (double)a->temperature, id, (double)logits[id], (double)l,
                     true_logarithms[id]);
        }
        sum += (double)p;
    }
    if (!(fabs(sum - 1.0) <= SUM_WITHIN)) {
        fail_msg("%s, V %" PRIu32 ", T %g: the sum is %.9g", a->name, a->vocabulary, (double)a->temperature, sum);
    }
}

/* One unit in the last place less; below 2^-126, where probabilities are 0, nothing. */
static float one_less(float p)
{
    return p > FLT_MIN ? nextafterf(p, 0.0f) : 0.0f;
}

/* From the last in rank order up: none falls behind the best of those with a smaller logit. */
static void expect_order(const struct softmax_answer *a)
{
    const float *logits = oracle_row_logits(a->row), *p = a->probabilities;
    const uint32_t *order = oracle_row_order(a->row);
    uint32_t best = order[a->vocabulary - 1], best_before = best; /* of those so far; of those with a smaller logit */
    for (uint32_t rank = a->vocabulary - 1; rank-- > 0;) {
        uint32_t id = order[rank];
        if (logits[id] > logits[order[rank + 1]]) {
            best_before = best;
        }
        if (logits[id] > logits[best_before] && p[id] < one_less(p[best_before])) {
            fail_msg("%s, V %" PRIu32 ", T %g: %" PRIu32 " (logit %a) has %a, and %" PRIu32 " (logit %a) %a", a->name,
                     a->vocabulary, (double)a->temperature, id, (double)logits[id], (double)p[id], best_before,
                     (double)logits[best_before], (double)p[best_before]);
        }
        best = p[id] > p[best] ? id : best;
    }
}

void expect_softmax_answer(const struct softmax_answer *a, tombola_row_status status)
{
    double *truth = allocate(a->vocabulary, sizeof *truth), *logarithms = allocate(a->vocabulary, sizeof *logarithms);
    tombola_row_status expected = oracle_softmax(a->row, a->temperature, 0, truth);
    oracle_softmax(a->row, a->temperature, 1, logarithms);
    if (status != expected) {
        fail_msg("%s, V %" PRIu32 ", T %g: the row is %s, not %s", a->name, a->vocabulary, (double)a->temperature,
                 tombola_row_status_string(status), tombola_row_status_string(expected));
    }
    if (status == TOMBOLA_ROW_OK) {
        expect_near(a, truth, logarithms);
        expect_order(a);
    }
    for (uint32_t id = 0; id < a->vocabulary && status != TOMBOLA_ROW_OK; id++) {
        if (a->probabilities[id] != 0.0f || a->logarithms[id] != -INFINITY) {
            fail_msg("%s, V %" PRIu32 ": a bad row has a probability", a->name, a->vocabulary);
        }
    }
    free(truth);
    free(logarithms);
}

void expect_softmax(tombola_context *context, const char *name, const float *values, tombola_input input,
                    uint32_t vocabulary, size_t rows, float temperature)
{
    const struct make make = {TOMBOLA_FLOAT32, input, vocabulary};
    struct softmax_results results = softmax_run_at(context, &make, values, rows, temperature);
    for (size_t row = 0; row < rows; row++) {
        struct softmax_answer a = {.name = name,
                                   .row = oracle_row_create(values + row * vocabulary, vocabulary, input),
                                   .vocabulary = vocabulary,
                                   .temperature = temperature,
                                   .probabilities = results.probabilities + row * vocabulary,
                                   .logarithms = results.logarithms + row * vocabulary};
        expect_softmax_answer(&a, results.status[row]);
        oracle_row_release(a.row);
    }
    softmax_results_release(&results);
}
