#include "text.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As long as the file and a NUL; free() it. NULL with a message. */
static char *read_bytes(const char *path, size_t *length)
{
    char *text = NULL;
    size_t size = 0, capacity = 0;
    int failed = -1;
    FILE *file = fopen(path, "rb");
    if (!file) {
        warn("%s", path);
        return NULL;
    }
    do {
        if (capacity - size < 2) {
            capacity = capacity ? 2 * capacity : 65536;
            char *larger = realloc(text, capacity);
            if (!larger) {
                warn("%s", path);
                goto done;
            }
            text = larger;
        }
        size += fread(text + size, 1, capacity - size - 1, file);
        if (ferror(file)) {
            warn("%s", path);
            goto done;
        }
    } while (!feof(file));
    text[size] = '\0';
    *length = size;
    failed = 0;
done:
    fclose(file);
    if (failed) {
        free(text);
        text = NULL;
    }
    return text;
}

int text_has_utf16_mark(const char *text, size_t length)
{
    return length >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0);
}

/* Without a mark, Latin letters give it away: every other byte is 0, be it the first or the second of two. */
static int is_utf16(const char *text, size_t length)
{
    size_t nuls[2] = {0, 0};
    for (size_t i = 0; i < length; i++)
        nuls[i % 2] += text[i] == '\0';
    size_t most = nuls[0] > nuls[1] ? nuls[0] : nuls[1], least = nuls[0] + nuls[1] - most;
    return text_has_utf16_mark(text, length) ||
           (length > 0 && length % 2 == 0 && 3 * most > length && 8 * least < most);
}

char *text_after_mark(char *text)
{
    return strncmp(text, TEXT_MARK, strlen(TEXT_MARK)) == 0 ? text + strlen(TEXT_MARK) : text;
}

char *text_file_read(const char *path, size_t *length)
{
    char *text = read_bytes(path, length);
    if (!text)
        return NULL;
    if (is_utf16(text, *length)) {
        warnx("%s: " TEXT_UTF16, path);
        free(text);
        return NULL;
    }
    size_t mark = (size_t)(text_after_mark(text) - text);
    *length -= mark;
    memmove(text, text + mark, *length + 1);
    return text;
}

/* Bytes of the UTF-8 character at the start of so many bytes of text, 0 if it is none. */
static size_t character_length(const unsigned char *text, size_t left)
{
    size_t length = text[0] < 0x80   ? 1
                    : text[0] < 0xC2 ? 0
                    : text[0] < 0xE0 ? 2
                    : text[0] < 0xF0 ? 3
                    : text[0] < 0xF5 ? 4
                                     : 0;
    if (length > left)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    }
    if (length > 2) {
        unsigned start = (unsigned)text[0] << 8 | text[1]; /* over-long forms, surrogates, above U+10FFFF */
        if (start < 0xE0A0 || (start >= 0xEDA0 && start < 0xEE00) || (start >= 0xF000 && start < 0xF090) ||
            start > 0xF48F)
            return 0;
    }
    return length;
}

/* Where the first byte stands that is a NUL or begins no UTF-8 character; `length` if there is none. */
static size_t find_bad(const char *text, size_t length)
{
    size_t at = 0, bytes = 1;
    while (at < length && text[at] != '\0' && bytes > 0) {
        bytes = character_length((const unsigned char *)text + at, length - at);
        at += bytes;
    }
    return at;
}

int text_check(const char *name, const char *text, size_t length)
{
    size_t bad = find_bad(text, length), line = 1;
    if (bad == length)
        return 0;
    for (size_t i = 0; i < bad; i++) /* CR LF is one break */
        line += text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n');
    warnx("%s: line %zu: %s", name, line, text[bad] == '\0' ? "a NUL byte" : "not UTF-8");
    return -1;
}
