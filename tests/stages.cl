/* A kernel per piece of the stages, so that each is tested alone on the device. */
#include "philox.h"
#include "race.h"
#include "row.clh"

constant uint ascending[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

kernel void philox_answers(global const uint *input, global uint *output)
{
    size_t i = get_global_id(0);
    struct philox counter;
    for (int n = 0; n < 4; n++)
        counter.word[n] = input[6 * i + n];
    struct philox random = philox4x32_10(counter, input[6 * i + 4], input[6 * i + 5]);
    for (int n = 0; n < 4; n++)
        output[4 * i + n] = first_word(random.word[n]);
}

kernel void high_products(global const ulong *input, global ulong *output)
{
    size_t i = get_global_id(0);
    output[i] = multiply_high(input[2 * i], input[2 * i + 1]);
}

kernel void weights(global const float *input, global uint *output)
{
    size_t i = get_global_id(0) * WIDTH;
    JOIN(vstore, WIDTH)(weight(JOIN(vload, WIDTH)(0, input + i)), 0, output + i);
}

kernel void logarithms(global const float *input, global float *output)
{
    size_t i = get_global_id(0) * WIDTH;
    JOIN(vstore, WIDTH)(logarithm(JOIN(vload, WIDTH)(0, input + i)), 0, output + i);
}

/* The key of a value as it lies in memory, and the value that the key stands for. */
kernel void keys(global const stored *input, global uint *output, global float *back)
{
    size_t i = get_global_id(0) * WIDTH;
    words key = keys_of(widen(JOIN(vload, WIDTH)(0, input + i)));
    JOIN(vstore, WIDTH)(key, 0, output + i);
    JOIN(vstore, WIDTH)(floats_of(key_bits(key)), 0, back + i);
}

/* Gathers the tokens of a row of a block from key 0 on, told that there is room for ROOM of them, and gives back all of
 * the memory that it gathered into. */
#define ROOM 4
kernel void gathered(global const stored *input, global ulong *output, global uint *maxima)
{
    WORKSPACE(ws);
    local u64 ranks_memory[BLOCK];
    POINT_TO(u64, ranks, ranks_memory);
    struct row row = row_of(input, BLOCK, maxima, 0);
    maxima[0] = KEY_INFINITY;
    ws->count = 0;
    for (uint i = 0; i < BLOCK; i++)
        ranks[i] = NO_TOKEN;
    gather_window(ws, ranks, ROOM, &row, whole_window());
    for (uint i = 0; i < BLOCK; i++)
        output[i] = ranks[i];
}

/* The words of neighbouring calls of one use, as they lie: the first words of all of them, then the second ones. */
kernel void words_of_calls(global const ulong *input, global uint *output)
{
    size_t i = get_global_id(0);
    words calls = (words)((uint)input[5 * i]) + JOIN(vload, WIDTH)(0, ascending);
    struct philox random =
        random_words(calls, (uint)input[5 * i + 1], input[5 * i + 2], input[5 * i + 3], (uint)input[5 * i + 4]);
    for (int n = 0; n < 4; n++)
        JOIN(vstore, WIDTH)(random.word[n], 0, output + (4 * i + n) * WIDTH);
}

/* Times of runners: vectors of high and low bits and of the two parts of weights, one after another. */
kernel void runner_times(global const uint *input, global float *output, global float *weights)
{
    size_t i = get_global_id(0);
    words high = JOIN(vload, WIDTH)(4 * i, input), low = JOIN(vload, WIDTH)(4 * i + 1, input);
    floats weight = runner_weight(JOIN(vload, WIDTH)(4 * i + 2, input), JOIN(vload, WIDTH)(4 * i + 3, input));
    JOIN(vstore, WIDTH)(runner_time(exponential(high, low), weight), i, output);
    JOIN(vstore, WIDTH)(weight, i, weights);
}

kernel void arrivals(global const uint *input, global long *output)
{
    size_t i = get_global_id(0);
    output[i] = block_arrival(input[2 * i], as_float(input[2 * i + 1]));
}
