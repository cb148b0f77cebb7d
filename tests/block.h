/* Structs of a caller whose header gives them another size than this library's: fields fewer, or more. */
#ifndef BLOCK_H
#define BLOCK_H

#include <stddef.h>

/* Memory for an array of them, and for not a byte more. Of either kind: from the heap, where a sanitizer sees what goes
 * beyond it, or between bytes that are looked at once it is released. */
enum block_kind { BLOCK_EXACT, BLOCK_GUARDED, BLOCK_KINDS };

struct block {
    unsigned char *memory, *structs;
    size_t bytes;
    enum block_kind kind;
};

/* An array of `count` structs, each of `size` bytes and with that struct_size: they begin as those of `own` do, which
 * are `own_size` apart, and end in zeros where they are larger. */
void *block_make(struct block *block, enum block_kind kind, const void *own, size_t own_size, size_t size,
                 size_t count);

/* Fails if anything was written around it. */
void block_release(struct block *block);

/* Fails unless all of these bytes have the value. */
void expect_bytes(const void *bytes, size_t count, unsigned char value);

#endif
