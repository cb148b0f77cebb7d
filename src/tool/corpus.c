#include "corpus.h"

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "text.h"

int corpus_load(corpus *corpus, char *const *paths, size_t count)
{
    *corpus = (struct corpus){.words = words_create()};
    if (!corpus->words) {
        warnx("out of memory");
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        size_t length, before = corpus->tokens.count;
        char *text = text_file_read(paths[i], &length);
        if (!text)
            return -1;
        int failed = words_learn(corpus->words, text, length, WORDS_FILLED, &corpus->tokens);
        free(text);
        if (failed) {
            warnx("%s: out of memory", paths[i]);
            return -1;
        }
        if (corpus->tokens.count - before < 2) { /* an end alone, or not even that */
            warnx("%s: no words in it", paths[i]);
            return -1;
        }
    }
    if (corpus->tokens.count <= UINT32_MAX)
        corpus->ngram = ngram_train(corpus->tokens.ids, corpus->tokens.count, words_count(corpus->words));
    if (!corpus->ngram) {
        warnx("no memory for a model of %zu words", corpus->tokens.count);
        return -1;
    }
    return 0;
}

void corpus_release(corpus *corpus)
{
    ngram_release(corpus->ngram);
    words_release(corpus->words);
    free(corpus->tokens.ids);
}
