#include "npy.h"

#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npy_elements.h"

/* numpy pads the header of a plain array to 64 or 128 bytes; a longer one is no such array. */
#define HEADER_SIZE 65536

/* The header's text is a Python dictionary, as in
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } */
typedef struct header {
    char descr[32];
    int fortran;
    size_t dimensions;
    uint64_t shape[8];
    unsigned found; /* a bit for each key */
} header;

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

static const char *read_shape(const char *text, header *found)
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

static int parse_header(const char *text, header *found)
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

/* Says what came in place of `size` bytes; -1 in any case. */
static int short_read(FILE *file, const char *name, const char *what, size_t size, size_t got)
{
    if (ferror(file))
        warn("%s: cannot read", name);
    else
        warnx("%s: truncated: the %s has %zu of %zu bytes", name, what, got, size);
    return -1;
}

static int read_header(FILE *file, const char *name, header *found)
{
    unsigned char start[12] = {0};
    size_t got = fread(start, 1, 10, file);
    if (ferror(file))
        return short_read(file, name, "preamble", 10, got);
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
        return short_read(file, name, "preamble", 10, got);
    if (start[6] < 1 || start[6] > 3) {
        warnx("%s: .npy version %d.%d; versions 1 to 3 can be read", name, start[6], start[7]);
        return -1;
    }
    size_t size = start[8] | (size_t)start[9] << 8;
    if (start[6] > 1) { /* four bytes of length from version 2 on */
        if ((got = fread(start + 10, 1, 2, file)) != 2)
            return short_read(file, name, "preamble", 12, got + 10);
        size |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
    }
    char text[HEADER_SIZE];
    if (size >= sizeof text) {
        warnx("%s: a header of %zu bytes, where a plain array has about 100", name, size);
        return -1;
    }
    if ((got = fread(text, 1, size, file)) != size)
        return short_read(file, name, "header", size, got);
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

/* what  the elements are: "logits" */
static int check_shape(const char *name, const header *found, size_t element_size, const char *what, npy *array)
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
    array->rows = (size_t)rows;
    array->vocabulary = array->columns = (size_t)columns;
    return 0;
}

static int cut_rows(const char *name, const npy_wish *wish, npy *array)
{
    if (!wish->has_vocabulary)
        return 0;
    if (wish->vocabulary == 0 || wish->vocabulary > array->columns) {
        warnx("%s: --vocabulary %llu is not from 1 to %zu, the columns that there are", name,
              (unsigned long long)wish->vocabulary, array->columns);
        return -1;
    }
    array->vocabulary = (size_t)wish->vocabulary;
    return 0;
}

/* Reads the elements behind the header into array->data. */
static int read_elements(FILE *file, const char *name, size_t element_size, const char *what, npy *array)
{
    size_t bytes = array->rows * array->columns * element_size;
    array->data = malloc(bytes);
    if (!array->data) {
        warnx("%s: no memory for %zu x %zu %s (%zu bytes)", name, array->rows, array->columns, what, bytes);
        return -1;
    }
    size_t got = fread(array->data, 1, bytes, file);
    if (got != bytes)
        return short_read(file, name, "data", bytes, got);
    if (getc(file) != EOF) {
        warnx("%s: goes on after its %zu x %zu %s", name, array->rows, array->columns, what);
        return -1;
    }
    if (ferror(file)) {
        warn("%s: cannot read", name);
        return -1;
    }
    return 0;
}

static int read_array(FILE *file, const char *name, const npy_wish *wish, npy *array)
{
    header found = {0};
    if (read_header(file, name, &found))
        return -1;
    const npy_element *element = npy_element_find(name, found.descr, wish);
    if (!element || check_shape(name, &found, element->size, "logits", array) || cut_rows(name, wish, array))
        return -1;
    array->type = element->type;
    return read_elements(file, name, element->size, "logits", array) || npy_element_convert(element, name, array) ? -1
                                                                                                                  : 0;
}

static int read_words(FILE *file, const char *name, npy *array)
{
    header found = {0};
    if (read_header(file, name, &found))
        return -1;
    if (strcmp(found.descr, "<u4") != 0 && strcmp(found.descr, "<i4") != 0) {
        warnx("%s: an array of '%s'; masks are uint32 ('<u4') or int32 ('<i4'), a bit for each token", name,
              found.descr);
        return -1;
    }
    if (check_shape(name, &found, sizeof(uint32_t), "words", array))
        return -1;
    return read_elements(file, name, sizeof(uint32_t), "words", array);
}

