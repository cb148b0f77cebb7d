/* Tombola for rows whose columns lie on several devices, as tensor parallelism leaves them: every device keeps its
 * columns, and they tell each other what the draw needs, some words a row. The tokens are those of one device.
 *
 * A shard has the columns [first, last) of every row: whole blocks of 256 tokens, but where the row ends; none at all
 * will do. All shards of a row together have each column once. A call goes in rounds, for any transport that brings
 * every shard the messages of all, in any order (an "allgather"); over MPI there is tombola_mpi.h:
 *
 *     tombola_shard_begin(shard, &rows, &results, &error);          // rows: their logits are those of the columns
 *     do {
 *         tombola_shard_partial(shard, message, capacity, &size, &error);
 *         ... bring all shards' messages, `size` bytes each, to all shards ...
 *         tombola_shard_merge(shard, messages, size, count, &is_done, &error);
 *     } while (!is_done);                                           // every shard has the results now
 *
 * Each shard is given all parameters, masks, biases, histories and lists of the batch, with token ids of the whole row,
 * as if it had the row by itself, and takes what concerns its columns. All shards take the same turns and give the same
 * results, each by itself, but for what there is for each token, which each has of its own columns.
 *
 * Rounds. Greedy rows and those without filters take one; min-p two; top-k up to 1024 two, up to 512 also where top-p
 * follows on it. Top-p takes two where the nucleus is among the first 128 tokens, three up to some 300, four or five
 * where more stay, and six or seven where it ends among thousands of tokens of one logit. No filter that cuts by mass
 * or by a larger number takes more than 24, whatever the data; min-k besides two for each 1024 tokens that may rank
 * before its cliff. Candidates, and probabilities before the filters, take one more together, raw log-probabilities up
 * to three, kept sets none. Rows of a batch take their rounds together. tombola_shard_last_call tells how many rounds
 * and bytes a call took.
 *
 * Messages. A head of 80 bytes, struct tombola_shard_head, then words of 64 bits; all of it little-endian, to be
 * aligned to 8 bytes, and without pointers: they may go through files and between machines of different devices. All
 * shards that agree send messages of the same size in a round, which partial tells: it depends on what all know. Greedy
 * rows and those without filters take 48 bytes, top-k 8 more for each of k, histograms and lists of a nucleus up to
 * 4184, candidates 16 each. tombola_shard_last_call tells how large any message of the call may be.
 *
 * Collectives of equally many bytes (NCCL, MPI_Allgather). A shard that has failed, or is given another batch, has a
 * message of another size, and nobody knows before. So all take the same capacity once and for all, at least a head:
 * 80 bytes + 48 for each of max_rows will do for most calls. In each round a shard sends the first `capacity` bytes of
 * its message, whatever its size, with anything behind a shorter one. Then all know all heads, and do the same:
 *
 *     tombola_shard_partial(shard, message, room, &size, &error);   // room: `most` of tombola_shard_last_call, and
 *                                                                   // at least the capacity
 *     allgather(message, messages, capacity);
 *     size_t largest = tombola_shard_largest(messages, capacity, count);
 *     if (largest > capacity && !tombola_shard_check(messages, capacity, count, NULL, NULL))
 *         allgather(message, messages, stride = largest);           // the whole messages, which all agree about
 *     tombola_shard_merge(shard, messages, stride, count, &is_done, &error);
 *
 * where stride is the capacity unless a second collective was needed. Of shards that do not agree merge, which looks at
 * heads first, tells so on all. Logits that lie on the device, and messages that NCCL takes from there, are no
 * hindrance: messages are host memory, to be copied for the collective, some KB.
 *
 * Agreement. A shard that disagrees about the batch or a version, whose columns overlap or leave some out, or which has
 * failed, has merge fail on all shards in the same words, whatever their order. To agree are the vocabulary, the input,
 * rows, parameters, biases, histories and prompt lengths, end tokens, words, breakers, forced tokens, tokens of
 * thinking, ids to score, and which results are wanted, as far as these take rounds: heads carry hashes of them all.
 * Biases and end tokens may come in another order. What differs is named ("has other histories in row 3"), the row
 * where it is one. Masks are compared among the shards that have them in host memory: in a buffer nobody looks at them.
 * Types and devices may differ; contract and layout may not.
 *
 * Errors. A shard that fails in begin or partial goes on all the same: partial then gives a head alone, of which all
 * learn by merge that it has failed, and none is left waiting. What merge says of messages, all shards find, and their
 * calls are over: tombola_shard_check, which says the same by the heads, tells these errors from those of the shard's
 * own device or memory. After one of its own, the others are in the next round unless is_done is 1, and learn of it by
 * partial there. A transport that fails itself, or a process that is gone, is for the transport to tell; then each
 * shard that is left ends its call by tombola_shard_cancel, and may begin another.
 *
 * Memory and threads. Messages are the caller's, and so is all that rows and results point to; partial and merge keep
 * no pointer to them. A shard is used by one thread at a time; several shards of a process, of one context or not, by
 * as many threads. begin returns as soon as the device has its work, and so does merge where another round follows;
 * partial waits for it: between them the thread is free, for the other half of a batch on a shard of its own. */
#ifndef TOMBOLA_SHARD_H
#define TOMBOLA_SHARD_H

#include "tombola.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the messages' layout; like the contract's, it has to be the same on all shards. */
#define TOMBOLA_SHARD_LAYOUT 4

