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
 *     tombola_rows      what goes into a call: one batch of rows
 *     tombola_results   what comes out of it: columns, one entry per row
 *     sample, submit, enqueue   the calls; generate runs a whole autoregressive loop with them
 *
 * Errors. Fallible functions return a status. Their last argument may point to a
 * tombola_error of the caller's, which then tells in words what was wrong; it is
 * left alone on success and may be NULL. After any error every object that was
 * passed in can still be used. Nothing here prints, exits or aborts.
 *
 * Structs grow. Each begins with struct_size, the size that the caller's header gives it:
 * start from the struct's _default() function (all of them are inline, so the size is the
 * caller's own), or from {.struct_size = sizeof ...} where all other fields may be 0. The
 * library takes fields that an older caller lacks as their defaults, and refuses a newer
 * caller's fields that it does not know, unless they are 0. Of an array of structs, the
 * elements lie struct_size of the first one apart, and all must have that size.
 *
 * Processes. Drivers do not live through fork(). So the library remembers one number for the whole process, that of the
 * process which first used OpenCL: in a child of it every fallible function returns TOMBOLA_FORKED, and releasing an
 * object that it inherited frees host memory alone. A process that is to fork lets its children open a context each, or
 * starts them by exec (Python's multiprocessing: start method "spawn"). No other state is global. */
#ifndef TOMBOLA_H
#define TOMBOLA_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* The version of the numeric contract: which token a row, its parameters, seed, offset and stream yield. It changes
 * when, and only when, any of them would. 1 drew by inverse CDF alone, 2 draws by race unless told otherwise. */
#define TOMBOLA_CONTRACT 2
/* That of the library that is running. */
TOMBOLA_API int tombola_contract(void);

/* ------------------------------------------------------------------- errors */

typedef enum tombola_status {
    TOMBOLA_OK = 0,
    TOMBOLA_INVALID_ARGUMENT, /* an argument is out of range; nothing was enqueued */
    TOMBOLA_NO_DEVICE,        /* no OpenCL device, none of that name, or one that lacks what is needed */
    TOMBOLA_BUILD_FAILED,     /* the device's compiler refused the kernels */
    TOMBOLA_SELF_TEST_FAILED, /* the device computes other tokens than the known answers */
    TOMBOLA_DEVICE_FAILED,    /* an OpenCL call failed; the message names it */
    TOMBOLA_OUT_OF_MEMORY,    /* host or device memory */
    TOMBOLA_MODEL_FAILED,     /* a callback of the model of generate returned non-zero */
    TOMBOLA_BUSY,             /* as many batches are in flight as the sampler holds; nothing was enqueued */
    TOMBOLA_FORKED,           /* this process was forked from one that had used OpenCL */
    TOMBOLA_TRANSPORT_FAILED  /* what carries shards' messages has failed: an MPI call, which the message names */
} tombola_status;

/* The status in words, "invalid argument". Static storage. */
TOMBOLA_API const char *tombola_status_string(tombola_status status);

#define TOMBOLA_ERROR_MESSAGE_SIZE 1024

/* What went wrong. Owned by the caller. */
typedef struct tombola_error {
    uint32_t struct_size;
    tombola_status status;                    /* as the function returned it */
    char message[TOMBOLA_ERROR_MESSAGE_SIZE]; /* a sentence, NUL-terminated: the argument, row and value, or the OpenCL
                                                 call and its code */
} tombola_error;

static inline tombola_error tombola_error_default(void)
{
    tombola_error error;
    error.struct_size = sizeof error;
    error.status = TOMBOLA_OK;
    error.message[0] = '\0';
    return error;
}

/* ------------------------------------------------------------------ devices */

typedef enum tombola_device_type {
    TOMBOLA_DEVICE_CPU = 0,
    TOMBOLA_DEVICE_GPU = 1,
    TOMBOLA_DEVICE_OTHER = 2
} tombola_device_type;

typedef struct tombola_device {
    uint32_t struct_size;
    uint32_t
        index; /* place in the list, 0 first; platforms in the ICD loader's order, in-thread devices last of each */
    tombola_device_type type;
    int is_default; /* 1 for the device that is tried first when none is named */
    char platform[128];
    char name[256];
    char version[128]; /* OpenCL version as the device states it */
    char driver[128];
    uint64_t memory; /* global memory, bytes */
    uint32_t compute_units;
    int is_in_thread; /* 1 for one that works in the thread which calls it: PoCL's basic, or cpu-minimal since 4.0 */
} tombola_device;

static inline tombola_device tombola_device_default(void)
{
    tombola_device device;
    memset(&device, 0, sizeof device);
    device.struct_size = sizeof device;
    return device;
}

/* Lists the devices of every OpenCL platform.
 * devices   an array of `capacity` elements, each made by tombola_device_default, filled up to the smaller of
 *           capacity and *count; NULL if capacity is 0
 * count     how many there are, possibly 0 (no platform at all is no error) */
TOMBOLA_API tombola_status tombola_device_list(tombola_device *devices, size_t capacity, size_t *count,
                                               tombola_error *error);

/* ------------------------------------------------------------------ context */

typedef struct tombola_context tombola_context;

/* Compiled kernels are kept in the folder tombola under $XDG_CACHE_HOME, or else under $HOME/.cache, so that the
 * next process need not compile them; where neither is an absolute path they are not. Never with PoCL, which has
 * a cache of its own, nor with Oclgrind, which is there to see kernels compiled. What is kept may be deleted at any
 * time; beyond 128 files or 256 MiB, what was used longest ago is. It is checked before it is used, and against the
 * known answers as if it had just been compiled; where that fails, the kernels are compiled. TOMBOLA_CACHE=off in the
 * environment, or 0, stops all of it. */
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
    /* Appended to the OpenCL compiler's options. Those that relax arithmetic would change tokens, and are refused:
     * -cl-fast-relaxed-math, -cl-mad-enable and the like. */
    const char *build_options;
    tombola_cache cache; /* default TOMBOLA_CACHE_AUTO */
} tombola_context_options;

static inline tombola_context_options tombola_context_options_default(void)
{
    tombola_context_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    return options;
}

/* Opens a device, compiles the kernels and checks them against known answers.
 * device    an index ("0"), a type ("cpu", "gpu" or "other"), "pocl" or "mesa", or a part of a device's or
 *           platform's name ("nvidia"), all in upper or lower case; "name:4090" is a part of a name even if it looks
 *           like one of the former. The first that matches is taken, and no other is tried.
 *           NULL or "": the environment variable TOMBOLA_DEVICE, read in the same way; where
 *           that is unset or empty, the first GPU, else the first CPU device, and if that
 *           does not open, compile or pass, the next: GPUs, then CPUs, then the rest.
 * options   NULL for the defaults; copied
 * context   set on success; release it with tombola_context_close
 * Errors: NO_DEVICE; for a named device also BUILD_FAILED, SELF_TEST_FAILED, DEVICE_FAILED; FORKED.
 * A device must be available and little-endian, with a compiler, OpenCL 1.2 or later, the full profile, binary32 that
 * rounds to nearest and knows infinities, and 32 KiB of local memory: what it lacks is named in NO_DEVICE.
 * PoCL compiles a kernel when it is first run, which takes seconds. There only the one that draws tokens is compiled
 * and checked here, and alone decides whether the device is taken; those for probabilities, for candidates, and for
 * scores, kept tokens and processed logits follow when they are first wanted: at the creation of a sampler whose
 * options say so, else in the call that has such results.
 * One context serves samplers on any number of threads. */