/* Integers of so many bytes, in this machine's order, as ids: in place, since none becomes wider but those of two
 * bytes, which go from the last to the first. */
static int convert_ids(const char *name, size_t element_size, size_t vocabulary, npy *array)
{
    const size_t count = array->rows * array->columns;
    for (size_t n = 0; n < count; n++) {
        const size_t i = element_size < sizeof(int32_t) ? count - 1 - n : n;
        const char *from = (const char *)array->data + i * element_size;
        uint16_t narrow;
        uint32_t plain;
        uint64_t wide;
        if (element_size == sizeof narrow) {
            memcpy(&narrow, from, sizeof narrow);
            wide = narrow;
        } else if (element_size == sizeof plain) {
            memcpy(&plain, from, sizeof plain);
            wide = plain; /* a negative one is too large */
        } else {
            memcpy(&wide, from, sizeof wide);
        }
        if (wide >= vocabulary) {
            warnx("%s: row %zu, column %zu: the id is not from 0 to %zu", name, i / array->columns, i % array->columns,
                  vocabulary - 1);
            return -1;
        }
        const int32_t id = (int32_t)wide;
        memcpy((char *)array->data + i * sizeof id, &id, sizeof id);
    }
    return 0;
}

static int read_ids(FILE *file, const char *name, size_t vocabulary, npy *array)
{
    static const struct {
        const char *descr;
        size_t size;
    } elements[] = {{"<i4", 4}, {"<i8", 8}, {"<u4", 4}, {"<u2", 2}};
    header found = {0};
    size_t i = 0;
    if (read_header(file, name, &found))
        return -1;
    while (i < sizeof elements / sizeof elements[0] && strcmp(found.descr, elements[i].descr) != 0)
        i++;
    if (i == sizeof elements / sizeof elements[0]) {
        warnx("%s: an array of '%s'; ids of tokens are int32 ('<i4'), int64, uint16 or uint32", name, found.descr);
        return -1;
    }
    const size_t size = elements[i].size;
    /* Room for int32 in any case. */
    if (check_shape(name, &found, size < sizeof(int32_t) ? sizeof(int32_t) : size, "tokens", array) ||
        read_elements(file, name, size, "tokens", array))
        return -1;
    if (size < sizeof(int32_t)) {
        void *larger = realloc(array->data, array->rows * array->columns * sizeof(int32_t));
        if (!larger) {
            warnx("%s: out of memory", name);
            return -1;
        }
        array->data = larger;
    }
    return convert_ids(name, size, vocabulary, array);
}

enum purpose { LOGITS, WORDS, IDS };

/* Opens, reads and closes. wish: of logits, or has the vocabulary of ids */
static int read_file(const char *path, enum purpose purpose, const npy_wish *wish, npy *array)
{
    int standard = strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    *array = (npy){0};
    FILE *file = standard ? stdin : fopen(path, "rb");
    if (!file) {
        warn("%s", name);
        return -1;
    }
    int failed = purpose == LOGITS  ? read_array(file, name, wish, array)
                 : purpose == WORDS ? read_words(file, name, array)
                                    : read_ids(file, name, (size_t)wish->vocabulary, array);
    if (!standard)
        fclose(file);
    if (failed) {
        free(array->data);
        array->data = NULL;
    }
    return failed;
}

int npy_read(const char *path, const npy_wish *wish, npy *array)
{
    return read_file(path, LOGITS, wish, array);
}

int npy_words_read(const char *path, npy_words *words)
{
    npy array;
    if (read_file(path, WORDS, NULL, &array))
        return -1;
    *words = (npy_words){array.rows, array.columns, array.data};
    return 0;
}

int npy_tokens_read(const char *path, size_t vocabulary, npy_tokens *tokens)
{
    npy array;
    const npy_wish wish = {.vocabulary = vocabulary};
    if (read_file(path, IDS, &wish, &array))
        return -1;
    *tokens = (npy_tokens){array.rows, array.columns, array.data};
    return 0;
}
