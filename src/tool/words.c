#include "words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((element)->id = -1)
#include <uthash.h>

/* A line that would pass this column with the next line's first word was wrapped for want of room... */
#define FILL_COLUMN 64
/* ...unless it is so long that nobody wrapped it. */
#define LONGEST_FILLED 80
#define TAB 8
#define DELETE 0x7F /* the one control character above the space */
#define INDENT "    "

struct word {
    int32_t id;
    UT_hash_handle hh;
    char text[];
};

struct words {
    struct word *table;
    struct word **by_id;
    size_t count;
    size_t capacity;
};

static int add_token(struct tokens *tokens, int32_t id)
{
    if (tokens->count == tokens->capacity) {
        size_t capacity = tokens->capacity ? 2 * tokens->capacity : 256;
        int32_t *ids = realloc(tokens->ids, capacity * sizeof *ids);
        if (!ids)
            return -1;
        tokens->ids = ids;
        tokens->capacity = capacity;
    }
    tokens->ids[tokens->count++] = id;
    return 0;
}

static struct word *find_word(const struct words *words, const char *text, size_t length)
{
    struct word *word;
    HASH_FIND(hh, words->table, text, length, word);
    return word;
}

/* NULL without memory. */
static struct word *add_word(struct words *words, const char *text, size_t length)
{
    if (words->count == words->capacity) {
        size_t capacity = words->capacity ? 2 * words->capacity : 1024;
        struct word **by_id = realloc(words->by_id, capacity * sizeof *by_id);
        if (!by_id)
            return NULL;
        words->by_id = by_id;
        words->capacity = capacity;
    }
    struct word *word = calloc(1, sizeof *word + length + 1);
    if (!word)
        return NULL;
    memcpy(word->text, text, length);
    word->id = (int32_t)words->count;
    HASH_ADD_KEYPTR(hh, words->table, word->text, length, word);
    if (word->id < 0) {
        free(word);
        return NULL;
    }
    words->by_id[words->count++] = word;
    return word;
}

struct words *words_create(void)
{
    struct words *words = calloc(1, sizeof *words);
    if (!words)
        return NULL;
    /* In the order of their ids. */
    if (!add_word(words, "\n%\n", 3) || !add_word(words, " ?", 0)) {
        words_release(words);
        return NULL;
    }
    return words;
}

void words_release(struct words *words)
{
    if (!words)
        return;
    HASH_CLEAR(hh, words->table);
    for (size_t i = 0; i < words->count; i++)
        free(words->by_id[i]);
    free(words->by_id);
    free(words);
}

size_t words_count(const struct words *words)
{
    return words->count;
}

const char *words_text(const struct words *words, int32_t id)
{
    return id == WORDS_UNKNOWN ? " ?" : words->by_id[id]->text;
}

size_t words_character_length(const unsigned char *text, size_t left)
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

/* Copies text without control characters and with ? for what is not UTF-8, so that any of it can be
 * printed. A character overstruck by backspace and another goes. Returns the length. */
