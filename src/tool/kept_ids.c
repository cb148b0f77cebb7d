#include "kept_ids.h"

#include <err.h>
#include <stdlib.h>

#include "output_file.h"

int kept_ids_begin(kept_ids *ids, size_t batch_rows, size_t vocabulary, tombola_results *results)
{
    if (!ids->path)
        return 0;
    results->kept_ends.host = calloc(batch_rows, sizeof(uint64_t));
    results->kept_tokens.host = calloc(batch_rows, vocabulary * sizeof(int32_t));
    results->kept_capacity = batch_rows * vocabulary;
    if (!results->kept_ends.host || !results->kept_tokens.host) {
        warnx("out of memory");
        return -1;
    }
    return output_file_try(ids->path);
}

void kept_ids_write(kept_ids *ids, size_t rows, const tombola_results *results)
{
    if (ids->path && !ids->file)
        ids->file = fopen(ids->path, "w");
    if (!ids->file)
        return;
    for (uint64_t row = 0, i = 0; row < rows; row++) {
        const uint64_t first = i;
        for (putc('[', ids->file); i < results->kept_ends.host[row]; i++)
            fprintf(ids->file, i > first ? ",%d" : "%d", (int)results->kept_tokens.host[i]);
        fputs("]\n", ids->file);
    }
}

int kept_ids_end(kept_ids *ids)
{
    if (!ids->path)
        return 0;
    const int had_failed = !ids->file || ferror(ids->file),
              failed = (ids->file && fclose(ids->file) != 0) || had_failed;
    ids->file = NULL;
    if (failed)
        warn("%s: cannot write", ids->path);
    return failed ? -1 : 0;
}

void kept_ids_release(kept_ids *ids, tombola_results *results)
{
    if (ids->file)
        fclose(ids->file);
    ids->file = NULL;
    free(results->kept_ends.host);
    free(results->kept_tokens.host);
}
