#include "plan.h"

#include "arrange.h"
#include "columns.h"
#include "context.h"
#include "error.h"
#include "recall.h"
#include "sized.h"

#define PART_BYTES ((size_t)4 << 20) /* keep a bus busy for some time */
#define IN_FLIGHT 2

static tombola_status check_options(const tombola_sampler_options *o, tombola_error *error)
{
    if ((unsigned)o->type >= TYPES)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.type is %d, which is no tombola_type", (int)o->type);
    if ((unsigned)o->input >= INPUTS)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.input is %d, which is no tombola_input", (int)o->input);
    if ((unsigned)o->dispatch > TOMBOLA_DISPATCH_SPREAD)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.dispatch is %d, which is no tombola_dispatch",
                    (int)o->dispatch);
    if ((unsigned)o->transfer > TOMBOLA_TRANSFER_STAGED)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.transfer is %d, which is no tombola_transfer",
                    (int)o->transfer);
    if ((unsigned)o->in_thread > TOMBOLA_IN_THREAD_OFF)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.in_thread is %d, which is no tombola_in_thread",
                    (int)o->in_thread);
    if (o->in_flight > TOMBOLA_MAX_IN_FLIGHT)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.in_flight is %lu, not from 0 to %u",
                    (unsigned long)o->in_flight, TOMBOLA_MAX_IN_FLIGHT);
    if (o->max_candidates > TOMBOLA_MAX_CANDIDATES)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.max_candidates is %lu, not from 0 to %u",
                    (unsigned long)o->max_candidates, TOMBOLA_MAX_CANDIDATES);
    if (o->max_biases > UINT32_MAX)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.max_biases is %zu, not from 0 to %lu", o->max_biases,
                    (unsigned long)UINT32_MAX);
    if (o->max_history > UINT32_MAX - o->max_biases)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "options.max_history is %zu, not from 0 to %zu", o->max_history,
                    UINT32_MAX - o->max_biases);
    return TOMBOLA_OK;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Rows of a pin of pinned memory: as many as keep a bus busy, and a MAX_PARTS-th of a batch at least. */
static size_t rows_of_pin(const struct plan *p, size_t row_bytes)
{
    size_t rows = PART_BYTES / row_bytes, least = (p->max_rows + MAX_PARTS - 1) / MAX_PARTS;
    rows = rows > least ? rows : least;
    return smaller(smaller(rows, p->max_rows), p->largest_buffer / PINS / row_bytes);
}

/* That parts of so many rows make a batch. */
static tombola_status check_rows(const struct plan *p, const tombola_context *context, size_t rows, size_t row_bytes,
                                 const char *what, tombola_error *error)
{
    size_t least = (p->max_rows + MAX_PARTS - 1) / MAX_PARTS;
    if (rows >= least)
        return TOMBOLA_OK;
    return fail(
        error, TOMBOLA_OUT_OF_MEMORY,
        "%s for max_rows %zu x vocabulary %zu does not fit: %zu rows, of %zu bytes each, are to be in one buffer "
        "of at most %zu bytes (CL_DEVICE_MAX_MEM_ALLOC_SIZE of %s)",
        what, p->max_rows, p->vocabulary, least, row_bytes, p->largest_buffer, context->device.info.name);
}

size_t plan_first_block(const struct plan *p)
{
    return p->first < p->last ? p->first / BLOCK : p->blocks;
}

static tombola_status make(const tombola_context *context, const struct plan *shape,
                           const tombola_sampler_options *options, struct plan *plan, tombola_error *error)
{
    const size_t vocabulary = shape->vocabulary, max_rows = shape->max_rows;
    tombola_sampler_options own = tombola_sampler_options_default();
    tombola_status status = TOMBOLA_OK;
    if (vocabulary < 1 || vocabulary > TOMBOLA_MAX_VOCABULARY)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "vocabulary is %zu, not from 1 to %u", vocabulary,
                    TOMBOLA_MAX_VOCABULARY);
    if (max_rows < 1 || max_rows > INT32_MAX)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "max_rows is %zu, not from 1 to %d", max_rows, INT32_MAX);
    if (options)
        status = sized_read("options", "tombola_sampler_options_default", &own, sizeof own, options, error);
    if (!status)
        status = check_options(&own, error);
    if (status)
        return status;
    if (own.in_flight == 0)
        own.in_flight = IN_FLIGHT;

    struct plan p = *shape;
    p.options = own;
    p.blocks = (vocabulary + BLOCK - 1) / BLOCK;
    p.padded_blocks = ((p.columns + BLOCK - 1) / BLOCK + context->width - 1) / context->width * context->width;
    p.row_bytes = p.columns * tombola_type_size(own.type);
    p.output_bytes = p.columns * sizeof(float);
    p.mask_words = (vocabulary + 31) / 32;
    p.largest_buffer = context->largest_buffer;
    p.shares_memory =
        own.transfer == TOMBOLA_TRANSFER_IN_PLACE || (own.transfer == TOMBOLA_TRANSFER_AUTO && context->is_unified);
    size_t scratch_bytes = p.padded_blocks * sizeof(u64);
    p.scratch_rows = smaller(max_rows, p.largest_buffer / scratch_bytes);
    p.pin_rows = rows_of_pin(&p, p.row_bytes);
    p.resident_rows = smaller(max_rows, p.largest_buffer / p.row_bytes);
    p.output_rows = rows_of_pin(&p, p.output_bytes);
    status = check_rows(&p, context, p.scratch_rows, scratch_bytes, "the scratch", error);
    if (!status)
        status = check_rows(&p, context, p.pin_rows, PINS * p.row_bytes, "pinned memory for the logits", error);
    if (!status)
        status =
            check_rows(&p, context, p.output_rows, PINS * p.output_bytes, "pinned memory for probabilities", error);
    if (!status && max_rows > p.largest_buffer / sizeof(struct row_params))
        status = fail(error, TOMBOLA_OUT_OF_MEMORY,
                      "max_rows is %zu: their parameters do not fit into one buffer of at most %zu bytes "
                      "(CL_DEVICE_MAX_MEM_ALLOC_SIZE of %s)",
                      max_rows, p.largest_buffer, context->device.info.name);
    if (!status)
        *plan = p;
    return status;
}

