/* Texts as the ids of their tokens. */
#ifndef TOKEN_TEXTS_H
#define TOKEN_TEXTS_H

#include <stddef.h>
#include <stdint.h>

typedef struct token_text {
    int32_t *tokens;
    size_t count, prompt_length;
} token_text;

typedef struct token_texts {
    token_text *list;
    size_t count;
} token_texts;

/* From a file, or standard input for "-": where its name ends in .npy, an array, each row a text; else JSON lines, each
 * a list of ids or an object {"prompt": [...], "output": [...]}; empty lines do not count. Ids are below the
 * vocabulary. 0, or -1 with a message on standard error. Release them either way. */
int token_texts_read(const char *path, size_t vocabulary, token_texts *texts);

/* One text from "12,5,77". 0, or -1 where it is no such list, without a message. */
int token_texts_parse(const char *list, token_texts *texts);

void token_texts_release(token_texts *texts);

#endif