TOMBOLA_API tombola_status tombola_context_open(const char *device, const tombola_context_options *options,
                                                tombola_context **context, tombola_error *error);

/* Describes the device that was taken. device: made by tombola_device_default */
TOMBOLA_API void tombola_context_device(const tombola_context *context, tombola_device *device);

/* Describes the device that takes batches of few rows off it, see tombola_in_thread, and opens that if no sampler has.
 * device   made by tombola_device_default, or NULL
 * Errors: NO_DEVICE where there is none; or why it did not open, which leaves all batches to the context's own. */
TOMBOLA_API tombola_status tombola_context_in_thread(tombola_context *context, tombola_device *device,
                                                     tombola_error *error);

/* Why it was taken: a sentence a line, first the devices that were passed over and what was wrong with each, last the
 * platforms that list none, and why compiled kernels are not kept where every start compiles them. Lives as long as
 * the context. */
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

/* How rows in host memory reach the device. Rows that overlap those of a batch in flight, and rows so far apart that
 * too many OpenCL buffers would have to span them, are staged in any case. */
typedef enum tombola_transfer {
    TOMBOLA_TRANSFER_AUTO = 0,     /* in place on devices that share memory with the host and do not copy it */
    TOMBOLA_TRANSFER_IN_PLACE = 1, /* read where they lie; a device's driver may copy them all the same */
    TOMBOLA_TRANSFER_STAGED = 2    /* through pinned memory, one part of the batch while another decodes */
} tombola_transfer;

/* What becomes of batches of so few rows that waking a device's threads takes longer than the work. A CPU that PoCL
 * shows twice, by its threads and by a device that works in the thread which calls it (POCL_DEVICES="pthread basic",
 * "cpu cpu-minimal" since 4.0), does better with the second. AUTO lets that one have them, in calls of sample and
 * generate, whose thread has nothing else to do, with all arrays in host memory, on a context from
 * tombola_context_open. Tokens and all other results are the same, to the bit. The context's first sampler compiles and
 * checks the kernels for this device, too, and each sampler has some memory for it. The kernels run on the caller's
 * stack, of which they take some 20 KiB. */
typedef enum tombola_in_thread {
    TOMBOLA_IN_THREAD_AUTO = 0, /* as told above; where there is no such device, the context's own takes all */
    TOMBOLA_IN_THREAD_OFF = 1   /* the context's own takes all */
} tombola_in_thread;

#define TOMBOLA_MAX_VOCABULARY (1u << 23)
#define TOMBOLA_MAX_CANDIDATES 1024u
#define TOMBOLA_MAX_SAMPLES 128u
#define TOMBOLA_MAX_IN_FLIGHT 16u

typedef struct tombola_sampler_options {
    uint32_t struct_size;
    tombola_type type;         /* default TOMBOLA_FLOAT32 */
    tombola_input input;       /* default TOMBOLA_LOGITS */
    tombola_dispatch dispatch; /* default TOMBOLA_DISPATCH_AUTO */
    tombola_transfer transfer; /* default TOMBOLA_TRANSFER_AUTO */
    int timed;                 /* non-zero: keep tombola_sampler_times; default 0 */
    uint32_t in_flight;        /* batches that may be in flight at once, 1 to TOMBOLA_MAX_IN_FLIGHT; 0: 2 */
    /* Room for candidates and probabilities on their way to host memory, and for masks, biases and penalties on their
     * way to the device, is made by the first call that wants them, grows with one that wants more candidates, biases
     * or history, and is kept; these make it at creation. So is room for scores and their ids, further samples and
     * lists of kept tokens, by calls alone. */
    uint32_t max_candidates;     /* of a row, up to TOMBOLA_MAX_CANDIDATES; default 0 */
    int probabilities;           /* non-zero: probabilities or their logarithms will be wanted; default 0 */
    tombola_in_thread in_thread; /* default TOMBOLA_IN_THREAD_AUTO */
    int masks;                   /* non-zero: masks in host memory will come, and may have to be copied; default 0 */
    size_t max_biases;           /* of all rows of a batch together; default 0 */
    size_t max_history;          /* tokens of the histories of all rows of a batch together, where penalties count them;
                                default 0 */
} tombola_sampler_options;

static inline tombola_sampler_options tombola_sampler_options_default(void)
{
    tombola_sampler_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    return options;
}

/* Makes a sampler with the memory that it will use.
 * context     kept alive by the sampler: it may be closed before the sampler is released
 * vocabulary  logits a row, 1 to TOMBOLA_MAX_VOCABULARY
 * max_rows    rows of the largest batch, at least 1. A batch too large for a single OpenCL buffer is cut into parts
 * options     NULL for the defaults; copied
 * sampler     set on success; release it with tombola_sampler_release
 * A sampler is used by one thread at a time.
 * Errors: OUT_OF_MEMORY, also where a part of a 32nd of max_rows is too large for a buffer, whose limit is named;
 * BUILD_FAILED, SELF_TEST_FAILED and DEVICE_FAILED where kernels are compiled and checked here, being those for another
 * type or input, or for what options.max_candidates and options.probabilities promise. */
TOMBOLA_API tombola_status tombola_sampler_create(tombola_context *context, size_t vocabulary, size_t max_rows,
                                                  const tombola_sampler_options *options, tombola_sampler **sampler,
                                                  tombola_error *error);

/* Waits for what is running and releases the sampler. NULL is allowed. */
TOMBOLA_API void tombola_sampler_release(tombola_sampler *sampler);

/* What the sampler has done so far. Seconds are 0 unless options.timed was set. */
typedef struct tombola_times {
    uint32_t struct_size;
    uint32_t reserved;          /* 0 */
    uint64_t calls;             /* of sample, submit and enqueue */
    uint64_t row_dispatches;    /* calls that gave each row a work-group */
    uint64_t spread_dispatches; /* calls that spread rows over work-groups */
    uint64_t in_place_calls;    /* calls whose rows were read in host memory */
    uint64_t staged_calls;      /* calls whose rows were copied to the device */
    uint64_t device_calls;      /* calls whose rows lay in an OpenCL buffer of the caller's */
    uint64_t parts;             /* that batches were cut into; as many as calls, if none was */
    uint64_t bytes_uploaded;    /* copied to the device, rows and parameters: 0 in place */
    uint64_t bytes_read;        /* copied from the device, results; 0 where it wrote them to host memory itself */
    double upload_seconds;
    double kernel_seconds;
    double read_seconds;
    uint64_t in_thread_calls; /* calls that the in-thread device took */
} tombola_times;

static inline tombola_times tombola_times_default(void)
{
    tombola_times times;
    memset(&times, 0, sizeof times);
    times.struct_size = sizeof times;
    return times;
}

/* times: made by tombola_times_default */
TOMBOLA_API void tombola_sampler_times(const tombola_sampler *sampler, tombola_times *times);

/* What a sampler holds, in bytes. Calls add to it only what options.max_candidates, probabilities, masks, max_biases
 * and max_history tell of, room for what token sequences and the order of histories make, scores, samples and lists of
 * kept tokens, and where AUTO has to stage what it would have read in place, room for that. */
