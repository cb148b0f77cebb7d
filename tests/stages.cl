/* A kernel per piece of the stages, so that each is tested alone on the device. */
#include "top_k.clh"

kernel void philox_words(global const uint *input, global uint *output)
{
    size_t i = get_global_id(0);
    struct philox counter;
    for (int n = 0; n < 4; n++)
        counter.word[n] = input[6 * i + n];
    struct philox random = philox4x32_10(counter, input[6 * i + 4], input[6 * i + 5]);
    for (int n = 0; n < 4; n++)
        output[4 * i + n] = random.word[n];
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
kernel void gathered(global const stored *input, global ulong *output, global uint *tops)
{
    local struct workspace ws;
    local u64 places[BLOCK];
    struct row row = {input, tops, 0, BLOCK, 1, WIDTH};
    struct threshold all = {KEY_FIRST, ID_LAST};
    tops[0] = KEY_INFINITY;
    ws.count = 0;
    for (uint i = 0; i < BLOCK; i++)
        places[i] = NO_TOKEN;
    gather(&ws, places, ROOM, row, all);
    for (uint i = 0; i < BLOCK; i++)
        output[i] = places[i];
}
