/* Everything that a batch in host memory can give, each array in memory of its own or all of them side by side, and the
 * ways to ask for it. */
#ifndef WHOLE_H
#define WHOLE_H

#include "arrays.h"

struct whole {
    size_t rows, vocabulary, candidate_count;
    unsigned wanted; /* a bit for each enum array */
    uint32_t *words[ARRAYS];
};

enum {
    WHOLE_DRAWS = 1 << ARRAY_TOKENS | 1 << ARRAY_STATUS | 1 << ARRAY_KEPT | 1 << ARRAY_BOUNDARY,
    WHOLE_SOFTMAX = 1 << ARRAY_PROBABILITIES,
    WHOLE_ALL = (1 << ARRAYS) - 1,
    /* what masks and biases make, not what is stored */
    WHOLE_EFFECTIVE = WHOLE_ALL & ~(1 << ARRAY_RAW_LOGPROBS | 1 << ARRAY_CANDIDATE_RAW_LOGPROBS)
};

/* With memory to be released. */
struct whole whole_make(size_t rows, size_t vocabulary, size_t candidate_count, unsigned wanted);
/* Instead of memory of its own: all arrays side by side from there on, whole_words in all. Returns what is behind. */
uint32_t *whole_lay(struct whole *whole, uint32_t *memory);
size_t whole_words(const struct whole *whole);
void whole_release(struct whole *whole);

tombola_results whole_results(const struct whole *whole);

/* Fails unless each array that `got` has is the same in `expected`, row by row. `who` is told. */
void expect_whole(const char *who, const struct whole *got, const struct whole *expected);

enum whole_entry { WHOLE_SAMPLE, WHOLE_SUBMIT, WHOLE_ENQUEUE, WHOLE_ENQUEUE_OUT_OF_ORDER, WHOLE_ENTRIES };

/* queues  of the sampler's OpenCL context: in order, and out of order */
tombola_status whole_call(enum whole_entry entry, tombola_sampler *sampler, const cl_command_queue *queues,
                          const tombola_rows *rows, const tombola_results *results, tombola_error *error);

#endif
