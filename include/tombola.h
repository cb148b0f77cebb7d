/* Tombola: draws the next token for every row of a batch of logits, on any
 * OpenCL 1.2 device, and draws the same token on every one of them.
 *
 * A token depends on its row's logits, parameters, seed, offset and stream, and
 * on nothing else: not on the device, the size of the batch, the row's place in
 * it or its neighbours. A caller that keeps these can draw any token again.
 *
 * In the order of use:
 *     tombola_context   a device with its compiled kernels; serves many threads
 *     tombola_sampler   queue and buffers for one shape of batch; one thread at a time
 *     sample, softmax, top_k, generate   the work
 *
 * Fallible functions return a status. Their last argument may point to a
 * tombola_error of the caller's, which then tells in words what was wrong; it is
 * left alone on success and may be NULL. After any error every object that was
 * passed in can still be used. Nothing here prints or exits, and no state is global but one number: the process that
 * first used OpenCL. Drivers do not live through fork(), so in a child of that process every fallible function returns
 * TOMBOLA_FORKED, and releasing an object that it inherited frees host memory alone. A process that is to fork lets its
 * children open a context each, or starts them by exec (Python's multiprocessing: start method "spawn").
 *
 * Structs that start with struct_size are to be made by their _default()
 * function, so that a program compiled against an older header keeps working. */
#ifndef TOMBOLA_H
#define TOMBOLA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ version */

#define TOMBOLA_VERSION_MAJOR 0
#define TOMBOLA_VERSION_MINOR 1
#define TOMBOLA_VERSION_PATCH 0
#define TOMBOLA_VERSION (TOMBOLA_VERSION_MAJOR * 10000 + TOMBOLA_VERSION_MINOR * 100 + TOMBOLA_VERSION_PATCH)

#if defined(__GNUC__)
#define TOMBOLA_API __attribute__((visibility("default")))
#else
#define TOMBOLA_API
#endif

/* The version of the library that is running, made like TOMBOLA_VERSION. */
TOMBOLA_API int tombola_version(void);
/* The same as text, "0.1.0". Static storage. */
TOMBOLA_API const char *tombola_version_string(void);

/* ------------------------------------------------------------------- errors */

typedef enum tombola_status {
    TOMBOLA_OK = 0,
    TOMBOLA_INVALID_ARGUMENT, /* an argument is out of range; nothing was enqueued */
    TOMBOLA_NO_DEVICE,        /* no OpenCL device, none of that name, or one that lacks what is needed */
    TOMBOLA_BUILD_FAILED,     /* the device's compiler refused the kernels */
    TOMBOLA_SELF_TEST_FAILED, /* the device computes other tokens than the known answers */
    TOMBOLA_DEVICE_FAILED,    /* an OpenCL call failed; the message names it */
    TOMBOLA_OUT_OF_MEMORY,    /* host or device memory */
    TOMBOLA_MODEL_FAILED,     /* the model callback of generate returned non-zero */
    TOMBOLA_BUSY,             /* as many batches are in flight as the sampler holds; nothing was enqueued */
    TOMBOLA_FORKED            /* this process was forked from one that had used OpenCL */
} tombola_status;

/* The status in words, "invalid argument". Static storage. */
TOMBOLA_API const char *tombola_status_string(tombola_status status);

#define TOMBOLA_ERROR_MESSAGE_SIZE 1024

/* What went wrong, in one NUL-terminated sentence: the argument, row and value,
 * or the OpenCL call and its code. Owned by the caller; needs no initialisation. */
typedef struct tombola_error {
    char message[TOMBOLA_ERROR_MESSAGE_SIZE];
} tombola_error;

/* ------------------------------------------------------------------ devices */

typedef enum tombola_device_type {
    TOMBOLA_DEVICE_CPU = 0,
    TOMBOLA_DEVICE_GPU = 1,
    TOMBOLA_DEVICE_OTHER = 2
} tombola_device_type;

typedef struct tombola_device {
    uint32_t index; /* place in the list, 0 first; platforms in the ICD loader's order */
    tombola_device_type type;
    int is_default; /* 1 for the device that is tried first when none is named */
    char platform[128];
    char name[256];
    char version[128]; /* OpenCL version as the device states it */
    char driver[128];
    uint64_t memory; /* global memory, bytes */
    uint32_t compute_units;
} tombola_device;

/* Lists the devices of every OpenCL platform.
 * devices   room for `capacity` entries, filled up to the smaller of capacity and *count;
 *           NULL if capacity is 0
 * count     how many there are, possibly 0 (no platform at all is no error) */
