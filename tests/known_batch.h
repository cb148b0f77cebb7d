/* Known answers in batches, and drawn on the device, by either dispatch, and on shards. */
#ifndef KNOWN_BATCH_H
#define KNOWN_BATCH_H

#include "calls.h"
#include "known.h"

enum { KNOWN_BATCH_ROWS = 32 };

/* Answers of one make, and their rows, with masks, biases and histories, as a call takes them. */
struct known_batch {
    size_t number; /* 0 first */
    struct make make;
    const struct known_answer *answers;
    tombola_rows rows;
};
typedef int known_batch_wanted(const struct known_batch *batch, void *user); /* without answers and rows */
typedef void known_batch_run(const struct known_batch *batch, void *user);

/* Sorts the answers by what a sampler is made for, and runs batches of up to KNOWN_BATCH_ROWS of them, those of a make
 * one after another. Small devices are spared large vocabularies.
 * wanted  NULL: all of them */
void known_batches(struct known_answer *answers, size_t count, known_batch_wanted *wanted, known_batch_run *run,
                   void *user);

/* Fails the test unless the batch's answers were drawn. */
void known_batch_expect(const struct known_batch *batch, const struct draw *draws, const char *who);

/* Draws all answers in the context of the group (group.h), and fails the test unless each comes out, and the oracle's
 * boundary. */
void known_answers_run(struct known_answer *answers, size_t count);

/* The same on shards alone, where these suit (shards.h), without the boundary. */
void known_answers_run_on_shards(struct known_answer *answers, size_t count);

/* Asks the oracle and then the device, as above, for all answers in a file of this name. Returns how many there are. */
size_t known_file_run(const char *name);

#endif
