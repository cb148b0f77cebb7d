#include "ngram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

#define MAX_CONTEXT (NGRAM_ORDER - 1)

struct ngram {
    const int32_t *tokens;
    size_t count;
    size_t vocabulary;
    /* Places of all tokens, sorted by the token before each, then the one before that, and so on: the
     * places after any context stand together, and those after a longer one among them. */
    uint32_t *places;
    float *unigram; /* log-probabilities after the empty context */
    /* For one prediction: the probability of each token seen, and the list of these. */
    double *seen;
    int32_t *list;
};

/* The places after one context, from places[first] to before places[end], and how different the tokens are. */
struct range {
    size_t first;
    size_t end;
    size_t kinds;
};

/* The token `back` before a place. The first text starts after an end, as every other does. */
static int32_t before(const struct ngram *ngram, size_t place, size_t back)
{
    return place >= back ? ngram->tokens[place - back] : WORDS_END;
}

/* One round of a radix sort: a stable counting sort by the token `back` places before. */
static void sort_by(const struct ngram *ngram, size_t back, const uint32_t *input, uint32_t *output, size_t *starts)
{
    memset(starts, 0, (ngram->vocabulary + 1) * sizeof *starts);
    for (size_t i = 0; i < ngram->count; i++)
        starts[before(ngram, i, back) + 1]++;
    for (size_t token = 0; token < ngram->vocabulary; token++)
        starts[token + 1] += starts[token];
    for (size_t i = 0; i < ngram->count; i++)
        output[starts[before(ngram, input[i], back)]++] = input[i];
}

/* Returns 0, or -1 without memory. */
static int sort_places(struct ngram *ngram)
{
    uint32_t *spare = malloc(ngram->count * sizeof *spare);
    size_t *starts = malloc((ngram->vocabulary + 1) * sizeof *starts);
    if (spare && starts) {
        for (size_t i = 0; i < ngram->count; i++)
            ngram->places[i] = (uint32_t)i;
        for (size_t back = MAX_CONTEXT; back > 0; back--) {
            uint32_t *sorted = spare;
            sort_by(ngram, back, ngram->places, sorted, starts);
            spare = ngram->places;
            ngram->places = sorted;
        }
    }
    int failed = !spare || !starts;
    free(spare);
    free(starts);
    return failed ? -1 : 0;
}

/* The empty context: counts, interpolated with all tokens alike. */
static void train_unigram(struct ngram *ngram)
{
    size_t kinds = 0;
    memset(ngram->seen, 0, ngram->vocabulary * sizeof *ngram->seen);
    for (size_t i = 0; i < ngram->count; i++) {
        kinds += ngram->seen[ngram->tokens[i]] == 0;
        ngram->seen[ngram->tokens[i]]++;
    }
    double even = (double)kinds / (double)(ngram->vocabulary - 1); /* WORDS_UNKNOWN has no share */
    for (size_t token = 0; token < ngram->vocabulary; token++)
        ngram->unigram[token] = (float)log((ngram->seen[token] + even) / (double)(ngram->count + kinds));
    ngram->unigram[WORDS_UNKNOWN] = -INFINITY;
    memset(ngram->seen, 0, ngram->vocabulary * sizeof *ngram->seen);
}

struct ngram *ngram_train(const int32_t *tokens, size_t count, size_t vocabulary)
{
    struct ngram *ngram = calloc(1, sizeof *ngram);
    if (!ngram)
        return NULL;
    ngram->tokens = tokens;
    ngram->count = count;
    ngram->vocabulary = vocabulary;
    ngram->places = malloc(count * sizeof *ngram->places);
    ngram->unigram = malloc(vocabulary * sizeof *ngram->unigram);
    ngram->seen = malloc(vocabulary * sizeof *ngram->seen);
    ngram->list = malloc(vocabulary * sizeof *ngram->list);
    if (!ngram->places || !ngram->unigram || !ngram->seen || !ngram->list || sort_places(ngram) < 0) {
        ngram_release(ngram);
        return NULL;
    }
    train_unigram(ngram);
    return ngram;
}

