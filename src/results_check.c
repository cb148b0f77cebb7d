#include "results.h"

#include "context.h"
#include "error.h"
#include "memory_object.h"
#include "sized.h"

#include <stdio.h>

/* One array of the results, whatever it is of. */
struct array {
    const char *name;
    const void *host;
    cl_mem buffer;
    size_t offset, elements;
    size_t size; /* of an element, bytes */
};

#define WORD sizeof(u32) /* all of them are of words, or of structs of words */
#define ARRAY(results, name, elements)                                                                                 \
    {                                                                                                                  \
#name, (results)->name.host, (results)->name.buffer, (results)->name.offset, elements,                         \
            sizeof *(results)->name.host                                                                               \
    }
#define ARRAYS 9

static tombola_status check_array(const struct engine *e, const struct array *a, tombola_error *error)
{
    char field[64];
    size_t bytes;
    if (a->host && a->buffer)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "results.%s is in host memory and in a buffer: one is to be set, or neither", a->name);
    if ((uintptr_t)a->host % WORD)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.%s.host is not aligned to its type of %zu bytes", a->name,
                    WORD);
    if (!a->buffer && a->offset)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.%s.offset is %zu, but there is no buffer", a->name,
                    a->offset);
    if (!a->buffer)
        return TOMBOLA_OK;
    snprintf(field, sizeof field, "results.%s.buffer", a->name);
    tombola_status status = memory_object_check(e->context, field, a->buffer, CL_MEM_READ_ONLY, &bytes, error);
    if (status)
        return status;
    if (a->offset > bytes / a->size || a->elements > bytes / a->size - a->offset)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "results.%s.buffer holds %zu elements: %zu do not fit behind results.%s.offset %zu", a->name,
                    bytes / a->size, a->elements, a->name, a->offset);
    return TOMBOLA_OK;
}

static tombola_status check_numbers(const struct plan *p, tombola_results *r, size_t rows, tombola_error *error)
{
    int wants_candidates = r->candidate_tokens.host || r->candidate_tokens.buffer || r->candidate_logits.host ||
                           r->candidate_logits.buffer || r->candidate_probabilities.host ||
                           r->candidate_probabilities.buffer;
    if (r->candidate_count > TOMBOLA_MAX_CANDIDATES)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.candidate_count is %lu, not from 0 to %u",
                    (unsigned long)r->candidate_count, TOMBOLA_MAX_CANDIDATES);
    if (wants_candidates && r->candidate_count == 0)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.candidate_count is 0, but there is an array for them");
    if (!wants_candidates)
        r->candidate_count = 0;
    if (r->probability_stride == 0)
        r->probability_stride = p->vocabulary;
    if (r->probability_stride < p->vocabulary)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.probability_stride is %zu, less than the vocabulary %zu",
                    r->probability_stride, p->vocabulary);
    if (r->probability_stride > SIZE_MAX / WORD / rows)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.probability_stride is %zu, which is too large",
                    r->probability_stride);
    return TOMBOLA_OK;
}

tombola_status results_check(const struct engine *e, const tombola_results *theirs, size_t rows, tombola_results *own,
                             tombola_error *error)
{
    const struct plan *p = &e->plan;
    if (!theirs)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results is NULL");
    *own = tombola_results_default();
    tombola_status status = sized_read("results", "tombola_results_default", own, sizeof *own, theirs, error);
    if (!status)
        status = check_numbers(p, own, rows, error);
    if (status)
        return status;
    const size_t probabilities = (rows - 1) * own->probability_stride + p->vocabulary;
    const size_t candidates = rows * own->candidate_count;
    const struct array arrays[ARRAYS] = {
        ARRAY(own, tokens, rows),
        ARRAY(own, status, rows),
        ARRAY(own, kept, rows),
        ARRAY(own, probabilities, probabilities),
        ARRAY(own, log_probabilities, probabilities),
        ARRAY(own, candidate_tokens, candidates),
        ARRAY(own, candidate_logits, candidates),
        ARRAY(own, candidate_probabilities, candidates),
        ARRAY(own, boundary, rows),
    };
    int wanted = 0;
    for (int i = 0; i < ARRAYS && !status; i++) {
        wanted |= arrays[i].host || arrays[i].buffer;
        status = check_array(e, &arrays[i], error);
    }
    if (!status && !wanted)
        status = fail(error, TOMBOLA_INVALID_ARGUMENT, "results asks for nothing: all of its arrays are NULL");
    return status;
}
