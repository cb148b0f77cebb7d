/* What the library's buffers over host memory may lie over. For programs with faults.c in them. */
#ifndef REGIONS_H
#define REGIONS_H

#include "whole.h"

/* Counts buffers from nothing, in which nothing fails; and the caller has no arrays. */
void begin_regions(void);

/* An array of the caller's: whatever buffer touches it has to lie in it. */
void own(const void *start, size_t bytes);
void own_whole(const struct whole *whole);

/* Fails if any buffer since begin_regions reached out of an array, or overlapped another one that was still there. */
void expect_regions(const char *who);

#endif