typedef struct tombola_memory {
    uint32_t struct_size;
    uint32_t reserved;     /* 0 */
    uint64_t device_bytes; /* OpenCL buffers: scratch, and a copy of rows or results where they are not used in place */
    uint64_t host_bytes;   /* parameters and results, and pinned staging where rows or results are copied */
} tombola_memory;

static inline tombola_memory tombola_memory_default(void)
{
    tombola_memory memory;
    memset(&memory, 0, sizeof memory);
    memory.struct_size = sizeof memory;
    return memory;
}

/* memory: made by tombola_memory_default */
TOMBOLA_API void tombola_sampler_memory(const tombola_sampler *sampler, tombola_memory *memory);
/* What a sampler would hold that tombola_sampler_create made from the same arguments, which has the same errors. */
TOMBOLA_API tombola_status tombola_sampler_memory_before(tombola_context *context, size_t vocabulary, size_t max_rows,
                                                         const tombola_sampler_options *options, tombola_memory *memory,
                                                         tombola_error *error);

/* --------------------------------------------------------------- parameters */

/* How the token is picked from the kept ones. Both draw each with its probability; one gives other tokens than the
 * other from the same parameters. */
typedef enum tombola_method {
    /* An exponential race, the same law as Gumbel-max: every token arrives at a random time of its own, divided by its
     * probability, and the first is drawn. Logits that differ a little, between engines, precisions or batch sizes,
     * hardly ever change the token: only those change places that nearly tie. */
    TOMBOLA_RACE = 0,
    /* One random number for the row, inverted through the running sum of probabilities in the order of ids, as
     * textbooks and most samplers have it. Every change of any token with a lower id moves the draw. */
    TOMBOLA_INVERSE_CDF = 1
} tombola_method;

/* The steps between logits and draw, for the order in which they apply. */
typedef enum tombola_filter {
    TOMBOLA_FILTER_END = 0,
    TOMBOLA_FILTER_TEMPERATURE = 1, /* from here on tokens weigh at the row's temperature, before it at temperature 1 */
    TOMBOLA_FILTER_TOP_K = 2,
    TOMBOLA_FILTER_TOP_P = 3,
    TOMBOLA_FILTER_MIN_P = 4,
    TOMBOLA_FILTER_TOP_N_SIGMA = 5,
    TOMBOLA_FILTER_XTC = 6,
    TOMBOLA_FILTER_EPSILON = 7,
    TOMBOLA_FILTER_ETA = 8,
    TOMBOLA_FILTER_TOP_A = 9,
    TOMBOLA_FILTER_TYPICAL_P = 10,
    TOMBOLA_FILTER_TOP_H = 11,
    TOMBOLA_FILTER_P_LESS = 12,
    TOMBOLA_FILTER_MIN_K = 13,
    TOMBOLA_FILTER_MIROSTAT = 14
} tombola_filter;

#define TOMBOLA_MAX_FILTERS 16

/* P-less sampling (Tan et al. 2025), which has nothing to tune: it keeps the tokens whose share is at least C, the
 * sum of all squared shares. A share counts as reached within 2^-17 of it. */
typedef enum tombola_p_less {
    TOMBOLA_P_LESS_OFF = 0,
    TOMBOLA_P_LESS = 1,
    TOMBOLA_P_LESS_NORM = 2 /* (V * C - 1) / (V - 1) in place of C, V being the vocabulary: keeps more */
} tombola_p_less;

/* The orders that others have, by name. */
#define TOMBOLA_TEMPERATURE_FIRST                                                                                      \
    {                                                                                                                  \
        TOMBOLA_FILTER_TEMPERATURE, TOMBOLA_FILTER_TOP_N_SIGMA, TOMBOLA_FILTER_TOP_H, TOMBOLA_FILTER_TOP_K,            \
            TOMBOLA_FILTER_TOP_P, TOMBOLA_FILTER_MIN_P, TOMBOLA_FILTER_TYPICAL_P, TOMBOLA_FILTER_EPSILON,              \
            TOMBOLA_FILTER_ETA, TOMBOLA_FILTER_TOP_A, TOMBOLA_FILTER_P_LESS, TOMBOLA_FILTER_MIN_K, TOMBOLA_FILTER_XTC, \
            TOMBOLA_FILTER_MIROSTAT                                                                                    \
    }
#define TOMBOLA_TEMPERATURE_LAST                                                                                       \
    {                                                                                                                  \
        TOMBOLA_FILTER_TOP_N_SIGMA, TOMBOLA_FILTER_TOP_H, TOMBOLA_FILTER_TOP_K, TOMBOLA_FILTER_TYPICAL_P,              \
            TOMBOLA_FILTER_TOP_P, TOMBOLA_FILTER_MIN_P, TOMBOLA_FILTER_EPSILON, TOMBOLA_FILTER_ETA,                    \
            TOMBOLA_FILTER_TOP_A, TOMBOLA_FILTER_P_LESS, TOMBOLA_FILTER_MIN_K, TOMBOLA_FILTER_XTC,                     \
            TOMBOLA_FILTER_TEMPERATURE, TOMBOLA_FILTER_MIROSTAT                                                        \
    }

/* Which penalties count the tokens of a row's prompt. All count those that were generated. */
typedef enum tombola_penalty_prompt {
    TOMBOLA_PROMPT_REPETITION = 0, /* the repetition penalty, as in vLLM; frequency and presence are OpenAI's */
    TOMBOLA_PROMPT_ALL = 1,        /* all three, as in llama.cpp */
    TOMBOLA_PROMPT_NONE = 2
} tombola_penalty_prompt;

/* How to draw from one row. Unless `filters` says otherwise, logits are divided by the temperature first; then filters
 * apply in the order of TOMBOLA_TEMPERATURE_FIRST, each to what the one before has kept. The most likely token stays
 * unless XTC or typical-p drops it. */
