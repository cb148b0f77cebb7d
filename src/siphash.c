#include "siphash.h"

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static void mix(uint64_t v[4], int rounds)
{
    while (rounds-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static uint64_t little_endian(const unsigned char *bytes, size_t count)
{
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)bytes[i] << 8 * i;
    return word;
}

static uint64_t fold(const uint64_t v[4])
{
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct siphash siphash(const void *data, size_t size)
{
    const uint64_t key[2] = {0x0706050403020100u, 0x0F0E0D0C0B0A0908u};
    uint64_t v[4] = {key[0] ^ 0x736F6D6570736575u, key[1] ^ 0x646F72616E646F6Du ^ 0xEE, /* 0xEE: for 128 bits */
                     key[0] ^ 0x6C7967656E657261u, key[1] ^ 0x7465646279746573u};
    const unsigned char *bytes = data;
    size_t whole = size & ~(size_t)7;
    for (size_t i = 0; i <= whole; i += 8) {
        uint64_t word =
            i < whole ? little_endian(bytes + i, 8) : little_endian(bytes + i, size - whole) | (uint64_t)size << 56;
        v[3] ^= word;
        mix(v, 2);
        v[0] ^= word;
    }
    struct siphash hash;
    v[2] ^= 0xEE;
    mix(v, 4);
    hash.low = fold(v);
    v[1] ^= 0xDD;
    mix(v, 4);
    hash.high = fold(v);
    return hash;
}