TOMBOLA_API tombola_status tombola_device_list(tombola_device *devices, size_t capacity, size_t *count,
                                               tombola_error *error);

/* ------------------------------------------------------------------ context */

typedef struct tombola_context tombola_context;

/* Compiled kernels are kept in the folder tombola under $XDG_CACHE_HOME, or else under $HOME/.cache, so that the
 * next process need not compile them; where neither is an absolute path they are not. Never with PoCL, which has
 * a cache of its own, nor with Oclgrind, which is there to see kernels compiled. What is kept may be deleted at any
 * time. It is checked before it is used, and against the known answers as if it had just been compiled; where that
 * fails, the kernels are compiled. TOMBOLA_CACHE=off in the environment, or 0, stops all of it. */
typedef enum tombola_cache {
    TOMBOLA_CACHE_AUTO = 0, /* as told above */
    TOMBOLA_CACHE_OFF = 1   /* nothing is read or written */
} tombola_cache;

/* All fields: 0 or NULL means that the library chooses. */
typedef struct tombola_context_options {
    uint32_t struct_size;
    /* How a block of 256 logits is spread: `lanes` work-items side by side, each
     * `width` logits at a time. Powers of two, width 4, 8 or 16, lanes * width
     * at most 256; both or neither. Changes the speed, never a token. What the library chooses fits
     * into the device's largest work-group. */
    uint32_t lanes;
    uint32_t width;
    /* Blocks that a work-group takes side by side; a power of two, teams * lanes at most 256. */
    uint32_t teams;
    /* Appended to the OpenCL compiler's options. */
    const char *build_options;
    tombola_cache cache; /* default TOMBOLA_CACHE_AUTO */
} tombola_context_options;

TOMBOLA_API tombola_context_options tombola_context_options_default(void);

/* Opens a device, compiles the kernels and checks them against known answers.
 * device    an index ("0") or a part of a device's or platform's name, upper or lower
 *           case; the first that matches is taken, and no other is tried.
 *           NULL or "": the environment variable TOMBOLA_DEVICE, read in the same way; where
 *           that is unset or empty, the first GPU, else the first CPU device, and if that
 *           does not open, compile or pass, the next: GPUs, then CPUs, then the rest.
 * options   NULL for the defaults; copied
 * context   set on success; release it with tombola_context_close
 * Errors: NO_DEVICE; for a named device also BUILD_FAILED, SELF_TEST_FAILED, DEVICE_FAILED; FORKED.
 * A device must be available and little-endian, with a compiler, OpenCL 1.2 or later, the full profile, binary32 that
 * rounds to nearest and knows infinities, and 32 KiB of local memory: what it lacks is named in NO_DEVICE.
 * One context serves samplers on any number of threads. */
TOMBOLA_API tombola_status tombola_context_open(const char *device, const tombola_context_options *options,
                                                tombola_context **context, tombola_error *error);

/* The device that was taken. Lives as long as the context. */
TOMBOLA_API const tombola_device *tombola_context_device(const tombola_context *context);

/* Why it was taken: a sentence a line, first the devices that were passed over
 * and what was wrong with each. Lives as long as the context. */
TOMBOLA_API const char *tombola_context_choice(const tombola_context *context);

/* The block shape in force (see tombola_context_options). Any pointer may be NULL. */
TOMBOLA_API void tombola_context_shape(const tombola_context *context, uint32_t *lanes, uint32_t *width,
                                       uint32_t *teams);

/* A context counts its references: one from the call that opened it, one for each sampler, and one for each call of
 * retain. close drops one, and the last one releases the context; its samplers may be released after it. NULL is
 * allowed in close. Both from any thread. */
TOMBOLA_API void tombola_context_retain(tombola_context *context);
TOMBOLA_API void tombola_context_close(tombola_context *context);

/* ------------------------------------------------------------------ sampler */

typedef struct tombola_sampler tombola_sampler;

typedef enum tombola_type {
    TOMBOLA_FLOAT32 = 0, /* binary32 */
    TOMBOLA_FLOAT16 = 1, /* binary16 */
    TOMBOLA_BFLOAT16 = 2
} tombola_type;

/* Bytes of one logit; 0 for what is no tombola_type. */
TOMBOLA_API size_t tombola_type_size(tombola_type type);

typedef enum tombola_input {
    TOMBOLA_LOGITS = 0,
    /* Rows hold probabilities, not necessarily normalised, in place of logits. A
     * token with probability 0 (or an exponent field of 0) is never drawn; a negative one
     * or +inf makes the row invalid. Its logit is the library's own natural logarithm. */
    TOMBOLA_PROBABILITIES = 1
} tombola_input;