typedef struct tombola_params {
    uint32_t struct_size;
    float temperature; /* 0 to +inf; below 1e-5 greedy; 1 neutral; +inf draws evenly from the kept tokens */
    uint32_t top_k;    /* keep the k most likely, lower id first among equals; 0 (or >= vocabulary) off */
    float top_p;       /* keep the most likely until they hold this share, 0 to 1; 1 off. A share counts as reached
                          within 2^-20 of the whole, so that decimal fractions behave as on paper: .4 + .3 reaches .7 */
    float min_p;       /* keep those at least this share as likely as the first, 0 to 1; 0 off */
    uint32_t stream;   /* which of several samples of one request */
    uint64_t seed;     /* the request's random stream. Rows with equal seed, offset and stream tend to draw alike */
    uint64_t offset;   /* position in that stream: advance it by one per token */
    uint32_t method;   /* a tombola_method; default TOMBOLA_RACE */
    /* The order, as tombola_filter: each at most once, then zeros. All zeros: TOMBOLA_TEMPERATURE_FIRST. Any other has
     * every step whose value is not neutral. */
    uint8_t filters[TOMBOLA_MAX_FILTERS];
    /* Keep those whose logit lies at most this many standard deviations below the largest, of the logits of all tokens
     * kept so far, as llama.cpp has it; 0 off. Logits more than 1024 below the largest do not count. */
    float top_n_sigma;
    /* XTC, "exclude top choices": with this probability, by a random number of its own from the row's stream, those
     * go that hold at least xtc_threshold of the mass of what is kept so far, but for the last; 0 to 1, 0 off */
    float xtc_probability;
    float xtc_threshold; /* 0 to 1, default .1; counts as reached within 2^-17 of it, as .4 + .3 above */
    /* Epsilon sampling: keep those that hold at least this share of the mass of what is kept so far, and the first;
     * 0 to 1, 0 off; counts as reached as xtc_threshold does */
    float epsilon_cutoff;
    /* Top-a: keep those whose share is at least this times the square of the first one's; 0 to 1, 0 off; counts as
     * reached as xtc_threshold does */
    float top_a;
    uint32_t p_less; /* a tombola_p_less; default TOMBOLA_P_LESS_OFF */
    /* Every filter leaves at least so many tokens, the most likely of what it was given, or all of these; XTC does
     * nothing where it would leave fewer. 0 and 1 off */
    uint32_t min_keep;
    /* Min-k (Ding et al. 2026): the tokens before the cliff of the sorted logits, the greatest fall divided by its
     * rank, and at least tau / (largest less smallest logit) of them, whatever the temperature. This is tau, 0 to
     * FLT_MAX; the paper has 3; 0 off */
    float min_k;
    /* Of tokens in the row's history: positive logits are divided by this, and others multiplied; 2^-126 to FLT_MAX,
     * 1 off. Below 1 it favours them. */
    float repetition_penalty;
    uint32_t penalty_window; /* penalties count so many tokens, the last of the history; 0: all */
    /* Subtracted from the logit of each token that was generated: the one as often as it was, the other once. Finite, 0
     * off; negative ones favour such tokens. */
    float frequency_penalty;
    float presence_penalty;
    uint32_t penalty_prompt; /* a tombola_penalty_prompt; default TOMBOLA_PROMPT_REPETITION */
    uint32_t min_tokens;     /* the row's end tokens can't be drawn before it has generated so many */
    /* DRY, "don't repeat yourself", as llama.cpp has it: where the history ends with n tokens that it held before, n
     * being dry_allowed_length or more, the logit of the token that followed then falls by
     * dry_multiplier * dry_base^(n - dry_allowed_length). Repetitions reach back to the last of the row's breakers. */
    float dry_multiplier;        /* 0 or more; 0 off */
    float dry_base;              /* 1 or more; default 1.75 */
    uint32_t dry_allowed_length; /* default 2 */
    uint32_t dry_window;      /* the last so many tokens of the history count; 0 all (llama.cpp's -1; its 0 is off) */
    uint32_t no_repeat_ngram; /* no so many tokens in a row come twice in the history, prompt included; 0 off */
    /* Once more than length_penalty_start tokens have been generated, g, the logit z of each of the row's end tokens
     * becomes z + |z| * (length_penalty_factor^(g - length_penalty_start) - 1), as Transformers has it. */
    uint32_t length_penalty_start;
    float length_penalty_factor; /* above 0; 1 off */
    uint32_t forced_from; /* the row's forced tokens are the generated ones from this number on, 0 being the first */
    uint32_t
        thinking_budget; /* where thinking has gone on for so many tokens, the sequence that ends it comes; 0 off */
    /* The tokens that a watermark is made from: so many of those before the drawn one, the last of the row's
     * history, or those that there are; 0: no watermark. With it `seed` is the watermark's key, offset and stream do
     * not count, and the method is TOMBOLA_RACE. See tombola_watermark_detect. */
    uint32_t watermark;
    /* Locally typical sampling: keep those whose surprise -ln p is nearest to the entropy of what is kept so far, until
     * they hold this share of it, and all that are as near as the last; 0 to 1, 1 off. Reached as top_p is */
    float typical_p;
    /* Eta sampling: keep those that hold at least the share eta_cutoff of what is kept so far, or sqrt(eta_cutoff) *
     * exp(-entropy) where that is less, and the first; 0 to 1, 0 off. Reached as xtc_threshold is */
    float eta_cutoff;
    /* Top-H: of the 100 most likely keep the first ones, as long as they make at most this share of the hundred's
     * entropy, and the first; 0 to 1, 0 off, 1 keeps 100. A share counts as kept to within 2^-20 of the whole;
     * where there is no entropy, as the others hold less than 2^-33 of the first, that one stays alone */
    float top_h;
    /* Dynamic temperature, as llama.cpp has it: from temperature - dynatemp_range, 0 at least, to temperature +
     * dynatemp_range, by the entropy of what is kept so far, as a share of the highest that so many tokens can have, to
     * the power of dynatemp_exponent; 0 off. Of sampling alone: softmax and top_k take `temperature` */
    float dynatemp_range;
    float dynatemp_exponent; /* 0 to FLT_MAX, default 1 */
    /* Mirostat (Basu et al. 2021), as llama.cpp has it: holds the surprise of a text's tokens, -log2 of their
     * probabilities, near mirostat_entropy. 2 keeps those of what is kept so far whose surprise is at most mirostat_mu,
     * and the first; reached as xtc_threshold is. 1 keeps so many as should have it by Zipf's law, whose exponent it
     * estimates from the first 100. mirostat_mu is the row's state: tombola_params_observe moves it on;
     * tombola_sampler_generate does so by itself. */
    uint32_t mirostat;      /* 0 off, 1, 2 */
    float mirostat_entropy; /* tau, bits: 0 to FLT_MAX, default 5 */
    float mirostat_rate;    /* eta, how fast mu follows: 0 to FLT_MAX, default .1 */
    float mirostat_mu;      /* mu, bits: any; +inf, the default: twice mirostat_entropy, for the first token */
    /* Adaptive-p, as llama.cpp has it, the last change whatever the order: what the filters have left is drawn by how
     * near each one's probability is to a target, which moves so that the probabilities of the tokens drawn come to
     * adaptive_target on average. 0 to 1, negative off; greedy rows do not mind it. Filters should have removed what is
     * no candidate: far tokens are drawn less often, however unlikely, but never not. All that is told of what the
     * filters have left is of the new probabilities: logprobs, entropies, margins, scores, kept_probabilities and the
     * candidates' log-probabilities; but for raw ones. The tokens kept, their number, boundary and ranks and
     * processed_logits are as if it were off, and so are probabilities, which are of the row before its filters. */
    float adaptive_target;
    float adaptive_decay; /* 0 to .99, default .9: the average is one over some 1 / (1 - this) tokens */
    /* Where the row's sequence stands: the sum of its tokens' probabilities and their number, older ones counting less.
     * 0 and 0 at its start; tombola_params_observe moves them on; tombola_sampler_generate does so by itself. */
    float adaptive_sum;
    float adaptive_weight;
} tombola_params;

/* Temperature 1, top-p 1, XTC's threshold .1, repetition penalty 1, DRY's base 1.75 and allowed length 2, the length
 * penalty's factor 1, mirostat's entropy 5, rate .1 and mu +inf, adaptive-p's target -1 and decay .9, the rest 0: draws
 * from the model's own distribution. */
static inline tombola_params tombola_params_default(void)
{
    tombola_params params;
    memset(&params, 0, sizeof params);
    params.struct_size = sizeof params;
    params.temperature = 1.0f;
    params.top_p = 1.0f;
    params.xtc_threshold = 0.1f;
    params.repetition_penalty = 1.0f;
    params.dry_base = 1.75f;
    params.dry_allowed_length = 2;
    params.length_penalty_factor = 1.0f;
    params.typical_p = 1.0f;
    params.dynatemp_exponent = 1.0f;
    params.mirostat_entropy = 5.0f;
    params.mirostat_rate = 0.1f;
    params.mirostat_mu = INFINITY;
    params.adaptive_target = -1.0f;
    params.adaptive_decay = 0.9f;
    return params;
}

