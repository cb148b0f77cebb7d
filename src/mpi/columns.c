#include "tombola_mpi.h"

enum { BLOCK = 256 };

static size_t begin_of(size_t vocabulary, uint64_t ranks, uint64_t rank)
{
    const uint64_t blocks = vocabulary / BLOCK + (vocabulary % BLOCK != 0);
    /* blocks * rank / ranks, which does not overflow */
    const uint64_t block = blocks / ranks * rank + blocks % ranks * rank / ranks;
    return block == blocks ? vocabulary : (size_t)block * BLOCK;
}

void tombola_mpi_columns(size_t vocabulary, int ranks, int rank, size_t *first, size_t *last)
{
    const int is_one = rank >= 0 && rank < ranks;
    *first = is_one ? begin_of(vocabulary, (uint64_t)ranks, (uint64_t)rank) : vocabulary;
    *last = is_one ? begin_of(vocabulary, (uint64_t)ranks, (uint64_t)rank + 1) : vocabulary;
}
