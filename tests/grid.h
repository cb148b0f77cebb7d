/* The grid of parameters that rows are drawn with, and pairwise covers of it. */
#ifndef GRID_H
#define GRID_H

#include <stddef.h>
#include <stdint.h>

#include "tombola.h"

/* Every value of top-k, top-p, min-p, top-n-sigma, XTC, method, filters and temperature with every other. */
#define GRID_SIZE (7u * 6u * 3u * 3u * 3u * 3u * 2u * 4u * 6u)

/* Combination `number` of the grid for a vocabulary; those of one temperature lie side by side. */
tombola_params grid_params(uint32_t number, uint32_t vocabulary);

/* Chooses combinations in which each two values of two parameters meet. Writes their numbers in increasing order and
 * returns how many.
 * numbers  room for GRID_SIZE */
size_t grid_cover(uint32_t *numbers);

/* Adds other combinations by chance until there are `wanted`, in increasing order again; returns how many there are. */
size_t grid_extend(uint32_t *numbers, size_t count, size_t wanted, uint64_t *random);

#endif
