#include "corpus.h"

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

char *corpus_file_read(const char *path, size_t *length)
{
    char *text = NULL;
    size_t size = 0, capacity = 0;
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
                goto failed;
            }
            text = larger;
        }
        size += fread(text + size, 1, capacity - size - 1, file);
        if (ferror(file)) {
            warn("%s", path);
            goto failed;
        }
    } while (!feof(file));
    fclose(file);
    text[size] = '\0';
    *length = size;
    return text;

failed:
    fclose(file);
    free(text);
    return NULL;
}

int corpus_load(corpus *corpus, char *const *paths, size_t count)
{
    *corpus = (struct corpus){.words = words_create()};
    if (!corpus->words) {
        warnx("out of memory");
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        size_t length, before = corpus->tokens.count;
        char *text = corpus_file_read(paths[i], &length);
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
