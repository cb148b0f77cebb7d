#include "exchange.h"

#include "error.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* "TMB" and the version of what libraries send to each other beside shards' messages. */
#define MAGIC 0x02424D54u

/* ------------------------------------------------------------------ memory */

static tombola_status reserve(uint64_t **memory, size_t *room, size_t bytes, tombola_error *error)
{
    if (*room >= bytes)
        return TOMBOLA_OK;
    uint64_t *larger = realloc(*memory, bytes);
    if (!larger)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for ranks' messages: %zu bytes", bytes);
    memset((char *)larger + *room, 0, bytes - *room); /* what is sent behind a message's end is nobody's secret */
    *memory = larger;
    *room = bytes;
    return TOMBOLA_OK;
}

tombola_status exchange_reserve(struct exchange *x, size_t bytes, tombola_error *error)
{
    if (bytes > INT_MAX - sizeof(struct envelope))
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "a message of %zu bytes is more than MPI takes", bytes);
    return reserve(&x->sent, &x->sent_room, sizeof(struct envelope) + bytes, error);
}

tombola_status exchange_reserve_all(struct exchange *x, int ranks, size_t bytes, tombola_error *error)
{
    return reserve(&x->received, &x->received_room, (size_t)ranks * (sizeof(struct envelope) + bytes), error);
}

void exchange_free(struct exchange *x)
{
    free(x->sent);
    free(x->received);
}

void *exchange_message(const struct exchange *x)
{
    return (char *)x->sent + sizeof(struct envelope);
}

size_t exchange_room(const struct exchange *x)
{
    return x->sent_room - sizeof(struct envelope);
}

/* ------------------------------------------------------------------ ranks */

static const struct envelope *envelope_of(const struct exchange *x, size_t stride, int rank)
{
    return (const struct envelope *)((const char *)x->received + (size_t)rank * stride);
}

static const tombola_shard_head *head_of(const struct exchange *x, size_t stride, int rank)
{
    return (const tombola_shard_head *)(envelope_of(x, stride, rank) + 1);
}

/* What all ranks send, side by side. is_begun: set to 0 where MPI did not even begin */
static tombola_status gather(struct exchange *x, struct ranks *ranks, const void *from, size_t bytes, int *is_begun,
                             tombola_error *error)
{
    MPI_Request request;
    const double begin = MPI_Wtime();
    int code = MPI_Iallgather(from, (int)bytes, MPI_BYTE, x->received, (int)bytes, MPI_BYTE, ranks->comm, &request);
    *is_begun = code == MPI_SUCCESS;
    if (code != MPI_SUCCESS)
        return fail_mpi(error, "MPI_Iallgather", code);
    code = MPI_Wait(&request, MPI_STATUS_IGNORE);
    ranks->taken.exchange_seconds += MPI_Wtime() - begin;
    ranks->taken.collectives++;
    ranks->taken.bytes += bytes;
    return code == MPI_SUCCESS ? TOMBOLA_OK : fail_mpi(error, "MPI_Wait", code);
}

/* What all send first. What does not even begin is told once more, as a failure alone. */
static enum exchange_end gather_usual(struct exchange *x, struct ranks *ranks, size_t stride)
{
    tombola_error error = tombola_error_default();
    int is_begun;
    tombola_status status = gather(x, ranks, x->sent, stride, &is_begun, &error);
    if (status)
        ranks_keep_failure(ranks, &error);
    if (status && !is_begun) {
        ((struct envelope *)x->sent)->status = (uint32_t)status;
        status = gather(x, ranks, x->sent, stride, &is_begun, NULL);
    }
    return !is_begun ? EXCHANGE_GONE : status ? EXCHANGE_LOST : EXCHANGE_DONE;
}

/* ------------------------------------------------------------------ agreement */

static int first_failed(const struct exchange *x, const struct ranks *ranks, size_t stride)
{
    for (int rank = 0; rank < ranks->count; rank++)
        if (envelope_of(x, stride, rank)->status)
            return rank;
    return -1;
}

/* Whether heads say the same, but for the columns. Where they don't they may agree all the same. */
static int heads_agree(const tombola_shard_head *a, const tombola_shard_head *b)
{
    tombola_shard_head other = *b;
    other.first = a->first;
    other.last = a->last;
    return memcmp(a, &other, sizeof other) == 0;
}

static int all_agree(const struct exchange *x, const struct ranks *ranks)
{
    for (int rank = 0; rank < ranks->count; rank++)
        if (memcmp(envelope_of(x, x->stride, rank), envelope_of(x, x->stride, 0), sizeof(struct envelope)) != 0 ||
            !heads_agree(head_of(x, x->stride, rank), head_of(x, x->stride, 0)))
            return 0;
    return 1;
}

