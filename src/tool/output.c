#include "output.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_bytes.h"
#include "output_file.h"

/* Text is put in order through memory of so many bytes. */
#define COPY_BYTES ((size_t)1 << 20)

output output_none(void)
{
    return (output){.file = -1};
}

static char *joined(const char *one, const char *other)
{
    char *text = malloc(strlen(one) + strlen(other) + 1);
    if (text)
        strcat(strcpy(text, one), other);
    return text;
}

int output_prepare(output *o, const char *path, char *header, size_t header_size, size_t row_bytes)
{
    struct stat there;
    *o = (output){.path = path, .header = header, .header_size = header_size, .row_bytes = row_bytes, .file = -1};
    if (output_file_try(path))
        return -1;
    const int is_there = stat(path, &there) == 0;
    o->target = is_there ? realpath(path, NULL) : strdup(path); /* a link stays one */
    o->part = !o->target || (is_there && !S_ISREG(there.st_mode)) ? NULL : joined(o->target, ".part");
    if (o->target && (o->part || (is_there && !S_ISREG(there.st_mode))))
        return 0;
    warnx("out of memory");
    return -1;
}

void output_prepare_standard(output *o, char *header, size_t header_size)
{
    *o = (output){.is_standard = 1, .header = header, .header_size = header_size, .file = -1};
}

void output_release(output *o)
{
    if (o->file >= 0)
        close(o->file);
    free(o->header);
    free(o->target);
    free(o->part);
    *o = output_none();
}

static const char *name_of(const output *o)
{
    return o->part ? o->part : o->path;
}

static int put_bytes(const output *o, int file, const char *bytes, size_t size, uint64_t at)
{
    if (file_write(file, bytes, size, o->part ? &at : NULL) == 0)
        return 0;
    warn("%s: cannot write", name_of(o));
    return -1;
}

static int open_part(output *o, int flags)
{
    struct stat there;
    o->file = open(name_of(o), flags | (o->part ? O_RDWR : O_WRONLY) | O_CLOEXEC, 0666);
    if (o->file < 0) {
        warn("%s", name_of(o));
        return -1;
    }
    if (o->part && stat(o->target, &there) == 0)
        fchmod(o->file, there.st_mode & 07777); /* whoever may read it may go on doing so */
    return 0;
}

static int begin(output *o)
{
    if (o->is_standard) {
        if (o->header_size)
            fwrite(o->header, 1, o->header_size, stdout);
        o->file = dup(STDOUT_FILENO);
        return o->file < 0 ? -1 : 0;
    }
    if (open_part(o, o->part ? O_CREAT | O_TRUNC : 0))
        return -1;
    o->end = o->header_size;
    return put_bytes(o, o->file, o->header, o->header_size, 0);
}

int output_resume(output *o, const extents *done, int i)
{
    struct stat part;
    uint64_t end = o->header_size;
    for (size_t n = 0; n < done->count; n++) {
        const extent *e = &done->list[n];
        const uint64_t its_end =
            o->row_bytes ? o->header_size + (e->first + e->count) * o->row_bytes : e->at[i] + e->size[i];
        end = its_end > end ? its_end : end;
    }
    if (done->rows == 0)
        return 0;
    o->is_earlier = 1;
    if (open_part(o, 0))
        return -1;
    if (fstat(o->file, &part) || (uint64_t)part.st_size < end) {
        warnx("%s: is shorter than %s.jsonl says; remove both to start anew", o->part, o->part);
        return -1;
    }
    o->end = end;
    if (!o->row_bytes && ftruncate(o->file, (off_t)end)) { /* what was written and not told */
        warn("%s: cannot cut", o->part);
        return -1;
    }
    return 0;
}

int output_put(output *o, uint64_t first, const char *bytes, size_t size, uint64_t *at)
{
    if (o->file < 0 && begin(o))
        return -1;
    if (o->is_standard)
        return fwrite(bytes, 1, size, stdout) == size && !ferror(stdout) ? 0 : -1;
    *at = o->end;
    if (put_bytes(o, o->file, bytes, size, o->row_bytes ? o->header_size + first * o->row_bytes : o->end))
        return -1;
    o->end += size;
    return 0;
}

int output_sync(output *o)
{
    if (o->file < 0 || !o->part || fdatasync(o->file) == 0)
        return 0;
    warn("%s: cannot write", o->part);
    return -1;
}

/* Copies the extents' text one after another. */
static int copy_in_order(const output *o, int file, const extents *all, int i)
{
    char *bytes = malloc(COPY_BYTES);
    uint64_t end = 0;
    int failed = !bytes;
    if (failed)
        warnx("out of memory");
    for (size_t n = 0; n < all->count; n++)
        for (uint64_t done = 0; done < all->list[n].size[i] && !failed;) {
            const uint64_t left = all->list[n].size[i] - done;
            const ssize_t got =
                file_read_at(o->file, bytes, left < COPY_BYTES ? (size_t)left : COPY_BYTES, all->list[n].at[i] + done);
            if (got <= 0) {
                warn("%s: cannot read", o->part);
                failed = 1;
                break;
            }
            failed = put_bytes(o, file, bytes, (size_t)got, end);
            done += (uint64_t)got;
            end += (uint64_t)got;
        }
    free(bytes);
    return failed ? -1 : 0;
}

/* What takes the part's place; it is not read again where this ends before its time. */
static int put_in_order(output *o, const extents *all, int i)
{
    char *sorted = joined(o->part, ".sorted");
    const int file = sorted ? open(sorted, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
    struct stat part;
    int failed = file < 0;
    if (failed)
        warn("%s.sorted", o->part);
    else if (fstat(o->file, &part) == 0)
        fchmod(file, part.st_mode & 07777);
    failed = failed || copy_in_order(o, file, all, i);
    if (!failed && (fdatasync(file) || rename(sorted, o->target))) {
        warn("%s: cannot write", sorted);
        failed = 1;
    }
    if (file >= 0)
        close(file);
    if (!failed)
        unlink(o->part);
    else if (sorted)
        unlink(sorted);
    free(sorted);
    return failed ? -1 : 0;
}

int output_complete(output *o, const extents *all, int i)
{
    if (!o->part || (o->file < 0 && access(o->part, F_OK)))
        return 0; /* as it was left by an earlier run, perhaps */
    if (o->file < 0 && open_part(o, 0))
        return -1;
    if (!o->row_bytes && !extents_are_in_order(all, i))
        return put_in_order(o, all, i);
    if (output_sync(o))
        return -1;
    if (rename(o->part, o->target)) {
        warn("%s: cannot be renamed to %s", o->part, o->target);
        return -1;
    }
    return 0;
}

void output_discard(output *o)
{
    if (o->part && o->file >= 0 && !o->is_earlier)
        unlink(o->part);
}