typedef enum tombola_dispatch {
    TOMBOLA_DISPATCH_AUTO = 0,
    TOMBOLA_DISPATCH_ROW = 1,   /* a work-group takes a whole row */
    TOMBOLA_DISPATCH_SPREAD = 2 /* many work-groups share a row */
} tombola_dispatch;

/* How logits in host memory reach the device. */
typedef enum tombola_transfer {
    TOMBOLA_TRANSFER_AUTO = 0,
    TOMBOLA_TRANSFER_IN_PLACE = 1, /* read where they lie: on devices that share memory with the host */
    TOMBOLA_TRANSFER_STAGED = 2    /* through pinned memory, one part of the batch while another decodes */
} tombola_transfer;

#define TOMBOLA_MAX_VOCABULARY (1u << 23)
#define TOMBOLA_MAX_TOP_K 1024u /* of tombola_sampler_top_k; sampling has no such limit */

typedef struct tombola_sampler_options {
    uint32_t struct_size;
    tombola_type type;         /* default TOMBOLA_FLOAT32 */
    tombola_input input;       /* default TOMBOLA_LOGITS */
    tombola_dispatch dispatch; /* default TOMBOLA_DISPATCH_AUTO */
    tombola_transfer transfer; /* default TOMBOLA_TRANSFER_AUTO */
    int timed;                 /* non-zero: keep tombola_sampler_times; default 0 */
} tombola_sampler_options;

TOMBOLA_API tombola_sampler_options tombola_sampler_options_default(void);

/* Makes a sampler with all the memory that it will use.
 * context     referred to until the sampler is released
 * vocabulary  logits a row, 1 to TOMBOLA_MAX_VOCABULARY
 * max_rows    rows of the largest batch, at least 1
 * options     NULL for the defaults; copied
 * sampler     set on success; release it with tombola_sampler_release
 * A sampler is used by one thread at a time. */
TOMBOLA_API tombola_status tombola_sampler_create(tombola_context *context, size_t vocabulary, size_t max_rows,
                                                  const tombola_sampler_options *options, tombola_sampler **sampler,
                                                  tombola_error *error);

/* Waits for what is running and releases the sampler. NULL is allowed. */
TOMBOLA_API void tombola_sampler_release(tombola_sampler *sampler);

/* What the sampler has done so far. Seconds are 0 unless options.timed was set. */
typedef struct tombola_times {
    uint64_t calls;             /* of sample, submit, enqueue, softmax and top_k */
    uint64_t row_dispatches;    /* calls that gave each row a work-group */
    uint64_t spread_dispatches; /* calls that spread rows over work-groups */
    uint64_t in_place_calls;    /* calls whose logits were read in host memory */
    uint64_t staged_calls;      /* calls whose logits were copied to the device */
    uint64_t device_calls;      /* calls whose logits lay in an OpenCL buffer of the caller's (tombola_cl.h) */
    uint64_t bytes_uploaded;    /* copied to the device, logits and parameters: 0 in place */
    uint64_t bytes_read;
    double upload_seconds;
    double kernel_seconds;
    double read_seconds;
} tombola_times;

TOMBOLA_API void tombola_sampler_times(const tombola_sampler *sampler, tombola_times *times);

/* What a sampler holds from its creation to its release, in bytes; the same whatever it has been called for. */
typedef struct tombola_memory {
    uint64_t device_bytes; /* OpenCL buffers: scratch, and a copy of the logits where they are not used in place */
    uint64_t host_bytes;   /* parameters and draws, and pinned staging where logits are copied */
} tombola_memory;

TOMBOLA_API void tombola_sampler_memory(const tombola_sampler *sampler, tombola_memory *memory);

/* --------------------------------------------------------------- parameters */

/* How to draw from one row. Filters apply in the order top-k, top-p, min-p; the
 * most likely token always stays. */
typedef struct tombola_params {
    uint32_t struct_size;
    float temperature; /* 0 to +inf; below 1e-5 greedy; 1 neutral; +inf draws evenly from the kept tokens */
    uint32_t top_k;    /* keep the k most likely; 0, or the vocabulary size and more: off */
    float top_p;       /* keep the most likely until they hold this share, 0 to 1; 1 off */
    float min_p;       /* keep those at least this share as likely as the first, 0 to 1; 0 off */
    uint32_t stream;   /* which of several samples of one request */
    uint64_t seed;     /* the request's random stream */
    uint64_t offset;   /* position in that stream: advance it by one per token */
} tombola_params;

