/* Watermarks: the seed that a key and the tokens before make. */
#ifndef TOMBOLA_SRC_WATERMARK_H
#define TOMBOLA_SRC_WATERMARK_H

#include "row.h"
#include "tombola.h"

/* That of the last `width` of so many tokens, or of those that there are. */
uint64_t watermark_seed_after(uint64_t key, uint32_t width, const int32_t *tokens, size_t count);

/* Puts in place, of rows whose parameters and histories are checked, what those with a watermark draw by. */
void watermark_convert(const tombola_rows *rows, struct row_params *device);

#endif
