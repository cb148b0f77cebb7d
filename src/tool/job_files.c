#include "job_files.h"

#include <err.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "identity.h"
#include "ranks.h"
#include "row_text.h"

/* Rows that are complete outlive the process at once; so often they are made to outlive the machine. To wait for the
 * disk takes a few milliseconds. */
#define SYNC_SECONDS 1.0

static char *array_header(const char *descr, size_t rows, size_t columns)
{
    char *header = malloc(NPY_HEADER_SIZE);
    if (header)
        npy_header_make(descr, rows, columns, header);
    else
        warnx("out of memory");
    return header;
}

static int prepare_array(output *o, const char *path, const char *descr, size_t rows, size_t columns, size_t row_bytes)
{
    char *header = array_header(descr, rows, columns);
    return header ? output_prepare(o, path, header, NPY_HEADER_SIZE, row_bytes) : -1;
}

/* A table's head goes before its first row, once that has proved right. */
static int prepare_standard(output *o, const sample_options *options, const npy_rows *array)
{
    char *head = NULL;
    size_t size = 0;
    if (options->format == SAMPLE_TABLE) {
        FILE *file = open_memstream(&head, &size);
        if (!file) {
            warnx("out of memory");
            return -1;
        }
        row_print_head(file, row_layout_of(array->rows, array->vocabulary), options);
        fclose(file);
    }
    output_prepare_standard(o, head, size);
    return 0;
}

static int prepare_tokens(output *o, const sample_options *options, const npy_rows *array)
{
    const char *path = options->job.output;
    const size_t samples = options->reports.samples > 1 ? options->reports.samples : 0;
    if (!path)
        return prepare_standard(o, options, array);
    if (options->format == SAMPLE_ARRAY
            ? prepare_array(o, path, "<i4", array->rows, samples, (samples ? samples : 1) * sizeof(int32_t))
            : output_prepare(o, path, NULL, 0, 0))
        return -1;
    if (!o->part)
        warnx("--output %s: is no file, but a device or pipe", path);
    return o->part ? 0 : -1;
}

static int prepare_outputs(job_files *f, const npy_rows *array)
{
    const reports *r = &f->options->reports;
    const size_t rows = array->rows, columns = array->vocabulary, bytes = columns * sizeof(float);
    output *all = f->outputs;
    if (prepare_tokens(&all[PIECE_TOKENS], f->options, array) ||
        (r->kept_ids_path && output_prepare(&all[PIECE_KEPT_IDS], r->kept_ids_path, NULL, 0, 0)) ||
        (r->probabilities_path &&
         prepare_array(&all[PIECE_PROBABILITIES], r->probabilities_path, "<f4", rows, columns, bytes)) ||
        (r->logits_path && prepare_array(&all[PIECE_LOGITS], r->logits_path, "<f4", rows, columns, bytes)))
        return -1;
    for (int piece = PIECE_KEPT_IDS; piece < PIECES; piece++)
        if (all[piece].path && !all[piece].part && (ranks_own().count > 1 || f->options->job.resumes)) {
            warnx("%s: is no file, but a device or pipe, which takes all rows in order: not with %s", all[piece].path,
                  f->options->job.resumes ? "--resume" : "several ranks");
            return -1;
        }
    return 0;
}

static int open_journal(job_files *f, const npy_rows *array)
{
    const job_options *job = &f->options->job;
    const option_file stream = identity_find_stream(f->options);
    if (job->resumes && array->file_size == 0) {
        warnx("--resume: %s is no file, and can't be read again", array->name);
        return -1;
    }
    if (job->resumes && stream.option) {
        warnx("--resume: %s %s is no file, and may be another than for the run before", stream.option, stream.path);
        return -1;
    }
    f->is_once = array->file_size == 0 || stream.option;
    json_t *identity = identity_make(f->options, array);
    if (!identity)
        warnx("out of memory");
    int failed =
        identity ? journal_open(&f->journal, f->outputs[PIECE_TOKENS].part, identity, job->resumes, &f->done) : -1;
    json_decref(identity);
    for (int piece = 0; piece < PIECES && !failed && !f->journal.is_complete; piece++)
        if (f->outputs[piece].path)
            failed = output_resume(&f->outputs[piece], &f->done, piece);
    if (failed)
        journal_close(&f->journal); /* which leaves an earlier run's as it is */
    return failed;
}