static size_t clean(const char *text, size_t length, char *output)
{
    size_t written = 0;
    for (size_t at = 0; at < length;) {
        const unsigned char *c = (const unsigned char *)text + at;
        size_t bytes = words_character_length(c, length - at);
        if (bytes == 0) {
            output[written++] = '?';
            at++;
        } else if (bytes > 1 || (*c >= ' ' && *c != DELETE) || *c == '\n' || *c == '\t') {
            memcpy(output + written, c, bytes);
            written += bytes;
            at += bytes;
        } else {
            if (*c == '\b' && written > 0 && output[written - 1] != '\n') {
                do
                    written--;
                while (written > 0 && ((unsigned char)output[written] & 0xC0) == 0x80);
            }
            at++;
        }
    }
    return written;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* A line of a text, its end trimmed. */
struct line {
    const char *start; /* the first character that is not blank */
    const char *end;
    size_t indent;  /* columns */
    size_t columns; /* indent included */
};

static struct line read_line(const char *start, const char *end)
{
    struct line line = {start, end, 0, 0};
    while (line.end > start && is_blank(line.end[-1]))
        line.end--;
    for (const char *c = start; c < line.end; c++) {
        line.columns += *c == '\t' ? TAB - line.columns % TAB : 1;
        if (line.start == c && is_blank(*c)) {
            line.start++;
            line.indent = line.columns;
        }
    }
    return line;
}

/* Whether the break between two lines only made room. */
static int is_filled(const struct line *line, const struct line *next)
{
    const char *end = next->start;
    while (end < next->end && !is_blank(*end))
        end++;
    return line->indent == next->indent && line->columns <= LONGEST_FILLED &&
           line->columns + 1 + (size_t)(end - next->start) > FILL_COLUMN;
}

/* Rewrites clean text with one space for blanks between words, "\n" or "\n\n" for a break, INDENT after
 * it where the new line is indented, and "\n%\n" between texts. What it writes is cut into tokens as it
 * stands. Returns the length, at most 2 * length. */
static size_t arrange(const char *text, size_t length, enum words_lines lines, char *output)
{
    char *out = output;
    struct line last = {0};
    int first = 1; /* of its text */
    int blank = 0; /* an empty line came before */
    for (const char *at = text, *end; at < text + length; at = end + 1) {
        end = memchr(at, '\n', (size_t)(text + length - at));
        if (!end)
            end = text + length;
        struct line line = read_line(at, end);
        if (line.start == line.end) {
            blank = 1;
            continue;
        }
        if (line.end - at == 1 && *at == '%') {
            if (!first)
                out = (char *)memcpy(out, "\n%\n", 3) + 3;
            first = 1;
            continue;
        }
        if (!first && !blank && lines == WORDS_FILLED && is_filled(&last, &line)) {
            *out++ = ' ';
        } else if (!first) {
            *out++ = '\n';
            if (blank)
                *out++ = '\n';
            if (line.indent > 0)
                out = (char *)memcpy(out, INDENT, sizeof INDENT - 1) + sizeof INDENT - 1;
        }
        for (const char *c = line.start; c < line.end; c++) {
            if (!is_blank(*c))
                *out++ = *c;
            else if (out[-1] != ' ')
                *out++ = ' ';
        }
        last = line;
        first = blank = 0;
    }
    return (size_t)(out - output);
}

static int is_word(unsigned char c)
{
    return isalnum(c) || c >= 0x80;
}

/* Length of the token at the start of arranged text: a break, or a word or a run of one punctuation
 * mark, with the space before it. don't, baby-sitter, 3.5 and 1,000 are words. */
static size_t token_length(const char *text, size_t left)
{
    const unsigned char *c = (const unsigned char *)text;
    size_t length = 0;
    if (c[0] == '\n') {
        if (left >= 3 && memcmp(text, "\n%\n", 3) == 0)
            return 3;
        while (length < left && isspace(c[length]))
            length++;
        return length;
    }
    if (c[0] == ' ' && left > 1)
        length = 1;
    unsigned char start = c[length++];
    if (!is_word(start)) {
        while (length < left && c[length] == start)
            length++;
        return length;
    }
    for (; length < left; length++) {
        if (is_word(c[length]))
            continue;
        if (length + 1 == left || !is_word(c[length + 1]) || !strchr("'-.,", c[length]))
            break;
        if (c[length] == ',' && !(isdigit(c[length - 1]) && isdigit(c[length + 1])))
            break;
    }
    return length;
}

/* The arranged form of a text, to be freed; NULL without memory. */
static char *prepare(const char *text, size_t length, enum words_lines lines, size_t *prepared)
{
    char *cleaned = malloc(length + 1);
    char *arranged = malloc(2 * length + 1);
    if (cleaned && arranged)
        *prepared = arrange(cleaned, clean(text, length, cleaned), lines, arranged);
    else {
        free(arranged);
        arranged = NULL;
    }
    free(cleaned);
    return arranged;
}

int words_learn(struct words *words, const char *text, size_t length, enum words_lines lines, struct tokens *tokens)
{
    size_t end = 0, bytes;
    char *arranged = prepare(text, length, lines, &end);
    int failed = !arranged;
    for (size_t at = 0; at < end && !failed; at += bytes) {
        bytes = token_length(arranged + at, end - at);
        struct word *word = find_word(words, arranged + at, bytes);
        if (!word)
            word = add_word(words, arranged + at, bytes);
        failed = !word || add_token(tokens, word->id) < 0;
    }
    free(arranged);
    if (!failed && (tokens->count == 0 || tokens->ids[tokens->count - 1] != WORDS_END))
        failed = add_token(tokens, WORDS_END) < 0;
    return failed ? -1 : 0;
}

/* The word with a space before it where text has none, and the other way round; NULL if unknown. */
static struct word *find_other_spacing(const struct words *words, const char *text, size_t length)
{
    if (text[0] == ' ')
        return find_word(words, text + 1, length - 1);
    char *spaced = malloc(length + 1);
    if (!spaced)
        return NULL;
    spaced[0] = ' ';
    memcpy(spaced + 1, text, length);
    struct word *word = find_word(words, spaced, length + 1);
    free(spaced);
    return word;
}

int words_find(const struct words *words, const char *text, struct tokens *tokens,
               void (*unknown)(void *user, const char *word, size_t length), void *user)
{
    size_t end = 0, bytes;
    char *arranged = prepare(text, strlen(text), WORDS_OWN, &end);
    int failed = !arranged;
    for (size_t at = 0; at < end && !failed; at += bytes) {
        bytes = token_length(arranged + at, end - at);
        const struct word *word = find_word(words, arranged + at, bytes);
        if (!word)
            word = find_other_spacing(words, arranged + at, bytes);
        size_t space = arranged[at] == ' ' && bytes > 1;
        if (!word && unknown)
            unknown(user, arranged + at + space, bytes - space);
        failed = add_token(tokens, word ? word->id : WORDS_UNKNOWN) < 0;
    }
    free(arranged);
    return failed ? -1 : 0;
}