/* Sets each of params[0..count) to the same value. */
static inline void tombola_params_fill(tombola_params *params, size_t count, tombola_params value)
{
    for (size_t i = 0; i < count; i++)
        params[i] = value;
}

/* Sets the order TOMBOLA_TEMPERATURE_FIRST, which is the default and that of Transformers; and of vLLM where min-p is
 * off (with it: temperature, min-p, top-k, top-p). */
static inline void tombola_filters_temperature_first(tombola_params *params)
{
    const uint8_t filters[TOMBOLA_MAX_FILTERS] = TOMBOLA_TEMPERATURE_FIRST;
    memcpy(params->filters, filters, sizeof filters);
}

/* Sets the order TOMBOLA_TEMPERATURE_LAST, which is llama.cpp's. (With mirostat it has the temperature, then mirostat,
 * and no other filter.) */
static inline void tombola_filters_temperature_last(tombola_params *params)
{
    const uint8_t filters[TOMBOLA_MAX_FILTERS] = TOMBOLA_TEMPERATURE_LAST;
    memcpy(params->filters, filters, sizeof filters);
}

/* Sets all parameters to what others draw by where nothing is said: "default" (tombola_params_default), "greedy",
 * "transformers" (with do_sample), "openai", "llama.cpp" and "vllm". Seed, offset and stream become 0.
 * params  made by tombola_params_default
 * Errors: INVALID_ARGUMENT where there is no such preset. Works in forked processes too. */
TOMBOLA_API tombola_status tombola_params_preset(const char *name, tombola_params *params, tombola_error *error);
/* The name of the preset with this place, 0 first; NULL behind the last. Static storage. */
TOMBOLA_API const char *tombola_params_preset_name(size_t index);

/* Makes parameters with which a token was drawn those of the row's next token, as far as they adapt: mirostat_mu, and
 * adaptive_sum and adaptive_weight, which are the row's state, copied, kept and put back with the other parameters.
 * observed  what results.observed tells of the token. -inf, where there was none, changes nothing
 * The same bits everywhere. Never fails, works in forked processes too. */
TOMBOLA_API void tombola_params_observe(tombola_params *params, float observed);

typedef enum tombola_kind {
    TOMBOLA_KIND_FLOAT = 0, /* float */
    TOMBOLA_KIND_UINT32 = 1,
    TOMBOLA_KIND_UINT64 = 2,
    TOMBOLA_KIND_CHOICE = 3, /* uint32_t, one of the values that have names */
    TOMBOLA_KIND_ORDER = 4   /* uint8_t[TOMBOLA_MAX_FILTERS], steps that have names, then zeros */
} tombola_kind;

/* An order that has a name. */
typedef struct tombola_preset {
    const char *name; /* "temperature-last" */
    uint8_t filters[TOMBOLA_MAX_FILTERS];
} tombola_preset;

/* What a parameter needs where it is not neutral: without it nothing would come of the parameter. */
typedef enum tombola_need {
    TOMBOLA_NEEDS_LOGITS = 1,     /* rows of logits, not TOMBOLA_PROBABILITIES */
    TOMBOLA_NEEDS_HISTORY = 2,    /* rows.history, be the row's own empty */
    TOMBOLA_NEEDS_END_TOKENS = 4, /* rows.end_tokens, likewise */
    TOMBOLA_NEEDS_FORCED = 8,     /* rows.forced, likewise */
    TOMBOLA_NEEDS_THINKING = 16   /* rows.thinking_start and thinking_end */
} tombola_need;

/* A parameter in the library's own table of them, from which options, columns and bindings are made. */
typedef struct tombola_field {
    uint32_t struct_size;
    tombola_kind kind;
    const char *name; /* of the field of tombola_params: "top_k" */
    size_t offset;    /* in tombola_params, bytes */
    double low;       /* the range of a float or a choice, both ends included; of an integer all values are allowed */
    double high;
    double neutral;   /* what tombola_params_default sets */
    const char *help; /* a sentence without a point */
    /* Of a choice and an order, else NULL: the name of each value from 0 on, "" where a number has none, then NULL.
     * 0 is the end of an order. */
    const char *const *values;
    const tombola_preset
        *presets;    /* of an order, else NULL: those with names, the default first; then one named NULL */
    uint32_t filter; /* the tombola_filter that it switches on where it is not neutral; else TOMBOLA_FILTER_END */
    uint32_t needs;  /* tombola_need, several or none; a call that lacks any is refused */
} tombola_field;

/* The parameter with this place in the table, 0 first; NULL behind the last. Static storage. */
TOMBOLA_API const tombola_field *tombola_params_field(size_t index);

/* --------------------------------------------------------------------- rows */

/* An array of the caller's: in host memory, or in an OpenCL buffer. Both NULL: there is none.
 * host     aligned to its type
 * buffer   a cl_mem of the sampler's OpenCL context (see tombola_cl.h)
 * offset   where it begins in the buffer, in elements; 0 in host memory */
struct _cl_mem;
#define TOMBOLA_ARRAY(type)                                                                                            \
    struct {                                                                                                           \
        type *host;                                                                                                    \
        struct _cl_mem *buffer;                                                                                        \
        size_t offset;                                                                                                 \
    }

/* What is added to the logit of a token. */
typedef struct tombola_bias {
    int32_t token; /* 0 to vocabulary - 1; of the biases of a row, no two have the same */
    float value;   /* neither NaN nor +inf; -inf: the token is never drawn */
} tombola_bias;

/* One batch of rows. Fields may be 0 where nothing else is said.
 *
 * Masks, biases and penalties make the logits that a row is drawn from, all else goes by, and results report: its
 * effective ones. A token whose bit in its row's mask is 0 has -inf (a probability: 0), whatever is stored for it, NaN
 * too, and whatever its bias. Otherwise a bias of -inf gives -inf likewise, and any other is added in one rounded
 * operation of binary32; then penalties apply. Subnormal logits, biases and sums count as 0. A row of which nothing is
 * left is empty.
 *
 * Where later fields will stand: what differs in length from row to row becomes a list of all rows' entries, one row
 * after another, with an array of `count` ends, like the biases. State that outlives a
 * call (slots of requests) becomes an array of handles, one for each row. */
