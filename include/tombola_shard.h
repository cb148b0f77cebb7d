/* Tombola for rows whose columns lie on several devices, as tensor parallelism leaves them: every device keeps its
 * columns, and they tell each other what the draw needs, some words a row. The tokens are those of one device.
 *
 * A shard has the columns [first, last) of every row: whole blocks of 256 tokens, but where the row ends; none at all
 * will do. All shards of a row together have each column once. A call goes in rounds, for any transport that brings
 * every shard the messages of all, in any order (an "allgather"):
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
 * results, each by itself.
 *
 * Rounds. Greedy rows and those without filters take one, top-k and min-p two, top-p three where the nucleus is among
 * the first 64 tokens. Selection by histograms takes up to seven more for each filter, whatever the data; min-k takes
 * as many as its cliff lies deep. Rows of a batch take their rounds together. tombola_shard_last_call tells how many
 * rounds and bytes a call took.
 *
 * Messages. A head of 80 bytes, struct tombola_shard_head, then words of 64 bits; all of it little-endian, to be
 * aligned to 8 bytes. All shards that agree send messages of the same size in a round, which partial tells and which no
 * other shard need be asked for: it depends on what all know. Greedy rows and those without filters take 48 bytes,
 * top-k 8 more for each of k, histograms 2056. A shard that disagrees about the batch, its parameters or a version,
 * whose columns overlap or leave some out, or which failed, has merge fail on all shards with the same words.
 * tombola_shard_last_call tells how large any message of the call may be.
 *
 * Errors. A shard that fails in begin or partial may leave the call (tombola_shard_cancel), and so must the others
 * then; or it goes on: partial then gives a head alone, of which all learn by merge that it has failed. After an error
 * of merge the call is over; but where that was the shard's own device that failed, or memory, it may still tell the
 * others so, by partial. */
#ifndef TOMBOLA_SHARD_H
#define TOMBOLA_SHARD_H

#include "tombola.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the messages' layout; like the contract's, it has to be the same on all shards. */
#define TOMBOLA_SHARD_LAYOUT 2

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
 * results  as tombola_sampler_sample has them, in host memory: tokens of all samples, their logprobs, raw_logprobs,
 *          ranks, margins and observed; scores and raw_scores; status, kept, boundary and entropies. Written when the
 *          call is done, to be kept until then
 * Errors: those of tombola_sampler_sample. INVALID_ARGUMENT also where another result is asked for. */
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
 * is_done   set to 1 where the results are there; 0: another round follows. Where merge fails too it tells whether the
 *           others go on, unless the arguments were none */
TOMBOLA_API tombola_status tombola_shard_merge(tombola_shard *shard, const void *messages, size_t stride, size_t count,
                                               int *is_done, tombola_error *error);

/* Whether the shards that have sent these messages agree, have not failed, and have all columns once, by the heads alone:
 * for transports that bring heads before the rest, and to know which shard an error of merge is about.
 * messages, stride, count   as merge takes them; of each the first sizeof(tombola_shard_head) bytes are read
 * at                        set to the place of the message that the error is about; to count where there is no error,
 *                           or it is about none. NULL: not wanted
 * Errors: what merge says of them. Any thread may call it. */
TOMBOLA_API tombola_status tombola_shard_check(const void *messages, size_t stride, size_t count, size_t *at,
                                               tombola_error *error);

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
