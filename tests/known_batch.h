/* Known answers drawn on the device in batches, by either dispatch. */
#ifndef KNOWN_BATCH_H
#define KNOWN_BATCH_H

#include "known.h"

/* Sorts the answers by what a sampler is made for, draws their rows, masks, biases and histories with them, in the
 * context of the group (group.h), and fails the test unless each answer comes out, and the oracle's boundary. */
void known_answers_run(struct known_answer *answers, size_t count);

/* Asks the oracle and then the device, as above, for all answers in a file of this name. Returns how many there are. */
size_t known_file_run(const char *name);

#endif
