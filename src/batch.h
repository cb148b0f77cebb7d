/* A batch in flight: the memory that it works in, the commands that it consists of, and what is to be let go when they
 * have completed. A sampler has as many as may be in flight at once, and uses them in turn.
 *
 * The files above: launch.h hands kernels their arguments, logits.h and results.h bring rows to the device and results
 * back, run.h puts these together. All work on a struct batch; only sampler.h knows that there are several. */
#ifndef TOMBOLA_SRC_BATCH_H
#define TOMBOLA_SRC_BATCH_H

#include "adjustments.h"
#include "columns.h"
#include "host_memory.h"
#include "masks.h"
#include "plan.h"
#include "scores.h"

/* Commands at most: of a part an upload; two launches for sample, top_k and each output, one for report; two to collect
 * each output, one for each array of candidates. And of the batch what it waits for, the uploads of masks, adjustments,
 * scores and parameters, the end of the kept tokens, and one for each column. */
#define PART_EVENTS (1 + 2 * (2 + OUTPUTS) + 1 + 2 * OUTPUTS + TOP_K_COLUMNS)
#define MAX_EVENTS (PART_EVENTS * MAX_PARTS + 1 + 4 + 1 + COLUMNS)

enum kernel { KERNEL_SAMPLE, KERNEL_SOFTMAX, KERNEL_TOP_K, KERNEL_REPORT, KERNEL_SHARD, KERNEL_SHARD_LAST, KERNELS };
#define KERNEL_BIT(kernel) (1u << (kernel))
#define KERNELS_OF_ROWS (KERNEL_BIT(KERNEL_SHARD) - 1)

/* What the batches of a sampler share. */
struct engine {
    tombola_context *context;
    struct plan plan;
    cl_command_queue queue;     /* in order; for batches that are not on a caller's queue */
    cl_command_queue transfers; /* in order, beside it, for uploads; NULL until logits are staged */
    cl_kernel kernels[KERNELS]; /* a sampler has the first four, and a shard the last three */
    unsigned trusted;           /* a bit for each that may be run: it has given the known answers (trust.h) */
    tombola_times times;
    tombola_memory memory;
};

/* What an enqueued command counts for in tombola_times. */
enum work { WORK_NONE, WORK_UPLOAD, WORK_KERNEL, WORK_READ };

/* Rows that are brought, weighed and drawn from together. */
struct part {
    size_t first, rows;
    size_t low; /* of logits in place: the element that the part's wrapped memory begins with */
};

/* Probabilities or their logarithms, as they are wanted. */
struct output {
    TOMBOLA_ARRAY(float) to;
    int is_wanted;
    int in_place; /* `wrapped` has the parts of host memory that kernels write to */
    struct wrapped wrapped[MAX_PARTS];
};

/* Rows of probabilities in a pin, a piece of pinned memory, on their way to the caller's. */
struct landing {
    int event; /* of the read */
    float *to;
    size_t rows; /* 0: the pin is free */
};

enum way { WAY_BUFFER, WAY_IN_PLACE, WAY_STAGED };

struct batch {
    struct engine *engine; /* borrowed */

    /* Made with the sampler. */
    cl_mem maxima, facts; /* scratch: scratch_rows x padded_blocks */
    cl_mem findings;      /* max_rows struct finding; of a shard as many more, of rows before their filters */
    cl_mem columns;       /* of a batch, one after another (columns.h) */
    struct upload params; /* max_rows struct row_params, which are host_params */
    struct row_params *host_params;
    u32 *host_columns;
    size_t columns_size; /* words that both have room for */
    /* Made when first needed, by batch_reserve_...; NULL before. */
    cl_mem logits;     /* resident_rows x vocabulary */
    cl_mem staging;    /* PINS x pin_rows rows of pinned memory, mapped for good; NULL on devices that share memory */
    char *staged;      /* where that is mapped, or plain memory */
    cl_mem candidates; /* columns of a part, one after another */
    u32 *host_candidates;                         /* the same of each part, part after part */
    size_t candidates_on_device, candidates_size; /* words that they have room for */
    cl_mem outputs_buffer;                        /* PINS x output_rows rows of probabilities */
    cl_mem landing_buffer;                        /* pinned memory like it, likewise */
    float *landed;                                /* where that is mapped, or plain memory */
    struct masks masks;
    struct adjustments adjustments;
    struct scores scores;

