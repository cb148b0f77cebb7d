/* What in a process's surroundings keeps OpenCL's drivers from working. Each writes a clause without a full stop, cut
 * to fit, and gives 1; or 0 where all is well. They leave no trace. */
#ifndef TOMBOLA_SRC_SURROUNDINGS_H
#define TOMBOLA_SRC_SURROUNDINGS_H

#include <stddef.h>

/* Fewer files can be opened than a driver needs to load and to compile. */
int surroundings_lack_files(char *clause, size_t size);

/* The folder where PoCL puts what it compiles can't be made or written. */
int surroundings_lack_pocl_cache(char *clause, size_t size);

/* A variable tells the platform's driver which devices to offer. */
int surroundings_choose_devices(const char *platform, char *clause, size_t size);

#endif
