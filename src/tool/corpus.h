/* Text files, and the language model that is made of them. */
#ifndef CORPUS_H
#define CORPUS_H

#include <stddef.h>

#include "ngram.h"
#include "words.h"

typedef struct corpus {
    struct words *words;
    struct tokens tokens;
    struct ngram *ngram;
} corpus;

/* Reads the files and trains. 0, or -1 with a message on standard error; release it either way. */
int corpus_load(corpus *corpus, char *const *paths, size_t count);
void corpus_release(corpus *corpus);

#endif
