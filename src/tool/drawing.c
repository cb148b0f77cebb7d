#include "drawing.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "chunks.h"
#include "kept_ids.h"
#include "needs.h"
#include "params_csv.h"

/* Logits begin where a device may take them as they lie. */
#define ALIGNMENT ((size_t)4096)

/* What the options say of rows from the array's `first` on. */
static void fill_params(const sample_options *options, size_t first, size_t count, tombola_params *params)
{
    for (size_t i = 0; i < count; i++) {
        params[i] = options->sampling.params;
        params[i].stream += (uint32_t)(first + i) * (options->reports.samples ? options->reports.samples : 1);
    }
}

static int load_params(drawing *d)
{
    const sample_options *options = d->options;
    const size_t count = options->params ? d->array->rows : d->batch;
    d->params = calloc(count, sizeof *d->params);
    if (!d->params) {
        warnx("out of memory");
        return -1;
    }
    if (!options->params)
        return 0;
    fill_params(options, 0, count, d->params);
    return params_csv_read(options->params, count, d->params) ||
                   needs_check(options->params, d->params, count, sample_options_supply(options))
               ? -1
               : 0;
}

static int allocate(drawing *d)
{
    tombola_results *results = &d->results;
    const size_t bytes = npy_rows_bytes(d->array, d->batch);
    if ((d->logits = aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)) &&
        (results->tokens.host = calloc(d->batch * told_samples(results), sizeof(int32_t))) &&
        (results->status.host = calloc(d->batch, sizeof(int32_t))) &&
        (results->kept.host = calloc(d->batch, sizeof(uint32_t))) &&
        (!d->options->boundary || (results->boundary.host = calloc(d->batch, sizeof(tombola_boundary)))) &&
        told_allocate(&d->options->told, results, d->batch) == 0)
        return 0;
    warnx("out of memory");
    return -1;
}

int drawing_load(drawing *d, sample_options *o, npy_rows *array, size_t batch)
{
    const size_t rows = array->rows, vocabulary = array->vocabulary;
    *d = (drawing){.options = o,
                   .array = array,
                   .batch = batch,
                   .layout = row_layout_of(rows, vocabulary),
                   .results = tombola_results_default()};
    return config_check(o->sampling.config_path, &o->sampling.config, o->has_config_ends, vocabulary) ||
                   constraints_load(&o->constraints, rows, batch, vocabulary) ||
                   histories_load(&o->histories, rows, batch, vocabulary) || load_params(d) ||
                   sequences_load(&o->sequences, rows, batch, vocabulary) ||
                   reports_load(&o->reports, rows, batch, vocabulary, &d->results) || allocate(d)
               ? -1
               : 0;
}

int drawing_open(drawing *d)
{
    tombola_error error = tombola_error_default();
    if (!(d->context = tool_sampling_open(&d->options->sampling)))
        return -1;
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = d->array->type;
    options.input = d->options->probabilities ? TOMBOLA_PROBABILITIES : TOMBOLA_LOGITS;
    options.in_thread = TOMBOLA_IN_THREAD_OFF; /* to open it takes longer than it saves in a few calls */
    if (tombola_sampler_create(d->context, d->array->vocabulary, d->batch, &options, &d->sampler, &error) == TOMBOLA_OK)
        return 0;
    warnx("%s", error.message);
    return -1;
}

void drawing_close(drawing *d)
{
    tombola_sampler_release(d->sampler);
    tombola_context_close(d->context);
    free(d->results.tokens.host);
    free(d->results.status.host);
    free(d->results.kept.host);
    free(d->results.boundary.host);
    told_release(&d->results);
    if (d->options)
        reports_release(&d->options->reports, &d->results);
    free(d->logits);
    free(d->params);
}

static packet *refuse(const drawing *d, packet_kind kind, size_t first, size_t count, const char *sentence)
{
    tool_text text;
    if (count == d->array->rows)
        return packet_of_text(kind, first, count, sentence);
    snprintf(text.text, sizeof text.text, "%s: %s", chunk_describe((chunk){first, count}).text, sentence);
    return packet_of_text(kind, first, count, text.text);
}

