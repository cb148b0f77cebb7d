/* Keeps the folder of compiled kernels within bounds. */
#ifndef TOMBOLA_SRC_KERNEL_CACHE_SWEEP_H
#define TOMBOLA_SRC_KERNEL_CACHE_SWEEP_H

#define KERNEL_CACHE_ENTRIES 128
#define KERNEL_CACHE_BYTES ((unsigned long long)256 << 20)
#define KERNEL_CACHE_DRAFT_SECONDS 3600
#define KERNEL_CACHE_NAME_LENGTH 32 /* of an entry, hexadecimal digits; a draft has a dot and more behind them */

/* Removes the entries that were used longest ago, until there are at most so many with at most so many bytes, and
 * drafts that nobody can still be writing. Whatever else lies in the folder is left alone.
 * folder  open; kept  the entry that stays in any case */
void kernel_cache_sweep(int folder, const char *kept);

#endif