typedef struct tombola_rows {
    uint32_t struct_size;
    uint32_t reserved;                /* 0 */
    size_t count;                     /* rows to draw from: 1 to the sampler's max_rows */
    TOMBOLA_ARRAY(const void) logits; /* of the sampler's type; read only. -inf masks a token out */
    size_t stride; /* elements from one row to the next, at least the vocabulary; 0: the vocabulary */
    /* Which row of `logits` each of the `count` rows is, in any order, also twice; NULL: 0, 1, ... Host memory. */
    const uint32_t *indices;
    const tombola_params *params; /* one for each of the `count` rows; each row is free to differ in everything */
    /* Which tokens may be drawn, as xgrammar and llguidance tell it: token i of a mask is bit i % 32, the lowest being
     * 0, of word i / 32; 1 allows it. Bits behind the vocabulary do not matter. Masks in host memory are read in place
     * where logits would be; or else those that rows have are copied, and must fit into one OpenCL buffer. */
    TOMBOLA_ARRAY(const uint32_t) masks;
    size_t mask_stride;         /* words from one mask to the next; 0: as few as hold the vocabulary */
    size_t mask_count;          /* masks that there are; 0: as many as rows */
    const int32_t *mask_of_row; /* `count`: the mask that each row has, several the same or not; -1: none. NULL: row r
                                   has mask r. Host memory */
    /* Row r has the biases [bias_ends[r - 1], bias_ends[r]), where bias_ends[-1] is 0, in any order. For logits, not
     * for TOMBOLA_PROBABILITIES. Both in host memory; NULL: none. */
    const tombola_bias *biases;
    const size_t *bias_ends; /* `count`, never descending */
    /* What came before in each row's sequence: its prompt, then the tokens generated so far, oldest first. Row r has
     * the tokens [history_ends[r - 1], history_ends[r]). Parameters tell which count. All in host memory; NULL: none,
     * which is refused where a row's parameters go by it (see tombola_need); of no tokens yet it is empty */
    const int32_t *history;       /* tokens, 0 to vocabulary - 1 */
    const size_t *history_ends;   /* `count`, never descending */
    const size_t *prompt_lengths; /* `count`: so many of the row's tokens, the first ones, are its prompt; NULL: 0 */
    /* The tokens that end a sequence, likewise row by row, in any order; NULL: none. */
    const int32_t *end_tokens;
    const size_t *end_token_ends; /* `count`, never descending */
    /* Token sequences of each row, none of them empty: word w is words[word_ends[w - 1]] up to words[word_ends[w]], and
     * row r has the banned words [banned_ends[r - 1], banned_ends[r]). A word's last token can't be drawn where the
     * row's history ends with its others; a word of one token never. Without history_ends no word of two or more
     * tokens ever matches. Breakers are the same: no repetition that DRY sees reaches back beyond one. All in host
     * memory; NULL: none. Rows of probabilities may have all but DRY. */
    const int32_t *words;
    const size_t *word_ends;
    const size_t *banned_ends; /* `count`, never descending */
    const int32_t *breakers;
    const size_t *breaker_ends;
    const size_t *breaker_row_ends; /* `count`, never descending */
    /* Row r has the forced tokens forced[forced_ends[r - 1]] up to forced[forced_ends[r]]: they come whatever its
     * logits are, see params.forced_from, the logit of the one being 0 and of all others -inf. Which one is next the
     * history tells: without history_ends it is the first at every step. NULL: none. */
    const int32_t *forced;
    const size_t *forced_ends; /* `count`, never descending */
    /* What begins thinking and what ends it, for params.thinking_budget. The tokens since a start that no complete end
     * follows count; once they are as many as the budget, the end is forced token by token, from what of it has come
     * already on. Forced tokens come before it. */
    const int32_t *thinking_start;
    size_t thinking_start_count;
    const int32_t *thinking_end;
    size_t thinking_end_count;
    /* The tokens whose log-probabilities results.scores and raw_scores tell: row r has score_tokens
     * [score_ends[r - 1], score_ends[r]), in any order, also several times. Both in host memory; NULL: none. */
    const int32_t *score_tokens; /* 0 to vocabulary - 1 */
    const size_t *score_ends;    /* `count`, never descending */
} tombola_rows;

static inline tombola_rows tombola_rows_default(void)
{
    tombola_rows rows;
    memset(&rows, 0, sizeof rows);
    rows.struct_size = sizeof rows;
    return rows;
}

/* ------------------------------------------------------------------ results */

typedef enum tombola_row_status {
    TOMBOLA_ROW_OK = 0,
    TOMBOLA_ROW_INVALID = 1, /* holds NaN or +inf, or overflows when scaled by the temperature */
    TOMBOLA_ROW_EMPTY = 2    /* nothing to draw: every logit is -inf, or too small once scaled */
} tombola_row_status;

/* "ok", "invalid" or "empty". Static storage. */
TOMBOLA_API const char *tombola_row_status_string(tombola_row_status status);

/* A token, and what it is drawn by. */
typedef struct tombola_boundary {
    float logit; /* effective; a probability where the input is probabilities */
    int32_t token;
} tombola_boundary;

/* What is wanted of a batch: columns with an entry (or `samples`, `candidate_count` or `probability_stride` of them)
 * for each row, in the order of the rows. An array that is not there is not wanted, and not computed; one at least is.
 * Each may be in host memory or in a buffer, and must not overlap any other array of a batch in flight.
 *
 * Probabilities are those of the whole row at its temperature; filters do not touch them. T below 1e-5 gives 1 to the
 * first token in rank order and 0 to the rest. They are within 2e-6 relative + 1e-9 of binary64 while |logit| / T <
 * 5.8e6, their logarithms within 1e-5 + 1e-6 relative; the same bits on every device.
 *
 * Where later fields will stand: a number per row becomes a column like `kept`; more about candidates a column like
 * candidate_probabilities. */
