#include "npy_rows.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_bytes.h"
#include "npy_header.h"

static int open_file(const char *path, npy_rows *rows)
{
    *rows = (npy_rows){.is_standard = strcmp(path, "-") == 0};
    rows->name = rows->is_standard ? "standard input" : path;
    rows->file = rows->is_standard ? stdin : fopen(path, "rb");
    if (!rows->file)
        warn("%s", rows->name);
    return rows->file ? 0 : -1;
}

void npy_rows_close(npy_rows *rows)
{
    if (rows->file && !rows->is_standard)
        fclose(rows->file);
    rows->file = NULL;
}

static size_t array_bytes(const npy_rows *rows)
{
    return rows->rows * rows->columns * rows->element_size;
}

/* The shape, and whether the file has as many elements. */
static int settle(npy_rows *rows, const npy_header *header)
{
    struct stat file;
    const off_t start = ftello(rows->file);
    if (npy_header_shape(rows->name, header, rows->element_size, rows->what, &rows->rows, &rows->columns))
        return -1;
    rows->vocabulary = rows->columns;
    if (start < 0 || fstat(fileno(rows->file), &file) || !S_ISREG(file.st_mode))
        return 0;
    rows->start = (size_t)start;
    rows->file_size = (size_t)file.st_size;
    rows->changed = (int64_t)file.st_mtim.tv_sec * 1000000000 + file.st_mtim.tv_nsec;
    if (rows->file_size < rows->start + array_bytes(rows))
        return npy_short_read(rows->file, rows->name, "data", array_bytes(rows), rows->file_size - rows->start);
    if (rows->file_size > rows->start + array_bytes(rows)) {
        warnx("%s: goes on after its %zu x %zu %s", rows->name, rows->rows, rows->columns, rows->what);
        return -1;
    }
    return 0;
}

static int cut_rows(const npy_wish *wish, npy_rows *rows)
{
    if (!wish->has_vocabulary)
        return 0;
    if (wish->vocabulary == 0 || wish->vocabulary > rows->columns) {
        warnx("%s: --vocabulary %llu is not from 1 to %zu, the columns that there are", rows->name,
              (unsigned long long)wish->vocabulary, rows->columns);
        return -1;
    }
    rows->vocabulary = (size_t)wish->vocabulary;
    return 0;
}

int npy_rows_open(const char *path, const npy_wish *wish, npy_rows *rows)
{
    npy_header header = {0};
    if (open_file(path, rows) || npy_header_read(rows->file, rows->name, &header) ||
        !(rows->element = npy_element_find(rows->name, header.descr, wish)))
        return -1;
    rows->element_size = rows->element->size;
    rows->type = rows->element->type;
    rows->what = "logits";
    return settle(rows, &header) || cut_rows(wish, rows) ? -1 : 0;
}

int npy_rows_open_kind(const char *path, const npy_kind *kinds, size_t count, const char *what, const char *expected,
                       npy_rows *rows)
{
    npy_header header = {0};
    size_t i = 0;
    if (open_file(path, rows) || npy_header_read(rows->file, rows->name, &header))
        return -1;
    while (i < count && strcmp(header.descr, kinds[i].descr) != 0)
        i++;
    if (i == count) {
        warnx("%s: an array of '%s'; %s", rows->name, header.descr, expected);
        return -1;
    }
    rows->element_size = kinds[i].size;
    rows->what = what;
    return settle(rows, &header);
}

int npy_words_open(const char *path, npy_rows *rows)
{
    static const npy_kind KINDS[] = {{"<u4", 4}, {"<i4", 4}};
    return npy_rows_open_kind(path, KINDS, sizeof KINDS / sizeof KINDS[0], "words",
                              "masks are uint32 ('<u4') or int32 ('<i4'), a bit for each token", rows);
}

size_t npy_rows_bytes(const npy_rows *rows, size_t count)
{
    return count * rows->columns * rows->element_size;
}

static int __attribute__((format(printf, 3, 4))) fail(const npy_rows *rows, tool_text *trouble, const char *format, ...)
{
    int length = snprintf(trouble->text, sizeof trouble->text, "%s: ", rows->name);
    va_list values;
    va_start(values, format);
    if (length > 0 && (size_t)length < sizeof trouble->text)
        vsnprintf(trouble->text + length, sizeof trouble->text - (size_t)length, format, values);
    va_end(values);
    return -1;
}

/* What the file has of its elements by now. */
static int fail_short(const npy_rows *rows, tool_text *trouble)
{
    struct stat file;
    const size_t size = fstat(fileno(rows->file), &file) ? 0 : (size_t)file.st_size;
    return fail(rows, trouble, "has become shorter while it was read: the data has %zu of %zu bytes",
                size > rows->start ? size - rows->start : 0, array_bytes(rows));
}

static int read_anywhere(npy_rows *rows, size_t first, size_t bytes, void *data, tool_text *trouble)
{
    const ssize_t got = file_read_at(fileno(rows->file), data, bytes, rows->start + npy_rows_bytes(rows, first));
    if (got < 0)
        return fail(rows, trouble, "cannot read: %s", strerror(errno));
    return (size_t)got < bytes ? fail_short(rows, trouble) : 0;
}

static int read_next(npy_rows *rows, size_t count, size_t bytes, void *data, tool_text *trouble)
{
    const size_t before = npy_rows_bytes(rows, rows->next), got = fread(data, 1, bytes, rows->file);
    rows->next += count;
    if (ferror(rows->file))
        return fail(rows, trouble, "cannot read: %s", strerror(errno));
    if (got != bytes)
        return fail(rows, trouble, "truncated: the data has %zu of %zu bytes", before + got, array_bytes(rows));
    if (rows->next == rows->rows && getc(rows->file) != EOF)
        return fail(rows, trouble, "goes on after its %zu x %zu %s", rows->rows, rows->columns, rows->what);
    if (ferror(rows->file))
        return fail(rows, trouble, "cannot read: %s", strerror(errno));
    return 0;
}

int npy_rows_read(npy_rows *rows, size_t first, size_t count, void *data, tool_text *trouble)
{
    const size_t bytes = npy_rows_bytes(rows, count);
    if (rows->file_size) {
        if (read_anywhere(rows, first, bytes, data, trouble))
            return -1;
        /* The disk reads on while these are drawn from. */
        posix_fadvise(fileno(rows->file), (off_t)(rows->start + npy_rows_bytes(rows, first + count)), (off_t)bytes,
                      POSIX_FADV_WILLNEED);
    } else if (first != rows->next) {
        return fail(rows, trouble, "its rows come once, in order: row %zu can't be read now", first);
    } else if (read_next(rows, count, bytes, data, trouble)) {
        return -1;
    }
    const npy_block block = {rows->columns, rows->vocabulary, first, count};
    return rows->element ? npy_element_convert(rows->element, rows->name, &block, data, trouble) : 0;
}