int job_files_open(job_files *f, const sample_options *options, const npy_rows *array)
{
    *f = (job_files){.options = options, .rows = array->rows, .journal = {.file = -1}, .synced = clock_now()};
    for (int piece = 0; piece < PIECES; piece++)
        f->outputs[piece] = output_none();
    if (prepare_outputs(f, array) || (options->job.output && open_journal(f, array)))
        return -1;
    return 0;
}

int job_files_can_go_on(const job_files *f)
{
    return journal_is_open(&f->journal) && !f->is_once && f->done.rows > 0;
}

void job_files_close(job_files *f)
{
    const int is_complete = f->done.rows == f->rows;
    const int is_wanted = job_files_can_go_on(f);
    for (int piece = 0; piece < PIECES; piece++) {
        if (!is_complete && !is_wanted)
            output_discard(&f->outputs[piece]);
        output_release(&f->outputs[piece]);
    }
    if (journal_is_open(&f->journal) && !is_wanted)
        journal_remove(&f->journal);
    journal_close(&f->journal);
    extents_release(&f->done);
}

static int sync_outputs(job_files *f)
{
    for (int piece = 0; piece < PIECES; piece++)
        if (output_sync(&f->outputs[piece])) {
            journal_forget_unsynced(&f->journal);
            return -1;
        }
    return 0;
}

/* Brings all to the disk, then says so in the journal. Where that fails rows may be forgotten again. */
static int sync_all(job_files *f, int (*say)(journal *))
{
    f->synced = clock_now();
    if (sync_outputs(f) == 0 && say(&f->journal) == 0)
        return 0;
    f->done.rows = f->journal.rows;
    return -1;
}

int job_files_put(job_files *f, const packet *drawn)
{
    extent e = {.first = drawn->head.first, .count = drawn->head.count};
    const char *bytes = drawn->data;
    for (int piece = 0; piece < PIECES; piece++) {
        const size_t size = drawn->head.sizes[piece];
        uint64_t at = 0;
        output *o = &f->outputs[piece];
        if ((o->path || o->is_standard) && output_put(o, e.first, bytes, size, &at))
            return -1;
        if (piece < TEXTS && o->path && o->row_bytes == 0) {
            e.at[piece] = at;
            e.size[piece] = size;
        }
        bytes += size;
    }
    if (extents_add(&f->done, &e)) {
        warnx("out of memory");
        return -1;
    }
    if (!journal_is_open(&f->journal))
        return 0;
    if (journal_add_done(&f->journal, &e))
        return -1;
    return clock_now() - f->synced < SYNC_SECONDS ? 0 : sync_all(f, journal_add_synced);
}

/* That names were changed is on the disk, too, before the journal goes. */
static void sync_folder(const char *path)
{
    char *copy = strdup(path);
    const int folder = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder >= 0) {
        fsync(folder);
        close(folder);
    }
    free(copy);
}

int job_files_complete(job_files *f)
{
    extents_sort(&f->done);
    if (journal_is_open(&f->journal) && !f->journal.is_complete && sync_all(f, journal_add_complete))
        return -1;
    for (int piece = PIECES - 1; piece >= 0; piece--) /* the tokens last */
        if (f->outputs[piece].path && output_complete(&f->outputs[piece], &f->done, piece))
            return -1;
    if (journal_is_open(&f->journal)) {
        sync_folder(f->outputs[PIECE_TOKENS].target);
        journal_remove(&f->journal);
    }
    return 0;
}
