#include "kept_ids.h"

#include <stdlib.h>

int kept_ids_allocate(size_t batch_rows, size_t vocabulary, tombola_results *results)
{
    results->kept_ends.host = calloc(batch_rows, sizeof(uint64_t));
    results->kept_tokens.host = calloc(batch_rows, vocabulary * sizeof(int32_t));
    results->kept_capacity = batch_rows * vocabulary;
    return results->kept_ends.host && results->kept_tokens.host ? 0 : -1;
}

void kept_ids_print(FILE *file, size_t rows, const tombola_results *results)
{
    for (uint64_t row = 0, i = 0; row < rows; row++) {
        const uint64_t first = i;
        for (putc('[', file); i < results->kept_ends.host[row]; i++)
            fprintf(file, i > first ? ",%d" : "%d", (int)results->kept_tokens.host[i]);
        fputs("]\n", file);
    }
}

void kept_ids_release(tombola_results *results)
{
    free(results->kept_ends.host);
    free(results->kept_tokens.host);
}
