#include "tool.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>

#include "device_turns.h"
#include "identity.h"
#include "job.h"
#include "ranks.h"
#include "worker.h"

/* Logits of a chunk, unless --chunk says how many rows it has: few enough to be in a cache when they are drawn from,
 * many enough that what a chunk costs besides does not count. */
#define CHUNK_BYTES ((size_t)8 << 20)
#define CHUNK_ROWS ((size_t)16384)

/* So many for each rank, at least, where there are several, so that the slowest one does not hold up the others. */
#define CHUNKS_A_RANK 4

/* No more, of logits and results, whatever --chunk says: it is memory, and a message. */
#define MOST_BYTES ((size_t)1 << 30)

/* What rows of a chunk take of memory, about. */
static size_t row_bytes(const sample_options *options, const npy_rows *array)
{
    const reports *r = &options->reports;
    const size_t each = (r->probabilities_path ? sizeof(float) : 0) + (r->logits_path ? sizeof(float) : 0) +
                        (r->kept_ids_path ? 12 : 0);
    return npy_rows_bytes(array, 1) + array->vocabulary * each + sizeof(tombola_params);
}

static int choose_chunk(const sample_options *options, const npy_rows *array, size_t *chunk)
{
    const size_t bytes = row_bytes(options, array), most = bytes > MOST_BYTES ? 1 : MOST_BYTES / bytes;
    const size_t ranks = (size_t)ranks_own().count;
    *chunk = options->job.chunk > array->rows ? array->rows : options->job.chunk;
    if (*chunk > most) {
        warnx("--chunk %zu: so many rows take more than 1 GiB; %zu are the most", *chunk, most);
        return -1;
    }
    if (*chunk == 0) {
        *chunk = CHUNK_BYTES / bytes < CHUNK_ROWS ? CHUNK_BYTES / bytes : CHUNK_ROWS;
        if (ranks > 1 && *chunk > array->rows / (ranks * CHUNKS_A_RANK))
            *chunk = array->rows / (ranks * CHUNKS_A_RANK);
    }
    *chunk = *chunk < 1 ? 1 : *chunk > array->rows ? array->rows : *chunk;
    return 0;
}

/* What several ranks can't do. */
static int check_ranks(const sample_options *options, const npy_rows *array)
{
    if (ranks_own().count == 1)
        return 0;
    if (!options->job.output)
        warnx("%d ranks were started, which write to one file: name it by --output", ranks_own().count);
    else if (array->file_size == 0 || array->is_standard)
        warnx("%s: all ranks read the array, so it has to be a file", array->name);
    else if (options->constraints.mask_path && options->constraints.masks.is_standard)
        warnx("--mask -: all ranks read the masks, so they have to be a file");
    else
        return 0;
    return -1;
}

/* Whether all ranks have the same options and files as the first. */
static int check_identity(const sample_options *options, const npy_rows *array)
{
    json_t *identity = identity_make(options, array);
    const uint64_t own = identity_hash(identity);
    uint64_t first = own;
    json_decref(identity);
    ranks_share(&first, sizeof first);
    if (first != own)
        warnx("has other options or files than rank 0, or draws by another contract");
    return first == own ? 0 : -1;
}

typedef struct run {
    sample_options options;
    npy_rows array;
    size_t chunk;
    drawing drawing;
    job_files files; /* of the first rank */
} run;

static int load(run *run)
{
    return npy_rows_open(run->options.logits, &run->options.wish, &run->array) ||
                   choose_chunk(&run->options, &run->array, &run->chunk) ||
                   drawing_load(&run->drawing, &run->options, &run->array, run->chunk) ||
                   check_ranks(&run->options, &run->array)
               ? -1
               : 0;
}

static int open_device(run *run)
{
    static char device[64];
    const ranks_place own = ranks_own();
    if (device_turns_choose(run->options.sampling.device, own.local, own.local_count, device, sizeof device))
        run->options.sampling.device = device;
    return drawing_open(&run->drawing);
}

/* Says lines on standard error, this rank's name before each. */
static void say_of_rank(const char *lines)
{
    for (size_t length; *lines; lines += length) {
        length = strcspn(lines, "\n");
        fprintf(stderr, "%s: %.*s\n", ranks_name(ranks_own().rank), (int)length, lines);
        length += lines[length] == '\n';
    }
}

/* The ranks go step by step, so that what is wrong is said once. */
static int draw(run *run)
{
    const int is_first = ranks_own().rank == 0;
    unsigned char *takes_part = calloc((size_t)ranks_own().count, 1);
    if (!takes_part)
        errx(TOOL_FAILURE, "out of memory");
    int failed = ranks_check(load(run)) || ranks_check(check_identity(&run->options, &run->array)) ||
                 ranks_check(is_first && job_files_open(&run->files, &run->options, &run->array));
    if (!failed) {
        const int is_idle = open_device(run) != 0;
        failed = ranks_begin_work(is_idle, takes_part);
        if (!is_first && !is_idle && run->options.sampling.verbose) /* the first has said it at once */
            say_of_rank(tombola_context_choice(run->drawing.context));
        if (!failed && is_first)
            failed = job_run(&run->files, &run->drawing, takes_part, run->chunk);
        else if (!failed && !is_idle)
            worker_run_rank(&run->drawing);
    }
    free(takes_part);
    return failed;
}

/* One that the system gives is the first rank's. */
static void share_seed(tool_sampling *sampling)
{
    uint64_t seed = sampling->params.seed;
    ranks_share(&seed, sizeof seed);
    if (sampling->has_random_seed)
        sampling->params.seed = seed;
}

int tool_sample(int argc, char **argv)
{
    run run = {.files = {.journal = {.file = -1}}};
    for (int piece = 0; piece < PIECES; piece++)
        run.files.outputs[piece] = output_none();
    if (ranks_begin())
        return TOOL_FAILURE;
    if (sample_options_parse(argc, argv, &run.options))
        return TOOL_FAILURE;
    share_seed(&run.options.sampling);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */

    const int failed = draw(&run);
    drawing_close(&run.drawing);
    if (ranks_own().rank == 0)
        job_files_close(&run.files);
    npy_rows_close(&run.array);
    sample_options_release(&run.options);
    ranks_end();
    return failed ? TOOL_FAILURE : 0;
}
