#include "bigram.h"

#include <math.h>
#include <string.h>

#include "harness.h"

enum { MOST_WORDS = 512, SCATTER = 7 /* has no factor in common with the vocabulary */ };

static const char TEXT[] =
    "the old miller had a barrel in the yard . in the barrel lay the names of the whole village . every autumn the "
    "miller turned the barrel and a child drew a name , and the name that the child drew was the name of the one who "
    "had to keep the bell . the bell was small and the tower was high , and the one who kept the bell had to climb "
    "the tower in the morning and in the evening . nobody wanted to keep the bell , but nobody said so . the baker "
    "said that the barrel was fair , and the smith said that the barrel was old , and the teacher said that the child "
    "was blind and that this was good . one year the child drew the name of the miller . the miller laughed and "
    "turned the barrel again , but the child drew the name of the miller again . so the miller climbed the tower in "
    "the morning , and the miller saw the river and the road and the roofs of the village , and the miller saw the "
    "sea , which nobody in the village had seen . in the evening the miller came down and said that the barrel was "
    "fair . the next autumn the whole village wanted to keep the bell , and the smith turned the barrel in the yard , "
    "and a child drew a name . it was the name of the child . so the child climbed the tower and heard the sea and "
    "the wind and the small bell , and did not come down in the evening . when the teacher climbed the tower in the "
    "morning the bell was gone . some say that the child took the bell to the sea . some say that the sea took the "
    "bell . the barrel is in the yard , and the miller turns the barrel when the wind is in the west , and nobody "
    "draws a name .";

static struct {
    char text[sizeof TEXT];
    const char *words[MOST_WORDS]; /* by the order in which they come first; that of BIGRAM_END is first */
    size_t word_count;
    int32_t ids[MOST_WORDS]; /* the text, with its two ends */
    size_t count;
    double shares[BIGRAM_VOCABULARY]; /* of all words */
} model;

static size_t place_of(const char *word)
{
    size_t place = 0;
    while (place < model.word_count && strcmp(model.words[place], word) != 0)
        place++;
    return place;
}

/* Words lie scattered over the vocabulary. */
static int32_t id_at(size_t place)
{
    return (int32_t)(place * SCATTER % BIGRAM_VOCABULARY);
}

static void add(const char *word)
{
    const size_t place = place_of(word);
    if (model.count == MOST_WORDS)
        die("the text of bigram.c is too long");
    if (place == model.word_count)
        model.words[model.word_count++] = word;
    model.ids[model.count++] = id_at(place);
}

static void learn(void)
{
    if (model.count > 0)
        return;
    memcpy(model.text, TEXT, sizeof TEXT);
    add("");
    for (char *word = strtok(model.text, " "); word; word = strtok(NULL, " "))
        add(word);
    add("");
    const double seen = (double)model.count - 1, kinds = (double)model.word_count;
    for (size_t id = 0; id < BIGRAM_VOCABULARY; id++)
        model.shares[id] = kinds / BIGRAM_VOCABULARY / (seen + kinds);
    for (size_t i = 1; i < model.count; i++)
        model.shares[model.ids[i]] += 1 / (seen + kinds);
}

int32_t bigram_word(const char *word)
{
    learn();
    const size_t place = place_of(word);
    if (place == model.word_count)
        die("the text of bigram.c has no word '%s'", word);
    return id_at(place);
}

void bigram_predict(const int32_t *tokens, size_t count, float *row)
{
    learn();
    const int32_t last = count > 0 ? tokens[count - 1] : BIGRAM_END;
    double times[BIGRAM_VOCABULARY] = {0}, all = 0, kinds = 0;
    for (size_t i = 1; i < model.count; i++)
        if (model.ids[i - 1] == last) {
            kinds += times[model.ids[i]] == 0;
            times[model.ids[i]]++;
            all++;
        }
    for (size_t id = 0; id < BIGRAM_VOCABULARY; id++) {
        const double share = all > 0 ? (times[id] + kinds * model.shares[id]) / (all + kinds) : model.shares[id];
        row[id] = (float)log(share);
    }
}

static int forward(void *user, const tombola_step *step)
{
    (void)user;
    for (size_t row = 0; row < step->rows; row++) {
        const tombola_sequence *sequence = &step->sequences[step->live[row]];
        bigram_predict(sequence->tokens, sequence->length, (float *)step->logits + row * step->stride);
    }
    return 0;
}

tombola_model bigram_model(void)
{
    tombola_model bigram = tombola_model_default();
    bigram.forward = forward;
    return bigram;
}