    /* Of the batch under way. */
    uint64_t number;         /* counts the sampler's batches from 1; 0 if there is none under way */
    int is_awaited;          /* a caller has its number as a ticket, and will ask for its results */
    int has_failed;          /* a part of it was not enqueued; what was, may still run in several queues */
    int is_enqueued;         /* on a caller's queue: results go straight to where they are wanted */
    tombola_rows rows;       /* with stride set */
    tombola_results results; /* with probability_stride set */
    struct counts counts;
    u64 kept_end; /* where a caller's buffer says that the kept tokens end */
    enum way way;
    struct part parts[MAX_PARTS];
    int part_count;
    size_t round_rows; /* staged: rows after which the device's copy is used anew */
    struct output outputs[OUTPUTS];
    struct landing landings[PINS];
    int uploads[PINS]; /* events of the last upload through each pin of pinned memory */
    int output_count;  /* parts of outputs that have gone through pins */
    struct wrapped wrapped_logits[MAX_PARTS];
    cl_command_queue queue; /* borrowed */
    int is_chained;         /* each command waits for the one before: the queue may be out of order */
    int chain;              /* event of the last command in `queue`, -1: none */
    cl_event waits[2];      /* what the next command waits for, see batch_waits */
    cl_event events[MAX_EVENTS];
    enum work works[MAX_EVENTS];
    int event_count;
};

/* ------------------------------------------------------------------ its memory, in batch_memory.c */

/* A queue of the engine's device. */
tombola_status engine_make_queue(const struct engine *engine, cl_command_queue *queue, tombola_error *error);

/* Makes a batch's memory. What a failure leaves behind is for the two that release it. */
tombola_status batch_make(struct engine *engine, struct batch *batch, tombola_error *error);

/* Waits for the batch under way, if any, and releases all that it has of OpenCL; then, its memory. A batch that was
 * never made has nothing. */
void batch_release_cl(struct batch *batch);
void batch_free(struct batch *batch);

/* For memory that is made: a buffer; and host memory, mapped from `buffer` where the device does not share it, else
 * plain and aligned to pages. What a failure leaves behind is for the caller to release.
 * what  for messages */
tombola_status batch_make_buffer(const struct batch *batch, cl_mem_flags flags, size_t bytes, const char *what,
                                 cl_mem *buffer, tombola_error *error);
tombola_status batch_make_staging(struct batch *batch, cl_mem_flags flags, cl_map_flags use, size_t bytes,
                                  const char *what, cl_mem *buffer, void **mapped, tombola_error *error);

/* Room for what not every batch needs. There is nothing to do where it is there already. */
tombola_status batch_reserve_staging(struct batch *batch, tombola_error *error);
tombola_status batch_reserve_columns(struct batch *batch, tombola_error *error);
tombola_status batch_reserve_candidates(struct batch *batch, size_t words_on_device, size_t words,
                                        tombola_error *error);
tombola_status batch_reserve_outputs(struct batch *batch, tombola_error *error);

/* ------------------------------------------------------------------ its commands, in batch.c */

/* A batch is now under way, its commands to go to that queue. */
void batch_start(struct batch *batch, uint64_t number, cl_command_queue queue);

/* How many events the next command in the batch's queue has to wait for; they are in batch->waits. `also` is one more,
 * or NULL. */
cl_uint batch_waits(struct batch *batch, const cl_event *also);

/* Where the next command leaves its event; and, once it is enqueued, what it was for. `in_queue`: in the batch's own
 * queue, not beside it. */
cl_event *batch_event(struct batch *batch);
void batch_enqueued(struct batch *batch, enum work work, int in_queue);

/* Enqueues the reading of words into host memory. */
tombola_status batch_read(struct batch *batch, cl_mem buffer, size_t begin, size_t words, void *to,
                          tombola_error *error);

/* Whether all of its commands have completed, or one has failed. */
int batch_has_completed(const struct batch *batch);

/* Waits for all commands of the batch so far, which goes on. */
tombola_status batch_pause(struct batch *batch, tombola_error *error);

/* Waits for the batch, takes its times and lets go of what it held. After a failure, whose status is passed on, each
 * of its commands is waited for: they may be in queues of their own, and host memory in use. */
tombola_status batch_finish(struct batch *batch, tombola_status status, tombola_error *error);

#endif