/* What a message begins with. */
typedef struct tombola_shard_head {
    uint32_t magic;  /* TOMBOLA_SHARD_MAGIC */
    uint32_t layout; /* TOMBOLA_SHARD_LAYOUT */
    uint32_t contract;
    uint32_t status; /* a tombola_status: that of a shard that has failed, whose message ends here */
    uint64_t size;   /* bytes, of the whole message */
    uint64_t agreed; /* what shards have to agree about beside the shape: a hash of parameters and lists of all rows,
                        and of what is wanted */
    uint64_t kinds;  /* a byte of a hash for each kind of these, */
    uint64_t places; /* and sums of rows' hashes: to tell what differs, and in which row */
    uint64_t masks;  /* a hash of the masks; 0: they are in a device's buffer */
    uint32_t rows;
    uint32_t round; /* 0 first */
    uint32_t vocabulary;
    uint32_t input; /* a tombola_input. Types may differ */
    uint32_t first; /* the shard's columns */
    uint32_t last;
} tombola_shard_head;

#define TOMBOLA_SHARD_MAGIC 0x4C424D54u /* "TMBL" in memory */

typedef struct tombola_shard tombola_shard;

/* Makes a shard with the memory that it will use.
 * vocabulary   of the whole row
 * first, last  the columns: multiples of 256, or the vocabulary; first = last: none
 * the rest     as tombola_sampler_create has it; options.dispatch, in_flight, max_candidates and probabilities do not
 *              matter
 * shard        set on success; release it with tombola_shard_release
 * Compiles the kernels of shards when the context's first shard is made. A shard is used by one thread at a time. */
TOMBOLA_API tombola_status tombola_shard_create(tombola_context *context, size_t vocabulary, size_t first, size_t last,
                                                size_t max_rows, const tombola_sampler_options *options,
                                                tombola_shard **shard, tombola_error *error);

/* Waits for what is running and releases the shard. NULL is allowed. */
TOMBOLA_API void tombola_shard_release(tombola_shard *shard);

/* Begins a call.
 * rows     as tombola_sampler_sample has them, but that the logits are those of the shard's columns: `stride` is at
 *          least as many, 0 as many. Logits and masks stay the shard's until the call is over; a shard without columns
 *          has none, whatever is set
 * results  as tombola_sampler_sample has them. What there is for each token (probabilities, log_probabilities,
 *          kept_probabilities, processed_logits) is that of the shard's columns, `probability_stride` being at least as
 *          many, 0 as many: what a loss over a split vocabulary takes. kept_ends and kept_tokens list those of the
 *          columns too, by ids of the whole row: shards in order of their columns have a row's list between them. These
 *          may be in buffers, and shards need not want the same of them; of processed_logits and kept tokens one may
 *          want what another does not. All else is the same on all shards, in host memory. Written when the call is
 *          done, to be kept until then
 * Errors: those of tombola_sampler_sample. INVALID_ARGUMENT also where anything else is wanted in a buffer. */
TOMBOLA_API tombola_status tombola_shard_begin(tombola_shard *shard, const tombola_rows *rows,
                                               const tombola_results *results, tombola_error *error);

/* Waits for the device, and writes the message of this round.
 * message   aligned to 8 bytes
 * capacity  bytes that there are for it
 * size      set to the bytes written; where they are more than the capacity, to the bytes needed: the call is then an
 *           INVALID_ARGUMENT, and may be repeated */
TOMBOLA_API tombola_status tombola_shard_partial(tombola_shard *shard, void *message, size_t capacity, size_t *size,
                                                 tombola_error *error);

/* Takes the messages of all shards, its own among them, in any order.
 * messages  aligned to 8 bytes, as its elements are
 * stride    bytes from one message to the next, at least the size of each
 * count     shards
 * is_done   set to 1 where the results are there; 0: another round follows. Where merge fails, the call is over here;
 *           it is over on all shards where these do not agree, and else is_done tells whether the others go on */
TOMBOLA_API tombola_status tombola_shard_merge(tombola_shard *shard, const void *messages, size_t stride, size_t count,
                                               int *is_done, tombola_error *error);

/* Whether the shards that have sent these messages agree, have not failed, and have all columns once, by the heads
 * alone: for transports that bring heads before the rest, and to know which shard an error of merge is about.
 * messages, stride, count   as merge takes them; of each the first sizeof(tombola_shard_head) bytes are read
 * at                        set to the place of the message that the error is about; to count where there is no error,
 *                           or it is about none. NULL: not wanted
 * Errors: what merge says of them, and no others: it takes no memory. Any thread may call it. */
TOMBOLA_API tombola_status tombola_shard_check(const void *messages, size_t stride, size_t count, size_t *at,
                                               tombola_error *error);

/* The size of the largest of these messages, by the heads: that of each where shards agree.
 * messages, stride, count   as tombola_shard_check takes them; 0: one of them is none of a shard's */
TOMBOLA_API size_t tombola_shard_largest(const void *messages, size_t stride, size_t count);

/* Ends a call before it is done. There is nothing to do where none is under way. */
TOMBOLA_API void tombola_shard_cancel(tombola_shard *shard);

/* What the last call, or the one under way, has taken. */
typedef struct tombola_shard_call {
    uint32_t struct_size;
    uint32_t rounds; /* so far */
    uint64_t bytes;  /* of the shard's messages, all rounds together */
    uint64_t most;   /* bytes that a message may have in any round of this call */
} tombola_shard_call;

/* call: its struct_size set */
TOMBOLA_API void tombola_shard_last_call(const tombola_shard *shard, tombola_shard_call *call);

#ifdef __cplusplus
}
#endif
#endif
