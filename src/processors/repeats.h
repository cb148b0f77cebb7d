/* How the end of a history repeats what came before. */
#ifndef TOMBOLA_SRC_PROCESSORS_REPEATS_H
#define TOMBOLA_SRC_PROCESSORS_REPEATS_H

#include <stddef.h>
#include <stdint.h>

/* Sets repeats[k], for k from 1 up to count, to how many tokens the end of the history has in common with what ends k
 * tokens before it: the largest n with tokens[count - 1 - i] == tokens[count - 1 - i - k] for all i < n. Linear. */
void repeats_count(const int32_t *tokens, size_t count, uint32_t *repeats);

#endif
