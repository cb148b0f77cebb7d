#include "npy_header.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* numpy pads the header of a plain array to 64 or 128 bytes; a longer one is no such array. */
#define HEADER_SIZE 65536

/* A bit for each key. */
enum { DESCR = 1, FORTRAN = 2, SHAPE = 4 };

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

/* Each reader returns the place after what it read, or NULL. */
static const char *read_text(const char *text, char *value, size_t size)
{
    char quote = *text;
    if (quote != '\'' && quote != '"')
        return NULL;
    const char *end = strchr(++text, quote);
    if (!end || (size_t)(end - text) >= size)
        return NULL;
    memcpy(value, text, (size_t)(end - text));
    value[end - text] = '\0';
    return end + 1;
}

static const char *read_flag(const char *text, int *value)
{
    *value = strncmp(text, "True", 4) == 0;
    if (*value)
        return text + 4;
    return strncmp(text, "False", 5) == 0 ? text + 5 : NULL;
}

static const char *read_shape(const char *text, npy_header *found)
{
    if (*text != '(')
        return NULL;
    text = skip_blanks(text + 1);
    while (*text != ')') {
        if (found->dimensions == sizeof found->shape / sizeof found->shape[0] || strspn(text, "0123456789") == 0)
            return NULL;
        char *end;
        errno = 0;
        found->shape[found->dimensions++] = strtoull(text, &end, 10);
        if (errno)
            return NULL;
        text = skip_blanks(end);
        if (*text == ',')
            text = skip_blanks(text + 1);
        else if (*text != ')')
            return NULL;
    }
    return text + 1;
}

static int parse_header(const char *text, npy_header *found)
{
    text = skip_blanks(text);
    if (*text != '{')
        return -1;
    text = skip_blanks(text + 1);
    while (*text != '}') {
        char key[32];
        if (!(text = read_text(text, key, sizeof key)))
            return -1;
        text = skip_blanks(text);
        if (*text != ':')
            return -1;
        text = skip_blanks(text + 1);
        unsigned bit = 0;
        if (strcmp(key, "descr") == 0) {
            bit = DESCR;
            text = read_text(text, found->descr, sizeof found->descr);
        } else if (strcmp(key, "fortran_order") == 0) {
            bit = FORTRAN;
            text = read_flag(text, &found->fortran);
        } else if (strcmp(key, "shape") == 0) {
            bit = SHAPE;
            text = read_shape(text, found);
        }
        if (!bit || (found->found & bit) || !text)
            return -1;
        found->found |= bit;
        text = skip_blanks(text);
        if (*text == ',')
            text = skip_blanks(text + 1);
        else if (*text != '}')
            return -1;
    }
    return found->found == (DESCR | FORTRAN | SHAPE) && *skip_blanks(text + 1) == '\0' ? 0 : -1;
}

int npy_short_read(FILE *file, const char *name, const char *what, size_t size, size_t got)
{
    if (ferror(file))
        warn("%s: cannot read", name);
    else
        warnx("%s: truncated: the %s has %zu of %zu bytes", name, what, got, size);
    return -1;
}

int npy_header_read(FILE *file, const char *name, npy_header *found)
{
    unsigned char start[12] = {0};
    size_t got = fread(start, 1, 10, file);
    if (ferror(file))
        return npy_short_read(file, name, "preamble", 10, got);
    if (got == 0) {
        warnx("%s: the file is empty", name);
        return -1;
    }
    if (got >= 4 && (memcmp(start, "PK\3\4", 4) == 0 || memcmp(start, "PK\5\6", 4) == 0)) {
        warnx("%s: a .npz file, which may hold several arrays; save the one that is meant with numpy.save", name);
        return -1;
    }
    if (memcmp(start, "\x93NUMPY", got < 6 ? got : 6) != 0) {
        warnx("%s: not a .npy file: it starts with other bytes than \\x93NUMPY", name);
        return -1;
    }
    if (got < 10)
        return npy_short_read(file, name, "preamble", 10, got);
    if (start[6] < 1 || start[6] > 3) {
        warnx("%s: .npy version %d.%d; versions 1 to 3 can be read", name, start[6], start[7]);
        return -1;
    }
    size_t size = start[8] | (size_t)start[9] << 8;
    if (start[6] > 1) { /* four bytes of length from version 2 on */
        if ((got = fread(start + 10, 1, 2, file)) != 2)
            return npy_short_read(file, name, "preamble", 12, got + 10);
        size |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
    }
    char text[HEADER_SIZE];
    if (size >= sizeof text) {
        warnx("%s: a header of %zu bytes, where a plain array has about 100", name, size);
        return -1;
    }
    if ((got = fread(text, 1, size, file)) != size)
        return npy_short_read(file, name, "header", size, got);
    text[size] = '\0';
    if (parse_header(text, found)) {
        text[size < 200 ? size : 200] = '\0';
        text[strcspn(text, "\n")] = '\0';
        for (size_t end = strlen(text); end > 0 && text[end - 1] == ' ';)
            text[--end] = '\0';
        for (char *c = text; *c; c++)
            *c = *c >= ' ' && *c <= '~' ? *c : '?'; /* it may be anything, and goes to a terminal */
        warnx("%s: cannot make sense of the header: %s", name, text);
        return -1;
    }
    return 0;
}

int npy_header_shape(const char *name, const npy_header *found, size_t element_size, const char *what,
                     size_t *row_count, size_t *column_count)
{
    if (found->dimensions < 1 || found->dimensions > 2) {
        warnx("%s: %zu dimensions; an array of rows x vocabulary has 2", name, found->dimensions);
        return -1;
    }
    uint64_t rows = found->dimensions == 2 ? found->shape[0] : 1;
    uint64_t columns = found->shape[found->dimensions - 1];
    if (rows == 0 || columns == 0) {
        warnx("%s: %llu x %llu: there are no %s in it", name, (unsigned long long)rows, (unsigned long long)columns,
              what);
        return -1;
    }
    if (found->dimensions == 2 && found->fortran && rows > 1 && columns > 1) {
        warnx("%s: in Fortran order; save numpy.ascontiguousarray of it", name);
        return -1;
    }
    if (rows > SIZE_MAX / 2 / columns / element_size) {
        warnx("%s: %llu x %llu: larger than any memory", name, (unsigned long long)rows, (unsigned long long)columns);
        return -1;
    }
    *row_count = (size_t)rows;
    *column_count = (size_t)columns;
    return 0;
}
