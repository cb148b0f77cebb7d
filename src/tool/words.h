/* Words of a text as tokens, and back.
 *
 * A token carries the white space before it, as in " whale" or "\n\n", so that the text of
 * tokens is their concatenation: no rules for quotes and commas to get wrong. */
#ifndef TOMBOLA_TOOL_WORDS_H
#define TOMBOLA_TOOL_WORDS_H

#include <stddef.h>
#include <stdint.h>

#define WORDS_END 0     /* end of one text of many: in fortune files a line with % alone */
#define WORDS_UNKNOWN 1 /* a word that the vocabulary lacks: never learned, never to be drawn */

struct words;

struct tokens {
    int32_t *ids; /* to be freed by the owner */
    size_t count;
    size_t capacity;
};

/* How the lines of a text are broken. */
enum words_lines {
    WORDS_FILLED, /* wrapped to a width: a break that only makes room is a space */
    WORDS_OWN     /* every break is meant */
};

/* Bytes of the UTF-8 character at the start of so many bytes of text, 0 if it is none. */
size_t words_character_length(const unsigned char *text, size_t left);

/* NULL without memory. */
struct words *words_create(void);
void words_release(struct words *words); /* NULL is allowed */

/* The size of the vocabulary, which includes the two tokens above. */
size_t words_count(const struct words *words);

/* The text of a token, NUL-terminated, owned by words. WORDS_END is "\n%\n", WORDS_UNKNOWN " ?". */
const char *words_text(const struct words *words, int32_t id);

/* Appends the tokens of a text (bytes, UTF-8 or not) and adds new words to the vocabulary.
 * Ends with WORDS_END. Returns 0, or -1 without memory. */
int words_learn(struct words *words, const char *text, size_t length, enum words_lines lines, struct tokens *tokens);

/* Appends the tokens of a NUL-terminated text whose line breaks are its own. A word that is known only
 * with (or only without) a space before it counts as that; an unknown one is WORDS_UNKNOWN and given to
 * `unknown` (NULL for no reports) without its space. Returns 0, or -1 without memory. */
int words_find(const struct words *words, const char *text, struct tokens *tokens,
               void (*unknown)(void *user, const char *word, size_t length), void *user);

#endif