void ngram_release(struct ngram *ngram)
{
    if (!ngram)
        return;
    free(ngram->places);
    free(ngram->unigram);
    free(ngram->seen);
    free(ngram->list);
    free(ngram);
}

/* The first of places[first..end) whose token `back` before is `token` or larger. */
static size_t lower_bound(const struct ngram *ngram, size_t first, size_t end, size_t back, int32_t token)
{
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (before(ngram, ngram->places[middle], back) < token)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* Finds the places after the last 1, 2, ... tokens of the context. Returns how many of these were seen. */
static size_t find_ranges(const struct ngram *ngram, const int32_t *context, size_t length, struct range *ranges)
{
    size_t first = 0, end = ngram->count, depth = 0;
    while (depth < MAX_CONTEXT && depth <= length) {
        int32_t token = depth < length ? context[length - 1 - depth] : WORDS_END;
        first = lower_bound(ngram, first, end, depth + 1, token);
        end = lower_bound(ngram, first, end, depth + 1, token + 1);
        if (first == end)
            break;
        ranges[depth++] = (struct range){first, end, 0};
        if (token == WORDS_END)
            break;
    }
    return depth;
}

/* The place after `at` that follows the context of this depth, but no longer one. */
static size_t skip_longer(const struct range *ranges, size_t depth, size_t deepest, size_t at)
{
    return depth < deepest && at == ranges[depth + 1].first ? ranges[depth + 1].end : at;
}

/* Lists the different tokens after the context, and how many there are in each range. */
static size_t list_tokens(struct ngram *ngram, struct range *ranges, size_t depths)
{
    size_t listed = 0;
    for (size_t depth = depths; depth-- > 0;) {
        size_t at = skip_longer(ranges, depth, depths - 1, ranges[depth].first);
        while (at < ranges[depth].end) {
            int32_t token = ngram->tokens[ngram->places[at]];
            if (ngram->seen[token] == 0) {
                ngram->seen[token] = exp((double)ngram->unigram[token]);
                ngram->list[listed++] = token;
            }
            at = skip_longer(ranges, depth, depths - 1, at + 1);
        }
        ranges[depth].kinds = listed;
    }
    return listed;
}

void ngram_predict(struct ngram *ngram, const int32_t *context, size_t length, float *row)
{
    struct range ranges[MAX_CONTEXT];
    size_t depths = find_ranges(ngram, context, length, ranges);
    size_t listed = list_tokens(ngram, ranges, depths);

    double share = 1;         /* what the contexts so far leave to shorter ones */
    double once[MAX_CONTEXT]; /* of the probability, for each time that a token was seen in a range */
    for (size_t depth = depths; depth-- > 0;) {
        double times = (double)(ranges[depth].end - ranges[depth].first), kinds = (double)ranges[depth].kinds;
        once[depth] = share / (times + kinds);
        share *= kinds / (times + kinds);
    }

    float shift = (float)log(share);
    for (size_t token = 0; token < ngram->vocabulary; token++)
        row[token] = ngram->unigram[token] + shift;

    for (size_t i = 0; i < listed; i++)
        ngram->seen[ngram->list[i]] *= share;
    double times_all = 0; /* a place in one range is in those of all shorter contexts too */
    for (size_t depth = 0; depth < depths; depth++) {
        times_all += once[depth];
        size_t at = skip_longer(ranges, depth, depths - 1, ranges[depth].first);
        while (at < ranges[depth].end) {
            ngram->seen[ngram->tokens[ngram->places[at]]] += times_all;
            at = skip_longer(ranges, depth, depths - 1, at + 1);
        }
    }
    for (size_t i = 0; i < listed; i++) {
        int32_t token = ngram->list[i];
        row[token] = (float)log(ngram->seen[token]);
        ngram->seen[token] = 0;
    }
}
