#include "block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "harness.h"

enum { GUARD = 64, GUARD_BYTE = 0xA5 };

void *block_make(struct block *block, enum block_kind kind, const void *own, size_t own_size, size_t size, size_t count)
{
    const size_t guard = kind == BLOCK_GUARDED ? GUARD : 0;
    const uint32_t struct_size = (uint32_t)size;
    block->kind = kind;
    block->bytes = size * count;
    block->memory = allocate(2 * guard + block->bytes, 1);
    block->structs = block->memory + guard;
    memset(block->memory, GUARD_BYTE, guard);
    memset(block->structs + block->bytes, GUARD_BYTE, guard);
    for (size_t i = 0; i < count; i++) {
        unsigned char *to = block->structs + i * size;
        memcpy(to, (const unsigned char *)own + i * own_size, size < own_size ? size : own_size);
        memcpy(to, &struct_size, size < sizeof struct_size ? size : sizeof struct_size);
    }
    return block->structs;
}

void expect_bytes(const void *bytes, size_t count, unsigned char value)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < count; i++)
        if (byte[i] != value)
            fail_msg("byte %zu of %zu is %#x, not %#x", i, count, byte[i], value);
}

void block_release(struct block *block)
{
    if (block->kind == BLOCK_GUARDED) {
        expect_bytes(block->memory, GUARD, GUARD_BYTE);
        expect_bytes(block->structs + block->bytes, GUARD, GUARD_BYTE);
    }
    free(block->memory);
}
