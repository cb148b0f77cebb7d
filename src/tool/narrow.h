/* The 16-bit float types. */
#ifndef NARROW_H
#define NARROW_H

#include <stddef.h>
#include <stdint.h>

#include "tombola.h"

/* To the nearest, halves to even. Finite numbers stay finite: what lies beyond the
 * type's range becomes its largest number. */
uint16_t narrow_to_half(float x);
uint16_t narrow_to_bfloat(float x);
float widen_half(uint16_t bits);
float widen_bfloat(uint16_t bits);

/* The same of `count` logits of a type; those of binary32 are copied. */
void narrow_elements(const float *values, size_t count, tombola_type type, void *elements);
void widen_elements(const void *elements, size_t count, tombola_type type, float *values);

#endif
