#include "grid.h"

#include <math.h>
#include <string.h>

#include "harness.h"

enum { FACTORS = 4, MOST_VALUES = 7 };
static const uint32_t factor_sizes[FACTORS] = {7, 6, 3, 6};

/* Which value each parameter takes in a combination; the last factor changes slowest. */
struct choice {
    uint32_t value[FACTORS];
};

static struct choice choose(uint32_t number)
{
    struct choice choice;
    for (uint32_t factor = 0; factor < FACTORS; factor++) {
        choice.value[factor] = number % factor_sizes[factor];
        number /= factor_sizes[factor];
    }
    return choice;
}

tombola_params grid_params(uint32_t number, uint32_t vocabulary)
{
    const uint32_t top_k[] = {0, 1, 2, 50, vocabulary - 1, vocabulary, vocabulary + 1};
    static const float top_p[] = {0.0f, 1e-6f, 0.5f, 0.9f, 0.999999f, 1.0f};
    static const float min_p[] = {0.0f, 0.05f, 1.0f};
    static const float temperature[] = {0.0f, 0.01f, 0.7f, 1.0f, 100.0f, INFINITY};
    struct choice choice = choose(number);
    tombola_params params = tombola_params_default();
    params.top_k = top_k[choice.value[0]];
    params.top_p = top_p[choice.value[1]];
    params.min_p = min_p[choice.value[2]];
    params.temperature = temperature[choice.value[3]];
    return params;
}

/* Pairs of values that have met. */
typedef unsigned char meetings[FACTORS][MOST_VALUES][FACTORS][MOST_VALUES];

/* How many pairs meet in a combination for the first time; notes them if told to. */
static uint32_t new_meetings(meetings met, uint32_t number, int note)
{
    struct choice choice = choose(number);
    uint32_t count = 0;
    for (uint32_t a = 0; a < FACTORS; a++) {
        for (uint32_t b = a + 1; b < FACTORS; b++) {
            unsigned char *pair = &met[a][choice.value[a]][b][choice.value[b]];
            count += !*pair;
            *pair = (unsigned char)(*pair || note);
        }
    }
    return count;
}

/* The combination in which the most pairs meet for the first time; GRID_SIZE if all have met. */
static uint32_t most_useful(meetings met)
{
    uint32_t best = GRID_SIZE, most = 0;
    for (uint32_t number = 0; number < GRID_SIZE; number++) {
        uint32_t count = new_meetings(met, number, 0);
        if (count > most) {
            most = count;
            best = number;
        }
    }
    return best;
}

size_t grid_cover(uint32_t *numbers, size_t wanted)
{
    meetings met;
    unsigned char taken[GRID_SIZE] = {0};
    size_t count = 0;
    memset(met, 0, sizeof met);
    for (uint32_t number = most_useful(met); number < GRID_SIZE; number = most_useful(met)) {
        new_meetings(met, number, 1);
        taken[number] = 1;
        count++;
    }
    uint64_t random = 1;
    while (count < wanted && count < GRID_SIZE) {
        uint32_t number = random_below(&random, GRID_SIZE);
        count += !taken[number];
        taken[number] = 1;
    }
    count = 0;
    for (uint32_t number = 0; number < GRID_SIZE; number++) {
        if (taken[number]) {
            numbers[count++] = number;
        }
    }
    return count;
}
