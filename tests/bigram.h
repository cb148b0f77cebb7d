/* A bigram language model of a short text, for tests that generate something like text: how likely each word is after
 * the one before it.
 *
 * As Witten and Bell have it: with c the number of times that a word was seen and t the number of different words after
 * it,
 *     p(next | word) = (times next came after word + t * p(next)) / (c + t)
 * where p(next), of all words, is interpolated with all ids alike in the same way. Ids that stand for no word of the
 * text have a small share of it too, as in real models. */
#ifndef BIGRAM_H
#define BIGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "tombola.h"

enum { BIGRAM_VOCABULARY = 1000, BIGRAM_END = 0 /* the end of the text, and what stands before its beginning */ };

/* The id of a word of the text; dies where there is no such word. */
int32_t bigram_word(const char *word);

/* Writes the logarithms of all probabilities after a sequence of tokens. */
void bigram_predict(const int32_t *tokens, size_t count, float *row);

/* The model, for generate. */
tombola_model bigram_model(void);

#endif
