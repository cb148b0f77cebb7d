#include "sized.h"

#include "error.h"

#include <string.h>

/* No struct is smaller, and none comes near the largest: a size outside is memory that nobody has set. */
#define SMALLEST 8u
#define LARGEST 4096u

uint32_t sized_size(const void *theirs)
{
    uint32_t size;
    memcpy(&size, theirs, sizeof size);
    return size;
}

int sized_is_one(size_t size)
{
    return size >= SMALLEST && size <= LARGEST;
}

tombola_status sized_read(const char *name, const char *maker, void *own, size_t own_size, const void *theirs,
                          tombola_error *error)
{
    const unsigned char *bytes = theirs;
    uint32_t size = sized_size(theirs);
    if (!sized_is_one(size))
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "%s.struct_size is %lu: start from %s()", name,
                    (unsigned long)size, maker);
    for (size_t i = own_size; i < size; i++)
        if (bytes[i])
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "%s has fields that this library, version %s, is too old to know: byte %zu of %lu is not 0",
                        name, tombola_version_string(), i, (unsigned long)size);
    uint32_t own_struct_size = sized_size(own);
    memcpy(own, theirs, size < own_size ? size : own_size);
    memcpy(own, &own_struct_size, sizeof own_struct_size);
    return TOMBOLA_OK;
}

void sized_write(void *theirs, const void *own, size_t own_size)
{
    uint32_t size = sized_size(theirs);
    if (!sized_is_one(size))
        return;
    memcpy((char *)theirs + sizeof size, (const char *)own + sizeof size,
           (size < own_size ? size : own_size) - sizeof size);
}