/* Temperature 1, top-p 1, the rest 0: draws from the model's own distribution. */
TOMBOLA_API tombola_params tombola_params_default(void);

/* ------------------------------------------------------------------- sample */

typedef enum tombola_row_status {
    TOMBOLA_ROW_OK = 0,
    TOMBOLA_ROW_INVALID = 1, /* holds NaN or +inf, or overflows when scaled by the temperature */
    TOMBOLA_ROW_EMPTY = 2    /* nothing to draw: every logit is -inf, or too small once scaled */
} tombola_row_status;

/* "ok", "invalid" or "empty". Static storage. */
TOMBOLA_API const char *tombola_row_status_string(tombola_row_status status);

typedef struct tombola_draw {
    int32_t token;     /* 0 to vocabulary - 1; -1 unless status is TOMBOLA_ROW_OK */
    int32_t status;    /* a tombola_row_status */
    uint32_t kept;     /* tokens that passed the filters; 0 unless status is TOMBOLA_ROW_OK */
    uint32_t reserved; /* 0 */
} tombola_draw;

/* Draws one token per row.
 * logits   rows x row_stride elements of the sampler's type in host memory, of which the
 *          first `vocabulary` of each row are read; -inf masks a token out. Aligned to its
 *          type; free again when the call returns
 * rows     1 to the sampler's max_rows
 * row_stride  in elements, at least the vocabulary
 * params   one for each row, in order, each free to differ in everything
 * draws    room for one per row
 * A bad row shows in its own draw; the call still returns TOMBOLA_OK.
 * Errors: INVALID_ARGUMENT (a parameter out of range is named with its row), DEVICE_FAILED,
 * OUT_OF_MEMORY; draws are then left undefined. */
TOMBOLA_API tombola_status tombola_sampler_sample(tombola_sampler *sampler, const void *logits, size_t rows,
                                                  size_t row_stride, const tombola_params *params, tombola_draw *draws,
                                                  tombola_error *error);

/* The same in two steps, so that the caller can work while the device does.
 * submit returns as soon as the batch is enqueued. `params` is free again then; `logits` belongs to the sampler
 *          until the batch has been waited for. Two batches may be in flight; with both there, submit is an
 *          INVALID_ARGUMENT that says so, as is every other call of sample, softmax, top_k and generate that finds
 *          no room. (Those of tombola_sampler_enqueue make room: the oldest of them is waited for.)
 * ticket   set on success: the handle that wait takes, never 0
 * wait     waits for that batch, in whatever order, and hands over its draws: room for one per row. A ticket that is
 *          not in flight is an INVALID_ARGUMENT. Whatever else wait returns, its batch is done with. */
typedef uint64_t tombola_ticket;

TOMBOLA_API tombola_status tombola_sampler_submit(tombola_sampler *sampler, const void *logits, size_t rows,
                                                  size_t row_stride, const tombola_params *params,
                                                  tombola_ticket *ticket, tombola_error *error);
TOMBOLA_API tombola_status tombola_sampler_wait(tombola_sampler *sampler, tombola_ticket ticket, tombola_draw *draws,
                                                tombola_error *error);

/* ------------------------------------------------------------------ softmax */

/* Turns rows of logits into probabilities at each row's temperature. Filters are
 * ignored (though their values must be in range). T below 1e-5 gives 1 for the first in
 * rank order and 0 for the rest.
 * logits, rows, row_stride, params   as for tombola_sampler_sample
 * logarithms  0 for probabilities, non-zero for their natural logarithms
 * output   rows x output_stride floats, the first `vocabulary` of each row written; zeros
 *          (log: -inf) for a row that is invalid or empty; must not overlap the logits
 * output_stride  in elements, at least the vocabulary
 * status   room for one tombola_row_status per row, or NULL
 * The kernels write to the caller's memory itself, wrapped as an OpenCL buffer for the length of the
 * call; so does top_k.
 * Within 2e-6 relative + 1e-9 of binary64 while |logit| / T < 5.8e6; logarithms within
 * 1e-5 + 1e-6 relative. The same bits on every device. */
TOMBOLA_API tombola_status tombola_sampler_softmax(tombola_sampler *sampler, const void *logits, size_t rows,
                                                   size_t row_stride, const tombola_params *params, int logarithms,
                                                   float *output, size_t output_stride, tombola_row_status *status,
                                                   tombola_error *error);

/* -------------------------------------------------------------------- top_k */

