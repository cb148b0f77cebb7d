/* Watermarks: the seed that a key and the tokens before make. */
#ifndef TOMBOLA_SRC_WATERMARK_H
#define TOMBOLA_SRC_WATERMARK_H

#include "tombola.h"

/* That of the last `width` of so many tokens, or of those that there are. */
uint64_t watermark_seed_after(uint64_t key, uint32_t width, const int32_t *tokens, size_t count);

/* What a row draws by whose history is these tokens: its parameters, in which the seed is in the key's place. */
tombola_params watermark_params(const tombola_params *params, const int32_t *tokens, size_t count);

#endif