typedef struct tombola_results {
    uint32_t struct_size;
    uint32_t candidate_count;      /* candidates wanted of each row, 1 to TOMBOLA_MAX_CANDIDATES; 0: none */
    TOMBOLA_ARRAY(int32_t) tokens; /* the token drawn, 0 to vocabulary - 1; -1 unless the row is TOMBOLA_ROW_OK */
    TOMBOLA_ARRAY(int32_t) status; /* a tombola_row_status */
    TOMBOLA_ARRAY(uint32_t) kept;  /* tokens that passed the filters; 0 unless the row is TOMBOLA_ROW_OK */
    TOMBOLA_ARRAY(float)
    probabilities;                          /* count x probability_stride, the first `vocabulary` of each row written;
                                               zeros for a row that is invalid or empty */
    TOMBOLA_ARRAY(float) log_probabilities; /* their natural logarithms, likewise; -inf for such a row */
    size_t probability_stride;              /* elements, of all such; at least the vocabulary; 0: the vocabulary */
    /* count x candidate_count, most likely first: larger logit, then lower id. Those beyond the tokens that can be
     * drawn, and all of an invalid or empty row, have token -1, logit 0 and probability 0. */
    TOMBOLA_ARRAY(int32_t) candidate_tokens;
    /* Effective ones (a probability where the input is probabilities), widened. */
    TOMBOLA_ARRAY(float) candidate_logits;
    TOMBOLA_ARRAY(float) candidate_probabilities;
    /* The last token in rank order that passed the filters; {-inf, -1} unless the row is TOMBOLA_ROW_OK. With `kept` it
     * tells what was kept in 12 bytes: of the tokens with a larger logit, and those with the same one and no higher id,
     * the last `kept` in rank order: all of them, unless XTC or typical-p has dropped the first. */
    TOMBOLA_ARRAY(tombola_boundary) boundary;
    /* The natural logarithm of the token's probability among those that passed the filters, at the row's temperature; 0
     * for a greedy row. Never above 0; -inf unless the row is TOMBOLA_ROW_OK. This and raw_logprobs are within 1e-5 +
     * 1e-6 relative of binary64, the same bits on every device. */
    TOMBOLA_ARRAY(float) logprobs;
    /* The model's own: the same in the whole row as given, at temperature 1, without mask, biases and filters. -inf
     * where a mask or a ban hides a value that would make the row invalid, or where that row is empty and the token is
     * a forced one. */
    TOMBOLA_ARRAY(float) raw_logprobs;
    /* The token's place in rank order of all tokens, 1 the most likely; 0 unless the row is TOMBOLA_ROW_OK. */
    TOMBOLA_ARRAY(uint32_t) ranks;
    /* How clearly a race was won: the logarithm of how many times later the second arrived, of blocks or of the block's
     * tokens, whichever is less. While no logit / temperature changes by half as much, nor what is kept, the token
     * stays. +inf where there is no second, and for a greedy row; 0 by inverse CDF and without a token. */
    TOMBOLA_ARRAY(float) margins;
    /* The entropy, in nats, of the distribution that the token is drawn from; 0 for a greedy row and without a token.
     * Within 1e-5 + 1e-6 relative of binary64 while |logit| / T < 2^22, unless XTC has dropped nearly all the mass. */
    TOMBOLA_ARRAY(float) entropies;
    /* The log-probabilities of rows.score_tokens, an entry for each of them; -inf unless the row is TOMBOLA_ROW_OK.
     * `scores` are among the tokens that passed the filters, as `logprobs` has it of the token drawn, to the same bits,
     * and -inf for what did not pass; `raw_scores` are in the row as given, as `raw_logprobs` has it. */
    TOMBOLA_ARRAY(float) scores;
    TOMBOLA_ARRAY(float) raw_scores;
    /* count x probability_stride, the first `vocabulary` of each row written, as `probabilities` has it: the
     * probability of each token among those that passed the filters, 0 for the others, as accurate as `probabilities`;
     * and the effective logits of those that passed, not divided by the temperature (logarithms where the input is
     * probabilities), -inf for the others. A greedy row keeps its token alone. Zeros, and -inf, unless the row is
     * TOMBOLA_ROW_OK. */
    TOMBOLA_ARRAY(float) kept_probabilities;
    TOMBOLA_ARRAY(float) processed_logits;
    /* The tokens that passed the filters, as lists of all rows one after another, each by ascending id: row r kept
     * [kept_ends[r - 1], kept_ends[r]) of kept_tokens, where kept_ends[-1] is 0. kept_tokens has room for kept_capacity
     * elements, and is refused without kept_ends. Where rows keep more together, kept_ends tell of all, so that the
     * last one is larger than kept_capacity, and those that have no room are left out. What lies behind the last end
     * stays as it is, but for tombola_sampler_enqueue, which leaves anything there in host memory. A row that is not
     * TOMBOLA_ROW_OK keeps none. */
    TOMBOLA_ARRAY(uint64_t) kept_ends;
    TOMBOLA_ARRAY(int32_t) kept_tokens;
    size_t kept_capacity;
    /* Tokens drawn from each row, 1 to TOMBOLA_MAX_SAMPLES, all of them from one reading of it; 0: one. With more than
     * one `tokens`, `logprobs`, `raw_logprobs`, `ranks`, `margins` and `observed` are count x samples, and what they
     * have at j of a row is what the row gives alone with j added to its stream (modulo 2^32). All other results are
     * those of the row's own stream: XTC's chance, which is the stream's, may come for some samples and not for others.
     */
    uint32_t samples;
    uint32_t reserved; /* 0 */
    /* What a row whose parameters adapt learns from its token: the natural logarithm of the token's probability among
     * those that the filters have kept, at the row's temperature, before adaptive-p. Where that is off `logprobs` has
     * the same bits. It is for tombola_params_observe. */
    TOMBOLA_ARRAY(float) observed;
    /* The log-probabilities of the candidates, count x candidate_count: among the tokens that passed the filters, as
     * `scores` has it, -inf for a candidate that did not pass; and in the row as given, as `raw_scores` has it; the
     * same bits. Candidates rank by effective logits in either: the first ones of the row as given come from a call
     * without masks, biases and penalties. -inf where there is no candidate, and unless the row is TOMBOLA_ROW_OK. */
    TOMBOLA_ARRAY(float) candidate_logprobs;
    TOMBOLA_ARRAY(float) candidate_raw_logprobs;
} tombola_results;

static inline tombola_results tombola_results_default(void)
{
    tombola_results results;
    memset(&results, 0, sizeof results);
    results.struct_size = sizeof results;
    return results;
}

/* ------------------------------------------------------------------- sample */

/* Draws one token per row, and whatever else `results` asks for.
 * rows, results   copied; the arrays in host memory that they point to are free again when the call returns. What lies
 *                 in a buffer must be there: commands of the caller's that write it have completed
 * A bad row shows in its own status; the call still returns TOMBOLA_OK.
 * Errors: INVALID_ARGUMENT (the field, row and value named; nothing enqueued), BUSY, DEVICE_FAILED, OUT_OF_MEMORY.
 * After the last two the results are undefined. SELF_TEST_FAILED and DEVICE_FAILED where a kernel is compiled and
 * checked here, as tombola_context_open tells: results that need no such kernel can still be had. */
TOMBOLA_API tombola_status tombola_sampler_sample(tombola_sampler *sampler, const tombola_rows *rows,
                                                  const tombola_results *results, tombola_error *error);

/* The same in two steps, so that the caller can work while the device does. As many batches may be in flight as
 * options.in_flight says, those of tombola_sampler_enqueue included; any further call is BUSY until one is waited for
 * (an enqueued one: has completed). Calls that are refused have not waited for anything.
 * submit  returns as soon as the batch is enqueued; a batch that goes through pinned memory in parts may have to wait
 *         for room there. Free again on return: parameters, indices, mask_of_row; biases, histories, end tokens,
 *         token sequences, ids to score and all their ends. The sampler's until the batch has been waited for:
 *         rows.logits, rows.masks, and all arrays of the results
 * ticket  set on success: the handle of the batch, never 0
 * poll    sets *is_done to 1 if wait would not wait (also after a failure, which wait then tells), else to 0
 * wait    waits for that batch, in whatever order; the results are there when it returns. Whatever else it returns, its
 *         batch is done with. A ticket that is not in flight is an INVALID_ARGUMENT, for poll too. */
typedef uint64_t tombola_ticket;

TOMBOLA_API tombola_status tombola_sampler_submit(tombola_sampler *sampler, const tombola_rows *rows,
                                                  const tombola_results *results, tombola_ticket *ticket,
                                                  tombola_error *error);
TOMBOLA_API tombola_status tombola_sampler_poll(tombola_sampler *sampler, tombola_ticket ticket, int *is_done,
                                                tombola_error *error);
TOMBOLA_API tombola_status tombola_sampler_wait(tombola_sampler *sampler, tombola_ticket ticket, tombola_error *error);

/* ---------------------------------------------------------------- watermark */

/* A watermark lets whoever has its key tell text that was drawn with it, from the tokens alone: no logits, no model. It
 * is Aaronson's: the race is run with a seed that comes from the key and the tokens before (params.watermark of them),
 * so that tokens which arrive early by the key are drawn more often than anybody would choose them by chance. A single
 * draw has the same law as without. The same key and context always run the same race, though: of one prompt, streams
 * and offsets make no further texts, keys do. Text of which every token was nearly certain carries no mark. */

/* The seed of the race after these tokens: of the last params.watermark ones, or of those that there are. A draw with
 * it as seed, offset and stream 0, and no watermark, is the draw of a row with key and watermark. Never fails; tokens
 * may be NULL if count is 0. */