tombola_status plan_make(const tombola_context *context, size_t vocabulary, size_t max_rows,
                         const tombola_sampler_options *options, struct plan *plan, tombola_error *error)
{
    const struct plan shape = {
        .vocabulary = vocabulary, .max_rows = max_rows, .last = vocabulary, .columns = vocabulary};
    return make(context, &shape, options, plan, error);
}

tombola_status plan_make_shard(const tombola_context *context, size_t vocabulary, size_t first, size_t last,
                               size_t max_rows, const tombola_sampler_options *options, struct plan *plan,
                               tombola_error *error)
{
    const struct plan shape = {.vocabulary = vocabulary,
                               .max_rows = max_rows,
                               .first = first,
                               .last = last,
                               .columns = last > first ? last - first : 1,
                               .is_shard = 1};
    struct plan p;
    tombola_status status = make(context, &shape, options, &p, error);
    if (status)
        return status;
    if (first > last || last > vocabulary)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "first is %zu and last is %zu, no columns of a vocabulary of %zu",
                    first, last, vocabulary);
    if ((first % BLOCK && first < last) || (last % BLOCK && last != vocabulary && first < last))
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "first is %zu and last is %zu: shards are cut at multiples of %u",
                    first, last, BLOCK);
    if (p.scratch_rows < max_rows || p.resident_rows < max_rows)
        return fail(error, TOMBOLA_OUT_OF_MEMORY,
                    "max_rows %zu x %zu columns do not fit into one buffer of at most %zu bytes "
                    "(CL_DEVICE_MAX_MEM_ALLOC_SIZE of %s), as a shard's have to",
                    max_rows, p.columns, p.largest_buffer, context->device.info.name);
    *plan = p;
    return TOMBOLA_OK;
}

size_t plan_findings(const struct plan *p)
{
    return p->is_shard ? 2 * p->max_rows : p->max_rows;
}

size_t plan_columns(const struct plan *p)
{
    const struct counts counts = {.rows = p->max_rows, .samples = 1};
    return columns_words(&counts);
}

struct cost plan_base(const struct plan *p)
{
    const uint64_t params = p->max_rows * sizeof(struct row_params),
                   findings = plan_findings(p) * sizeof(struct finding);
    const uint64_t columns = plan_columns(p) * sizeof(u32);
    return (struct cost){
        .device = (uint64_t)p->scratch_rows * p->padded_blocks * (sizeof(u32) + sizeof(u64)) + columns + findings +
                  (p->shares_memory ? 0 : params),
        .host = params + columns,
    };
}

struct cost plan_staging(const struct plan *p)
{
    return (struct cost){(uint64_t)p->resident_rows * p->row_bytes, (uint64_t)PINS * p->pin_rows * p->row_bytes};
}

/* Candidates on their way to host memory. */
static struct cost cost_of_candidates(const struct plan *p)
{
    uint64_t bytes = (uint64_t)p->max_rows * p->options.max_candidates * TOP_K_COLUMNS * sizeof(u32);
    return (struct cost){bytes, bytes};
}

struct cost plan_outputs(const struct plan *p)
{
    uint64_t bytes = (uint64_t)PINS * p->output_rows * p->output_bytes;
    return (struct cost){bytes, bytes};
}

struct cost plan_upload(const struct plan *p, size_t bytes)
{
    return (struct cost){p->shares_memory ? 0 : bytes, bytes};
}

size_t plan_adjustments(const struct plan *p, size_t biases, size_t tokens)
{
    return tokens ? recall_parts(p->max_rows, tokens, biases) : biases;
}

struct cost plan_penalties(const struct plan *p, size_t tokens, size_t others, size_t adjustments)
{
    const size_t counting = tally_bytes(p->vocabulary, tokens) + arranger_bytes(p->blocks, others);
    return (struct cost){0, tokens ? counting + recall_bytes(p->max_rows, adjustments) : 0};
}

size_t plan_mask_bytes(const struct plan *p)
{
    size_t each = p->mask_words * sizeof(u32);
    return smaller(p->max_rows, p->largest_buffer / each) * each;
}

tombola_memory plan_memory(const struct plan *p)
{
    tombola_memory memory = tombola_memory_default();
    const size_t adjustments = plan_adjustments(p, p->options.max_biases, p->options.max_history);
    const struct cost costs[] = {
        plan_base(p),
        p->shares_memory ? (struct cost){0, 0} : plan_staging(p),
        cost_of_candidates(p),
        p->options.probabilities ? plan_outputs(p) : (struct cost){0, 0},
        plan_upload(p, p->options.masks ? plan_mask_bytes(p) : 0),
        plan_upload(p, adjustments * sizeof(struct adjustment)),
        plan_penalties(p, smaller(p->options.max_history, p->vocabulary),
                       p->options.max_biases + p->options.max_history, adjustments),
    };
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
        memory.device_bytes += p->options.in_flight * costs[i].device;
        memory.host_bytes += p->options.in_flight * costs[i].host;
    }
    return memory;
}
