#include "regions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "expect.h"
#include "faults.h"

enum { MOST_ARRAYS = 128 };

static struct {
    const char *start;
    size_t bytes;
} arrays[MOST_ARRAYS];
static size_t array_count;

void own(const void *start, size_t bytes)
{
    assert_less(array_count, MOST_ARRAYS);
    arrays[array_count].start = start;
    arrays[array_count++].bytes = bytes;
}

void own_whole(const struct whole *whole)
{
    for (enum array array = 0; array < ARRAYS; array++)
        if (whole->words[array])
            own(whole->words[array],
                whole->rows * array_width(array, whole->vocabulary, whole->candidate_count) * sizeof(uint32_t));
}

void begin_regions(void)
{
    faults_begin();
    array_count = 0;
}

void expect_regions(const char *who)
{
    for (size_t i = 0; i < faults_region_count(); i++) {
        const struct faults_region region = faults_region(i);
        if (region.overlaps)
            fail_msg("%s: buffer %zu, of %zu bytes at %p, overlaps another that is still there", who, i, region.bytes,
                     (const void *)region.start);
        for (size_t a = 0; a < array_count; a++) {
            const char *start = arrays[a].start, *end = start + arrays[a].bytes;
            if (region.start + region.bytes <= start || region.start >= end)
                continue;
            if (region.start < start || region.start + region.bytes > end)
                fail_msg("%s: buffer %zu, %zu bytes at %p, reaches out of array %zu, %zu bytes at %p", who, i,
                         region.bytes, (const void *)region.start, a, arrays[a].bytes, (const void *)start);
        }
    }
}