typedef struct tombola_candidate {
    int32_t token;     /* -1 where there is no such candidate */
    float logit;       /* as given (a probability where the input is probabilities), widened; 0 for token -1 */
    float probability; /* among the whole row at its temperature, as tombola_sampler_softmax; 0 for token -1 */
} tombola_candidate;

/* Finds the k most likely tokens of each row: larger logit first, lower id first
 * among equals. Filters are ignored, as in softmax.
 * logits, rows, row_stride, params   as for tombola_sampler_sample
 * k           1 to TOMBOLA_MAX_TOP_K
 * candidates  room for rows x k, row after row; those beyond the tokens that can be
 *             drawn, and all of an invalid or empty row, have token -1
 * status      room for one tombola_row_status per row, or NULL */
TOMBOLA_API tombola_status tombola_sampler_top_k(tombola_sampler *sampler, const void *logits, size_t rows,
                                                 size_t row_stride, const tombola_params *params, size_t k,
                                                 tombola_candidate *candidates, tombola_row_status *status,
                                                 tombola_error *error);

/* ----------------------------------------------------------------- generate */

typedef enum tombola_finish {
    TOMBOLA_FINISH_NONE = 0,    /* not run to an end: the call failed or was stopped first */
    TOMBOLA_FINISH_END_TOKEN,   /* drew one of its end tokens, the last of `tokens` */
    TOMBOLA_FINISH_LIMIT,       /* reached max_new_tokens */
    TOMBOLA_FINISH_STOPPED,     /* the token callback asked for it */
    TOMBOLA_FINISH_INVALID_ROW, /* the model's row was invalid: nothing was drawn from it */
    TOMBOLA_FINISH_EMPTY_ROW    /* the model's row was empty: nothing was drawn from it */
} tombola_finish;

/* "end token", "limit", ... Static storage. */
TOMBOLA_API const char *tombola_finish_string(tombola_finish finish);

/* One sequence of a batch. All memory is the caller's. */
typedef struct tombola_sequence {
    uint32_t struct_size;
    tombola_finish finish;     /* out: how it ended */
    int32_t *tokens;           /* in: the start context; out: with what was drawn appended.
                                   Room for length + max_new_tokens */
    size_t length;             /* in: of the start context, may be 0; out: of the whole */
    size_t max_new_tokens;     /* at least 1 */
    const int32_t *end_tokens; /* a drawn one ends the sequence, and is kept; NULL if there are none */
    size_t end_token_count;
    tombola_params params; /* out: offset has advanced by one per token drawn, ready to go on */
} tombola_sequence;

TOMBOLA_API tombola_sequence tombola_sequence_default(void);

/* The caller's model: fills the logits of the next token for each live sequence.
 * sequences  the whole batch as passed to generate
 * live       indices into it of the `rows` sequences wanted, increasing
 * logits     rows x row_stride elements of the sampler's type, row i for sequences[live[i]];
 *            what an earlier call wrote may be there or not
 * Returns 0, or non-zero to end generate with TOMBOLA_MODEL_FAILED. */
typedef int (*tombola_model)(void *user, const tombola_sequence *sequences, const size_t *live, size_t rows,
                             void *logits, size_t row_stride);

typedef enum tombola_verdict { TOMBOLA_CONTINUE = 0, TOMBOLA_STOP_SEQUENCE = 1, TOMBOLA_STOP_ALL = 2 } tombola_verdict;

/* Called for each token once it is the last of its sequence's tokens, in the order of
 * the sequences. */
typedef tombola_verdict (*tombola_token_callback)(void *user, const tombola_sequence *sequences, size_t index,
                                                  int32_t token);

/* Runs sequences to their ends: asks the model for the live ones' logits, draws,
 * appends, until each meets an end token or its limit. A finished sequence leaves the
 * batch; if there are more sequences than the sampler has rows, the next one takes its
 * place. Neither changes the others' tokens.
 * sequences   `count` of them, at least 1
 * model       called with `model_user`; runs on the calling thread
 * on_token    called with `token_user`; NULL for none
 * Errors: those of tombola_sampler_sample and MODEL_FAILED; sequences then hold what was
 * drawn so far. Allocates a batch of logits in host memory for the length of the call. */
TOMBOLA_API tombola_status tombola_sampler_generate(tombola_sampler *sampler, tombola_sequence *sequences, size_t count,
                                                    tombola_model model, void *model_user,
                                                    tombola_token_callback on_token, void *token_user,
                                                    tombola_error *error);

#ifdef __cplusplus
}
#endif
#endif
