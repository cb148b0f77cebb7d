/* The OpenCL C text of all kernels, made from kernels/ when the library is built. */
#ifndef TOMBOLA_KERNEL_TEXT_H
#define TOMBOLA_KERNEL_TEXT_H

extern const char tombola_kernel_text[];
extern const char tombola_shard_text[]; /* those of shards */

#endif