/* What is told of rows, as text. 0, or -1 without memory or with a message on standard error. */
static int print_rows(drawing *d, size_t first, const tombola_rows *rows, FILE *file)
{
    for (size_t i = 0; i < rows->count; i++)
        if (d->options->format == SAMPLE_TABLE)
            row_print_lines(file, d->layout, first + i, &d->results, &d->options->told, i);
        else if (row_print_json(file, first + i, d->options, rows, &d->results, i))
            return -1;
    return 0;
}

typedef struct text {
    char *bytes;
    size_t size;
} text;

/* The pieces that are text; free() their bytes. */
static int print_pieces(drawing *d, size_t first, const tombola_rows *rows, text texts[PIECES])
{
    int failed = 0;
    for (int piece = PIECE_TOKENS; piece <= PIECE_KEPT_IDS && !failed; piece++) {
        if (piece == PIECE_TOKENS ? d->options->format == SAMPLE_ARRAY : !d->options->reports.kept_ids_path)
            continue;
        FILE *file = open_memstream(&texts[piece].bytes, &texts[piece].size);
        if (!file)
            return -1;
        if (piece == PIECE_TOKENS)
            failed = print_rows(d, first, rows, file);
        else
            kept_ids_print(file, rows->count, &d->results);
        failed |= ferror(file) != 0;
        failed |= fclose(file) != 0;
    }
    return failed ? -1 : 0;
}

static packet *pack(drawing *d, size_t first, const tombola_rows *rows)
{
    const size_t tokens = rows->count * told_samples(&d->results), floats = rows->count * d->array->vocabulary;
    text texts[PIECES] = {{0}};
    packet *drawn = NULL;
    if (print_pieces(d, first, rows, texts) == 0) {
        const void *bytes[PIECES] = {
            d->options->format == SAMPLE_ARRAY ? (void *)d->results.tokens.host : texts[PIECE_TOKENS].bytes,
            texts[PIECE_KEPT_IDS].bytes, d->results.kept_probabilities.host, d->results.processed_logits.host};
        const size_t sizes[PIECES] = {
            d->options->format == SAMPLE_ARRAY ? tokens * sizeof(int32_t) : texts[PIECE_TOKENS].size,
            texts[PIECE_KEPT_IDS].size, bytes[PIECE_PROBABILITIES] ? floats * sizeof(float) : 0,
            bytes[PIECE_LOGITS] ? floats * sizeof(float) : 0};
        drawn = packet_make(PACKET_DRAWN, first, rows->count, sizes[0] + sizes[1] + sizes[2] + sizes[3]);
        char *at = drawn ? drawn->data : NULL;
        for (int piece = 0; drawn && piece < PIECES; piece++) {
            drawn->head.sizes[piece] = sizes[piece];
            if (sizes[piece])
                memcpy(at, bytes[piece], sizes[piece]);
            at += sizes[piece];
        }
    }
    for (int piece = 0; piece < PIECES; piece++)
        free(texts[piece].bytes);
    return drawn;
}

packet *drawing_draw(drawing *d, size_t first, size_t count)
{
    sample_options *options = d->options;
    tool_text trouble;
    tombola_rows rows = tombola_rows_default();
    rows.count = count;
    rows.logits.host = d->logits;
    rows.stride = d->array->columns;
    rows.params = options->params ? d->params + first : d->params;
    if (npy_rows_read(d->array, first, count, d->logits, &trouble) ||
        constraints_apply(&options->constraints, first, &rows, &trouble))
        return packet_of_text(PACKET_REFUSED, first, count, trouble.text);
    if (!options->params)
        fill_params(options, first, count, d->params);
    histories_apply(&options->histories, first, &rows);
    sequences_apply(&options->sequences, first, &rows);
    reports_apply(&options->reports, first, &rows);
    tombola_error error = tombola_error_default();
    const tombola_status status = tombola_sampler_sample(d->sampler, &rows, &d->results, &error);
    if (status)
        return refuse(d, status == TOMBOLA_INVALID_ARGUMENT ? PACKET_REFUSED : PACKET_BROKEN, first, count,
                      error.message);
    return pack(d, first, &rows);
}
