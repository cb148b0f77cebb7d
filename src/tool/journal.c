#include "journal.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_bytes.h"
#include "journal_lines.h"

/* That of what the lines say. */
#define JOURNAL_VERSION 1

/* -------------------------------------------------------------------- write */

static int add_line(journal *j, const char *text, size_t size)
{
    if (file_write(j->file, text, size, &j->end)) {
        warn("%s: cannot write", j->path);
        (void)!ftruncate(j->file, (off_t)j->end); /* half a line would not be read either */
        return -1;
    }
    j->end += size;
    return 0;
}

static int add_json(journal *j, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (!text) {
        warnx("out of memory");
        return -1;
    }
    const size_t length = strlen(text);
    text[length] = '\n'; /* in place of the end */
    const int failed = add_line(j, text, length + 1);
    free(text);
    return failed;
}

int journal_add_worker(journal *j, int worker, const char *host, long process)
{
    return add_json(j, json_pack("{s:i, s:s, s:I}", "worker", worker, "host", host, "process", (json_int_t)process));
}

int journal_add_begun(journal *j, int worker, chunk rows)
{
    char line[128];
    const int length =
        snprintf(line, sizeof line, "{\"begun\":[%zu,%zu],\"worker\":%d}\n", rows.first, rows.count, worker);
    return add_line(j, line, (size_t)length);
}

int journal_add_done(journal *j, const extent *e)
{
    char line[192];
    const int length =
        snprintf(line, sizeof line, "{\"done\":[%llu,%llu,%llu,%llu,%llu,%llu]}\n", (unsigned long long)e->first,
                 (unsigned long long)e->count, (unsigned long long)e->at[0], (unsigned long long)e->size[0],
                 (unsigned long long)e->at[1], (unsigned long long)e->size[1]);
    if (add_line(j, line, (size_t)length))
        return -1;
    j->rows += e->count;
    return 0;
}

/* All before is on the disk. */
static void mark_synced(journal *j)
{
    j->synced_end = j->end;
    j->synced_rows = j->rows;
}

void journal_forget_unsynced(journal *j)
{
    j->end = j->synced_end;
    j->rows = j->synced_rows;
    if (ftruncate(j->file, (off_t)j->end))
        warn("%s: cannot cut", j->path);
}

static int add_flag(journal *j, const char *line)
{
    if (add_line(j, line, strlen(line)))
        return -1;
    if (fdatasync(j->file) == 0) {
        mark_synced(j);
        return 0;
    }
    warn("%s: cannot write", j->path);
    journal_forget_unsynced(j);
    return -1;
}

int journal_add_synced(journal *j)
{
    return add_flag(j, "{\"synced\":true}\n");
}

int journal_add_complete(journal *j)
{
    return add_flag(j, "{\"complete\":true}\n");
}

/* --------------------------------------------------------------------- open */

/* Changes with every start of the machine; "" where there is none. */
static void read_boot(char *boot, size_t size)
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
    if (!file || !fgets(boot, (int)size, file))
        *boot = '\0';
    boot[strcspn(boot, "\n")] = '\0';
    if (file)
        fclose(file);
}

static char *show(const json_t *value)
{
    return value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("not there");
}

/* Whether the earlier run had the same job. */
static int check_job(const journal *j, const json_t *earlier, const json_t *job)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)job, name, value)
    {
        const json_t *before = json_object_get(earlier, name);
        if (before && json_equal((json_t *)before, value))
            continue;
        char *was = show(before), *is = show(value);
        warnx("--resume: %s was %s for the run that began %s, and is %s now: say the same again, or remove that file "
              "and the .part beside it to start anew",
              name, was ? was : "", j->path, is ? is : "");
        free(was);
        free(is);
        return -1;
    }
    return 0;
}

static int begin_anew(journal *j, const json_t *job)
{
    j->end = 0;
    if (ftruncate(j->file, 0)) {
        warn("%s: cannot write", j->path);
        return -1;
    }
    if (add_json(j, json_pack("{s:i, s:O}", "tombola_journal", JOURNAL_VERSION, "job", job)))
        return -1;
    mark_synced(j); /* of no rows */
    return 0;
}

static int begin_run(journal *j, const char *boot)
{
    return add_json(j, json_pack("{s:s}", "run", boot));
}

static int take_up(journal *j, journal_lines *lines, const char *boot, extents *done)
{
    const int is_trusted = *boot && strcmp(boot, lines->boot) == 0;
    if (journal_lines_list_done(lines, !is_trusted, done)) {
        warnx("out of memory");
        return -1;
    }
    j->is_complete = lines->is_complete;
    j->end = is_trusted ? lines->end : lines->synced_end;
    j->rows = done->rows;
    j->synced_end = lines->synced_end;
    j->synced_rows = lines->synced_rows;
    journal_lines_find_left(lines, done, &j->left, &j->left_count);
    if (ftruncate(j->file, (off_t)j->end) == 0)
        return 0;
    warn("%s: cannot cut", j->path);
    return -1;
}

/* What is to become of the lines that are there. */
static int settle(journal *j, const json_t *job, int resumes, extents *done)
{
    char boot[64];
    journal_lines lines;
    int failed = journal_lines_read(j->file, j->path, &lines);
    read_boot(boot, sizeof boot);
    if (failed || !lines.header || (lines.done.rows == 0 && !resumes)) {
        failed = failed || begin_anew(j, job);
    } else if (!resumes) {
        warnx("%s tells of an earlier run, which has completed %zu rows: give --resume to go on with these, or remove "
              "that file and the .part beside it to start anew",
              j->path, lines.done.rows);
        failed = -1;
    } else if (json_integer_value(json_object_get(lines.header, "tombola_journal")) != JOURNAL_VERSION) {
        warnx("%s: is of another version of this command; remove it and the .part beside it to start anew", j->path);
        failed = -1;
    } else {
        failed = check_job(j, json_object_get(lines.header, "job"), job) || take_up(j, &lines, boot, done);
    }
    journal_lines_release(&lines);
    return failed || begin_run(j, boot) ? -1 : 0;
}

/* Whether the name is still that of the file: another run may have removed it before it gave up the lock. */
static int has_its_name(const journal *j)
{
    struct stat own, there;
    return fstat(j->file, &own) == 0 && stat(j->path, &there) == 0 && own.st_dev == there.st_dev &&
           own.st_ino == there.st_ino;
}

static int open_and_lock(journal *j)
{
    for (int tries = 0; tries < 100; tries++) {
        j->file = open(j->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (j->file < 0) {
            warn("%s", j->path);
            return -1;
        }
        /* File systems that know no locks do without. */
        if (flock(j->file, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
            break;
        if (has_its_name(j))
            return 0;
        close(j->file);
        j->file = -1;
    }
    warnx("%s: another run is at it", j->path);
    return -1;
}

int journal_open(journal *j, const char *path, const json_t *job, int resumes, extents *done)
{
    *j = (journal){.file = -1};
    if (asprintf(&j->path, "%s.jsonl", path) < 0) {
        j->path = NULL;
        warnx("out of memory");
        return -1;
    }
    return open_and_lock(j) ? -1 : settle(j, job, resumes, done);
}

void journal_close(journal *j)
{
    if (j->file >= 0)
        close(j->file);
    free(j->path);
    free(j->left);
    *j = (journal){.file = -1};
}

int journal_is_open(const journal *j)
{
    return j->file >= 0;
}

void journal_remove(journal *j)
{
    unlink(j->path);
}
