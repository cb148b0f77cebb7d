/* Options of the OpenCL compiler that would let it change tokens. */
#ifndef TOMBOLA_SRC_BUILD_OPTIONS_H
#define TOMBOLA_SRC_BUILD_OPTIONS_H

#include "tombola.h"

/* The caller's, which may be NULL: fails with TOMBOLA_INVALID_ARGUMENT where one of them relaxes arithmetic. */
tombola_status build_options_check(const char *options, tombola_error *error);

/* Those that the environment adds behind the library's back, for drivers that are known to read some: fails with
 * TOMBOLA_BUILD_FAILED likewise. */
tombola_status build_options_check_environment(const char *platform, tombola_error *error);

#endif
