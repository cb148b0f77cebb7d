/* An n-gram language model: how likely each token of a vocabulary is after the tokens before it.
 *
 * Interpolated Witten-Bell backoff: with c the number of times that a context was seen and t the number
 * of different tokens after it,
 *     p(token | context) = (times token was seen after it + t * p(token | shorter context)) / (c + t)
 * down to the empty context, which backs off to all tokens alike. No context reaches across WORDS_END:
 * each text starts afresh. */
#ifndef TOMBOLA_TOOL_NGRAM_H
#define TOMBOLA_TOOL_NGRAM_H

#include <stddef.h>
#include <stdint.h>

#define NGRAM_ORDER 5 /* a token and the four before it */

struct ngram;

/* Learns from `count` tokens, at least 1, each below `vocabulary`, which is at least 3; tokens must
 * outlive the model and end with WORDS_END. NULL without memory. */
struct ngram *ngram_train(const int32_t *tokens, size_t count, size_t vocabulary);
void ngram_release(struct ngram *ngram); /* NULL is allowed */

/* Writes `vocabulary` log-probabilities of the token after `context`, of which the last NGRAM_ORDER - 1
 * count, and not even these before a WORDS_END. All are finite but that of WORDS_UNKNOWN, -inf. An empty
 * context is like one that ends with WORDS_END. */
void ngram_predict(struct ngram *ngram, const int32_t *context, size_t length, float *row);

#endif