TOMBOLA_API uint64_t tombola_watermark_seed(uint64_t key, const int32_t *tokens, size_t count);

/* What a text's tokens tell of a watermark. */
typedef struct tombola_detection {
    uint32_t struct_size;
    uint32_t reserved; /* 0 */
    uint64_t scored;   /* tokens that count: those behind the prompt, but for a token that has followed the same
                          context before, which tells nothing new */
    uint64_t numbers;  /* random numbers that these were drawn by: of each token, and of its block of 256 tokens where
                          the vocabulary has several; a block that has followed the same context before not again */
    double score;      /* of all numbers together: without the watermark about `numbers`, with it more */
    double p_value;    /* how likely text without this key's watermark has this score or a higher one: exactly, for any
                          such text */
} tombola_detection;

static inline tombola_detection tombola_detection_default(void)
{
    tombola_detection detection;
    memset(&detection, 0, sizeof detection);
    detection.struct_size = sizeof detection;
    return detection;
}

/* Looks for a watermark. Uses no device, and works in forked processes too.
 * key, width     params.seed and params.watermark of those who may have drawn the text; width is at least 1
 * tokens         the text, the prompt first. Where it was cut from a longer one, the first `width` tokens' contexts
 *                are not those that they were drawn by: a prompt_length of `width` leaves them out
 * vocabulary     that of the sampler; where it is unknown, TOMBOLA_MAX_VOCABULARY will do if it was above 256
 * prompt_length  so many tokens were not drawn: they are context alone; up to count
 * detection      made by tombola_detection_default; a text without tokens to score has p-value 1
 * Errors: INVALID_ARGUMENT (the argument and value named), OUT_OF_MEMORY. */
TOMBOLA_API tombola_status tombola_watermark_detect(uint64_t key, uint32_t width, const int32_t *tokens, size_t count,
                                                    size_t vocabulary, size_t prompt_length,
                                                    tombola_detection *detection, tombola_error *error);

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
    /* A struct of this sequence's own; out: offset has advanced by one per token drawn, and mirostat_mu, adaptive_sum
     * and adaptive_weight as tombola_params_observe has them, ready to go on (see `generated`). NULL: the defaults,
     * with its index as stream */
    tombola_params *params;
    const int32_t *forced; /* tokens that come from params.forced_from on, as in tombola_rows; NULL if there are none */
    size_t forced_count;
    /* So many of the start context's tokens, the last ones, have been generated before: to penalties and all that
     * counts generated tokens, only those before them are the prompt. 0: all are. With as many as earlier calls have
     * drawn, a call goes on as if there had been one call for all. Left alone: the caller adds what the call has
     * drawn. */
    size_t generated;
    /* Out: of each token that the call has drawn, the first one's first, what the columns of these names in
     * tombola_results have. Room for max_new_tokens; NULL: not wanted. */
    float *logprobs;
    float *raw_logprobs;
} tombola_sequence;

static inline tombola_sequence tombola_sequence_default(void)
{
    tombola_sequence sequence;
    memset(&sequence, 0, sizeof sequence);
    sequence.struct_size = sizeof sequence;
    return sequence;
}

/* What the model is asked for in one step: the logits of the next token of each live sequence. */
typedef struct tombola_step {
    uint32_t struct_size; /* of the library's struct: fields behind it are not there */
    uint32_t reserved;
    const tombola_sequence *sequences; /* the whole batch as passed to generate */
    size_t rows;                       /* sequences that are live */
    const size_t *live;                /* rows: their indices into `sequences`, increasing */
    const size_t *cache_rows;          /* rows: the row of the model's caches that each has; see tombola_model */
    void *logits;                      /* out: rows x stride elements of the sampler's type, row i for
                                          sequences[live[i]]; what an earlier step wrote may be there or not.
                                          A model whose logits lie elsewhere sets batch->logits, and leaves this */
    size_t stride;                     /* elements */
    /* The batch that will be drawn from. Where parameters need them, it will have the sequences' tokens as histories,
     * the start contexts but for `generated` as prompts, and their end tokens and forced tokens. The model may set its
     * masks, mask_stride, mask_count, mask_of_row, biases and bias_ends, banned words and breakers with their ends, and
     * what begins and ends thinking, to memory of its own that stays as it is until the next call of `forward`, or the
     * end of generate. They are 0 before each call. So it may set logits, stride and indices, to rows of its own in
     * host memory or in a buffer. What is changed of the other fields does not count. Where any sequence has a
     * thinking_budget, live yet or not, the first step needs what begins and ends thinking too. */
    tombola_rows *batch;
} tombola_step;

/* The caller's model. Each callback gets `user`, runs on the calling thread, and returns 0, or non-zero to end generate
 * with TOMBOLA_MODEL_FAILED. */
typedef struct tombola_model {
    uint32_t struct_size;
    uint32_t reserved; /* 0 */
    void *user;
    int (*forward)(void *user, const tombola_step *step);
    /* For models that keep state for each sequence; NULL: not wanted. A sequence becomes live with `begin` before the
     * first step that has it, and ceases to be with `end`, however generate ends. In between it has one row of the
     * model's caches, a number below the smaller of the sampler's max_rows and the number of sequences, which no other
     * live sequence has; it goes to another one afterwards. begin's failure is not followed by an `end`. */
    int (*begin)(void *user, const tombola_sequence *sequences, size_t index, size_t cache_row);
    void (*end)(void *user, const tombola_sequence *sequences, size_t index, size_t cache_row);
} tombola_model;

static inline tombola_model tombola_model_default(void)
{
    tombola_model model;
    memset(&model, 0, sizeof model);
    model.struct_size = sizeof model;
    return model;
}

typedef enum tombola_verdict {
    TOMBOLA_CONTINUE = 0,
    TOMBOLA_STOP_SEQUENCE = 1,
    /* Ends the call at once. In this step, sequences before this one have got their token, and those behind it have
     * not: what was drawn for them is dropped, their offset has not advanced, and they would draw the same again. */
    TOMBOLA_STOP_ALL = 2
} tombola_verdict;

/* Called for each token once it is the last of its sequence's tokens, in the order of
 * the sequences. */
typedef tombola_verdict (*tombola_token_callback)(void *user, const tombola_sequence *sequences, size_t index,
                                                  int32_t token);

/* Runs sequences to their ends: asks the model for the live ones' logits, draws, appends, until each meets an end token
 * or its limit. A finished sequence leaves the batch; if there are more sequences than the sampler has rows, the next
 * one takes its place. Which others are live changes no draw: a sequence's tokens stay the same as long as the model
 * gives it the same logits, which a model whose arithmetic depends on the size of its batch does not quite do.
 * sequences   `count` of them, at least 1
 * model       copied; forward must be there
 * on_token    called with `token_user`; NULL for none
 * Errors: those of tombola_sampler_sample and MODEL_FAILED; sequences then hold what was
 * drawn so far. Allocates a batch of logits in host memory for the length of the call. */
TOMBOLA_API tombola_status tombola_sampler_generate(tombola_sampler *sampler, tombola_sequence *sequences, size_t count,
                                                    const tombola_model *model, tombola_token_callback on_token,
                                                    void *token_user, tombola_error *error);

#ifdef __cplusplus
}
#endif
#endif