static tombola_status tell_of_envelopes(const struct ranks *ranks, const struct envelope *first,
                                        const struct envelope *other, int rank, tombola_error *error)
{
    if (other->magic != first->magic)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rank %d: has another version of the library than rank 0", rank);
    if (other->rows != first->rows)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rank %d: %s is %lu, and %lu on rank 0", rank, ranks->rows_name,
                    (unsigned long)other->rows, (unsigned long)first->rows);
    if (other->halves != first->halves && other->is_listed != first->is_listed)
        return fail(
            error, TOMBOLA_INVALID_ARGUMENT,
            "rank %d: lists %s kept tokens, and rank 0 %s: where calls go in halves all ranks list them, or none", rank,
            other->is_listed ? "its" : "no", first->is_listed ? "does" : "does not");
    if (other->halves != first->halves)
        return fail(
            error, TOMBOLA_INVALID_ARGUMENT,
            "rank %d: takes its rows in %d parts, and rank 0 in %d: tombola_mpi_sampler_halve is to be called alike",
            rank, other->halves, first->halves);
    return TOMBOLA_OK;
}

tombola_status exchange_check(const struct exchange *x, const struct ranks *ranks, tombola_error *error)
{
    tombola_error words = tombola_error_default();
    size_t at;
    tombola_status status = tombola_shard_check(x->messages, x->stride, (size_t)ranks->count, &at, &words);
    if (status == TOMBOLA_OK)
        return status;
    return at < (size_t)ranks->count ? fail(error, status, "rank %zu: %s", at, words.message)
                                     : fail(error, status, "%s", words.message);
}

/* What ranks disagree about, if they do, in the words that shards have for it, or some of our own. */
static tombola_status look_closer(const struct exchange *x, const struct ranks *ranks, tombola_error *error)
{
    for (int rank = 1; rank < ranks->count; rank++) {
        tombola_status status =
            tell_of_envelopes(ranks, envelope_of(x, x->stride, 0), envelope_of(x, x->stride, rank), rank, error);
        if (status)
            return status;
    }
    return exchange_check(x, ranks, error);
}

/* ------------------------------------------------------------------ exchange */

/* What each rank sends next time: as much as this time if that is more, else a little less than before. So sizes that
 * change from call to call do not take a second collective each time. */
static size_t next_usual(size_t usual, size_t size)
{
    return size >= usual ? size : usual - (usual - size) / 8 / sizeof(uint64_t) * sizeof(uint64_t);
}

/* Whether all agree. Else all have the same error. */
static int check(const struct exchange *x, struct ranks *ranks, tombola_error *error)
{
    const int failed = first_failed(x, ranks, x->stride);
    if (failed >= 0) {
        ranks_tell(ranks, failed, error);
        return 0;
    }
    return all_agree(x, ranks) || look_closer(x, ranks, error) == TOMBOLA_OK;
}

/* The whole messages, which are larger than usual. */
static enum exchange_end gather_whole(struct exchange *x, struct ranks *ranks, size_t size)
{
    tombola_error error = tombola_error_default();
    int is_begun;
    x->messages = x->received;
    x->stride = size;
    if (gather(x, ranks, exchange_message(x), size, &is_begun, &error) == TOMBOLA_OK)
        return EXCHANGE_DONE;
    ranks_keep_failure(ranks, &error);
    return is_begun ? EXCHANGE_LOST : EXCHANGE_GONE;
}

enum exchange_end exchange(struct exchange *x, struct ranks *ranks, struct envelope envelope, size_t size,
                           size_t *usual, tombola_error *error)
{
    const size_t stride = sizeof envelope + *usual;
    if (ranks->failure.status == TOMBOLA_OK)
        exchange_reserve_all(x, ranks->count, size > *usual ? size : *usual, &ranks->failure);
    envelope.magic = MAGIC;
    envelope.status = (uint32_t)ranks->failure.status;
    memcpy(x->sent, &envelope, sizeof envelope);
    x->stride = stride;
    x->messages = head_of(x, stride, 0);
    enum exchange_end end = gather_usual(x, ranks, stride);
    if (end == EXCHANGE_GONE || (end == EXCHANGE_DONE && !check(x, ranks, error)))
        return end == EXCHANGE_GONE ? end : EXCHANGE_OVER;
    if (size > *usual) {
        const enum exchange_end whole = gather_whole(x, ranks, size);
        end = end == EXCHANGE_DONE ? whole : end;
    }
    *usual = next_usual(*usual, size);
    return end;
}
