#include "whole.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "harness.h"

enum { UNTOUCHED = 0x5A };

static size_t words_of(const struct whole *whole, enum array array)
{
    return whole->wanted >> array & 1 ? whole->rows * array_width(array, whole->vocabulary, whole->candidate_count) : 0;
}

size_t whole_words(const struct whole *whole)
{
    size_t words = 0;
    for (enum array array = 0; array < ARRAYS; array++)
        words += words_of(whole, array);
    return words;
}

uint32_t *whole_lay(struct whole *whole, uint32_t *memory)
{
    for (enum array array = 0; array < ARRAYS; array++) {
        const size_t words = words_of(whole, array);
        whole->words[array] = words ? memory : NULL;
        memset(memory, UNTOUCHED, words * sizeof *memory);
        memory += words;
    }
    return memory;
}

struct whole whole_make(size_t rows, size_t vocabulary, size_t candidate_count, unsigned wanted)
{
    struct whole whole = {rows, vocabulary, candidate_count, wanted, {NULL}};
    for (enum array array = 0; array < ARRAYS; array++) {
        const size_t words = words_of(&whole, array);
        if (words)
            whole.words[array] = memset(allocate(words, sizeof(uint32_t)), UNTOUCHED, words * sizeof(uint32_t));
    }
    return whole;
}

void whole_release(struct whole *whole)
{
    for (enum array array = 0; array < ARRAYS; array++)
        free(whole->words[array]);
}

tombola_results whole_results(const struct whole *whole)
{
    tombola_results results = tombola_results_default();
    results.candidate_count = (uint32_t)whole->candidate_count;
    for (enum array array = 0; array < ARRAYS; array++)
        array_set(&results, array, whole->words[array], NULL, 0);
    return results;
}

void expect_whole(const char *who, const struct whole *got, const struct whole *expected)
{
    for (enum array array = 0; array < ARRAYS; array++) {
        const size_t width = array_width(array, got->vocabulary, got->candidate_count);
        for (size_t i = 0; i < words_of(got, array); i++)
            if (got->words[array][i] != expected->words[array][i])
                fail_msg("%s: %s of row %zu: element %zu is %#x, not %#x", who, array_name(array), i / width, i % width,
                         got->words[array][i], expected->words[array][i]);
    }
}

tombola_status whole_call(enum whole_entry entry, tombola_sampler *sampler, const cl_command_queue *queues,
                          const tombola_rows *rows, const tombola_results *results, tombola_error *error)
{
    tombola_ticket ticket;
    cl_event event = NULL;
    tombola_status status;
    switch (entry) {
    case WHOLE_SUBMIT:
        status = tombola_sampler_submit(sampler, rows, results, &ticket, error);
        return status ? status : tombola_sampler_wait(sampler, ticket, error);
    case WHOLE_ENQUEUE:
    case WHOLE_ENQUEUE_OUT_OF_ORDER:
        status = tombola_sampler_enqueue(sampler, queues[entry == WHOLE_ENQUEUE_OUT_OF_ORDER], rows, results, 0, NULL,
                                         &event, error);
        if (status)
            return status;
        assert_int_equal(clWaitForEvents(1, &event), CL_SUCCESS);
        clReleaseEvent(event);
        return TOMBOLA_OK;
    default:
        return tombola_sampler_sample(sampler, rows, results, error);
    }
}
